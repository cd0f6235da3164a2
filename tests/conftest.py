"""Fixtures that the tests of several packages use (`pytest --fixtures`), and how the suite is run."""

import asyncio.constants
import asyncio.format_helpers
import gc
import os
import signal
import sys
import traceback
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from traceback import FrameSummary, StackSummary
from types import FrameType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from globalchat.localcloud.server.cloud import LocalCloud
    from globalchat.localcloud.server.loopback import Certificates
    from tests.core.helpers.authority import Authority
    from tests.e2e.helpers.processes import Home
    from tests.localcloud.helpers.controlled_cloud import ControlledCloud


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts background jobs deaf to Ctrl-C, which what the tests start and interrupt would inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Collecting the tests makes what stays.
gc.set_threshold(50_000, 20, 20)


def _innermost_frames(f: FrameType | None = None, limit: int | None = None) -> StackSummary:
    """Return the innermost frames. (Its code replaces that of `traceback.extract_stack`.)"""
    frames = StackSummary()
    f = f or sys._getframe(1)
    while f is not None and len(frames) < (limit or 3):
        frames.append(FrameSummary(f.f_code.co_filename, f.f_lineno, f.f_code.co_name, lookup_line=False))
        f = f.f_back
    frames.reverse()
    return frames


# asyncio's debug mode notes where each future, handle and coroutine was made. With whole stacks, and a look
# at the file of each frame, that was a sixth of all CPU time. (Futures, which are in C, hold the function.)
traceback.extract_stack.__code__ = _innermost_frames.__code__
asyncio.format_helpers.extract_stack = traceback.extract_stack
asyncio.constants.DEBUG_STACK_DEPTH = 2  # type: ignore[misc]


LONGEST_FIRST = ("infra", "packaging", "bench", "measure", "docs", "e2e", "web", "cli", "ui", "client")
"""Folders whose files are handed to the workers first; the many small files of the others fill the end."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two workers more than processors (`-n auto`): many tests wait for processes and clocks."""
    return (os.cpu_count() or 1) + 2


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Give a worker a file of its folder, else of a folder without a worker, else the first one.

    Moto, the CDK, a fork server and the models of boto3 take seconds of every worker that needs them.
    """
    if config.getoption("dist") != "loadfile":
        return None

    from xdist.scheduler import LoadFileScheduling

    scheduler = LoadFileScheduling(config, log)
    assign_first = scheduler._assign_work_unit
    folders: dict[object, str] = {}

    def assign(worker: object) -> None:
        waiting: dict[str, str] = {}
        for file in scheduler.workqueue:
            waiting.setdefault(file.rpartition("/")[0], file)
        own = folders.get(worker)
        free = [folder for folder in waiting if folder not in folders.values()]
        folder = own if own in waiting else next(iter(free or waiting))
        assert folder is not None
        folders[worker] = folder
        scheduler.workqueue.move_to_end(waiting[folder], last=False)
        assign_first(worker)

    scheduler._assign_work_unit = assign
    return scheduler


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put long files first, so that no worker is left alone with one at the end (`--dist loadfile`)."""
    places = {folder: place for place, folder in enumerate(LONGEST_FIRST)}
    sizes = {path: path.stat().st_size for path in {item.path for item in items}}
    items.sort(key=lambda item: (places.get(item.nodeid.split("/")[1], len(places)), -sizes[item.path]))
    if "hypothesis" not in config.getoption("markexpr"):
        _draw_fewer_examples(items)


def _draw_fewer_examples(items: Iterable[pytest.Item]) -> None:
    """Draw a quarter of the examples of each property, half of each machine's; `make soak` draws them all."""
    from hypothesis import settings

    functions = [item for item in items if isinstance(item, pytest.Function)]
    properties = {item.function for item in functions}
    machines = {item.cls for item in functions if item.cls is not None}
    for owners, name, part in (
        (properties, "_hypothesis_internal_use_settings", 4),
        (machines, "settings", 2),
    ):
        for owner in owners:
            chosen = getattr(owner, name, None)
            if isinstance(chosen, settings):
                setattr(owner, name, settings(chosen, max_examples=max(20, chosen.max_examples // part)))


def pytest_collection_finish() -> None:
    """Collect garbage rarely, and refuse modules that load the CDK: a second and a Node process a worker."""
    if "jsii" in sys.modules:
        raise pytest.UsageError("A module of tests imports the CDK: let the tests that need it import it.")
    gc.freeze()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Leave the reports, which the process before the workers holds, out of the collections at its end."""
    # None in a worker: there pytest looks for what the tests left open.
    if session.config.getoption("numprocesses", None):
        gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def _what_was_there_before() -> None:
    """Keep what earlier tests imported out of garbage collections: each full one took up to 0.4 s."""
    gc.collect()
    gc.freeze()


# Fixtures import what they make, not this file: every test loads it, also those of what may be imported.


@pytest.fixture
def command_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let advice name the command as where it is on PATH, wherever the tests run."""
    from globalchat.core import interpreter

    monkeypatch.setattr(interpreter, "own_command", lambda: "globalchat")


@pytest.fixture
async def local_cloud() -> "AsyncIterator[LocalCloud]":
    """A local cloud in this process: both regions of the packaged templates, on free loopback ports."""
    from globalchat.localcloud.server.cloud import LocalCloud

    async with LocalCloud.open() as cloud:
        yield cloud


@pytest.fixture
async def controlled() -> "AsyncIterator[ControlledCloud]":
    """A local cloud in this process with a control port, whose deliveries a test can hold up."""
    from tests.localcloud.helpers.controlled_cloud import controlled_cloud

    async with controlled_cloud() as cloud:
        yield cloud


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> "Certificates":
    """A certificate for loopback, and the throw-away authority that signed it."""
    from globalchat.localcloud.server.loopback import make_certificates

    return make_certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def home(tmp_path: Path) -> "Iterator[Home]":
    """A user who runs commands as processes, with a local cloud of their own."""
    from tests.e2e.helpers.processes import Home

    home = Home(tmp_path / "home")
    yield home
    home.close()


@pytest.fixture(scope="module")
def home_of_module(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Home]":
    """The user of `shared_home`."""
    from tests.e2e.helpers.processes import Home

    home = Home(tmp_path_factory.mktemp("shared") / "home")
    yield home
    home.close()


@pytest.fixture
def shared_home(home_of_module: "Home") -> "Iterator[Home]":
    """A user whose cloud the tests of a module share: they must leave it as they found it."""
    yield home_of_module
    home_of_module.end_commands()


@pytest.fixture
def aws_settings(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Nothing of the tester's own AWS; credentials that are made up."""
    for name in os.environ:
        if name.startswith(("AWS_", "CDK_", "JSII_", "GLOBALCHAT_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    return monkeypatch


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> "Authority":
    """A certificate authority that nothing trusts by itself."""
    from tests.core.helpers.authority import Authority

    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def unset_proxies(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No variables of proxies but those that a test sets, and authorities that are read again."""
    from globalchat.core import tls

    for name in ("http", "https", "ws", "wss", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_PROXY".upper(), raising=False)
    tls.context.cache_clear()
    yield
    tls.context.cache_clear()

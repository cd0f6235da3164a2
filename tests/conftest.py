"""Fixtures that several rooms use."""

import gc
import os
import signal
import traceback
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from globalchat.localcloud.server.cloud import LocalCloud


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts background jobs deaf to Ctrl-C, which what the tests start and interrupt would inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# asyncio's debug mode notes where each future and task was made: with whole stacks, a sixth of all CPU time.
traceback.extract_stack.__defaults__ = (None, 3)


DEAR_FIRST = ("bench", "infra", "doctor", "measure", "docs", "e2e", "cli", "ui", "client")
"""Rooms whose files are handed to the workers first; the many small files of the others fill the end."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two workers more than processors (`-n auto`): many tests wait for processes and clocks."""
    return (os.cpu_count() or 1) + 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long files first, so that no worker is left alone with one at the end (`--dist loadfile`)."""
    places = {room: place for place, room in enumerate(DEAR_FIRST)}
    items.sort(key=lambda item: places.get(item.nodeid.split("/")[1], len(places)))


def pytest_collection_finish() -> None:
    """Collect garbage rarely."""
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(scope="module", autouse=True)
def _what_was_there_before() -> None:
    """Keep what earlier tests imported out of garbage collections: each full one took up to 0.4 s."""
    gc.collect()
    gc.freeze()


@pytest.fixture
async def local_cloud() -> "AsyncIterator[LocalCloud]":
    """A local cloud in this process: both regions of the packaged templates, on free loopback ports."""
    # Here, not above: this file is loaded by every test, also by those that say what may be imported.
    from globalchat.localcloud.server.cloud import LocalCloud

    async with LocalCloud.open() as cloud:
        yield cloud

"""Packages of the user's own, on `PYTHONPATH` and in the current folder, that have names like our modules."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from globalchat.ui.terminal_driver import open_page
from globalchat_infra.deployer.cdk import app_command, environment
from tests.e2e.helpers.processes import Home
from tests.e2e.helpers.pseudo_terminal import Terminal
from tests.paths import INFRA, JSII_CACHE, ROOT

pytestmark = pytest.mark.e2e

FOREIGN = "raise SystemExit(f'a foreign {__name__} was imported')\n"
PACKAGES = ("core", "infra", "client", "cli", "localcloud", "probe", "tui", "docs", "bench", "tests")
SHADOWS = (
    "asyncio",
    "http",
    "json",
    "logging",
    "random",
    "secrets",
    "shlex",
    "socket",
    "types",
    "webbrowser",
)
"""Modules of the standard library: on `PYTHONPATH` no Python starts with them, but in the current folder."""

HELP = """
import sys
import click
from globalchat.cli.main import root

def show(command, *path):
    root([*path, "--help"], prog_name="globalchat", standalone_mode=False)
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            show(command.get_command(context, name), *path, name)

show(root)
"""


def module_names() -> set[str]:
    """Return the base names of all our modules and packages, and of the packages that there used to be."""
    sources = [path for root in (ROOT / "tui", INFRA / "globalchat_infra") for path in root.rglob("*.py")]
    ours = {*(path.stem for path in sources), *(path.parent.name for path in sources), *PACKAGES}
    taken = {"__init__", "__main__", "globalchat", "globalchat_infra", *sys.stdlib_module_names}
    return ours - taken - packages_distributions().keys()


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a module or package of each such name; importing one ends the process."""
    folder = tmp_path_factory.mktemp("foreign")
    for name in module_names():
        file = folder / name / "__init__.py" if name in PACKAGES else folder / f"{name}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(FOREIGN, encoding="utf-8")
    (folder / "globalchat" / "client").mkdir(parents=True)  # a clone, say
    return folder


@pytest.fixture
def current(foreign: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with all of that, and with modules of the standard library."""
    folder = Path(shutil.copytree(foreign, tmp_path / "current"))
    for name in SHADOWS:
        (folder / f"{name}.py").write_text(FOREIGN, encoding="utf-8")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def user(foreign: Path, current: Path, tmp_path: Path) -> Iterator[Home]:
    """A user who works in such a folder, with such a `PYTHONPATH`."""
    variables = {"PYTHONPATH": f"{foreign}", "AWS_EC2_METADATA_DISABLED": "true"}
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        variables[name] = os.devnull
    home = Home(tmp_path / "home", environment=variables)
    yield home
    home.close()


def test_foreign_packages_are_found_by_this_python(user: Home) -> None:
    names = {"client", "cli", "tui", "probe", "infra", "localcloud", "core", "profiles"}
    assert names <= module_names()
    ran = subprocess.run(
        [sys.executable, "-P", "-c", "import infra"],
        env=user.env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stderr == "a foreign infra was imported\n"


def test_version_and_every_page_of_help_are_the_same(user: Home) -> None:
    version = user.run("--version", installed=True)
    assert (version.returncode, version.stderr) == (0, "")
    assert version.stdout.startswith("globalchat, version ")

    printed = [
        subprocess.run(
            [sys.executable, "-P", "-c", HELP], env=each, capture_output=True, text=True, check=True
        ).stdout
        for each in (user.env, {**user.env, "PYTHONPATH": ""})
    ]
    assert printed[0] == printed[1]
    assert printed[0].count("Usage: ") > 20


def test_the_local_cloud_and_what_speaks_to_it_run(user: Home) -> None:
    follower = user.follow("sydney", "tech", installed=True)
    sent = user.run("publish", "tech", "hello", "--json", installed=True)
    assert (sent.returncode, sent.stderr) == (0, "")
    (received,) = follower.messages(1)
    assert (received["id"], received["message"]) == (json.loads(sent.stdout)["id"], "hello")
    assert follower.interrupt() == 130

    chat = Terminal(user, "oregon", "--name", "bo", "--channel", "tech", installed=True)
    chat.wait_for("live")
    chat.press("\x11")
    assert chat.end() == 0

    # Its workers are processes, too.
    load = ("bench", "--subscribers", "2", "--rate", "10", "--for", "500ms", "--processes", "1", "--json")
    for arguments in (load, ("doctor",), ("local", "down")):
        ran = user.run(*arguments, installed=True)
        assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("arguments", [["deploy", "--yes"], ["cost"], ["keys", "list"]], ids=" ".join)
def test_commands_without_credentials_say_the_same(arguments: list[str], user: Home) -> None:
    usual = Home(user.root, environment={**user.environment, "PYTHONPATH": ""})
    ran, expected = (home.run(*arguments, installed=True) for home in (user, usual))
    assert (ran.returncode, ran.stdout, ran.stderr) == (expected.returncode, expected.stdout, expected.stderr)
    assert "Traceback" not in ran.stderr


@pytest.mark.infra
def test_the_app_that_the_cdk_starts_runs(user: Home, current: Path) -> None:
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    context["globalchat"]["regions"]["oregon"] = "atlantis"
    variables = {
        "CDK_OUTDIR": str(current / "out"),
        "CDK_CONTEXT_JSON": json.dumps(context),
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(JSII_CACHE),
    }
    ran = subprocess.run(
        shlex.split(app_command()),
        env={**environment(user.env, {}, node="node", cache=current), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith('globalchat: The region of "oregon" is "atlantis", which')


async def test_a_page_is_opened_by_python_s_own_module(
    user: Home, current: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = current / "browser"
    browser.write_text("#!/bin/sh\n", encoding="utf-8")
    browser.chmod(0o700)
    monkeypatch.setenv("BROWSER", str(browser))
    assert await open_page("https://example.com")


def test_a_relative_python_path_holds_in_the_background_too(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, started = tmp_path / "lib", tmp_path / "started"
    library.mkdir()
    (library / "sitecustomize.py").write_text(
        f"import sys\nopen({str(started)!r}, 'a').write(' '.join(sys.orig_argv) + '\\n')\n", encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    user = Home(home.root, environment={"PYTHONPATH": "lib"})
    assert user.run("local", "up", installed=True).returncode == 0
    command, cloud = started.read_text(encoding="utf-8").splitlines()
    assert "local up" in command
    assert "globalchat.localcloud serve" in cloud

"""Every command line of the pages is run, each as a person would: in the order of its page, as one user.

What needs an AWS account is run without one, and must say so in a sentence: `tests/infra/deployer` runs it
against an imitation. Lines of AWS's own command line are checked by its models.
"""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from globalchat.core.resources import TEMPLATES
from tests.docs.helpers.aws_command import faults
from tests.docs.helpers.pages import PAGES, Command, commands
from tests.e2e.helpers.processes import Home
from tests.e2e.helpers.pseudo_terminal import Terminal
from tests.paths import ROOT

ALL = [command for page in PAGES for command in commands(page)]
ENDLESS = {"subscribe": "connected to", "local serve": "Ctrl-C", "web": "Ctrl+C"}
"""Commands that run until they are interrupted, and what they say once they are up."""
NEEDS_AWS = ("deploy", "destroy", "keys", "verify")
TARGETS_NOT_RUN = ("test", "soak", "bench", "format")
"""Targets that are only read: they would run this very test, take minutes, or change the files under test."""
OPENED: set[tuple[str, ...]] = set()
"""What chats were opened with: several pages open the same one."""
QUIT = "\x11"

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Path, Home]]:
    """A user for each page, whose folder holds what the pages speak of."""
    folder = tmp_path_factory.mktemp("pages")
    nowhere = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null", "HOME": str(folder)}
    made = {page: Home(folder / page.stem, environment=nowhere) for page in PAGES}
    yield made
    for home in made.values():
        home.close()


def test_the_pages_have_commands() -> None:
    assert len(ALL) > 30
    assert {"README.md", "operations.md", "local-cloud.md"} <= {command.page.name for command in ALL}


@pytest.mark.parametrize("command", ALL, ids=str)
def test_command_runs(command: Command, homes: dict[Path, Home], monkeypatch: pytest.MonkeyPatch) -> None:
    home = homes[command.page]
    home.root.mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(home.root)
    if re.match(r"([a-z]+=\$\()?aws ", command.text):
        assert faults(command.text) == []
        return
    program, *words = shlex.split(command.text)
    if program == "make":
        run_make(words, home)
    elif program.endswith("globalchat"):
        run_globalchat(words, home)
    else:
        pytest.fail(f"nobody runs {program}")


def run_make(words: list[str], home: Home) -> None:
    target = words[0]
    read = subprocess.run(
        ["make", "-n", *words], cwd=ROOT, env=outside_make(), capture_output=True, text=True, check=False
    )
    assert read.returncode == 0, read.stderr
    if target in TARGETS_NOT_RUN:
        return
    started = re.search(r"^(?:exec )?\S*bin/globalchat((?:\\\n|.)*)$", read.stdout, re.MULTILINE)
    assert started is not None, f"make {target} starts nothing"
    run_globalchat(shlex.split(started[1].replace("\\\n", " ")), home)


def outside_make() -> dict[str, str]:
    """The environment without the variables of a "make test" that runs this test."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ([], []),
        (["AS=ana"], ["--as", "ana"]),
        (["REGION=sydney", "NAME=bo", "CHANNEL=tech"], ["sydney", "--channel", "tech", "--name", "bo"]),
    ],
)
def test_make_chat_passes_what_it_is_given_and_nothing_else(words: list[str], arguments: list[str]) -> None:
    """Neither make's built-in variables nor those of a compiler's environment are options of the chat."""
    command = ["make", "-n", "chat", *words]
    printed = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True, env={**outside_make(), "AS": "gas"}
    )
    _, _, started = printed.stdout.partition("bin/globalchat")
    assert shlex.split(started.replace("\\\n", " ")) == arguments


def run_globalchat(words: list[str], home: Home) -> None:
    endless = next((name for name in ENDLESS if " ".join(words).startswith(name)), None)
    if not words or words[0].startswith("-") or words[0] in ("oregon", "sydney", "auto"):
        if tuple(words) in OPENED:
            return
        OPENED.add(tuple(words))
        chat = Terminal(home, *words)
        chat.wait_for("live")
        chat.press(QUIT)
        assert chat.end() == 0
    elif endless:
        run_until_interrupted(words, ENDLESS[endless], home)
    else:
        done = home.run(*words)
        assert "Traceback" not in done.stderr
        if words[0] in NEEDS_AWS:
            assert done.returncode in (1, 2), done.stderr
            assert re.search("credentials|There is no profile", done.stderr)
        else:
            assert done.returncode == 0, done.stderr


def run_until_interrupted(words: list[str], sign: str, home: Home) -> None:
    if "serve" in words:
        home.run("local", "down")
        if "cdk.out" in words:
            shutil.copytree(TEMPLATES, "cdk.out")
    running = home.start(*words)
    running.err.wait_for(sign)
    assert running.interrupt() in (0, 130)

"""Every command line of the pages is run, each as a person would: in the order of its page, as one user.

What needs an AWS account is run without one, and must say so in a sentence: `tests/infra/deployer` runs it
against an imitation. Lines of AWS's own command line are checked by its models. The examples of every
`--help`, which are the list of commands, are run by `make soak`; `make test` parses them.
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
from tests.docs.helpers.pages import PAGES, Command, commands, invocations, other_lines
from tests.e2e.helpers import processes
from tests.e2e.helpers.processes import Home
from tests.e2e.helpers.pseudo_terminal import Terminal
from tests.paths import ROOT

ALL = [command for page in PAGES for command in commands(page) if page.name != "cli.md"]
EXAMPLES = [command for page in PAGES for command in commands(page) if page.name == "cli.md"]
ENDLESS = {"subscribe": "connected to", "local serve": "Ctrl-C", "web": "Ctrl+C"}
"""Commands that run until they are interrupted, and what they say once they are up."""
NEEDS_AWS = ("deploy", "destroy", "keys", "verify")
WITHOUT_AWS = r"credentials|[Tt]here is no profile|AWS profile|no recorded answers"
SAID_OF_AN_EXAMPLE = ("give --yes", "No local cloud runs")
"""Of questions that have no terminal, and after `local down`, which is above `local status` in the list."""
TARGETS_NOT_RUN = ("test", "soak", "bench", "format")
"""Targets that are only read: they would run this very test, take minutes, or change the files under test."""
NOT_RUN = {
    r"pipx install|uv tool install|python3 -m venv|~/globalchat/bin/python -m pip": (
        "They download from an index: tests/packaging installs the wheel, and test_supply_chain.py reads the "
        "files with hashes."
    ),
    r"sed |stack=": "They need files or stacks of the user.",
    r"region=|while |\[ |\[{|to=|entry=|done$": "The script that test_operations.py runs.",
    r"tail -f": "It does not end.",
}
"""Why lines of other programs are not run."""
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
    if command.text.startswith("make "):
        run_make(shlex.split(command.text)[1:], home)
        return
    ours = list(invocations(command.text))
    assert ours, "a program that this test does not know"
    for words in ours:
        run_globalchat(words, home)


def test_other_lines_of_the_pages_are_known() -> None:
    lines = {line for page in PAGES for line in other_lines(page)}
    assert {line for line in lines if not any(re.match(known, line) for known in NOT_RUN)} == set()
    assert {known for known in NOT_RUN if not any(re.match(known, line) for line in lines)} == set()


@pytest.mark.soak
@pytest.mark.parametrize("command", EXAMPLES, ids=str)
def test_example_runs(
    command: Command, homes: dict[Path, Home], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of one page share a local cloud; what they leave there may be what the next one needs."""
    monkeypatch.setattr(processes, "SECONDS", 300.0)
    monkeypatch.chdir(tmp_path)
    Path("lines.txt").write_text("one\ntwo\n", encoding="utf-8")
    for words in invocations(command.text):
        run_globalchat(words, homes[command.page])


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
    """Run a command as long as it takes, or until it is up if it does not end."""
    endless = next((name for name in ENDLESS if " ".join(words).startswith(name)), None)
    if needs_aws(words):
        done = home.run(*words)
        assert done.returncode in (1, 2), done.stderr
        assert re.search(WITHOUT_AWS, done.stderr), done.stderr
        assert "Traceback" not in done.stderr
    elif "--plain" in words:
        done = home.run(*words)
        assert (done.returncode, "Connecting to" in done.stdout) == (0, True), done.stderr
    elif not words or words[0].startswith("-") or words[0] in ("oregon", "sydney", "auto"):
        open_and_quit_chat(words, home)
    elif endless:
        run_until_interrupted(words, ENDLESS[endless], home)
    else:
        done = home.run(*words)
        assert "Traceback" not in done.stderr
        if done.returncode != 0 and home.root.stem == "cli":
            assert any(sentence in done.stderr for sentence in SAID_OF_AN_EXAMPLE), done.stderr
        else:
            assert done.returncode == 0, done.stderr


def needs_aws(words: list[str]) -> bool:
    """Return True if a command needs an account, or a profile that only a deployment or its owner makes."""
    of_a_deployment = "--profile" in words and "local" not in words
    return bool(words) and (words[0] in NEEDS_AWS or "--refresh" in words or of_a_deployment)


def open_and_quit_chat(words: list[str], home: Home) -> None:
    if tuple(words) in OPENED:
        return
    OPENED.add(tuple(words))
    chat = Terminal(home, *words)
    chat.wait_for("live")
    chat.press(QUIT)
    assert chat.end() == 0


def run_until_interrupted(words: list[str], sign: str, home: Home) -> None:
    if "serve" in words:
        home.run("local", "down")
        if "cdk.out" in words:
            shutil.copytree(TEMPLATES, "cdk.out")
    running = home.start(*words)
    running.err.wait_for(sign)
    assert running.interrupt() in (0, 130)

"""What `--help` says, and what is suggested for a word that names nothing."""

import re
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from globalchat.cli.command import LOG_OPTIONS, CliCommand
from globalchat.cli.docs import document
from globalchat.cli.main import root
from tests.cli.helpers.command_tree import ALL
from tests.docs.helpers.pages import invocations


def help_of(*words: str) -> str:
    done = CliRunner().invoke(root, [*words, "--help"], prog_name="globalchat")
    assert done.exit_code == 0, done.output
    return done.output


def examples(text: str) -> list[str]:
    """Return the lines of the block `Examples:`, each on its own."""
    block = re.search(r"^ *Examples:\n((?: +\S.*\n)+)", text, re.MULTILINE)
    return [line.strip() for line in block[1].splitlines()] if block else []


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_gives_examples_that_it_understands(words: tuple[str, ...]) -> None:
    found = examples(help_of(*words))
    assert found, "no block that starts with Examples:"
    for line in found:
        for arguments in invocations(line):
            parse(arguments)


def test_the_program_itself_gives_examples() -> None:
    assert len(examples(help_of())) > 3
    assert "[REGION] [--channel C]" in help_of()


def parse(arguments: list[str]) -> None:
    """Take a command line apart as the program would, without running it."""
    context: click.Context = root.make_context("globalchat", arguments)
    while isinstance(context.command, click.Group) and (rest := [*context._protected_args, *context.args]):
        name, command, words = context.command.resolve_command(context, rest)
        assert command is not None
        context = command.make_context(name, words, parent=context)


@pytest.fixture(autouse=True)
def _no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("globalchat.core.logs.start", lambda *_, **__: False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["publsh", "tech", "hi"], 'Did you mean "publish"?'),
        (["subscrib", "tech", "--json"], 'Did you mean "subscribe"?'),
        (["sidney"], 'Did you mean "sydney"?'),
        (["sidney", "--channel", "tech"], 'Did you mean "sydney"?'),
        (["local", "stauts"], 'Did you mean "status"?'),
        (["keys", "qqqq"], "There are: list, rotate, revoke."),
        (["local", "faults", "sett", "x"], 'Did you mean "set"?'),
        (["--chanel", "tech"], "'--channel'"),
        (["doctor", "--jsonn"], "Did you mean '--json'?"),
        (["oregon", "sydney"], "unexpected extra argument"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_near_word_is_suggested(arguments: list[str], said: str) -> None:
    done = CliRunner().invoke(root, arguments, prog_name="globalchat")
    assert done.exit_code == 2
    assert said in done.output
    assert "Traceback" not in done.output


def test_help_does_not_depend_on_docstrings() -> None:
    """Run with `-OO` (PYTHONOPTIMIZE=2), which strips them."""
    program = "from globalchat.cli.docs import document; print(document())"
    done = subprocess.run(
        [sys.executable, "-OO", "-c", program], capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout == document() + "\n"


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_checks_how_its_words_are_encoded(words: tuple[str, ...]) -> None:
    command: click.Command = root
    for word in words:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), word)
        assert found is not None
        command = found
    takes_text = any(
        not isinstance(param.type, click.Path) and not (isinstance(param, click.Option) and param.is_flag)
        for param in command.params
        if param.name not in LOG_OPTIONS
    )
    assert isinstance(command, CliCommand) or not takes_text

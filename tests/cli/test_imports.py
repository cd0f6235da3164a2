"""What a command loads decides how fast it starts."""

import subprocess
import sys

import pytest

HEAVY = (
    "textual",
    "gql",
    "aiohttp",
    "botocore",
    "boto3",
    "websockets",
    "graphql",
    "quickjs",
    "rich",
    "aws_cdk",
)
RUN = """
import sys
from cli.main import root
try:
    root(sys.argv[1:], prog_name="globalchat")
except SystemExit:
    pass
print(*(name for name in %r if name in sys.modules), file=sys.stderr)
"""


def loaded(*arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", RUN % (HEAVY,), *arguments], capture_output=True, text=True, check=True
    )
    return done.stderr.splitlines()[-1].split()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["publish", "--help"],
        ["subscribe", "--help"],
        ["unsubscribe", "--help"],
        ["outputs", "--help"],
        ["deploy", "--help"],
        ["destroy", "--help"],
        ["keys", "--help"],
        ["keys", "list", "--help"],
        ["keys", "rotate", "--help"],
        ["uninstall", "--help"],
        ["local", "--help"],
        ["local", "serve", "--help"],
        ["local", "status"],
        ["sidney"],
        [],
    ],
    ids=" ".join,
)
def test_help_and_refusals_load_nothing_heavy(arguments: list[str]) -> None:
    assert loaded(*arguments) == []


def test_the_chats_own_modules_load_no_transport() -> None:
    program = f"import sys, cli.commands.chat, tui.app; print(*(n for n in {HEAVY!r} if n in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert set(done.stdout.split()) <= {"textual", "rich"}

"""What a command loads decides how fast it starts."""

import subprocess
import sys
from collections.abc import Sequence

import pytest

from tests.cli.helpers.heavy_imports import HEAVY, LIGHT

RUN = """
import sys
from globalchat.cli.main import root
try:
    root(sys.argv[1:], prog_name="globalchat")
except SystemExit:
    pass
print(*(name for name in %r if name in sys.modules), file=sys.stderr)
"""

HELP = """
import sys
import click
from globalchat.cli.main import root

def pages(command, *path):
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from pages(command.get_command(context, name), *path, name)

for path in pages(root):
    root([*path, "--help"], prog_name="globalchat", standalone_mode=False)
    for name in %r:
        if name in sys.modules:
            sys.exit(" ".join(("globalchat", *path, "--help loads", name)))
    print(*path, file=sys.stderr)
"""
"""The pages in turn, in one process: the first that loads something heavy is named."""

FIRST_FRAME = """
import asyncio, sys
import globalchat.cli.commands.chat
from globalchat.ui.app import ChatApp

async def open_profile():
    print(*(name for name in %r if name in sys.modules), file=sys.__stderr__)
    app.exit()
    await asyncio.Event().wait()

app = ChatApp(open_profile, region=None, channel=None, sender="ana", profile_name="local")
app.run(headless=True)
"""
"""The chat opens its profile once the first frame is written."""


def run(program: str, *arguments: str, names: Sequence[str] = LIGHT) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", program % (names,), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_no_page_of_help_loads_anything_heavy() -> None:
    done = run(HELP)
    assert done.returncode == 0, done.stderr
    assert {"publish", "doctor", "deploy", "keys rotate", "local serve", ""} <= set(done.stderr.split("\n"))


@pytest.mark.parametrize(
    "arguments", [["--version"], ["local", "status"], ["keys", "list", "--profile", "none"], ["sidney"], []]
)
def test_light_commands_and_refusals_load_nothing_heavy(arguments: list[str]) -> None:
    done = run(RUN, *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1].split() == []


@pytest.mark.parametrize("arguments", [["local", "status"], ["publish", "tech", "hi", "--profile", "none"]])
def test_light_commands_load_no_tls_and_nothing_that_starts_processes(arguments: list[str]) -> None:
    done = run(RUN, *arguments, names=("ssl", "subprocess", "concurrent.futures"))
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1].split() == []


def test_the_chats_first_frame_loads_the_interface_alone() -> None:
    done = run(FIRST_FRAME, names=HEAVY)
    assert done.returncode == 0, done.stderr
    assert set(done.stderr.split()) <= {"textual", "rich", "pygments"}


def test_the_test_itself_finds_what_is_loaded() -> None:
    done = run("import quickjs\n" + HELP)
    assert done.stderr.strip() == "globalchat --help loads quickjs"

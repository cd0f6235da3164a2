"""`docs/json.md` names every field that the commands print."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import pytest

from globalchat.cli.main import root
from tests.docs.helpers.pages import text_of
from tests.e2e.helpers.processes import Home
from tests.paths import ROOT

PAGE = text_of(ROOT / "docs" / "json.md")
NAMED = set(re.findall(r"`([\w.]+)`", PAGE))
BY_NAME = ("oregon", "sydney")
"""Keys that are aliases of regions."""
SMALL = ("--rate", "50", "--channel", "tech")
COMMANDS = (
    ("publish", "tech", "hello"),
    ("publish", "tech", "-"),
    ("history", "tech"),
    ("latency", "--count", "1", "--warmup", "0", *SMALL),
    ("bench", "--subscribers", "2", "--rate", "20", "--for", "100ms", "--channels", "tech"),
    ("whoami",),
    ("outputs", "--profile", "local"),
    ("channels", "add", "ops"),
    ("channels", "list"),
    ("channels", "remove", "ops", "--yes"),
    ("unsubscribe", "cars"),
    ("purge", "tech", "--yes"),
    ("cost", "--clients", "1", "--messages-per-second", "1"),
    ("doctor", "--no-publish"),
    ("local", "status"),
    ("local", "faults", "set", "relay-delay=1ms..2ms"),
    ("local", "dlq", "redrive"),
)


def fields(document: object) -> Iterator[str]:
    """Yield the names of the fields of a document, and of what is inside it."""
    if isinstance(document, Mapping):
        for name, value in document.items():
            if name not in BY_NAME:
                yield name
            yield from fields(value)
    elif isinstance(document, list):
        for each in document:
            yield from fields(each)


@pytest.mark.e2e
def test_every_field_that_is_printed_is_named(tmp_path: Path) -> None:
    home, unnamed = Home(tmp_path / "home"), set[str]()
    try:
        running = home.start("subscribe", "tech", "--json", "--count", "1")
        running.err.wait_for("connected to")
        for command in COMMANDS:
            done = home.run(*command, "--json", stdin=b"a line\n")
            assert done.stdout, (command, done.stderr)
            for line in done.stdout.splitlines():
                unnamed |= {f"{command[0]}: {name}" for name in fields(json.loads(line)) if name not in NAMED}
        (line,) = running.out.all()
        unnamed |= set(json.loads(line)) - NAMED
    finally:
        home.close()
    assert unnamed == set()


def test_every_command_with_json_is_in_the_page() -> None:
    assert {name for name in with_json(root) if f"`{name}`" not in PAGE} == set()


def with_json(group: click.Group, *above: str) -> Iterator[str]:
    """Yield the names of the commands that have the option."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        if any("--json" in each.opts for each in command.params):
            yield " ".join((*above, name))
        if isinstance(command, click.Group):
            yield from with_json(command, *above, name)

"""`docs/cli.md` is what the commands say of themselves."""

import re

import click

from globalchat.cli.docs import FILE, document
from globalchat.cli.main import COMMANDS, root


def test_the_page_is_up_to_date() -> None:
    assert FILE.read_text(encoding="utf-8") == document(), "run `make docs`"


def test_every_command_and_every_option_stands_there() -> None:
    page = document()
    for name, entry in COMMANDS.items():
        if entry.help is not None:
            assert f"\n## globalchat {name}\n" in page
    with click.Context(root) as ctx:
        publish = root.get_command(ctx, "publish")
    assert publish is not None
    section = re.split(r"\n## ", page.partition("\n## globalchat publish\n")[2])[0]
    for param in publish.params:
        if isinstance(param, click.Option) and not param.name.startswith("log_"):
            assert f"`{param.opts[0]}" in section


def test_the_options_of_every_command_stand_there_once() -> None:
    assert document().count("--log-messages`") == 2  # in the table and in the text about it


def test_nothing_of_this_machine_is_in_it() -> None:
    page = document()
    assert "/root" not in page
    assert "/home/" not in page
    assert "\b" not in page

"""`docs/keys.md` is what the registries say."""

from globalchat.ui.actions import ACTIONS
from globalchat.ui.keys_doc import FILE, document
from globalchat.ui.slash_commands import COMMANDS


def test_the_page_is_up_to_date() -> None:
    assert FILE.read_text(encoding="utf-8") == document(), "run `make keys`"


def test_every_action_and_command_stands_there_once() -> None:
    page = document()
    commands = page.partition("## Commands")[2]
    for action in ACTIONS:
        name = "–" if action.fixed else f"`{action.id}`"
        assert page.count(f"| {action.title} | {name} |") == 1
    for command in COMMANDS:
        assert commands.count(f"| `{command.usage}` |") == 1

"""The help: all actions and their keys, from the registry."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.actions import ACTIONS, DEFAULT_KEYS, GROUPS, keys_title
from tui.keymap import Keymap
from tui.model.row_lines import TICKS
from tui.model.rows import Delivery
from tui.model.text import pad
from tui.slash.commands import COMMANDS

_KEY_CELLS = 21


class Help(ModalScreen[None]):
    """Everything that can be done, on one page."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q", "dismiss", "Close")]

    def __init__(self, keymap: Keymap = DEFAULT_KEYS) -> None:
        super().__init__()
        self._keymap = keymap
        self._bindings.bind(",".join(keymap.keys("help")), "dismiss")

    def compose(self) -> ComposeResult:
        """The groups, the commands, then how to read a message."""
        with VerticalScroll(classes="dialog -tall") as dialog:
            dialog.border_title = "Help"
            dialog.border_subtitle = "Esc closes"
            for group in GROUPS:
                yield Static(_group(group, self._keymap), classes="help-group")
            yield Static(_commands(), classes="help-group")
            yield Static(_legend(), classes="help-group")


def _group(group: str, keymap: Keymap) -> Content:
    lines = [Content.styled(group, "bold $text-primary")]
    for action in ACTIONS:
        if action.group == group:
            lines.append(
                Content.assemble(
                    (pad(keys_title(action, keymap), _KEY_CELLS), "$text-accent"), " ", action.title
                )
            )
    return Content("\n").join(lines)


def _commands() -> Content:
    lines = [Content.styled("Commands", "bold $text-primary")]
    for command in COMMANDS:
        lines.append(Content.assemble((pad(command.usage, _KEY_CELLS), "$text-accent"), " ", command.summary))
    lines.append(
        Content.assemble((pad("//…", _KEY_CELLS), "$text-accent"), " ", "A text that begins with a slash")
    )
    return Content("\n").join(lines)


def _legend() -> Content:
    meanings = {
        TICKS[Delivery.SENDING]: "on its way",
        TICKS[Delivery.ACCEPTED]: "the region accepted it",
        TICKS[Delivery.DELIVERED]: "it came back from the region",
        TICKS[Delivery.UNSENT]: "it did not get there; the line below says why",
        "SYD→ORE +161ms": "sent in Sydney, received in Oregon, under way for 161 ms",
    }
    lines = [Content.styled("Beside a message", "bold $text-primary")]
    lines += [
        Content.assemble((pad(sign, _KEY_CELLS), "$text-accent"), " ", text)
        for sign, text in meanings.items()
    ]
    return Content("\n").join(lines)

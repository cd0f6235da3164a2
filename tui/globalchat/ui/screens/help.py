"""The help: all actions and commands, from the registries. Enter or a click does what a line says."""

from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from globalchat.ui.actions import ACTIONS, DEFAULT_KEYS, GROUPS, Action, keys_title
from globalchat.ui.keymap import Keymap
from globalchat.ui.model.row_lines import TICKS
from globalchat.ui.model.rows import Delivery
from globalchat.ui.model.text import pad, wrap
from globalchat.ui.screens.dialog import Dialog
from globalchat.ui.slash_commands import COMMANDS, Command
from globalchat.ui.widgets.choices import Choices

Chosen = Action | Command
"""What somebody wants to be done."""

_KEY_CELLS, _NARROW_KEY_CELLS = 21, 16
_ROOMY = 60
"""From this width on (cells) there is room for all keys of an action."""

_LEGEND = {
    TICKS[Delivery.SENDING]: "on its way",
    TICKS[Delivery.ACCEPTED]: "the region accepted it",
    TICKS[Delivery.DELIVERED]: "it came back from the region",
    TICKS[Delivery.UNSENT]: "it did not get there; the line below says why",
    "SYD→ORE +161ms": "sent in Sydney, received in Oregon, under way for 161 ms",
}


class Help(Dialog[Chosen | None]):
    """Everything that can be done, on one page; ends with what is to be done, if anything."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q", "dismiss", "Close")]
    AUTO_FOCUS = "OptionList"

    def __init__(self, keymap: Keymap = DEFAULT_KEYS) -> None:
        super().__init__()
        self._keymap = keymap
        self._bindings.bind(",".join(keymap.keys("help")), "dismiss")
        self._chosen: list[Chosen | None] = []

    def compose(self) -> ComposeResult:
        """One list, as high as the window allows."""
        with Vertical(classes="dialog -tall") as dialog:
            dialog.border_title = "Help"
            dialog.border_subtitle = "Enter or a click does it   Esc closes"
            yield Choices(compact=True)

    def on_resize(self) -> None:
        """Wrap for the new width."""
        choices = self.query_one(OptionList)
        highlighted = choices.highlighted
        lines = list(self._lines(choices.scrollable_content_region.width - 2))
        self._chosen = [chosen for _, chosen in lines]
        choices.set_options([Option(text, disabled=chosen is None) for text, chosen in lines])
        choices.highlighted = 1 if highlighted is None else highlighted

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Do it."""
        self.dismiss(self._chosen[event.option_index])

    def _lines(self, width: int) -> Iterator[tuple[Content, Chosen | None]]:
        """What stands in the list, and what choosing it does."""
        for group in GROUPS:
            yield _heading(group, first=group is GROUPS[0]), None
            for action in ACTIONS:
                if action.group == group:
                    keys = keys_title(action, self._keymap)
                    yield (
                        _entry(keys if width >= _ROOMY else keys.split("  ")[0], action.title, width),
                        action,
                    )
        yield _heading("Commands"), None
        for command in COMMANDS:
            yield _entry(command.usage, command.summary, width), command
        yield _entry("//…", "A text that begins with a slash", width), None
        yield _heading("Beside a message"), None
        for sign, text in _LEGEND.items():
            yield _entry(sign, text, width), None


def _heading(title: str, *, first: bool = False) -> Content:
    return Content.assemble("" if first else "\n", (title, "bold $text-primary"))


def _entry(left: str, right: str, width: int) -> Content:
    """A sign and its meaning, whose lines stand one below the other."""
    cells = _KEY_CELLS if width >= _ROOMY else _NARROW_KEY_CELLS
    indent = "\n" + " " * (cells + 1)
    lines = indent.join(right[start:end] for start, end in wrap(right, width - cells - 1))
    return Content.assemble((pad(left, cells), "$text-accent"), " ", (lines, "$foreground"))

"""A menu where the mouse is: what can be done with the thing under it."""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Offset
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from globalchat.ui.model.text import pad
from globalchat.ui.screens.dialog import Dialog
from globalchat.ui.widgets.choices import Choices

_EDGES = 4
"""Cells that border and padding take of the width."""


class Choice(NamedTuple):
    """A line of a menu: what choosing it ends with, what it says, and the key that does the same."""

    action: str
    text: str
    key: str = ""


class Menu(Dialog[str | None]):
    """Ends with the action that was chosen, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q", "dismiss", "Close")]
    AUTO_FOCUS = "OptionList"

    def __init__(self, title: str, choices: Sequence[Choice], at: Offset) -> None:
        """`at` is where on the screen it is wanted; it moves as far as it must to be seen."""
        super().__init__()
        self._title = title
        self._choices = choices
        self._at = at
        self._cells = max(cell_len(each.text) for each in choices)
        self._keys = max(cell_len(each.key) for each in choices)

    def compose(self) -> ComposeResult:
        """The choices."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(self._title)
            yield Choices(*map(self._option, self._choices), compact=True)

    def on_resize(self) -> None:
        """Stand where the mouse was, as a whole."""
        width = max(self._cells + 2 + self._keys, cell_len(self._title) + 4) + _EDGES
        dialog = self.query_one(".dialog")
        dialog.styles.width = width
        space = self.size
        x = min(self._at.x, space.width - width)
        y = min(self._at.y, space.height - len(self._choices) - 2)
        dialog.styles.offset = (max(0, x), max(0, y))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take it."""
        self.dismiss(self._choices[event.option_index].action)

    def _option(self, choice: Choice) -> Option:
        return Option(
            Content.assemble(
                (pad(choice.text, self._cells), "$foreground"),
                "  ",
                (pad(choice.key, self._keys, right=True), "$text-muted"),
            )
        )

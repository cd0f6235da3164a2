"""Asks what to do with a pasted text of many lines."""

from enum import Enum
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from globalchat.core.text import sanitize
from globalchat.ui.model.text import clip
from globalchat.ui.screens.dialog import Question
from globalchat.ui.widgets.choices import Choices

_PREVIEW_LINES = 4


class Paste(Enum):
    """What becomes of a pasted text."""

    MESSAGE = "send as one message"
    LINES = "send each line as a message"
    EDIT = "put it into the composer"


class PasteGuard(Question[Paste | None]):
    """Ends with what to do; None drops the text."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss", "Drop it")]
    AUTO_FOCUS = "OptionList"

    def __init__(self, text: str, excess: int) -> None:
        """`excess` is by how many characters the text is too long for one message."""
        super().__init__()
        self._lines = [line for line in sanitize(text).split("\n") if line.strip()]
        self._excess = excess

    def compose(self) -> ComposeResult:
        """The first lines, and what may be done with them all."""
        too_long = f"  ({self._excess:,} characters too long)" if self._excess else ""
        options = [
            Option(Content.assemble(Paste.EDIT.value.capitalize())),
            Option(
                Content.assemble(Paste.MESSAGE.value.capitalize(), (too_long, "$text-warning")),
                disabled=bool(self._excess),
            ),
            Option(Content.assemble(f"Send {len(self._lines):,} messages, one a line")),
            Option("Drop it"),
        ]
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = f"{len(self._lines):,} lines were pasted"
            preview = "\n".join(clip(line, 50) for line in self._lines[:_PREVIEW_LINES])
            more = "\n…" if len(self._lines) > _PREVIEW_LINES else ""
            yield Static(Content.styled(preview + more, "$text-muted"), classes="preview")
            yield Choices(*options, compact=True)
            yield Static("Enter does it   Esc drops it", classes="hint")

    def on_mount(self) -> None:
        """Begin with what can be undone."""
        self.query_one(OptionList).highlighted = 0

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Do it."""
        self.dismiss((Paste.EDIT, Paste.MESSAGE, Paste.LINES, None)[event.option_index])

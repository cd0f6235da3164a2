"""All about one message."""

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from globalchat.ui.model.text import pad, wrap
from globalchat.ui.screens.dialog import Dialog

_LABEL_CELLS = 10


class WrappedText(Static):
    """A text of any length, wrapped in linear time; Textual takes quadratic time for a run of blanks."""

    def __init__(self, text: str, *, classes: str) -> None:
        super().__init__(markup=False, classes=classes)
        self._text = text
        self._wrapped_at = 0

    def on_resize(self, event: events.Resize) -> None:
        """Wrap the text for the new width."""
        width = event.size.width
        if width != self._wrapped_at:
            self._wrapped_at = width
            lines = (self._text[start:end] for start, end in wrap(self._text, width))
            self.update(Content("\n".join(lines)))


class MessageDetails(Dialog[None]):
    """Shows lines of a label and a value, and the text."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,enter,q", "dismiss", "Close")]

    def __init__(self, lines: list[tuple[str, str]], text: str) -> None:
        super().__init__()
        self._lines = lines
        self._text = text

    def compose(self) -> ComposeResult:
        """What is known, then the text."""
        with VerticalScroll(classes="dialog -tall") as dialog:
            dialog.border_title = "Message"
            dialog.border_subtitle = "Esc closes"
            for label, value in self._lines:
                yield Static(Content.assemble((pad(label, _LABEL_CELLS), "$text-accent"), " ", value))
            yield WrappedText(self._text, classes="help-group")

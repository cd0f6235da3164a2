"""The composer: where messages are written."""

from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widgets import TextArea

from tui.model.history import History

_UNSHOWABLE = {
    code: None
    for span in (
        range(0x20),
        range(0x7F, 0xA0),
        (0x061C,),
        range(0x200B, 0x2010),
        range(0x2028, 0x202F),
        range(0x2060, 0x2070),
        (0xFEFF,),
    )
    for code in span
    if code != 0x200D
}
"""Characters of a pasted text that travel with it but must not reach the terminal. None takes a cell."""


class Composer(TextArea):
    """Enter sends, Ctrl+J or Shift+Enter starts a new line, ↑ in an empty one brings back what was sent."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+j,shift+enter", "newline", "New line", show=False),
        Binding("end", "end", "Line end, then the newest message", show=False),
    ]

    class Sent(Message):
        """Somebody wants to send this text."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class EnteredEmpty(Message):
        """Enter was pressed with nothing typed."""

    class TailWanted(Message):
        """End was pressed with the cursor at the end."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(
            id=id, compact=True, soft_wrap=True, show_line_numbers=False, highlight_cursor_line=False
        )
        self.sent = History()
        self._recalled: str | None = None

    def put(self, text: str) -> None:
        """Put a text in place of the present one, with the cursor at its end."""
        self.load_text(text)
        self.move_cursor(self.document.end)

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self._submit()
        elif event.key in ("up", "down") and self._recall(event.key):
            event.stop()
            event.prevent_default()
        else:
            await super()._on_key(event)

    def action_newline(self) -> None:
        """Start a new line."""
        self.insert("\n")

    def action_end(self) -> None:
        """Move to the end of the line; from the end of the text, to the newest message."""
        if self.cursor_location == self.document.end:
            self.post_message(self.TailWanted())
        else:
            self.action_cursor_line_end()

    def render_line(self, y: int) -> Strip:
        """A line without the characters that a terminal would obey."""
        strip = super().render_line(y)
        if strip.text.isprintable():
            return strip
        segments = [Segment(text.translate(_UNSHOWABLE), style) for text, style, _ in strip]
        return Strip(segments).adjust_cell_length(strip.cell_length, self.rich_style)

    def _submit(self) -> None:
        text = self.text
        if not text.strip():
            self.post_message(self.EnteredEmpty())
            return
        self.sent.add(text)
        self.post_message(self.Sent(text))

    def _recall(self, key: str) -> bool:
        """Show an older or newer text, if nothing of one's own would be overwritten."""
        if self.text and (not self.sent.browsing or self.text != self._recalled):
            self.sent.leave()
            return False
        text = self.sent.older() if key == "up" else self.sent.newer()
        if text is None:
            return bool(self.text)
        self._recalled = text
        self.put(text)
        return True

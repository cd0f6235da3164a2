"""The composer: where messages are written."""

from collections.abc import Callable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Offset
from textual.message import Message
from textual.strip import Strip
from textual.widgets import TextArea

from globalchat.ui.actions import DEFAULT_KEYS
from globalchat.ui.ascii import VERBATIM
from globalchat.ui.keymap import Keymap
from globalchat.ui.model.own_texts import History
from globalchat.ui.safe_app import UnbracketedPaste
from globalchat.ui.slash_commands import NOTHING, Completions, Vocabulary, complete

_JOINER = "\u200d"
"""What makes one emoji of several."""

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
    if code != ord(_JOINER)
}
"""Characters of a pasted text that travel with it but must not reach the terminal. None takes a cell."""


_BLINKS = 20
"""How often the cursor changes after the last key before it stays, so that a chat left alone draws nothing:
for ten seconds, as in terminals of GTK."""


class Composer(TextArea):
    """Sends, breaks lines and completes by the keymap's keys; ↑ in an empty one brings back what was sent."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("shift+tab", "app.focus_previous", show=False)]

    class EnteredEmpty(Message):
        """Enter was pressed with nothing typed."""

    class TailWanted(Message):
        """End was pressed with the cursor at the end."""

    class ToDecide(Message):
        """A text of many lines, or much too long, was pasted, and is not in the composer yet."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class CompletionsChanged(Message):
        """There is something else to complete with now, or nothing any more; `chosen` is what Tab takes."""

        def __init__(self, completions: Completions, chosen: int) -> None:
            super().__init__()
            self.completions = completions
            self.chosen = chosen

    def __init__(
        self,
        entered: Callable[[str], None],
        keymap: Keymap = DEFAULT_KEYS,
        *,
        paste_lines: int = 3,
        paste_limit: Callable[[], int] = lambda: 8_000,
        vocabulary: Callable[[], Vocabulary] = Vocabulary,
        sent: History | None = None,
        id: str | None = None,  # noqa: A002 (Textual's name)
    ) -> None:
        """Make an empty one.

        Args:
            entered: Told the text that somebody enters, at once: of keys that arrive in one go, as over a
                slow line, the next ones must find the composer as that left it.
            keymap: The keys of the actions.
            paste_lines: How many pasted lines are taken without asking.
            paste_limit: How many pasted characters are.
            vocabulary: What there is to complete.
            sent: What ↑ brings back.
            id: Textual's.
        """
        super().__init__(
            id=id, compact=True, soft_wrap=True, show_line_numbers=False, highlight_cursor_line=False
        )
        self._entered = entered
        self._blinks_left = _BLINKS
        self.sent = sent or History()
        self._recalled: str | None = None
        self._paste_lines = paste_lines
        self._paste_limit = paste_limit
        self._vocabulary = vocabulary
        self._completions = NOTHING
        self._chosen = 0
        self._picking = False
        self._declined: str | None = None
        handlers = {
            "write.send": self.submit,
            "write.newline": self.action_newline,
            "write.complete": self.accept_completion,
            "pane.tail.typing": self.action_end,
        }
        self._key_handlers = {
            key: handler for action, handler in handlers.items() for key in keymap.keys(action)
        }

    def do(self, action: str) -> None:
        """Do what an action of the registry names."""
        match action:
            case "send":
                self.submit()
            case "newline":
                self.action_newline()
            case "complete":
                self.accept_completion()
            case "end":
                self.action_end()
            case "older":
                self._recall("up")

    def put(self, text: str) -> None:
        """Put a text in place of the present one, with the cursor at its end."""
        self.load_text(text)
        self.move_cursor(self.document.end)

    def submit(self) -> None:
        """Hand over what is written; while one moves among the completions, take the chosen one."""
        if self._picking:
            self.accept_completion()
            return
        text = self.text
        if not text.strip():
            self.post_message(self.EnteredEmpty())
            return
        self.sent.add(text)
        self._entered(text)

    def action_newline(self) -> None:
        """Start a new line."""
        self.insert("\n")

    def action_end(self) -> None:
        """Move to the end of the line; from the end of the text, to the newest message."""
        if self.cursor_location == self.document.end:
            self.post_message(self.TailWanted())
        else:
            self.action_cursor_line_end()

    def action_delete_to_start_of_line(self) -> None:
        """Delete what stands before the cursor, over the places where the line is only wrapped."""
        start, end = sorted(self.selection)
        self.delete((start[0], 0), end)

    # -- completion -----------------------------------------------------------------------------------------

    def accept_completion(self, number: int | None = None) -> None:
        """Complete with the chosen completion, or with that of a number."""
        index = self._chosen if number is None else number
        if index >= len(self._completions.items):
            return
        start = _location(self.text, self._completions.start)
        result = self.replace(self._completions.items[index].text, start, self.cursor_location)
        self.move_cursor(result.end_location)

    def dismiss_completions(self) -> bool:
        """Offer nothing until the text changes. False if nothing is being offered."""
        offering = bool(self._completions.items)
        self._declined = self.text
        self._update_completions()
        return offering

    def on_text_area_selection_changed(self) -> None:
        """Another word is at the cursor."""
        self._update_completions()

    def on_text_area_changed(self) -> None:
        """The word at the cursor may be another one."""
        self._update_completions()

    def _update_completions(self) -> None:
        completions = NOTHING
        text = self.text
        recalled = self.sent.browsing and text == self._recalled
        if ("@" in text or text.startswith("/")) and not recalled and text != self._declined:
            completions = complete(text, _index(text, self.cursor_location), self._vocabulary())
        if completions != self._completions:
            self._completions, self._chosen, self._picking = completions, 0, False
            self.post_message(self.CompletionsChanged(completions, 0))

    def _choose_completion(self, key: str) -> bool:
        """Move among the completions. False if there are none."""
        completions = self._completions.items
        if not completions:
            return False
        self._picking = True
        self._chosen = (self._chosen + (1 if key == "down" else -1)) % len(completions)
        self.post_message(self.CompletionsChanged(self._completions, self._chosen))
        return True

    # -- Textual --------------------------------------------------------------------------------------------

    async def _on_key(self, event: events.Key) -> None:
        handler = self._key_handlers.get(event.key)
        if handler is not None:
            handler()
        elif event.key in ("up", "down"):
            if not (self._choose_completion(event.key) or self._recall(event.key)):
                return
        elif event.key == "escape":
            if not self.dismiss_completions():
                return
        elif event.key == "enter":
            pass  # Sending lies on another key, and Textual would take Enter for text.
        elif event.character == _JOINER:
            self.type_in(_JOINER)  # Textual takes it for unprintable, and 👩‍🚀 would fall apart.
        else:
            await super()._on_key(event)
            return
        event.stop()
        event.prevent_default()

    async def _on_paste(self, event: events.Paste) -> None:
        """Take a pasted text in, or ask first what to do with its many lines or characters.

        Lines without brackets are always asked about: each of their Enters would have sent one.
        """
        event.stop()
        event.prevent_default()
        text = event.text.replace("\r\n", "\n").replace("\r", "\n")
        many = text.strip("\n").count("\n") >= self._paste_lines or len(text) > self._paste_limit()
        if many or isinstance(event, UnbracketedPaste):
            self.post_message(self.ToDecide(text))
        else:
            self.type_in(text)

    def type_in(self, text: str) -> None:
        """Put a text at the cursor, in place of what is selected."""
        result = self.replace(text, *self.selection)
        self.move_cursor(result.end_location)

    def text_with(self, text: str) -> str:
        """What the text would be with another one typed in."""
        start, end = (_index(self.text, place) for place in sorted(self.selection))
        return self.text[:start] + text + self.text[end:]

    def scroll_cursor_visible(self, center: bool = False, animate: bool = False) -> Offset:
        """Scroll to the cursor; where Textual undoes, it stands beyond the text until that is done."""
        if self.cursor_location[0] >= self.document.line_count:
            return Offset()
        return super().scroll_cursor_visible(center, animate)

    def render_line(self, y: int) -> Strip:
        """A line without the characters that a terminal would obey."""
        strip = super().render_line(y)
        if strip.text.isascii() and strip.text.isprintable():
            return strip
        segments = [
            Segment(text.translate(_UNSHOWABLE), (style or Style()) + VERBATIM) for text, style, _ in strip
        ]
        return Strip(segments).adjust_cell_length(strip.cell_length, self.rich_style)

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

    def _restart_blink(self) -> None:
        self._blinks_left = _BLINKS
        super()._restart_blink()

    def _toggle_cursor_blink_visible(self) -> None:
        super()._toggle_cursor_blink_visible()
        self._blinks_left -= 1
        if self._blinks_left <= 0:
            self._pause_blink(visible=True)


def _location(text: str, index: int) -> tuple[int, int]:
    """Line and column of a place in a text."""
    return text.count("\n", 0, index), index - (text.rfind("\n", 0, index) + 1)


def _index(text: str, location: tuple[int, int]) -> int:
    """The place in a text of a line and column."""
    row, column = location
    return sum(len(line) + 1 for line in text.split("\n")[:row]) + column

"""The composer, in which messages are written, and the completions above it."""

from collections.abc import Callable
from functools import partial
from itertools import cycle
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Offset, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from globalchat.ui.ascii import VERBATIM
from globalchat.ui.keymap import PREFIX, Keymap
from globalchat.ui.model.text import clip, pad
from globalchat.ui.model.view_model import ChatViewModel
from globalchat.ui.safe_app import UnbracketedPaste
from globalchat.ui.slash_commands import NOTHING, Completion, Completions, complete, vocabulary
from globalchat.ui.widgets.line_editor import LineEditor, location_of

_JOINER = "\u200d"
"""Joins several emoji into one."""

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
"""Characters of a pasted text that are kept but must not reach the terminal. None takes a cell."""

_BLINKS = 20
"""How often the cursor blinks after the last key before it stays on, so that an idle chat draws nothing: for
ten seconds, as in GTK terminals."""

_PASTE_LIMIT = 4
"""The longest pasted text that is taken without asking, as a multiple of a message's length."""

_LABEL_CELLS = 20

_SAME = {"ctrl+shift+minus": "ctrl+underscore", "ctrl+slash": "ctrl+underscore"}
"""Keys that terminals with the kitty protocol distinguish, by what others send for them."""


class Composer(LineEditor):
    """Sends, edits and completes with the keymap's keys; ↑ in an empty composer recalls sent texts.

    Args:
        view_model: Provides the texts to recall, the words for completion, and the length of a message.
        submit: Called directly with each entered text, not by a message: if several keys arrive at once,
            as on a slow connection, the next ones must see its effect on the composer.
        keymap: The keys of the actions.
        paste_lines: How many pasted lines are taken without asking.
        id: Textual's.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("shift+tab", "app.focus_previous", show=False)]

    class EnteredEmpty(Message):
        """Posted for Enter with nothing typed."""

    class TailRequested(Message):
        """Posted for End with the cursor at the end."""

    class PasteHeld(Message):
        """Posted for a pasted text that has to be confirmed: one of many lines, or a much too long one."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class EditorRequested(Message):
        """Posted to write the text in the user's editor."""

    class CompletionsChanged(Message):
        """Posted when the completions change or disappear; `chosen` is the one that Tab takes."""

        def __init__(self, completions: Completions, chosen: int) -> None:
            super().__init__()
            self.completions = completions
            self.chosen = chosen

    def __init__(
        self,
        view_model: ChatViewModel,
        submit: Callable[[str], None],
        keymap: Keymap,
        *,
        paste_lines: int = 3,
        id: str | None = None,  # noqa: A002 (Textual's name)
    ) -> None:
        super().__init__(id=id)
        self._view_model = view_model
        self._submit = submit
        self._blinks_left = _BLINKS
        self.sent = view_model.sent
        self._recalled: str | None = None
        self._paste_lines = paste_lines
        self._completions = NOTHING
        self._chosen = 0
        self._picking = False
        self._declined: str | None = None
        self._prefixed = False
        self._actions: dict[str, Callable[[], object]] = {
            "write.send": self.submit,
            "write.newline": self.action_newline,
            "write.complete": self.complete,
            "write.history": self.recall_older,
            "write.editor": lambda: self.post_message(self.EditorRequested()),
            "pane.tail.typing": self.action_end,
            **{name: partial(self.perform_edit, name) for name in self.edits},
        }
        # ↑ and ↓ also move among completions and lines, so these keys are handled separately.
        self._by_key = {
            key: action
            for name, action in self._actions.items()
            if name != "write.history"
            for key in keymap.keys(name)
        }
        self._edit_keys = {key for name in self.edits for key in keymap.keys(name)}
        self._recalling = dict(zip(keymap.keys("write.history"), cycle(("up", "down")), strict=False))

    def perform(self, action: str) -> None:
        """Perform an action of the registry on the text, by its id."""
        self._actions[action]()

    def put(self, text: str) -> None:
        """Replace the text, with the cursor at its end."""
        self.interrupt()
        self.load_text(text)
        self.move_cursor(self.document.end)

    def show_placeholder(self, channel: str | None) -> None:
        """Show in the empty composer what is written to, and which keys matter, as far as there is room."""
        text = self._view_model.placeholder(channel, self.content_size.width)
        self.placeholder = Content(text)  # A string would be interpreted as markup.

    def on_resize(self) -> None:
        """Fit the placeholder to the new width."""
        self.show_placeholder(self._view_model.channel)

    def submit(self) -> None:
        """Submit the text; while the user is moving among completions, take the chosen one instead."""
        # Only after ↑ or ↓: the list opens automatically, and Enter after a plain word has to send.
        if self._picking:
            self.complete()
            return
        text = self.text
        if not text.strip():
            self.post_message(self.EnteredEmpty())
            return
        # Also what is refused or mistyped: it can then be recalled and corrected.
        self.sent.add(text)
        self._submit(text)

    def action_newline(self) -> None:
        """Start a new line."""
        self.insert("\n")

    def action_end(self) -> None:
        """Move to the end of the line; at the end of the text, go to the newest message."""
        if self.cursor_location == self.document.end:
            self.post_message(self.TailRequested())
        else:
            self.action_cursor_line_end()

    def action_cut(self) -> None:
        """Cut the selection; Textual would cut the whole line without one."""
        self.cut_selection()

    # -- completion -----------------------------------------------------------------------------------------

    def complete(self, number: int | None = None) -> None:
        """Take the chosen completion, or the one of a number."""
        index = self._chosen if number is None else number
        if index >= len(self._completions.items):
            return
        start = location_of(self.text, self._completions.start)
        result = self.replace(self._completions.items[index].text, start, self.cursor_location)
        self.move_cursor(result.end_location)

    def decline_completions(self) -> bool:
        """Hide the completions until the text changes. Return False if there are none."""
        had_any = bool(self._completions.items)
        self._declined = self.text
        self._find_completions()
        return had_any

    def on_text_area_selection_changed(self) -> None:
        """Complete the word at the cursor."""
        self._find_completions()

    def on_text_area_changed(self) -> None:
        """Complete the word at the cursor, which may be another one."""
        self._find_completions()

    def _find_completions(self) -> None:
        completions = NOTHING
        text = self.text
        # A list over a recalled text would take the keys with which the user goes on recalling.
        recalled = self.sent.browsing and text == self._recalled
        if ("@" in text or text.startswith("/")) and not recalled and text != self._declined:
            completions = complete(text, self.cursor, vocabulary(self._view_model))
        # The same list keeps its chosen entry: the cursor may move within the word.
        if completions != self._completions:
            self._completions, self._chosen, self._picking = completions, 0, False
            self.post_message(self.CompletionsChanged(completions, 0))

    def _choose_completion(self, key: str) -> bool:
        """Move among the completions. Return False if there are none."""
        number = len(self._completions.items)
        if not number:
            return False
        self._picking = True
        self._chosen = (self._chosen + (1 if key == "down" else -1)) % number
        self.post_message(self.CompletionsChanged(self._completions, self._chosen))
        return True

    # -- Textual --------------------------------------------------------------------------------------------

    async def _on_key(self, event: events.Key) -> None:
        key = self._with_prefix(event.key)
        action = self._by_key.get(key)
        if action is None or key not in self._edit_keys:
            self.interrupt()
        # The keymap comes first, so that users can give Enter or an arrow another meaning.
        if action is not None:
            self._restart_blink()
            action()
        elif key == PREFIX:
            self._prefixed = not self.cut_selection()
        elif key in self._recalling:
            if not self._move_up_or_down(key):
                return
        elif key == "escape":
            if not self.decline_completions():
                return
        elif key == "ctrl+h":  # In most terminals it is Backspace.
            self.action_delete_left()
        elif key == "enter":
            pass  # Another key sends, and Textual would treat Enter as text.
        elif event.character == _JOINER:
            self.type_in(_JOINER)  # Textual treats it as unprintable, which would split 👩‍🚀.
        else:
            await super()._on_key(event)
            return
        event.stop()
        event.prevent_default()

    def _with_prefix(self, key: str) -> str:
        """Return the name of a key, or of two keys if the first one was Ctrl+X, and they do something."""
        key = _SAME.get(key, key)
        both = f"{PREFIX} {key}"
        is_second, self._prefixed = self._prefixed and both in self._by_key, False
        return both if is_second else key

    def _move_up_or_down(self, key: str) -> bool:
        """Move among completions or sent texts. Return False if the cursor may move among the lines."""
        way = self._recalling[key]
        if self._choose_completion(way):
            return True
        if key in ("up", "down"):
            return self._recall(way)
        # Ctrl+P as in readline, also with something typed, which is kept as the newest text.
        if way == "up" and self.text and not (self.sent.browsing and self.text == self._recalled):
            self.sent.add(self.text)
            self.sent.older()
            self._recalled = self.text
        self._recall(way)
        return True

    async def _on_paste(self, event: events.Paste) -> None:
        """Insert a pasted text, or hold it for confirmation if it has many lines or characters.

        Lines without paste brackets are always held, since each Enter would have sent one.
        """
        event.stop()
        event.prevent_default()
        # Terminals send a carriage return for each line break of a paste.
        text = event.text.replace("\r\n", "\n").replace("\r", "\n")
        many = (
            text.strip("\n").count("\n") >= self._paste_lines
            or len(text) > _PASTE_LIMIT * self._view_model.limit
        )
        if many or isinstance(event, UnbracketedPaste):
            self.post_message(self.PasteHeld(text))
        else:
            self.type_in(text)

    def type_in(self, text: str) -> None:
        """Insert a text at the cursor, replacing the selection."""
        self.interrupt()
        result = self.replace(text, *self.selection)
        self.move_cursor(result.end_location)

    def text_with(self, text: str) -> str:
        """Return the text as it would be with another one typed in."""
        start, end = self.selected
        return self.text[:start] + text + self.text[end:]

    def scroll_cursor_visible(self, center: bool = False, animate: bool = False) -> Offset:
        """Scroll to the cursor, except during an undo, when Textual's cursor may be beyond the text."""
        if self.cursor_location[0] >= self.document.line_count:
            return Offset()
        return super().scroll_cursor_visible(center, animate)

    def render_line(self, y: int) -> Strip:
        """Return a line without characters that a terminal would interpret."""
        strip = super().render_line(y)
        if not self.text:
            return strip  # The placeholder, which is the chat's own.
        # The usual case, and this runs for each line with every key.
        if strip.text.isascii() and strip.text.isprintable():
            return strip
        segments = [
            Segment(text.translate(_UNSHOWABLE), (style or Style()) + VERBATIM) for text, style, _ in strip
        ]
        return Strip(segments).adjust_cell_length(strip.cell_length, self.rich_style)

    def recall_older(self) -> None:
        """Show the sent text before the one shown, unless that was edited."""
        self._recall("up")

    def _recall(self, key: str) -> bool:
        """Show an older or newer sent text, unless another text would be overwritten."""
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


class Suggestions(Widget, can_focus=False):
    """Shows the completions, one per line, with the chosen one marked.

    It overlays the pane and moves nothing.
    """

    ROWS: ClassVar[int] = 11
    """The most completions shown at once."""

    class Clicked(Message):
        """Posted for a click on the completion of a number."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._completions = NOTHING
        self._chosen = 0

    def show(self, completions: Completions, chosen: int) -> None:
        """Show completions; nothing without any."""
        self._completions, self._chosen = completions, chosen
        number = len(completions.items)
        self.display = bool(number)
        self.border_title = f" {chosen + 1} of {number} " if number > self.ROWS else None
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 (Textual's)
        """Return the number of completions, up to the most."""
        return min(self.ROWS, len(self._completions.items))

    def render(self) -> Content:
        """Return the completions that fit."""
        items = list(enumerate(self._completions.items))[self._first : self._first + self._room]
        return Content("\n").join(self._line(item, chosen=number == self._chosen) for number, item in items)

    def on_click(self, event: events.Click) -> None:
        """Post the completion under the mouse."""
        inside = event.get_content_offset(self)
        if inside is not None:
            self.post_message(self.Clicked(self._first + inside.y))

    @property
    def _first(self) -> int:
        return max(0, self._chosen - self._room + 1)

    @property
    def _room(self) -> int:
        """The number of completions that can be seen."""
        return max(1, min(self.ROWS, self.scrollable_content_region.height))

    def _line(self, item: Completion, *, chosen: bool) -> Content:
        room = self.scrollable_content_region.width
        mark = "› " if chosen else "  "
        label = pad(item.label, _LABEL_CELLS) if item.about else item.label
        return Content.assemble(
            (clip(mark + label, room), "bold $text-primary" if chosen else "$text"),
            (clip(f" {item.about}", max(0, room - _LABEL_CELLS - 2)) if item.about else "", "$text-muted"),
        )

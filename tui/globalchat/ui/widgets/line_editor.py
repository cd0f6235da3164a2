"""A field for text of several lines that is edited as in readline."""

from collections.abc import Callable

from textual import events
from textual.widgets import TextArea

from globalchat.ui.model import line_edits as edits
from globalchat.ui.model.line_edits import Edit, LineEdits


class LineEditor(TextArea):
    """Performs the registry's actions `edit.…` on its text.

    Cut texts are kept here; only a selection that is cut with Ctrl+X also goes to the clipboard.
    """

    _editing: LineEdits

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(
            id=id, compact=True, soft_wrap=True, show_line_numbers=False, highlight_cursor_line=False
        )
        self._editing = LineEdits()
        self.edits: dict[str, Callable[[], object]] = {
            "edit.start": lambda: self._move(lambda text, at: text.rfind("\n", 0, at) + 1),
            "edit.end": lambda: self._move(lambda text, at: len(text[:at] + text[at:].partition("\n")[0])),
            "edit.left": self.action_cursor_left,
            "edit.right": self.action_cursor_right,
            "edit.word.left": lambda: self._move(edits.word_start),
            "edit.word.right": lambda: self._move(edits.word_end),
            "edit.delete": self.action_delete_right,
            "edit.cut.word": lambda: self._cut(edits.blank_before),
            "edit.cut.word.left": lambda: self._cut(edits.word_start),
            "edit.cut.word.right": lambda: self._cut(edits.word_end),
            "edit.cut.start": lambda: self._cut(edits.line_start),
            "edit.cut.end": lambda: self._cut(edits.line_end),
            "edit.paste": lambda: self._apply(self._editing.paste(*self.selected)),
            "edit.swap": lambda: self._apply(edits.swap(self.text, self.cursor)),
            "edit.upper": lambda: self._change_word(str.upper),
            "edit.lower": lambda: self._change_word(str.lower),
            "edit.capital": lambda: self._change_word(edits.capitalise),
            "edit.undo": self.undo,
            "edit.redo": self.redo,
        }
        """What each editing action does."""

    @property
    def cursor(self) -> int:
        """The cursor's offset in the text."""
        return index_of(self.text, self.cursor_location)

    @property
    def selected(self) -> tuple[int, int]:
        """The offsets of the selection; both are the cursor's without one."""
        start, end = sorted(self.selection)
        return index_of(self.text, start), index_of(self.text, end)

    def perform_edit(self, action: str) -> None:
        """Perform an editing action, by its id in the registry."""
        if not action.startswith(("edit.cut", "edit.paste")):
            self._editing.interrupt()
        self.edits[action]()

    def interrupt(self) -> None:
        """End a succession of cuts: something else has happened."""
        self._editing.interrupt()

    def paste_earlier(self) -> bool:
        """Replace what was just put back by the cut before it. Return False if nothing was."""
        return self._apply(self._editing.paste_earlier())

    def replace_all(self, text: str) -> None:
        """Replace the text so that undoing brings it back."""
        self.interrupt()
        self._apply(Edit(0, len(self.text), text, len(text)))

    def cut_selection(self) -> bool:
        """Cut the selection, also to the clipboard. Return False without one."""
        text = self.selected_text
        if text:
            self.interrupt()
            self._cut(edits.word_start)
            self.app.copy_to_clipboard(text)
        return bool(text)

    def on_blur(self) -> None:
        """End a succession of cuts."""
        self.interrupt()

    async def _on_mouse_down(self, event: events.MouseDown) -> None:
        self.interrupt()
        await super()._on_mouse_down(event)

    def _move(self, find: Callable[[str, int], int]) -> None:
        self.move_cursor(location_of(self.text, find(self.text, self.cursor)), record_width=True)

    def _cut(self, find: Callable[[str, int], int]) -> None:
        """Cut from the cursor to what `find` returns, or the selection."""
        start, end = self.selected
        backwards = False
        if start == end:
            found = find(self.text, self.cursor)
            backwards = found < self.cursor
            start, end = sorted((found, self.cursor))
        self._apply(self._editing.cut(self.text, start, end, backwards=backwards))

    def _change_word(self, change: Callable[[str], str]) -> None:
        self._apply(edits.change_word(self.text, self.cursor, change))

    def _apply(self, edit: Edit | None) -> bool:
        """Apply an edit, as one that is undone at once."""
        if edit is None:
            return False
        text = self.text
        self.history.checkpoint()
        self.replace(edit.text, location_of(text, edit.start), location_of(text, edit.end))
        self.move_cursor(location_of(self.text, edit.cursor), record_width=True)
        return True


def location_of(text: str, index: int) -> tuple[int, int]:
    """Return the line and column of an offset in a text."""
    # `rfind` returns -1 in the first line, which the addition makes 0.
    return text.count("\n", 0, index), index - (text.rfind("\n", 0, index) + 1)


def index_of(text: str, location: tuple[int, int]) -> int:
    """Return the offset in a text of a line and column."""
    row, column = location
    return sum(len(line) + 1 for line in text.split("\n")[:row]) + column

"""A scrolling view of a conversation's rows that measures and paints only the visible ones."""

from abc import abstractmethod
from collections.abc import Container, Sequence
from time import monotonic
from typing import ClassVar, NamedTuple
from weakref import WeakKeyDictionary

from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from globalchat.ui.ascii import VERBATIM
from globalchat.ui.model.conversation import Conversation, Edit, Replaced
from globalchat.ui.model.row_index import RowIndex
from globalchat.ui.model.row_lines import Line, Piece, centred_lines
from globalchat.ui.model.rows import Row
from globalchat.ui.model.text import centred_line, clip


class Anchor(NamedTuple):
    """A visible row, and how many of its lines are above the view; negative if it begins below the top.

    With `from_end` it is how many lines there are from the top of the view to the row's end.
    """

    row: Row
    line: int
    from_end: bool = False


# Short slices with pauses between them: a key must never wait for measurements.
_IDLE_SECONDS = 0.05
_IDLE_BUDGET = 0.004
"""Seconds for which hidden rows are measured at a time."""

_QUIET_SECONDS = 0.1
"""Seconds without changes before hidden rows are measured."""

_KEPT_ROWS = 128
"""The number of cached painted rows: more than a screen has, but few, as each strip is a dozen objects."""


class RowView(ScrollView):
    """Keeps the visible rows in place while rows are added, removed and changed, and follows the end.

    A subclass lays out rows: it implements `reshape`, `row_lines`, `row_height` and `is_folded`.

    Attributes:
        following: True if the end is shown and stays shown.
        conversation: The conversation that is shown.
        STYLE_PREFIX: The start of the component class of every role.
        VERBATIM_ROLES: The roles of texts written by users.
        EMPTY_ROLE: The role of the text that is shown without rows.
    """

    STYLE_PREFIX: ClassVar[str]
    VERBATIM_ROLES: ClassVar[Container[str]]
    EMPTY_ROLE: ClassVar[str]

    class FollowChanged(Message):
        """Posted when the view starts or stops following the end."""

    class TopReached(Message):
        """Posted when the user scrolls to the first rows, or tries to scroll beyond them."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.following = True
        self.conversation: Conversation | None = None
        self._index = RowIndex((), self.row_height)
        # Where each conversation was left; None at its end.
        self._left: WeakKeyDictionary[Conversation, Anchor | None] = WeakKeyDictionary()
        # True while this class scrolls: only the user's scrolling starts or stops following the end.
        self._moving = False
        self._idle: Timer | None = None
        self._changed_at = 0.0
        self._empty_text = ""
        self._head_text, self._head_role = "", "day"
        self._head: list[Line] = []
        self._styles: dict[str, Style] = {}
        self._strips: LRUCache[tuple[int, int], list[Strip]] = LRUCache(_KEPT_ROWS)
        self._shaped_width = self.text_width
        self.reshape()

    @property
    def text_width(self) -> int:
        """The columns for text: without the scroll bar, which `size` includes."""
        return self.scrollable_content_region.width

    @abstractmethod
    def reshape(self) -> None:
        """Lay rows out for `text_width`."""

    @abstractmethod
    def row_lines(self, row: Row) -> list[Line]:
        """Return the lines of a row, as pieces."""

    @abstractmethod
    def row_height(self, row: Row) -> int:
        """Return the number of lines of a row."""

    @abstractmethod
    def is_folded(self, row: Row) -> bool:
        """Return True if a part of a row's text is not shown."""

    # -- showing --------------------------------------------------------------------------------------------

    def sync(self) -> None:
        """Show the changes in the conversation since the last call."""
        self._replay()

    def set_empty_text(self, text: str) -> None:
        """Set the text that is shown without rows."""
        if text != self._empty_text:
            self._empty_text = text
            self.refresh()

    def set_head(self, text: str, role: str = "day") -> None:
        """Set the text above all rows, empty for none; what is visible below keeps its place."""
        if (text, role) == (self._head_text, self._head_role):
            return
        anchor = self._anchor()
        self._head_text, self._head_role = text, role
        self._lay_out_head()
        self._scroll_to_anchor(anchor)

    def toggle_fold(self) -> bool:
        """Unfold the visible folded rows, or else fold the unfolded ones. Return False without any."""
        rows = self.foldable_rows()
        folded = [row for row in rows if self.is_folded(row)]
        return self.fold(folded or [row for row in rows if row.whole], whole=bool(folded))

    def fold(self, rows: Sequence[Row], *, whole: bool) -> bool:
        """Unfold rows, from the first one's beginning, or fold them. Return False if there are none."""
        if not rows or self.conversation is None:
            return False
        for row in rows:
            self.conversation.fold(row, whole=whole)
        self._replay()
        self.reveal(rows[0], above=0 if whole else None)
        return True

    def foldable_rows(self) -> list[Row]:
        """Return the rows that fold together: the visible ones."""
        first = self._index.locate(max(self._top, self._index.base))
        last = self._index.locate(min(self._top + self.size.height, self._index.base + self._index.total) - 1)
        if first is None or last is None:
            return []
        return [self._index.row(number) for number in range(first[0], last[0] + 1)]

    @property
    def is_full(self) -> bool:
        """True if the rows take the height of the view, or more."""
        return self._index.total >= self.size.height

    def page(self, direction: int) -> None:
        """Scroll by a page, keeping two lines visible."""
        step = max(1, self.size.height - 2)
        self._scroll_or_ask(self.scroll_offset.y + direction * step)

    def jump_to_top(self) -> None:
        """Show the first row, or ask for what comes before it if that is visible already."""
        self._scroll_or_ask(0)

    def jump_to_tail(self) -> None:
        """Show the newest row and follow the end again."""
        self._set_following(True)
        self._scroll_to_anchor(None)

    def reveal(self, row: Row, *, above: int | None = None, line: int | None = None) -> None:
        """Scroll to a row: `above` lines below the top; None leaves it if it is visible already.

        In a row that is higher than the view, scroll to this `line`.
        """
        index = self.conversation.index_of(row) if self.conversation is not None else None
        if index is None:
            return
        # Rows that were never visible have an estimated height, by which the place would be wrong.
        self._index.measure_row(index)
        height, first = self._index.height(index), 0
        if line is not None and height > self.size.height:
            height, first = 1, line
        place = self._index.top(index) + first - self._top
        if above is None and 0 <= place <= self.size.height - height:
            return
        self._set_following(False)
        middle = max(0, (self.size.height - height) // 2)
        self._scroll_to_anchor(Anchor(row, first), above=middle if above is None else above)
        self._set_following(self.scroll_offset.y >= self.max_scroll_y)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Measure rows that become visible; follow the end if and only if the user scrolled there."""
        super().watch_scroll_y(old_value, new_value)
        if self._moving:
            return
        self._moving = True
        try:
            self._measure_view(round(old_value), round(new_value))
        finally:
            self._moving = False
        self._set_following(self.scroll_y >= self.max_scroll_y)
        # A window's height early, so that older rows are mostly there in time.
        if new_value < old_value and new_value <= self.size.height:
            self.post_message(self.TopReached())

    def action_scroll_home(self) -> None:
        """Scroll to the first row, like `jump_to_top`."""
        self.jump_to_top()

    def on_mouse_scroll_up(self) -> None:
        """Ask for older rows if the wheel can scroll no further."""
        self._ask_at_top()

    # -- painting -------------------------------------------------------------------------------------------

    def on_resize(self) -> None:
        """Wrap the rows for the new width, keeping the place."""
        if self.text_width != self._shaped_width:
            self.rewrap()
        else:
            self._scroll_to_anchor(self._anchor())

    def rewrap(self) -> None:
        """Show the same rows in another shape."""
        anchor = self._anchor()
        self._reshape()
        if self.text_selection is not None:
            self.screen.clear_selection()  # Its lines have changed.
        if self.conversation is not None:
            self._index.replay(self.conversation.take_edits())
        self._index.forget()
        self._measure_again(anchor)

    def notify_style_update(self) -> None:
        """Drop rows that were painted with the old styles."""
        super().notify_style_update()
        self._styles.clear()
        self._strips.clear()

    def render_line(self, y: int) -> Strip:
        """Return one visible line; few rows are at the bottom."""
        index = self._index
        # Kept cheap: this runs for each line of the window on each repaint.
        head = self._head_height
        missing = max(0, self.size.height - index.total - head)
        line = index.base + self.scroll_offset.y + y - missing - head
        place = index.locate(line) if y >= missing else None
        row = index.row(place[0]) if place is not None else None
        if place is not None and row is not None:
            strips = self._paint(row)
            # A row may have changed since the last `sync`.
            strip = strips[place[1]] if place[1] < len(strips) else self.blank()
        elif not len(index):
            strip = self._empty_line(y)
        elif index.base - head <= line < index.base:
            strip = self.paint_pieces(self._head[line - index.base + head])
        else:
            strip = self.blank()
        return self.decorate(strip, y, line, row, place[1] if place is not None else 0)

    def decorate(self, strip: Strip, y: int, line: int, row: Row | None, row_line: int) -> Strip:  # noqa: ARG002
        """Return a painted line with decorations that change more often than the row.

        Args:
            strip: The line as it was painted.
            y: The place in the view.
            line: The place in the index.
            row: The row of the line, None above all rows.
            row_line: The number of the line in the row.
        """
        return strip

    def blank(self) -> Strip:
        """Return an empty line."""
        return Strip.blank(self._shaped_width, self.style_of("text"))

    def paint_pieces(self, pieces: Line) -> Strip:
        """Return one line, as wide as the view."""
        strip = Strip([Segment(piece.text, self._piece_style(piece)) for piece in pieces])
        return strip.adjust_cell_length(self._shaped_width, self.style_of("text"))

    def style_of(self, role: str) -> Style:
        """Return the style of a role; the style sheet is asked once."""
        style = self._styles.get(role)
        if style is None:
            style = self.get_component_rich_style(self.STYLE_PREFIX + role)
            if role in self.VERBATIM_ROLES:
                style += VERBATIM
            self._styles[role] = style
        return style

    def forget_strips(self) -> None:
        """Drop all painted rows: their marks changed."""
        self._strips.clear()

    def _paint(self, row: Row) -> list[Strip]:
        # The revision changes with the row, so nothing has to find and drop its old strips.
        key = (row.uid, row.revision)
        strips = self._strips.get(key)
        if strips is None:
            strips = self._strips[key] = [self.paint_pieces(line) for line in self.row_lines(row)]
        return strips

    def _piece_style(self, piece: Piece) -> Style:
        style = self.style_of(piece.role)
        return style + Style(link=piece.link) if piece.link else style

    def _empty_line(self, y: int) -> Strip:
        text = centred_line(self._empty_text, y, self._shaped_width, self.size.height)
        return self.paint_pieces([Piece(text, self.EMPTY_ROLE)])

    def _reshape(self) -> None:
        self._shaped_width = self.text_width
        self._strips.clear()
        self._lay_out_head()
        self.reshape()

    def _lay_out_head(self) -> None:
        # One line, whatever it says: what is below must not move.
        text = clip(self._head_text, max(1, self._shaped_width - 4))
        self._head = centred_lines(text, self._shaped_width, self._head_role) if text else []

    # -- scrolling ------------------------------------------------------------------------------------------

    @property
    def _top(self) -> int:
        """The line at the top of the view; before the base of the index if the head is there."""
        return self._index.base + self.scroll_offset.y - self._head_height

    @property
    def _head_height(self) -> int:
        """The number of lines above the rows; without rows there is the empty text instead."""
        return len(self._head) if len(self._index) else 0

    @property
    def _padding(self) -> int:
        """The empty lines above few rows, which are at the bottom."""
        return max(0, self.size.height - self._index.total - self._head_height)

    def _scroll_or_ask(self, y: int) -> None:
        if y <= 0:
            self._ask_at_top()
        self.scroll_to(y=y, animate=False)

    def _ask_at_top(self) -> None:
        """Ask for older rows if the first one is visible."""
        if self.scroll_offset.y == 0:
            self.post_message(self.TopReached())

    def row_at(self, y: int) -> tuple[Row, int] | None:
        """Return the row at a line of the view, and the number of the line in it; None above all rows."""
        place = self._index.locate(self._top + y - self._padding) if y >= self._padding else None
        return (self._index.row(place[0]), place[1]) if place is not None else None

    def _replace_conversation(self, conversation: Conversation | None) -> Anchor | None:
        """Replace the conversation. Return where the new one was left; None if at its end, or never shown."""
        if self.conversation is not None:
            self._left[self.conversation] = self._anchor()
            # While it is hidden, its edits would only fill the memory: it is measured again when it is shown.
            self.conversation.ignore_edits()
        same = conversation is self.conversation
        anchor = None if conversation is None or same else self._left.pop(conversation, None)
        self.conversation = conversation
        if conversation is not None:
            conversation.follow_edits()
        self._set_following(anchor is None)
        return anchor

    def _show_rows(self, anchor: Anchor | None) -> None:
        """Show the rows of another conversation."""
        self._reshape()
        rows: list[Row] = []
        if self.conversation is not None:
            self.conversation.take_edits()
            rows = self.conversation.rows
        self._index = RowIndex(rows, self.row_height)
        self._measure_again(anchor)
        if anchor is not None:  # The end of the remaining rows may be visible.
            self._set_following(self.scroll_offset.y >= self.max_scroll_y)

    def _measure_again(self, anchor: Anchor | None) -> None:
        self._scroll_to_anchor(anchor)
        # The visible rows are a sample for the heights of the rest.
        self._index.calibrate()
        self._scroll_to_anchor(anchor)

    def _replay(self) -> list[Edit]:
        """Show the changes since the last call in one repaint. Return the edits."""
        if self.conversation is None or not (edits := self.conversation.take_edits()):
            return []
        self._changed_at = monotonic()
        # Rows may come between those that are visible: what is in the middle stays. Its end, because day and
        # name above a message depend on the row before.
        line, anchor = self._top, self._visible_row(self.size.height // 2, from_end=True)
        repaint = self._index.replay(edits)
        if repaint is None:
            if anchor is not None and (place := self.conversation.index_of(anchor.row)) is not None:
                # The lines of what is shown keep their numbers: a selection consists of those.
                self._index.base += line - self._anchor_line(anchor, place)
            self._scroll_to_anchor(None if self.following else anchor)
            if any(isinstance(edit, Replaced) for edit in edits):
                # Fewer rows may be there, of which the last is in sight.
                self._set_following(self.scroll_offset.y >= self.max_scroll_y)
        for index in repaint or ():
            top = self._index.top(index) - self._top + self._padding
            self.refresh(Region(0, top, self.size.width, self._index.height(index)))
        return edits

    def _anchor(self) -> Anchor | None:
        """Return the anchor to keep in place; None while following the end."""
        return None if self.following else self._visible_row(0)

    def _visible_row(self, y: int, *, from_end: bool = False) -> Anchor | None:
        """Return the row on a line of the view, or the one nearest to it; None without rows."""
        index = self._index
        line = self._top + y - self._padding
        place = index.locate(min(max(line, index.base), index.base + index.total - 1))
        if place is None:
            return None
        row, above = index.row(place[0]), self._top - index.top(place[0])
        return Anchor(row, index.height(place[0]) - above if from_end else above, from_end)

    def _anchor_line(self, anchor: Anchor, place: int) -> int:
        """Return which line of the index an anchor is, whose row is at `place` now."""
        top, height = self._index.top(place), self._index.height(place)
        return top + (height - anchor.line if anchor.from_end else min(anchor.line, height - 1))

    def _scroll_to_anchor(self, anchor: Anchor | None, *, above: int = 0) -> None:
        """Scroll to the end, or so that the anchor is `above` lines below the top."""
        self._moving = True
        try:
            goal = self._scroll_goal(anchor, above)
            self._set_total_height()
            # Following also ends a running animation to another place; otherwise it may continue.
            if goal != self.scroll_offset.y or (anchor is None and goal != self.scroll_target_y):
                self.scroll_to(y=goal, animate=False, force=True)
        finally:
            self._moving = False
        self.refresh()
        self._measure_later()

    def _set_following(self, following: bool) -> None:
        if following != self.following:
            self.following = following
            self.post_message(self.FollowChanged())

    # -- measuring ------------------------------------------------------------------------------------------

    def _scroll_goal(self, anchor: Anchor | None, above: int) -> int:
        """Measure the rows that will be visible; return the scroll position."""
        index, height = self._index, self.size.height
        if anchor is None or self.conversation is None:
            index.measure_end(height)
            return max(0, index.total + self._head_height - height)
        place = self.conversation.place_of(anchor.row)
        if place is None or (place == 0 and self.conversation.index_of(anchor.row) is None):
            # The row is gone, for example cleared: the view begins at the top.
            index.measure_lines(index.base, height, index.base - 1)
            return 0
        index.measure_row(place)
        head = self._head_height
        # Measuring a row may change its height, and with it which rows are visible; each round measures some,
        # so it ends.
        while True:
            line = self._anchor_line(anchor, place)
            goal = min(max(0, line - above - index.base + head), max(0, index.total + head - height))
            before = index.total
            index.measure_lines(index.base + goal - head, height, max(line, index.top(place)))
            if index.total == before:
                return goal

    def _measure_view(self, old: int, new: int) -> None:
        """Measure after the user scrolled, keeping the distance between the old and the new view."""
        index = self._index
        # At the very top, and during an animation, measurements above must not move the view.
        keep_top = new <= 0 or self.app.animator.is_being_animated(self, "scroll_y")
        start = index.base - self._head_height
        pin = index.base - 1 if keep_top else start + old
        line, before = start + new, (index.base, index.total)
        index.measure_lines(line, self.size.height, pin)
        if (index.base, index.total) != before:
            self._set_total_height()
            goal = line - index.base + self._head_height
            if goal != new:
                self.scroll_to(y=goal, animate=False, force=True)
            self.refresh()

    def _measure_later(self) -> None:
        if self._idle is None and self.is_attached:
            self._idle = self.set_interval(_IDLE_SECONDS, self._measure_idly)

    def _measure_idly(self) -> None:
        """Measure a few hidden rows; the view stays as it is, so nothing is painted."""
        now = monotonic()
        if now - self._changed_at < _QUIET_SECONDS or self.app.animator.is_being_animated(self, "scroll_y"):
            return
        index, line = self._index, self._top
        more = index.measure_more(line, lambda: monotonic() - now > _IDLE_BUDGET)
        self._set_total_height()
        offset = line - index.base + self._head_height
        if offset != self.scroll_offset.y:
            # Without the watchers of `scroll_y`, which would repaint a view in which nothing has moved.
            self.set_reactive(Widget.scroll_y, float(offset))
            self.set_reactive(Widget.scroll_target_y, float(offset))
            self.vertical_scrollbar.position = offset
        if not more and self._idle is not None:
            self._idle.stop()
            self._idle = None

    def _set_total_height(self) -> None:
        """Set the height for the scroll bar, without a new layout, which nothing else here needs."""
        size = Size(self.scrollable_content_region.width, self._index.total + self._head_height)
        # Textual's own setter would lay out the whole screen for every message.
        if size != self.virtual_size:
            self.set_reactive(Widget.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = size.height

"""A scrolling view of a conversation's rows that measures only what is seen, and follows the end."""

from collections.abc import Sequence
from time import monotonic
from weakref import WeakKeyDictionary

from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.timer import Timer
from textual.widget import Widget

from globalchat.ui.model.conversation import Conversation, Edit
from globalchat.ui.model.row_index import RowIndex
from globalchat.ui.model.rows import Row

Anchor = tuple[Row, int]
"""The row at the top of the view, and how many of its lines are above it."""

_IDLE_SECONDS = 0.05
_IDLE_BUDGET = 0.004
"""How long (s) rows out of sight are measured at a time."""

_QUIET_SECONDS = 0.1
"""How long (s) nothing must have changed before that."""


class RowView(ScrollView):
    """Keeps what is read in its place while rows come, go and change, whatever was guessed of the others.

    Attributes:
        following: Whether the end is shown and stays shown.
        conversation: What is shown.
    """

    class FollowChanged(Message):
        """The view began or ceased to follow the end."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.following = True
        self.conversation: Conversation | None = None
        self._index = RowIndex((), self.row_height)
        self._left: WeakKeyDictionary[Conversation, Anchor | None] = WeakKeyDictionary()
        self._moving = False
        self._idle: Timer | None = None
        self._changed_at = 0.0

    def row_height(self, row: Row) -> int:
        """How many lines a row takes."""
        raise NotImplementedError

    def is_folded(self, row: Row) -> bool:
        """Whether a part of a row's text is not shown."""
        raise NotImplementedError

    def toggle_fold(self) -> bool:
        """Show all that is folded in sight, or fold what is shown whole. Returns whether there was any."""
        rows = self._concerned()
        folded = [row for row in rows if self.is_folded(row)]
        return self.fold(folded or [row for row in rows if row.whole], whole=bool(folded))

    def fold(self, rows: Sequence[Row], *, whole: bool) -> bool:
        """Show rows whole from the first one's beginning, or fold them. Returns whether there are any."""
        if not rows or self.conversation is None:
            return False
        for row in rows:
            self.conversation.fold(row, whole=whole)
        self._replay()
        self.reveal(rows[0], above=0 if whole else None)
        return True

    def _concerned(self) -> list[Row]:
        """Return the rows in sight."""
        first = self._index.locate(self._top)
        last = self._index.locate(min(self._top + self.size.height, self._index.base + self._index.total) - 1)
        if first is None or last is None:
            return []
        return [self._index.row(number) for number in range(first[0], last[0] + 1)]

    def page(self, direction: int) -> None:
        """Scroll by a page, keeping two lines in sight."""
        step = max(1, self.size.height - 2)
        self.scroll_to(y=self.scroll_offset.y + direction * step, animate=False)

    def jump_to_tail(self) -> None:
        """Show the newest row and follow the end again."""
        self._set_following(True)
        self._settle(None)

    def reveal(self, row: Row, *, above: int | None = None, line: int | None = None) -> None:
        """Scroll so that a row is seen: `above` lines below the top; None leaves it if it is seen already.

        Of a row that is higher than the view, this `line` of it is to be seen.
        """
        index = self.conversation.index_of(row) if self.conversation is not None else None
        if index is None:
            return
        self._index.measure_row(index)
        height, first = self._index.height(index), 0
        if line is not None and height > self.size.height:
            height, first = 1, line
        place = self._index.top(index) + first - self._top
        if above is None and 0 <= place <= self.size.height - height:
            return
        self._set_following(False)
        self._settle((row, first), above=max(0, (self.size.height - height) // 2) if above is None else above)
        self._set_following(self.scroll_offset.y >= self.max_scroll_y)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Measure what comes into sight; follow the end exactly when somebody scrolled there."""
        super().watch_scroll_y(old_value, new_value)
        if self._moving:
            return
        self._moving = True
        try:
            self._look(round(old_value), round(new_value))
        finally:
            self._moving = False
        self._set_following(self.scroll_y >= self.max_scroll_y)

    # -- for the one that shows the rows --------------------------------------------------------------------

    @property
    def _top(self) -> int:
        """The line at the top of the view."""
        return self._index.base + self.scroll_offset.y

    @property
    def _missing(self) -> int:
        """The empty lines above few rows: they stand at the bottom."""
        return max(0, self.size.height - self._index.total)

    def _take_up(self, conversation: Conversation | None) -> Anchor | None:
        """Take another conversation up. Returns where it was left; None if that was its end, or never."""
        if self.conversation is not None:
            self._left[self.conversation] = self._anchor()
            self.conversation.ignore_edits()
        same = conversation is self.conversation
        anchor = None if conversation is None or same else self._left.pop(conversation, None)
        self.conversation = conversation
        if conversation is not None:
            conversation.follow_edits()
        self._set_following(anchor is None)
        return anchor

    def _start(self, anchor: Anchor | None) -> None:
        """Show the rows of another conversation."""
        rows: list[Row] = []
        if self.conversation is not None:
            self.conversation.take_edits()
            rows = self.conversation.rows
        self._index = RowIndex(rows, self.row_height)
        self._measure_anew(anchor)
        if anchor is not None:  # of what is left of the rows the end may be in sight
            self._set_following(self.scroll_offset.y >= self.max_scroll_y)

    def _restart(self, anchor: Anchor | None) -> None:
        """The same rows have other heights now."""
        if self.conversation is not None:
            self._index.replay(self.conversation.take_edits())
        self._index.forget()
        self._measure_anew(anchor)

    def _measure_anew(self, anchor: Anchor | None) -> None:
        self._settle(anchor)
        # What is seen tells how high the rest may be.
        self._index.calibrate()
        self._settle(anchor)

    def _replay(self) -> list[Edit]:
        """Take in what changed since the last time, in one repaint. Returns the edits."""
        edits = self.conversation.take_edits() if self.conversation is not None else []
        if not edits:
            return edits
        self._changed_at = monotonic()
        anchor = self._anchor()
        repaint = self._index.replay(edits)
        if repaint is None:
            self._settle(anchor)
        for index in repaint or ():
            top = self._index.top(index) - self._top + self._missing
            self.refresh(Region(0, top, self.size.width, self._index.height(index)))
        return edits

    def _anchor(self) -> Anchor | None:
        """What to keep in its place; None while following the end."""
        if self.following:
            return None
        place = self._index.locate(self._top)
        return (self._index.row(place[0]), place[1]) if place else None

    def _settle(self, anchor: Anchor | None, *, above: int = 0) -> None:
        """Scroll to the end, or so that the anchor stands `above` lines below the top."""
        self._moving = True
        try:
            goal = self._goal(anchor, above)
            self._announce()
            # Following also ends an animation that is still under way to elsewhere; otherwise it may go on.
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

    def _goal(self, anchor: Anchor | None, above: int) -> int:
        """Measure what is to be seen; where to scroll for it."""
        index, height = self._index, self.size.height
        if anchor is None or self.conversation is None:
            index.measure_end(height)
            return max(0, index.total - height)
        place = self.conversation.index_of(anchor[0])
        if place is None:
            index.measure_lines(index.base, height, index.base - 1)
            return 0
        index.measure_row(place)
        while True:
            line = index.top(place) + min(anchor[1], index.height(place) - 1)
            goal = min(max(0, line - above - index.base), max(0, index.total - height))
            before = index.total
            index.measure_lines(index.base + goal, height, line)
            if index.total == before:
                return goal

    def _look(self, old: int, new: int) -> None:
        """Somebody scrolled: what was seen before keeps its distance to what is seen now."""
        index = self._index
        # At the very top, and while an animation sets the offset, what is above must not move the view.
        keep_top = new <= 0 or self.app.animator.is_being_animated(self, "scroll_y")
        pin = index.base - 1 if keep_top else index.base + old
        line, before = index.base + new, (index.base, index.total)
        index.measure_lines(line, self.size.height, pin)
        if (index.base, index.total) != before:
            self._announce()
            goal = line - index.base
            if goal != new:
                self.scroll_to(y=goal, animate=False, force=True)
            self.refresh()

    def _measure_later(self) -> None:
        if self._idle is None and self.is_attached:
            self._idle = self.set_interval(_IDLE_SECONDS, self._measure_idly)

    def _measure_idly(self) -> None:
        """Measure a little of what is out of sight; the view stays as it is, so nothing is painted."""
        now = monotonic()
        if now - self._changed_at < _QUIET_SECONDS or self.app.animator.is_being_animated(self, "scroll_y"):
            return
        index, line = self._index, self._top
        more = index.measure_more(line, lambda: monotonic() - now > _IDLE_BUDGET)
        self._announce()
        offset = line - index.base
        if offset != self.scroll_offset.y:
            self.set_reactive(Widget.scroll_y, float(offset))
            self.set_reactive(Widget.scroll_target_y, float(offset))
            self.vertical_scrollbar.position = offset
        if not more and self._idle is not None:
            self._idle.stop()
            self._idle = None

    def _announce(self) -> None:
        """Let the scroll bar know the height; without a layout, which nothing else here needs."""
        size = Size(self.scrollable_content_region.width, self._index.total)
        if size != self.virtual_size:
            self.set_reactive(Widget.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = size.height

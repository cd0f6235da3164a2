"""One channel's rows in order, and which of them are unread. Pure."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import accumulate
from sys import getsizeof

from rich.cells import cell_len

from globalchat.ui.model.calendar import Calendar
from globalchat.ui.model.names import Name, NameColours, NameKey
from globalchat.ui.model.read_mark import Order, ReadMark
from globalchat.ui.model.rows import FAILED, UNDECIDED, Delivery, MessageRow, NamedRow, Row

READ_BACK_ROWS = 20_000
"""The rows up to which a scrollback grows while the user goes back in history."""

SIZE_PER_ROW = 8192
"""Bytes of memory for a scrollback's texts per row of its limit: 2,000 rows may take 16 MB."""

GROUP_WITHIN = 120_000
"""Messages of one sender within this time (ms) are grouped under one name."""


@dataclass(frozen=True, slots=True)
class Inserted:
    """A row was inserted at `index`."""

    index: int
    row: Row


@dataclass(frozen=True, slots=True)
class Updated:
    """The row at `index` looks different now."""

    index: int
    row: Row


@dataclass(frozen=True, slots=True)
class Removed:
    """`count` rows from `index` on were removed."""

    index: int
    count: int = 1


@dataclass(frozen=True, slots=True)
class Replaced:
    """All rows were replaced by these."""

    rows: tuple[Row, ...]


Edit = Inserted | Updated | Removed | Replaced


def _never(_name: Name) -> bool:
    return False


class Conversation:
    """Keeps the scrollback of a channel, bounded in rows and in the bytes of their texts.

    Messages of senders that the user ignores (`ignores`) are kept apart, and so are those of others while
    only some senders are shown; they have the same bounds.

    Attributes:
        rows: The rows that are shown, in order of (time, id); change them only through the methods.
        ignored_count: The number of messages that are hidden because their senders are ignored.
        mark: Up to where it is read.
        is_trimmed: True if the oldest rows were dropped because there were too many.
        is_cleared: True if the user emptied it.
        calendar: The times of the rows.
        name_cells: The cells of the longest name that is or was here.
    """

    def __init__(
        self,
        channel: str,
        calendar: Calendar,
        *,
        limit: int = 2000,
        mark: ReadMark | None = None,
        ignores: Callable[[Name], bool] = _never,
    ) -> None:
        self.channel = channel
        self.rows: list[Row] = []
        self.ignored_count = 0
        self._ignores = ignores
        self._shows: Callable[[Name], bool] | None = None
        self._hidden: list[NamedRow] = []
        self._hidden_size = 0
        self.mark = mark or ReadMark()
        self.is_trimmed = False
        self.is_cleared = False
        self.calendar = calendar
        self.name_cells = 0
        self._colours = NameColours()
        self._limit = limit
        self._size_limit = limit * SIZE_PER_ROW
        self._size = 0
        self._divider: Row | None = None
        self._edits: list[Edit] | None = None

    def colour_of(self, name: Name) -> int:
        """Return the colour that a name has in this channel."""
        return self._colours.of(name)

    def follow_edits(self) -> None:
        """Start recording edits for `take_edits`."""
        self._edits = []

    def ignore_edits(self) -> None:
        """Stop recording edits: no widget shows this channel."""
        self._edits = None

    def take_edits(self) -> list[Edit]:
        """Return the edits since the last call, in order.

        Replaying them turns the old rows into the new ones.
        """
        # Taken by exchange: what is recorded while they are replayed belongs to the next call.
        edits, self._edits = self._edits or [], []
        return edits

    def index_of(self, row: Row) -> int | None:
        """Return the index of a row, None if it is not (or no longer) here."""
        # Rows with the same time and id (a conflicting id) are distinguished by identity.
        index = bisect_left(self.rows, row.order, key=_order)
        while index < len(self.rows) and self.rows[index].order == row.order:
            if self.rows[index] is row:
                return index
            index += 1
        return None

    def before(self, row: Row) -> Row | None:
        """Return the last row above the place of one that is not here, None if there is none."""
        place = bisect_right(self.rows, row.order, key=_order)
        return self.rows[place - 1] if place else None

    def place_of(self, row: Row) -> int | None:
        """Return the index of a row, or of the one below it if it is not shown any more; None without any."""
        place = self.index_of(row)
        if place is None and self.rows:
            place = min(bisect_left(self.rows, row.order, key=_order), len(self.rows) - 1)
        return place

    def nearest_message(self, row: MessageRow) -> MessageRow | None:
        """Return a message itself while it is here, else the one now at its place or above."""
        if self.index_of(row) is not None:
            return row
        place = bisect_left(self.rows, row.order, key=_order)
        around = (*self.rows[place:], *reversed(self.rows[:place]))
        return next((each for each in around if isinstance(each, MessageRow)), None)

    def add(self, row: Row) -> None:
        """Insert a row at its place, and drop the oldest rows if there are too many."""
        if isinstance(row, NamedRow) and self._is_hidden(row):
            self._hide(row)
            return
        # Nearly every row belongs at the end.
        index = len(self.rows)
        if index and self.rows[-1].order > row.order:
            index = bisect_right(self.rows, row.order, key=_order)
        self._draw_name(row, older=index < len(self.rows))
        self.rows.insert(index, row)
        self._size += _size(row)
        self._record(Inserted(index, row))
        # The row below may get another day or name above it.
        self._decorate(index)
        self._decorate(index + 1)
        self._trim()

    def arrive(self, row: MessageRow, arrival: str | None = None, *, seen: bool) -> None:
        """Add a message of another user, as unread if it counts and is not seen at once.

        `arrival` is its place in the order of arrival of the region that brought it.
        """
        mark = self.mark
        mark.note(row.order, arrival, row.via)
        if not seen and row.counts and not self.is_ignored(row):
            # The line *new* stays above the first unread message.
            if not mark.unread:
                self.place_divider(row)
            else:
                self.divide(row, mark.position.order if mark.position is not None else None)
            mark.count(row.order, mention=bool(row.mentions))
        self.add(row)
        if seen:
            mark.read()

    def touch(self, row: Row) -> None:
        """Record that a row looks different now."""
        row.revision += 1
        index = self.index_of(row)
        if index is not None:
            self._record(Updated(index, row))

    def fold(self, row: Row, *, whole: bool) -> None:
        """Show all of a row's text, or fold it again if it is long."""
        if row.whole != whole:
            row.whole = whole
            self.touch(row)

    def rename(self, names: Collection[NameKey]) -> None:
        """Record that these names (`Name.owner`) are now drawn differently."""
        if self._edits is None:
            return  # A widget that shows this channel later paints all of it.
        for row in [row for row in self.rows if isinstance(row, NamedRow) and row.name.owner in names]:
            self.touch(row)

    def attribute(self, row: MessageRow, name: Name, author: str | None) -> None:
        """Give a row the name and the author that the backend has stamped it with."""
        row.author = author
        # Another name may end or begin a group, which concerns the row below, too.
        if row.name.key != name.key:
            row.name = name
            index = self.index_of(row)
            if index is not None:
                self._decorate(index)
                self._decorate(index + 1)

    def move(self, row: Row, at: int) -> None:
        """Give a row a new time, and its new place."""
        if row.at == at:
            self.touch(row)
            return
        index = self.index_of(row)
        if index is None:
            row.at = at
            return
        # Between the same neighbours, it is repainted, not moved.
        before = self.rows[index - 1].order if index else None
        after = self.rows[index + 1].order if index + 1 < len(self.rows) else None
        row.at = at
        if isinstance(row, MessageRow):
            row.time = self.calendar.message_time(at)
        if (before is None or before <= row.order) and (after is None or row.order <= after):
            row.revision += 1
            self._record(Updated(index, row))
            self._decorate(index)
            self._decorate(index + 1)
            return
        self._size -= _size(row)
        del self.rows[index]
        self._record(Removed(index))
        self._decorate(index)
        row.revision += 1
        self.add(row)

    def remove(self, row: Row) -> None:
        """Remove a row."""
        index = self.index_of(row)
        if index is not None:
            self._remove(index, 1)

    def failed(self) -> list[MessageRow]:
        """Return the own messages that could not be sent, oldest first."""
        return [row for row in self.rows if isinstance(row, MessageRow) and row.delivery in FAILED]

    def pending(self) -> list[MessageRow]:
        """Return the own messages that are still to be sent, oldest first."""
        return [row for row in self.rows if isinstance(row, MessageRow) and row.delivery is Delivery.SENDING]

    def clear(self) -> None:
        """Clear the scrollback, except for own messages that are still being sent."""
        self.is_cleared = True
        kept = [row for row in self.rows if isinstance(row, MessageRow) and row.delivery in UNDECIDED]
        self.place_divider(None)
        self._hidden, self._hidden_size, self.ignored_count = [], 0, 0
        self._remove(0, len(self.rows))
        for row in kept:
            row.day = None  # `add` sets it again.
            self.add(row)
        self.mark.read()

    @property
    def room(self) -> int:
        """The number of rows that can be added before the oldest ones are dropped."""
        # While only some senders are shown, all rows have to find room again afterwards.
        rows = len(self.rows) + (len(self._hidden) if self.is_filtered else 0)
        return self._limit - rows if self._size < self._size_limit else 0

    def make_room(self) -> None:
        """Let the scrollback grow to `READ_BACK_ROWS`, for older rows that the user has asked for."""
        self._limit = max(self._limit, READ_BACK_ROWS)

    @property
    def limit(self) -> int:
        """The most rows."""
        return self._limit

    def divide(self, row: Row, read_to: Order | None) -> None:
        """Put the line *new* above `row`, unless it stands above an earlier row, or all before that is read.

        What was read up to `read_to` stays above the line, if that is not the only place for it.
        """
        divider = self._divider
        is_earlier = divider is not None and row.order < divider.order
        if divider is None or (is_earlier and read_to is not None and row.order > read_to):
            self.place_divider(row)

    def place_divider(self, row: Row | None) -> None:
        """Put the line *new* above `row`; None removes it."""
        previous, self._divider = self._divider, row
        for each, divided in ((previous, False), (row, True)):
            if each is not None and each.divider != divided:
                each.divider = divided
                index = self.index_of(each)
                if index is not None:
                    each.revision += 1
                    self._record(Updated(index, each))
                    self._decorate(index)

    @property
    def first_new(self) -> Row | None:
        """The row below the line *new*; None if there is none."""
        divider = self._divider
        return divider if divider is not None and self.index_of(divider) is not None else None

    @property
    def tail(self) -> int:
        """The time of the last row (epoch ms), 0 without one."""
        return max(self.rows[-1].at if self.rows else 0, self._hidden[-1].at if self._hidden else 0)

    # -- hidden rows ----------------------------------------------------------------------------------------

    @property
    def is_filtered(self) -> bool:
        """True while only some senders are shown."""
        return self._shows is not None

    @property
    def all_rows(self) -> list[Row]:
        """The rows that are shown and those that are hidden, in order."""
        return sorted((*self.rows, *self._hidden), key=_order) if self._hidden else list(self.rows)

    def is_ignored(self, row: NamedRow) -> bool:
        """Return True if the user ignores the sender; what the user wrote is never ignored."""
        return not _is_own(row) and self._ignores(row.name)

    def show_only(self, shows: Callable[[Name], bool] | None) -> None:
        """Show only the messages of these senders, and the user's own; None shows all again."""
        self._shows = shows
        self.sort_out()

    def sort_out(self) -> None:
        """Show and hide messages again, after it has changed who is ignored."""
        rows, self.ignored_count = self.all_rows, 0
        came_back = set(map(id, self._hidden))
        self.rows, self._hidden = [], []
        for row in rows:
            was_ignored = isinstance(row, NamedRow) and row.ignored
            if isinstance(row, NamedRow) and self._is_hidden(row):
                self._hidden.append(row)
                self.ignored_count += row.ignored
                if row.ignored and not was_ignored and isinstance(row, MessageRow):
                    self.mark.uncount(row.order, mention=bool(row.mentions))
            else:
                row.revision += id(row) in came_back  # It was not updated meanwhile.
                self._draw_name(row, older=True)
                self.rows.append(row)
        self._size, self._hidden_size = sum(map(_size, self.rows)), sum(map(_size, self._hidden))
        if self._edits is not None:
            self._edits = []  # What the rows were before makes no difference.
        self._trim()
        for index in range(len(self.rows)):
            self._decorate(index)
        if self._edits is not None:
            self._edits = [Replaced(tuple(self.rows))]

    def _is_hidden(self, row: NamedRow) -> bool:
        """Return True if a row is not to be shown; note if its sender is ignored."""
        row.ignored = self.is_ignored(row)
        filtered = self._shows is not None and not _is_own(row) and not self._shows(row.name)
        return row.ignored or filtered

    def _hide(self, row: NamedRow) -> None:
        insort(self._hidden, row, key=_order)
        self._hidden_size += _size(row)
        self.ignored_count += row.ignored
        surplus = self._surplus(self._hidden, self._hidden_size)
        if surplus > 0:
            gone = self._hidden[: surplus + self._limit // 64]
            del self._hidden[: len(gone)]
            self._hidden_size -= sum(map(_size, gone))
            self.ignored_count -= sum(each.ignored for each in gone)

    def _trim(self) -> None:
        """Drop the oldest rows if there are too many."""
        surplus = self._surplus(self.rows, self._size)
        if surplus > 0:
            self.is_trimmed = True
            # Many are removed at once in a long history, since each removal moves all other rows up.
            self._remove(0, min(surplus + self._limit // 64, len(self.rows) - 1))

    def _surplus(self, rows: Sequence[Row], size: int) -> int:
        """Return the number of oldest rows above the limits."""
        surplus = max(0, len(rows) - self._limit)
        excess = size - self._size_limit
        if excess > 0:
            # Only in the rare case that the bytes are the limit, since this reads every row.
            sizes = accumulate(map(_size, rows))
            surplus = max(surplus, next(count for count, size in enumerate(sizes, 1) if size >= excess))
        return surplus

    def _remove(self, index: int, count: int) -> None:
        self._size -= sum(map(_size, self.rows[index : index + count]))
        del self.rows[index : index + count]
        self._record(Removed(index, count))
        self._decorate(index)

    def _decorate(self, index: int) -> None:
        """Update the lines above the row at `index`: a day, the divider, its sender's name."""
        if index >= len(self.rows):
            return
        row = self.rows[index]
        previous = self.rows[index - 1] if index else None
        day = None
        if previous is None or self.calendar.day(previous.at) != self.calendar.day(row.at):
            day = self.calendar.day_title(row.at)
        grouped = day is None and not row.divider and _belong_together(previous, row)
        changed = day != row.day
        row.day = day
        if isinstance(row, MessageRow) and row.grouped != grouped:
            row.grouped = grouped
            changed = True
        if changed:
            row.revision += 1
            self._record(Updated(index, row))

    def _draw_name(self, row: Row, *, older: bool) -> None:
        """Give a row the colour of its sender, and note how much room the name takes."""
        if not isinstance(row, MessageRow):
            return
        self.name_cells = max(self.name_cells, cell_len(row.name.short))
        if row.colour is None and not row.own:
            row.colour = self._colours.take(row.name, older=older)

    def _record(self, edit: Edit) -> None:
        if self._edits is not None:
            self._edits.append(edit)


def _belong_together(first: Row | None, second: Row) -> bool:
    return (
        isinstance(first, MessageRow)
        and isinstance(second, MessageRow)
        and first.name.key == second.name.key
        and first.own == second.own
        and second.at - first.at <= GROUP_WITHIN
    )


def _is_own(row: NamedRow) -> bool:
    return isinstance(row, MessageRow) and row.own


def _size(row: Row) -> int:
    """Return the bytes of memory of the row's texts, whose length others choose."""
    if not isinstance(row, MessageRow):
        return 0
    text, sender = row.original or ("", "")
    return getsizeof(row.text) + getsizeof(text) + getsizeof(sender or "") + getsizeof(row.id)


def _order(row: Row) -> tuple[int, str]:
    return row.order

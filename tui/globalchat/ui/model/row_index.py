"""Finds the row at a line while measuring only rows that are needed. Pure."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, islice

from globalchat.ui.model.conversation import Edit, Inserted, Removed, Replaced, Updated
from globalchat.ui.model.rows import Row

BLOCK_ROWS = 64
"""Rows of a full block: few enough to measure at once, enough for a long history to have few blocks."""


class RowBlock:
    """Neighbouring rows and their heights in lines, measured together; a height of 0 is unknown.

    Attributes:
        rows: The rows, in order.
        heights: One per row.
        known: The sum of the known heights.
        unknown: The number of unknown heights.
    """

    __slots__ = ("heights", "known", "rows", "unknown")

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = list(rows)
        self.heights = [0] * len(self.rows)
        self.known = 0
        self.unknown = len(self.rows)

    def forget(self) -> None:
        """Forget all heights."""
        if self.known:
            self.heights = [0] * len(self.rows)
            self.known, self.unknown = 0, len(self.rows)

    def height(self, guess: float) -> int:
        """Return the height of all rows, with `guess` lines for each unknown one."""
        return self.known + round(self.unknown * guess) if self.unknown else self.known

    def measure(self, height: Callable[[Row], int]) -> None:
        """Measure the rows of unknown height."""
        if not self.unknown:
            return
        for place, known in enumerate(self.heights):
            if not known:
                self.heights[place] = height(self.rows[place])
        self.known, self.unknown = sum(self.heights), 0

    def insert(self, place: int, row: Row) -> None:
        """Add a row, its height unknown."""
        self.rows.insert(place, row)
        self.heights.insert(place, 0)
        self.unknown += 1

    def remove(self, start: int, stop: int) -> None:
        """Drop the rows from `start` to `stop` (exclusive)."""
        gone = self.heights[start:stop]
        self.known -= sum(gone)
        self.unknown -= gone.count(0)
        del self.rows[start:stop]
        del self.heights[start:stop]

    def update(self, place: int, height: Callable[[Row], int]) -> bool:
        """Measure a changed row again if its height was known. Return True if it is unchanged."""
        old = self.heights[place]
        if not old:
            return False
        new = self.heights[place] = height(self.rows[place])
        self.known += new - old
        return new == old

    def split(self) -> "RowBlock":
        """Move the second half to a new block and return it."""
        middle = len(self.rows) // 2
        other = RowBlock(self.rows[middle:])
        other.heights = self.heights[middle:]
        other.known, other.unknown = sum(other.heights), other.heights.count(0)
        self.remove(middle, len(self.rows))
        return other

    def top(self, place: int, guess: float) -> int:
        """Return the number of lines before a row."""
        before = self.heights[:place]
        return sum(before) + round(before.count(0) * guess)

    def locate(self, line: int, guess: float) -> tuple[int, int]:
        """Return the row at a line of the block, and the line within it; approximate where not measured."""
        if not self.unknown:
            for place, height in enumerate(self.heights):
                if line < height:
                    return place, line
                line -= height
        share = line / max(1, self.height(guess))
        return min(len(self.rows) - 1, int(share * len(self.rows))), 0


class RowIndex:
    """Keeps the rows of a pane with their heights in lines, most of them estimated until they are shown.

    Lines are counted from `base`, which moves so that visible lines keep their numbers when older rows are
    dropped or rows above turn out higher or lower than estimated. Except for a sum over the blocks from the
    first changed one, no operation takes time that grows with the number of rows. `height` measures a row.
    """

    def __init__(self, rows: Sequence[Row], height: Callable[[Row], int]) -> None:
        self.base = 0
        self._measure = height
        # Most messages take one line; a wrong guess only moves the scroll bar.
        self._guess = 1.0
        # The sums of heights and of rows, of as many blocks as have not changed since.
        self._ends: list[int] = []
        self._row_ends: list[int] = []
        self._replace(rows)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Row]:
        for block in self._blocks:
            yield from block.rows

    @property
    def total(self) -> int:
        """The height of all rows together, as far as it is known."""
        self._sum()
        return self._ends[-1] if self._ends else 0

    @property
    def exact(self) -> bool:
        """True if every height is known."""
        return not any(block.unknown for block in self._blocks)

    def row(self, index: int) -> Row:
        """Return the row at an index."""
        block, place = self._find(index)
        return self._blocks[block].rows[place]

    def top(self, index: int) -> int:
        """Return the first line of a row."""
        block, place = self._find(index)
        return self._block_top(block) + self._blocks[block].top(place, self._guess)

    def height(self, index: int) -> int:
        """Return the number of lines of a row, measuring it if necessary."""
        block, place = self._find(index)
        # Not stored, since blocks are measured as a whole, which keeps their sums right.
        return self._blocks[block].heights[place] or self._measure(self._blocks[block].rows[place])

    def locate(self, line: int) -> tuple[int, int] | None:
        """Return the row at a line, and the line within it; None outside. Approximate where not measured."""
        self._sum()
        number = bisect_right(self._ends, line - self.base)
        if line < self.base or number >= len(self._blocks):
            return None
        place, offset = self._blocks[number].locate(line - self._block_top(number), self._guess)
        return self._first_row(number) + place, offset

    # -- measuring ------------------------------------------------------------------------------------------

    def measure_row(self, index: int) -> None:
        """Measure a row and its neighbours; rows above keep their lines."""
        self._measure_block(self._find(index)[0])

    def measure_lines(self, line: int, count: int, pin: int) -> None:
        """Measure the rows on `count` lines from `line` on; the row on line `pin` stays there.

        The row on `pin` must have been measured before.
        """
        # Measured rows may be lower than estimated, and then more of them are needed for the same lines.
        while True:
            self._sum()
            number = bisect_right(self._ends, line - self.base)
            while number < len(self._blocks) and not self._blocks[number].unknown:
                number += 1
            if number >= len(self._blocks) or self._block_top(number) >= line + count:
                return
            self._measure_block(number, keep_below=self.base + self._ends[number] <= pin)

    def measure_end(self, count: int) -> None:
        """Measure the last `count` lines; rows above keep their lines."""
        for number in reversed(range(len(self._blocks))):
            if count <= 0:
                return
            self._measure_block(number)
            count -= self._blocks[number].known

    def measure_more(self, pin: int, enough: Callable[[], bool]) -> bool:
        """Measure the remaining rows, the nearest first, until `enough`.

        Return True if any are left. The row on line `pin` stays there; it must have been measured before.
        """
        self._sum()
        # Upwards first, since users scroll back.
        here = min(bisect_right(self._ends, pin - self.base), len(self._blocks))
        for number in (*reversed(range(here)), *range(here, len(self._blocks))):
            if self._blocks[number].unknown:
                if enough():
                    return True
                self._measure_block(number, keep_below=number < here)
        return False

    def forget(self) -> None:
        """Forget the heights of all rows."""
        for block in self._blocks:
            block.forget()
        self._ends.clear()

    def calibrate(self) -> None:
        """Estimate the unknown heights again from the mean of the known ones. Moves everything."""
        known = [block for block in self._blocks if block.known]
        rows = sum(len(block.rows) - block.unknown for block in known)
        if rows:
            self._guess = max(1.0, sum(block.known for block in known) / rows)
            self._ends.clear()

    # -- changes --------------------------------------------------------------------------------------------

    def apply(self, edit: Edit) -> int | None:
        """Replay an edit. Return the index of a row that only has to be repainted, or None."""
        match edit:
            case Inserted(index, row):
                self._insert(index, row)
            case Removed(index, count):
                self._remove(index, count)
            case Updated(index, _):
                block, place = self._find(index)
                if self._blocks[block].update(place, self._measure):
                    return index
                del self._ends[block:]
            case Replaced(rows):
                self._replace(rows)
        return None

    def replay(self, edits: Iterable[Edit]) -> set[int] | None:
        """Replay edits. Return the indices of rows to be repainted, or None if lines have moved."""
        repaint: set[int] = set()
        moved = False
        for edit in edits:
            index = self.apply(edit)
            if index is None:
                moved = True
            else:
                repaint.add(index)
        return None if moved else repaint

    def _replace(self, rows: Sequence[Row]) -> None:
        self._count = len(rows)
        self._blocks = [
            RowBlock(rows[start : start + BLOCK_ROWS]) for start in range(0, len(rows), BLOCK_ROWS)
        ]
        self._forget_sums(0)

    def _insert(self, index: int, row: Row) -> None:
        if index == self._count:
            if not self._blocks or len(self._blocks[-1].rows) >= BLOCK_ROWS:
                self._blocks.append(RowBlock(()))
            number = len(self._blocks) - 1
            self._blocks[number].insert(len(self._blocks[number].rows), row)
        else:
            number, place = self._find(index)
            self._blocks[number].insert(place, row)
            # Old messages that arrive late (history) enlarge a block in the middle.
            if len(self._blocks[number].rows) > 2 * BLOCK_ROWS:
                self._blocks.insert(number + 1, self._blocks[number].split())
        self._count += 1
        self._forget_sums(number)

    def _remove(self, index: int, count: int) -> None:
        before = self.total
        number, place = self._find(index)
        self._forget_sums(number)
        left = count
        while left:
            block = self._blocks[number]
            gone = min(left, len(block.rows) - place)
            block.remove(place, place + gone)
            left -= gone
            if block.rows:
                number, place = number + 1, 0
            else:
                del self._blocks[number]
        self._count -= count
        # The oldest rows left the scrollback: all others keep their lines.
        if index == 0:
            self.base += before - self.total

    # -- sums -----------------------------------------------------------------------------------------------

    def _measure_block(self, number: int, *, keep_below: bool = False) -> None:
        block = self._blocks[number]
        if not block.unknown:
            return
        before = block.height(self._guess)
        block.measure(self._measure)
        del self._ends[number:]
        # Wrong estimates move the lines above instead of those below.
        if keep_below:
            self.base += before - block.known

    def _forget_sums(self, number: int) -> None:
        """Forget the sums from a block on, whose rows have changed."""
        del self._ends[number:]
        del self._row_ends[number:]

    def _sum(self) -> None:
        if len(self._ends) < len(self._blocks):
            guess = self._guess
            _extend(self._ends, [block.height(guess) for block in self._blocks[len(self._ends) :]])

    def _sum_rows(self) -> None:
        if len(self._row_ends) < len(self._blocks):
            _extend(self._row_ends, [len(block.rows) for block in self._blocks[len(self._row_ends) :]])

    def _find(self, index: int) -> tuple[int, int]:
        """Return the block of a row, and the row's place in it."""
        if self._blocks:
            # The newest rows change most often, and need no sums.
            first = self._count - len(self._blocks[-1].rows)
            if index >= first:
                return len(self._blocks) - 1, index - first
        self._sum_rows()
        number = bisect_right(self._row_ends, index)
        return number, index - self._first_row(number)

    def _first_row(self, number: int) -> int:
        self._sum_rows()
        return self._row_ends[number - 1] if number else 0

    def _block_top(self, number: int) -> int:
        self._sum()
        return self.base + (self._ends[number - 1] if number else 0)


def _extend(sums: list[int], values: Sequence[int]) -> None:
    """Continue running sums with further values."""
    sums += islice(accumulate(values, initial=sums[-1] if sums else 0), 1, None)

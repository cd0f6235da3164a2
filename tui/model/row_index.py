"""Which row stands on which line: heights, running sums, binary search."""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from itertools import accumulate

from tui.model.conversation import Edit, Inserted, Removed, Updated
from tui.model.rows import Row


class RowIndex:
    """The rows of a pane with their heights in lines.

    Lines are counted from `base`, which grows when rows leave at the top, so a line keeps its number while
    older ones go. Adding at the end and removing at the top are cheap; a change in the middle sums up anew
    from there, once, on the next question.
    """

    def __init__(self, rows: Iterable[Row], height: Callable[[Row], int]) -> None:
        self.rows = list(rows)
        self.base = 0
        self._height = height
        self._heights = [height(row) for row in self.rows]
        self._ends: list[int] = list(accumulate(self._heights))
        self._dirty_from: int | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def total(self) -> int:
        """The height of all rows together."""
        self._settle()
        return self._ends[-1] - self.base if self._ends else 0

    def top(self, index: int) -> int:
        """The first line of a row."""
        self._settle()
        return self._ends[index - 1] if index else self.base

    def height(self, index: int) -> int:
        """How many lines a row takes."""
        return self._heights[index]

    def locate(self, line: int) -> tuple[int, int] | None:
        """The row on a line, and how far into it the line is; None outside."""
        self._settle()
        index = bisect_right(self._ends, line)
        if line < self.base or index >= len(self.rows):
            return None
        return index, line - self.top(index)

    def apply(self, edit: Edit) -> int | None:
        """Replay an edit. Returns the index of a row that only has to be painted anew, or None."""
        match edit:
            case Inserted(index, row):
                self._insert(index, row)
            case Removed(index, count):
                self._remove(index, count)
            case Updated(index, row):
                height = self._height(row)
                if height == self._heights[index]:
                    return index
                self._heights[index] = height
                self._invalidate(index)
        return None

    def _insert(self, index: int, row: Row) -> None:
        height = self._height(row)
        self.rows.insert(index, row)
        self._heights.insert(index, height)
        if index == len(self._ends) and self._dirty_from is None:
            self._ends.append((self._ends[-1] if self._ends else self.base) + height)
        else:
            self._ends.insert(index, 0)
            self._invalidate(index)

    def _remove(self, index: int, count: int) -> None:
        self._settle()
        if index == 0:
            self.base = self._ends[count - 1]
        else:
            self._invalidate(index)
        for column in (self.rows, self._heights, self._ends):
            del column[index : index + count]

    def _invalidate(self, index: int) -> None:
        self._dirty_from = index if self._dirty_from is None else min(self._dirty_from, index)

    def _settle(self) -> None:
        start, self._dirty_from = self._dirty_from, None
        if start is not None:
            before = self._ends[start - 1] if start else self.base
            sums = accumulate(self._heights[start:], initial=before)
            next(sums)
            self._ends[start:] = sums

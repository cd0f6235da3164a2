"""A run of neighbouring rows whose heights are measured together, or guessed until then."""

from collections.abc import Callable, Sequence

from globalchat.ui.model.rows import Row

BLOCK_ROWS = 64
"""Rows of a full block: few enough to measure at once, many enough that a long history has few blocks."""


class RowBlock:
    """Some rows and their heights in lines; a height of 0 is not known yet.

    Attributes:
        rows: The rows, in order.
        heights: One per row.
        known: The sum of the known heights.
        unknown: How many are not known.
    """

    __slots__ = ("heights", "known", "rows", "unknown")

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = list(rows)
        self.heights = [0] * len(self.rows)
        self.known = 0
        self.unknown = len(self.rows)

    def forget(self) -> None:
        """No height is known any more."""
        if self.known:
            self.heights = [0] * len(self.rows)
            self.known, self.unknown = 0, len(self.rows)

    def height(self, guess: float) -> int:
        """The height of all rows, with `guess` lines for each unknown one."""
        return self.known + round(self.unknown * guess) if self.unknown else self.known

    def measure(self, height: Callable[[Row], int]) -> None:
        """Find out the heights that are not known."""
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
        """A row changed: measure it anew if its height was known. Returns whether that stayed the same."""
        old = self.heights[place]
        if not old:
            return False
        new = self.heights[place] = height(self.rows[place])
        self.known += new - old
        return new == old

    def split(self) -> "RowBlock":
        """Give the second half away as a block of its own."""
        middle = len(self.rows) // 2
        other = RowBlock(self.rows[middle:])
        other.heights = self.heights[middle:]
        other.known, other.unknown = sum(other.heights), other.heights.count(0)
        self.remove(middle, len(self.rows))
        return other

    def top(self, place: int, guess: float) -> int:
        """The lines of the rows before one."""
        before = self.heights[:place]
        return sum(before) + round(before.count(0) * guess)

    def locate(self, line: int, guess: float) -> tuple[int, int]:
        """The row on a line of the block, and how far into it; about that, while heights are unknown."""
        if not self.unknown:
            for place, height in enumerate(self.heights):
                if line < height:
                    return place, line
                line -= height
        share = line / max(1, self.height(guess))
        return min(len(self.rows) - 1, int(share * len(self.rows))), 0

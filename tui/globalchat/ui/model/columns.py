"""The columns of the message pane at a given width."""

from dataclasses import dataclass

TICK_CELLS = 2
TRANSIT_CELLS = 6
TIME_CELLS = 5


@dataclass(frozen=True, slots=True)
class Columns:
    """Where things stand, in cells.

    `name` 0 means that the name stands before the text instead of in a column of its own; `path` 0 and
    `transit` 0 that these are not shown. The right-hand side holds path, transit and tick.
    `plain` means no columns at all: time and name stand before the text, which has the whole width.
    """

    width: int
    margin: int
    name: int
    path: int
    transit: int
    short_path: bool
    plain: bool = False

    @property
    def text_start(self) -> int:
        """The first cell of the text."""
        if self.plain:
            return 0
        return self.margin + TIME_CELLS + (2 + self.name + 2 if self.name else 1)

    @property
    def right(self) -> int:
        """The cells of the right-hand side, with the gap before it."""
        if self.plain:
            return 0
        parts = [cells for cells in (self.path, self.transit, TICK_CELLS) if cells]
        return 1 + sum(parts) + len(parts) - 1 + self.margin

    @property
    def text(self) -> int:
        """The cells of the text."""
        return max(2, self.width - self.text_start - self.right)

    @property
    def remark(self) -> int:
        """The cells of a remark below the text: it may stand below the right-hand side as well."""
        return max(2, self.width - self.text_start - self.margin)


def columns(width: int, *, code: int = 3, letter: int = 1, plain: bool = False) -> Columns:
    """The columns for a pane of `width` cells, with region codes of `code` and `letter` cells."""
    if plain:
        return Columns(width, 0, 0, 0, 0, True, plain=True)
    if width >= 90:
        return Columns(width, 1, 12, 2 * code + 1, TRANSIT_CELLS, False)
    if width >= 60:
        return Columns(width, 1, 10, 2 * letter + 1, TRANSIT_CELLS, True)
    if width >= 48:
        return Columns(width, 0, 0, 2 * letter + 1, 0, True)
    return Columns(width, 0, 0, 0, 0, True)

"""Paints rows of the pure core as strips, and keeps those that were painted lately."""

from collections.abc import Callable, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.strip import Strip

from globalchat.ui.model.names import RegionNames
from globalchat.ui.model.row_lines import Columns, Line, Mark, Piece, row_height, row_lines
from globalchat.ui.model.rows import Row
from globalchat.ui.model.status import Keys, default_keys

_KEPT_ROWS = 128
"""More rows than a screen has: every strip is a dozen objects for the garbage collector to look at."""


def no_marks(_: Row) -> Sequence[Mark]:
    """Nothing is marked."""
    return ()


class Painter:
    """Turns rows into strips of exactly the pane's width.

    `style` gives the style of a role, `marks` what is to be marked in a row's text; call `forget` when either
    answers something else. `keys` names the keys of what can be done.
    """

    def __init__(
        self,
        columns: Columns,
        names: RegionNames,
        style: Callable[[str], Style],
        marks: Callable[[Row], Sequence[Mark]] = no_marks,
        keys: Keys = default_keys,
    ) -> None:
        self.columns = columns
        self.names = names
        self._style = style
        self._marks = marks
        self._keys = keys
        self._strips: LRUCache[tuple[int, int], list[Strip]] = LRUCache(_KEPT_ROWS)

    def paint(self, row: Row) -> list[Strip]:
        """The strips of a row, from the cache if it has not changed."""
        key = (row.uid, row.revision)
        strips = self._strips.get(key)
        if strips is None:
            strips = [self.line(line) for line in self.lines(row)]
            self._strips[key] = strips
        return strips

    def lines(self, row: Row) -> list[Line]:
        """The lines of a row, as pieces."""
        return row_lines(row, self.columns, self.names, self._marks(row), self._keys)

    def height(self, row: Row) -> int:
        """How many lines a row takes."""
        return row_height(row, self.columns, self._keys)

    def forget(self) -> None:
        """Drop what was painted: the styles or the marks changed."""
        self._strips.clear()

    def line(self, line: Line) -> Strip:
        """One line, as wide as the pane."""
        strip = Strip([Segment(piece.text, self._piece_style(piece)) for piece in line])
        return strip.adjust_cell_length(self.columns.width, self._style("text"))

    def blank(self) -> Strip:
        """An empty line."""
        return Strip.blank(self.columns.width, self._style("text"))

    def _piece_style(self, piece: Piece) -> Style:
        style = self._style(piece.role)
        return style + Style(link=piece.link) if piece.link else style


def highlight(strip: Strip, start: int, end: int | None, style: Style) -> Strip:
    """`strip` with the characters from `start` to `end` (None: to the end) shown as selected."""
    segments: list[Segment] = []
    position = 0
    for text, own, _ in strip:
        stop = position + len(text)
        a = min(max(start, position), stop) - position
        b = (stop if end is None else min(max(end, position), stop)) - position
        b = max(a, b)
        selected = (own or Style()) + style
        pieces = ((text[:a], own), (text[a:b], selected), (text[b:], own))
        segments += [Segment(piece, look) for piece, look in pieces if piece]
        position = stop
    return Strip(segments, strip.cell_length)

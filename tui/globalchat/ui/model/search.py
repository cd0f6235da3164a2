"""Search in a channel, and fuzzy matching of names. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from globalchat.core.text import sanitize
from globalchat.ui.model.conversation import Edit, Inserted, Removed, Replaced
from globalchat.ui.model.read_mark import Order
from globalchat.ui.model.rows import MessageRow, Row
from globalchat.ui.model.text import Span, fold, fold_text


class Search:
    """Finds the messages of a channel that contain a text, and keeps the current match.

    Case does not matter (`STRASSE` finds `straße`); composed and decomposed letters are the same; any white
    space matches any other.

    Attributes:
        query: The text; empty finds nothing.
        matches: The rows that match.
        current: The current match, None without any.
    """

    def __init__(self) -> None:
        self.query = ""
        self.matches: list[MessageRow] = []
        self.current: MessageRow | None = None
        self._wanted = ""

    def look_for(self, query: str, rows: Sequence[Row], near: Row | None) -> None:
        """Search a text; the current match becomes the last one up to `near`, else the first after it."""
        clean = sanitize(query, multiline=False)
        # A longer query can match only where the shorter one did.
        narrowed = bool(self.query) and clean.startswith(self.query)
        candidates: Iterable[Row] = self.matches if narrowed else rows
        self.query = clean
        self._wanted = fold_text(clean).strip()
        self.matches = [row for row in candidates if isinstance(row, MessageRow) and self._holds(row)]
        self.current = self._nearest(near)

    def restart(self, rows: Sequence[Row], near: Row | None) -> None:
        """Search the same text in other rows."""
        query, self.query = self.query, ""
        self.look_for(query, rows, near)

    def spans(self, row: Row) -> tuple[Span, ...]:
        """Return the parts of a row's text that match."""
        if not self._wanted or not isinstance(row, MessageRow):
            return ()
        folded, starts = fold(row.text)
        spans: list[Span] = []
        place = folded.find(self._wanted)
        while place >= 0:
            stop = place + len(self._wanted)
            spans.append((starts[place], starts[stop - 1] + 1))
            place = folded.find(self._wanted, stop)
        return tuple(spans)

    def last_before(self, order: Order | None) -> MessageRow | None:
        """Return the last match before a place; the last one of all without a place."""
        place = len(self.matches) if order is None else bisect_left(self.matches, order, key=_order)
        return self.matches[place - 1] if place else None

    @property
    def is_at_first(self) -> bool:
        """True if no match is earlier than the current one."""
        return not self.matches or self.current is self.matches[0]

    def step(self, offset: int) -> MessageRow | None:
        """Go to a later (1) or earlier (-1) match, cyclically, and return it."""
        if self.matches:
            here = self._place()
            # Without a current match, forwards leads to the first match and backwards to the last.
            step = offset if here is not None else min(offset, 0)
            self.current = self.matches[((here or 0) + step) % len(self.matches)]
        return self.current

    def position(self) -> str:
        """Return the position of the current match, such as `3/17`; empty without a query."""
        if not self._wanted:
            return ""
        here = self._place()
        return f"{0 if here is None else here + 1}/{len(self.matches)}"

    def replay(self, edits: Iterable[Edit], rows: Sequence[Row]) -> bool:
        """Apply edits of the rows. Return True if the matches have changed."""
        if not self._wanted:
            return False
        before = len(self.matches), self.matches[:1], self.matches[-1:]
        for edit in edits:
            match edit:
                case Inserted(_, row) if isinstance(row, MessageRow) and self._holds(row):
                    place = bisect_right(self.matches, row.order, key=_order)
                    if row not in self.matches[max(0, place - 1) : place]:
                        self.matches.insert(place, row)
                case Removed(0, _):
                    # The oldest rows left the scrollback, and the matches before the first row with them.
                    oldest = rows[0].order if rows else ()
                    del self.matches[: bisect_left(self.matches, oldest, key=_order) if oldest else None]
                case Removed() | Replaced():
                    # A row moved, or all did: the places among the matches are unknown.
                    self.restart(rows, self.current)
                    return True
                case _:
                    pass
        if self.current is not None and self._place() is None:
            self.current = self.matches[0] if self.matches else None
        return before != (len(self.matches), self.matches[:1], self.matches[-1:])

    def _holds(self, row: MessageRow) -> bool:
        return bool(self._wanted) and self._wanted in fold_text(row.text)

    def _nearest(self, near: Row | None) -> MessageRow | None:
        if not self.matches:
            return None
        if near is None:
            return self.matches[-1]
        return self.matches[max(0, bisect_right(self.matches, near.order, key=_order) - 1)]

    def _place(self) -> int | None:
        current = self.current
        if current is None:
            return None
        place = bisect_left(self.matches, current.order, key=_order)
        while place < len(self.matches) and self.matches[place].order == current.order:
            if self.matches[place] is current:
                return place
            place += 1
        return None


def _order(row: Row) -> tuple[int, str]:
    return row.order


# -- fuzzy matching ------------------------------------------------------------------------------------------


def fuzzy_score(query: str, name: str) -> int | None:
    """Return how well `query` matches `name`: the smaller the better, None if it does not.

    The letters of the query must occur in order. A match at the start wins over one inside, one in a row over
    a scattered one.
    """
    query, name = query.casefold(), name.casefold()
    found = name.find(query)
    if found >= 0:
        return found
    position, gaps = -1, 0
    for letter in query:
        following = name.find(letter, position + 1)
        if following < 0:
            return None
        gaps += following - position - 1
        position = following
    return 100 + gaps

"""Lays out rows as lines of styled pieces, in columns that fit a width. Pure."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from rich.cells import cell_len

from globalchat.client.authors import AuthorKind
from globalchat.core.text import plural
from globalchat.ui.model.calendar import transit
from globalchat.ui.model.formats import Formats, find_formats
from globalchat.ui.model.names import NAME_COLOURS, RegionNames
from globalchat.ui.model.rows import FAILED, IMITATION, MARKS, Delivery, MessageRow, NamedRow, NoticeRow, Row
from globalchat.ui.model.status import AGAIN, UNFOLD, Keys
from globalchat.ui.model.text import Span, clip, pad, shown_lines

TICK_CELLS = 2
TRANSIT_CELLS = 6
TIME_CELLS = 5
WIDEST_NAME = 32
"""The most cells of the column of names: enough for the longest name of our backends, if it is not wide."""
_NAME_STEP = 4
_PLAIN_MARK_CELLS = 2
"""The cells before every line of a message without columns: only the sender's mark stands there."""

TEXT_CELLS = 100
"""The most cells of a line of text: longer lines are hard to read."""

_STOPS = (40, 70)
"""The cells after which the right-hand side may begin, beside short texts in a wide pane."""

_WIDE_TEXT = 80
"""The cells of the text from which the right-hand side would be too far from a short one."""

_GAP = re.compile("\\s\\s|[\u115f\u1160\u2800\u3164\uffa0]")
"""Blanks by which a text could imitate what stands beside it."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The widths of the columns, in cells.

    `name` 0 means that the name precedes the text instead of having a column; `origin` 0 and `transit` 0
    mean that these are not shown. The right-hand side has origin, transit and tick.
    `plain` means no columns at all: time and name precede the text, which has the whole width. With
    `formatted` code and emphasis have their looks.
    """

    width: int
    margin: int
    name: int
    origin: int
    transit: int
    plain: bool = False
    formatted: bool = True
    time: int = TIME_CELLS

    @property
    def text_start(self) -> int:
        """The first cell of the text."""
        if self.plain:
            return _PLAIN_MARK_CELLS
        return self.margin + self.time + (2 + self.name + 2 if self.name else 1)

    @property
    def right(self) -> int:
        """The cells of the right-hand side, with the gap before it."""
        if self.plain:
            return 0
        parts = [cells for cells in (self.origin, self.transit, TICK_CELLS) if cells]
        return 1 + sum(parts) + len(parts) - 1 + self.margin

    @property
    def text(self) -> int:
        """The cells of the text."""
        cells = max(2, self.width - self.text_start - self.right)
        return cells if self.plain else min(TEXT_CELLS, cells)

    @property
    def remark(self) -> int:
        """The cells of a remark below the text, which may extend below the right-hand side."""
        return max(2, self.text + self.right - self.margin)

    def reach(self, text: str) -> int:
        """Return the cells from the start of a line of text to its right-hand side.

        In a wide pane there are several places for it, so that it is not far from a short text. A text with
        gaps gets the last one: it could imitate a right-hand side at another.
        """
        if self.text < _WIDE_TEXT or _GAP.search(text):
            return self.text
        cells = cell_len(text)
        return next((stop for stop in _STOPS if cells <= stop), self.text)


def columns(
    width: int,
    *,
    code: int = 3,
    title: int = 6,
    name: int = 0,
    time: int = TIME_CELLS,
    plain: bool = False,
) -> Columns:
    """Return the columns for a pane of `width` cells, with times, regions' codes and titles of so many cells.

    `name` is how many cells the longest name takes: its column is as wide if there is room.
    """
    if time > TIME_CELLS and not plain:
        # The other columns are as in a narrower pane.
        more = time - TIME_CELLS
        return replace(columns(width - more, code=code, title=title, name=name), width=width, time=time)
    if plain:
        return Columns(width, 0, 0, 0, 0, plain=True)
    if width >= 90:
        widest = min(WIDEST_NAME, 18 + width - 90)
        origin = max(code, title) if title <= 12 else code
        return Columns(width, 1, _fitting(name, 12, widest), origin, TRANSIT_CELLS)
    if width >= 60:
        # The whole name of a region has no room before the text has about 40 cells.
        widest = 10 + (width - 60) // 4
        origin = max(code, title) if title <= 7 and width >= 77 else code
        return Columns(width, 1, _fitting(name, 10, widest), origin, TRANSIT_CELLS)
    if width >= 48:
        return Columns(width, 0, 0, code, 0)
    return Columns(width, 0, 0, 0, 0)


def _fitting(name: int, least: int, most: int) -> int:
    """Return the width of the column for names of up to `name` cells.

    It grows by several cells at a time, since with each change all texts are wrapped again.
    """
    return min(most, least + -(-max(0, name - least) // _NAME_STEP) * _NAME_STEP)


# -- lines ---------------------------------------------------------------------------------------------------


class Piece(NamedTuple):
    """A text and its role, one of `ROLES`.

    `at` is its offset in the row's own text, -1 if it is not part of it. `link` is the URL that it leads to.
    """

    text: str
    role: str = "text"
    at: int = -1
    link: str = ""


Line = list[Piece]

Mark = tuple[int, int, str]
"""Start and end (exclusive) of a part of a row's text, and the role that replaces its own."""

ROLES = (
    "time",
    *(f"sender-{number}" for number in range(NAME_COLOURS)),
    "sender-own",
    "verified",
    "machine",
    "imitation",
    "text",
    "code",
    "bold",
    "italic",
    "quote",
    "sign",
    "pending",
    "mention",
    "link",
    "match",
    "match-current",
    "origin",
    "transit",
    "tick",
    "failure",
    "warning",
    "rule",
    "day",
    "divider",
    "notice",
    "fold",
)

WRITTEN = frozenset(
    {
        "text",
        "code",
        "bold",
        "italic",
        "quote",
        "sign",
        "pending",
        "mention",
        "link",
        "match",
        "match-current",
    }
)
"""The roles of texts written by users."""

TICKS = {
    Delivery.RECEIVED: "",
    Delivery.SENDING: "…",
    Delivery.ACCEPTED: "✓",
    Delivery.DELIVERED: "✓✓",
    Delivery.REFUSED: "✗",
    Delivery.UNSENT: "✗",
}
MARK_ROLES = {
    MARKS[AuthorKind.PERSON]: "verified",
    MARKS[AuthorKind.MACHINE]: "machine",
    IMITATION: "imitation",
}
_WARNINGS = 3
"""The most link warnings that are shown individually."""

_OPENING = {Delivery.REFUSED: "refused: ", Delivery.UNSENT: "not sent: "}


def row_height(row: Row, columns: Columns, keys: Keys) -> int:
    """Return the number of lines that `row_lines` returns."""
    if isinstance(row, NoticeRow):
        return row.above + len(_notice_lines(_notice_text(row, keys), columns.width, row.role))
    if not isinstance(row, MessageRow):
        return row.above
    spans, hidden = _shown_lines(row, columns)
    remarks = _remarks(row, keys, hidden)
    return row.above + len(spans) + sum(len(_remark_spans(remark, columns)) for remark, _ in remarks)


def row_lines(
    row: Row,
    columns: Columns,
    names: RegionNames,
    keys: Keys,
    marks: Sequence[Mark] = (),
) -> list[Line]:
    """Return the lines of a row: lines above it, its text, and remarks, with keys from `keys`."""
    lines: list[Line] = []
    if row.above:
        # One line for both: what is new often begins with a new day.
        title = " · ".join(filter(None, (row.day, "new" if row.divider else None)))
        lines.append(rule(title, columns.width, "divider" if row.divider else "day"))
    if isinstance(row, NoticeRow):
        lines += _notice_lines(_notice_text(row, keys), columns.width, row.role)
    elif isinstance(row, MessageRow):
        spans, hidden = _shown_lines(row, columns)
        lines += _message_lines(row, columns, names, marks, spans)
        lines += _remark_lines(row, columns, keys, hidden)
    return lines


def is_folded(row: Row, columns: Columns) -> bool:
    """Return True if a part of a row's text is hidden."""
    return isinstance(row, MessageRow) and _shown_lines(row, columns)[1] > 0


def _shown_lines(row: MessageRow, columns: Columns) -> tuple[Sequence[Span], int]:
    prefix, formats = _prefix(row, columns), _formats(row, columns)
    shift = len(prefix)
    blocks = tuple((start + shift, end + shift) for start, end in formats.blocks)
    return shown_lines(prefix + formats.shape, columns.text, whole=row.whole, blocks=blocks)


def _formats(row: MessageRow, columns: Columns) -> Formats:
    # The plain view is for the terminal's own selection: it shows what was written.
    return find_formats(row.text) if columns.formatted and not columns.plain else Formats(shape=row.text)


def rule(title: str, width: int, role: str, at: int = -1) -> Line:
    """Return a horizontal line with a title in its middle, one cell from either edge."""
    room = max(0, width - 2)
    title = clip(title, max(0, room - 4))
    rest = max(0, room - cell_len(title) - 2)
    lines = "divider" if role == "divider" else "rule"
    return [
        Piece(f" {'─' * (rest // 2)} ", lines),
        Piece(title, role, at),
        Piece(f" {'─' * (rest - rest // 2)}", lines),
    ]


def _notice_text(row: NoticeRow, keys: Keys) -> str:
    """Return what a notice says, and what helps."""
    if row.gap is None or not row.gap.can_be_read:
        return row.text
    return f"{row.text} · {keys(AGAIN) or 'a click here'} reads them"


def _notice_lines(text: str, width: int, role: str) -> list[Line]:
    """Return the lines of a notice: in a rule if it fits, else centred on several lines.

    A quiet one has no rule: it often stands next to the line *new*, or to that of a day.
    """
    ruled = role == "notice" and cell_len(text) <= width - 8
    return [rule(text, width, role, 0)] if ruled else centred_lines(text, width, role)


def centred_lines(text: str, width: int, role: str) -> list[Line]:
    """Return a text in the middle of as many lines as it takes."""
    lines: list[Line] = []
    for start, end in shown_lines(text, width - 4)[0]:
        part = text[start:end]
        lines.append([Piece(" " * ((width - cell_len(part)) // 2)), Piece(part, role, start)])
    return lines


def _message_lines(
    row: MessageRow,
    columns: Columns,
    names: RegionNames,
    marks: Sequence[Mark],
    spans: Sequence[Span],
) -> list[Line]:
    prefix = _prefix(row, columns)
    content = prefix + row.text
    indent = Piece(" " * columns.text_start)
    formats = _formats(row, columns)
    layers = _layers_by_line(_layers(row, formats, marks), spans, len(prefix))
    lines: list[Line] = []
    for number, (start, end) in enumerate(spans):
        line = [indent] if number else _head(row, columns)
        if start < len(prefix):
            line.append(Piece(prefix[start:end], _sender_role(row)))
        line += _text_pieces(row, (max(0, start - len(prefix)), end - len(prefix)), layers[number])
        shown = content[start:end]
        if formats.blocks and not row.whole and _is_cut(formats, start - len(prefix), end - len(prefix)):
            line.append(Piece("…", "fold"))
            shown += "…"
        if not number and not columns.plain:
            line.append(Piece(" " * (columns.reach(shown) - cell_len(shown))))
            line += _right_side(row, columns, names)
        lines.append([piece for piece in line if piece.text])
    return lines


def _remark_lines(row: MessageRow, columns: Columns, keys: Keys, hidden: int) -> list[Line]:
    indent = Piece(" " * columns.text_start)
    return [
        [indent, Piece(remark[start:end], role)]
        for remark, role in _remarks(row, keys, hidden)
        for start, end in _remark_spans(remark, columns)
    ]


def _remark_spans(remark: str, columns: Columns) -> Sequence[Span]:
    return shown_lines(remark, columns.remark)[0]


def mark_piece(row: NamedRow) -> Piece:
    """Return the cell of a sender's mark, a piece of its own: a blank for most senders."""
    return Piece(row.mark or " ", MARK_ROLES.get(row.mark, "text"))


def _head(row: MessageRow, columns: Columns) -> Line:
    # In the cell behind the time, or the first one: no name and no text reaches it. A piece of its own.
    mark = mark_piece(row)
    if columns.plain:
        return [mark, Piece(" " * (_PLAIN_MARK_CELLS - 1))]
    time = Piece(" " * columns.margin + pad(row.time, columns.time, right=True), "time")
    if not columns.name:
        return [time, mark]
    name = "" if row.grouped else row.name.drawn(columns.name)
    gap = [mark, Piece(" ")] if row.mark else [Piece("  ")]
    return [time, *gap, Piece(pad(name, columns.name, right=True), _sender_role(row)), Piece("  ")]


def _prefix(row: MessageRow, columns: Columns) -> str:
    """Return the pieces before the text if there are no columns for them."""
    if columns.plain:
        return f"{row.time} {row.sender}: "
    if columns.name or row.grouped:
        # Behind a mark the text of a grouped row keeps apart.
        return " " if row.mark and not columns.name else ""
    return f"{' ' if row.mark else ''}{row.name.drawn(12)}: "


def _is_cut(formats: Formats, start: int, end: int) -> bool:
    """Return True if a line shows only the beginning of a line of code."""
    return any(start == first and end < last for first, last in formats.blocks)


def _layers(row: MessageRow, formats: Formats, marks: Sequence[Mark]) -> Sequence[Mark]:
    """Return the roles of parts of the text, the topmost last."""
    if not (marks or row.links or row.mentions or formats.marks):
        return ()
    links = [(link.start, link.end, "link") for link in row.links]
    mentions = [(start, end, "mention") for start, end in row.mentions]
    return [*formats.marks, *links, *mentions, *marks]


def _layers_by_line(layers: Sequence[Mark], spans: Sequence[Span], shift: int) -> list[list[Mark]]:
    """Return the layers of each line, in order; lines are places in a text that begins `shift` later."""
    found: list[list[Mark]] = [[] for _ in spans]
    # Others choose how many there are of both: not every line is compared with every layer.
    ends = [end - shift for _, end in spans]
    for layer in layers:
        for number in range(bisect_right(ends, layer[0]), len(spans)):
            if spans[number][0] - shift >= layer[1]:
                break
            found[number].append(layer)
    return found


def _text_pieces(row: MessageRow, span: Span, layers: Sequence[Mark]) -> Line:
    """Return a part of the text as pieces, split where roles begin or end."""
    start, end = span
    plain = "pending" if row.delivery is Delivery.SENDING else "text"
    inside = [(max(a, start), min(b, end), role) for a, b, role in layers if a < end and b > start]
    cuts = sorted({start, end, *(a for a, _, _ in inside), *(b for _, b, _ in inside)})
    pieces = []
    for a, b in pairwise(cuts):
        # The last layer is on top, so a match inside a link looks like a match.
        role = next((role for first, last, role in reversed(inside) if first <= a < last), plain)
        link = next((link.url for link in row.links if link.start <= a < link.end), "")
        pieces.append(Piece(row.text[a:b], role, a, link))
    return pieces


def _right_side(row: MessageRow, columns: Columns, names: RegionNames) -> Line:
    """Return origin, transit and tick."""
    line = [Piece(" ")]
    if columns.origin:
        origin = names.origin(row.origin, row.via, columns.origin) if row.origin and row.via else ""
        line += [Piece(pad(origin, columns.origin, right=True), "origin"), Piece(" ")]
    if columns.transit:
        took = pad(transit(row.transit_ms, row.transit_error_ms), columns.transit, right=True)
        line += [Piece(took, "transit"), Piece(" ")]
    role = "failure" if row.delivery in FAILED else "tick"
    return [*line, Piece(pad(TICKS[row.delivery], TICK_CELLS), role)]


def _remarks(row: MessageRow, keys: Keys, hidden: int) -> list[tuple[str, str]]:
    """Return the remarks below a message with their roles: hidden lines, problems, remedies."""
    remarks = []
    if hidden:
        key = keys(UNFOLD)
        how = f"{key} or a click here shows all" if key else "a click here shows all"
        remarks.append((f"… {plural(hidden, 'more line')}: {how}", "fold"))
    # The line above the composer says why a message waits.
    if row.reason is not None and row.delivery is not Delivery.SENDING:
        opening, remedy = _OPENING.get(row.delivery, ""), _remedy(row.delivery, keys)
        remarks.append((f"{opening}{row.reason.removesuffix('.')}.{remedy}", "failure"))
    if row.mark == IMITATION and not row.grouped:
        remarks.append((f"▲ not verified: this name looks like {row.name.imitated}", "warning"))
    if row.conflicting:
        remarks.append(("conflicting id: another message came before with the same id", "failure"))
    # Bounded, so that a message with many deceptive links does not fill the pane.
    warnings = [link.warning for link in row.links if link.warning]
    remarks += [(f"▲ {warning}", "warning") for warning in warnings[:_WARNINGS]]
    if len(warnings) > _WARNINGS:
        rest = plural(len(warnings) - _WARNINGS, "more link")
        remarks.append((f"▲ {rest} here may not lead where it seems", "warning"))
    return remarks


def _remedy(delivery: Delivery, keys: Keys) -> str:
    """Return the remedy for a message that could not be sent."""
    if delivery is Delivery.REFUSED:
        return " ↑ or a click here brings the text back."
    if delivery is not Delivery.UNSENT:
        return ""
    key = keys(AGAIN)
    return f" {key} or a click here sends it again." if key else " A click here sends it again."


def _sender_role(row: MessageRow) -> str:
    if row.own:
        return "sender-own"
    return f"sender-{row.name.colour if row.colour is None else row.colour}"

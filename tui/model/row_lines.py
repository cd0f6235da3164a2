"""Rows as lines of styled pieces: what is painted, without the paint."""

from rich.cells import cell_len

from tui.model.columns import TICK_CELLS, TIME_CELLS, Columns
from tui.model.regions import RegionNames, transit
from tui.model.row_factory import SENDER_COLOURS
from tui.model.rows import Delivery, MessageRow, NoticeRow, Row
from tui.model.text import Span, clip, pad, wrap

Piece = tuple[str, str]
"""A text and its role, one of `ROLES`."""

Line = list[Piece]

ROLES = (
    "time",
    *(f"sender-{number}" for number in range(SENDER_COLOURS)),
    "sender-own",
    "text",
    "pending",
    "mention",
    "path",
    "path-relayed",
    "transit",
    "tick",
    "failure",
    "rule",
    "day",
    "divider",
    "notice",
)

TICKS = {
    Delivery.RECEIVED: "",
    Delivery.SENDING: "…",
    Delivery.ACCEPTED: "✓",
    Delivery.DELIVERED: "✓✓",
    Delivery.REFUSED: "✗",
    Delivery.UNSENT: "✗",
}
_OPENING = {Delivery.REFUSED: "refused: ", Delivery.UNSENT: "not sent: "}
_WAY_OUT = {Delivery.REFUSED: " ↑ brings the text back.", Delivery.UNSENT: " F5 sends it again."}


def row_height(row: Row, columns: Columns) -> int:
    """How many lines `row_lines` gives."""
    above = (row.day is not None) + row.divider
    if isinstance(row, NoticeRow):
        return above + len(_notice_lines(row.text, columns.width))
    if not isinstance(row, MessageRow):
        return above
    height = above + len(wrap(_prefix(row, columns) + row.text, columns.text))
    for remark in _remarks(row):
        height += len(wrap(remark, columns.remark))
    return height


def row_lines(row: Row, columns: Columns, names: RegionNames) -> list[Line]:
    """The lines of a row: what stands above it, its text, what is wrong with it."""
    lines: list[Line] = []
    if row.day is not None:
        lines.append(rule(row.day, columns.width, "day"))
    if row.divider:
        lines.append(rule("new", columns.width, "divider"))
    if isinstance(row, NoticeRow):
        lines += _notice_lines(row.text, columns.width)
    elif isinstance(row, MessageRow):
        lines += _message_lines(row, columns, names)
    return lines


def rule(title: str, width: int, role: str) -> Line:
    """A horizontal line with a title in its middle, one cell from either edge."""
    room = max(0, width - 2)
    title = clip(title, max(0, room - 4))
    rest = max(0, room - cell_len(title) - 2)
    lines = "divider" if role == "divider" else "rule"
    return [(f" {'─' * (rest // 2)} ", lines), (title, role), (f" {'─' * (rest - rest // 2)}", lines)]


def _notice_lines(text: str, width: int) -> list[Line]:
    """A notice: in a rule if it fits, else centred on several lines."""
    if cell_len(text) <= width - 8:
        return [rule(text, width, "notice")]
    parts = [text[start:end] for start, end in wrap(text, width - 4)]
    return [[(" " * ((width - cell_len(part)) // 2), "text"), (part, "notice")] for part in parts]


def _message_lines(row: MessageRow, columns: Columns, names: RegionNames) -> list[Line]:
    prefix = _prefix(row, columns)
    content = prefix + row.text
    spans = wrap(content, columns.text)
    indent = " " * columns.text_start
    lines: list[Line] = []
    for number, span in enumerate(spans):
        head: Line = [(indent, "text")] if number else _head(row, columns)
        body = _text_pieces(row, content, span, len(prefix))
        if not number:
            used = cell_len(content[span[0] : span[1]])
            body.append((" " * (columns.text - used), "text"))
            body += _right_side(row, columns, names)
        lines.append(head + body)
    for remark in _remarks(row):
        for start, end in wrap(remark, columns.remark):
            lines.append([(indent, "text"), (remark[start:end], "failure")])
    return lines


def _head(row: MessageRow, columns: Columns) -> Line:
    margin = " " * columns.margin
    line: Line = [(margin + pad(row.time, TIME_CELLS), "time")]
    if columns.name:
        name = "" if row.grouped else row.sender
        line += [("  ", "text"), (pad(name, columns.name, right=True), _sender_role(row)), ("  ", "text")]
    else:
        line.append((" ", "text"))
    return line


def _prefix(row: MessageRow, columns: Columns) -> str:
    """The name before the text where there is no column for it."""
    return "" if columns.name or row.grouped else f"{clip(row.sender, 12)}: "


def _text_pieces(row: MessageRow, content: str, span: Span, prefix: int) -> Line:
    """A line of the text, cut where a mention or the name before it begins or ends."""
    start, end = span
    plain = "pending" if row.delivery is Delivery.SENDING else "text"
    marks = [(0, prefix, _sender_role(row))] if prefix else []
    marks += [(prefix + a, prefix + b, "mention") for a, b in row.mentions]
    pieces: Line = []
    for a, b, role in marks:
        a, b = max(a, start), min(b, end)
        if a < b:
            pieces += [(content[start:a], plain), (content[a:b], role)]
            start = b
    pieces.append((content[start:end], plain))
    return [piece for piece in pieces if piece[0]]


def _right_side(row: MessageRow, columns: Columns, names: RegionNames) -> Line:
    """Origin and destination, time under way, tick."""
    line: Line = [(" ", "text")]
    if columns.path:
        path = names.path(row.origin, row.via, short=columns.short_path) if row.origin and row.via else ""
        role = "path-relayed" if "→" in path else "path"
        line += [(pad(path, columns.path, right=True), role), (" ", "text")]
    if columns.transit:
        line += [(pad(transit(row.transit_ms), columns.transit, right=True), "transit"), (" ", "text")]
    failed = row.delivery in (Delivery.REFUSED, Delivery.UNSENT)
    line.append((pad(TICKS[row.delivery], TICK_CELLS), "failure" if failed else "tick"))
    return line


def _remarks(row: MessageRow) -> list[str]:
    """What is wrong with a message, and the way out."""
    remarks = []
    if row.reason is not None:
        opening, way_out = _OPENING.get(row.delivery, ""), _WAY_OUT.get(row.delivery, "")
        remarks.append(f"{opening}{row.reason.removesuffix('.')}.{way_out}")
    if row.conflicting:
        remarks.append("conflicting id: another message came before with the same id")
    return remarks


def _sender_role(row: MessageRow) -> str:
    return "sender-own" if row.own else f"sender-{row.colour}"

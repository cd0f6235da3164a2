"""What a selection in the pane stands for: the texts of messages, as they were before they were wrapped."""

from collections.abc import Callable

from globalchat.ui.model.row_index import RowIndex
from globalchat.ui.model.row_lines import Line
from globalchat.ui.model.rows import MessageRow, NoticeRow, Row

Place = tuple[int, int]
"""A character of the pane: its line, and how many characters stand before it on that line."""


def selected_text(index: RowIndex, lines: Callable[[Row], list[Line]], start: Place, end: Place) -> str:
    """The text from one place to another (exclusive).

    Times, names, badges and line breaks of the wrapping are left out; but if the selection begins in front
    of a text, on its time or name, each message has both.
    """
    first, last = index.locate(start[0]), index.locate(end[0])
    if first is None or last is None:
        return ""
    top = lines(index.row(first[0]))
    begin = text_place(top, first[1], start[1])
    named = begin == 0 and _is_before_text(top, first[1], start[1])
    parts = []
    for number in range(first[0], last[0] + 1):
        row = index.row(number)
        text = row_text(row)
        a = begin if number == first[0] else 0
        b = text_place(lines(row), last[1], end[1]) if number == last[0] else len(text)
        # A message without text is still one, unless the selection only touches its edge.
        if a < b or first[0] < number < last[0]:
            head = f"{row.time} {row.sender}: " if named and isinstance(row, MessageRow) else ""
            parts.append(head + text[a:b])
    return "\n".join(parts)


def row_text(row: Row) -> str:
    """The text of a row, without what stands around it."""
    return row.text if isinstance(row, MessageRow | NoticeRow) else ""


def text_place(lines: list[Line], number: int, x: int) -> int:
    """The place in a row's text of the character `x` on its line `number`; the nearest one elsewhere."""
    place = 0
    for line in lines[:number]:
        for piece in line:
            if piece.at >= 0:
                place = piece.at + len(piece.text)
    position, first = 0, True
    for piece in lines[number] if number < len(lines) else []:
        if piece.at >= 0:
            inside = min(max(0, x - position), len(piece.text))
            if inside or first:
                place = piece.at + inside
            first = False
        position += len(piece.text)
    return place


def _is_before_text(lines: list[Line], number: int, x: int) -> bool:
    """Whether something other than space stands between `x` and the text on its line."""
    position = 0
    for piece in lines[min(number, len(lines) - 1)]:
        if piece.at >= 0:
            return False
        position += len(piece.text)
        if position > x and piece.text[max(0, x - position) :].strip() and piece.role != "rule":
            return True
    return False

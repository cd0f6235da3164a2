"""Rows as plain text: a channel as a file, a selection for the clipboard, the details of a message. Pure."""

import json
import re
from collections.abc import Callable, Sequence
from enum import Enum

from globalchat.client.authors import AuthorKind, author_kind
from globalchat.core.clock import is_plausible, iso_time
from globalchat.core.text import sanitize
from globalchat.ui.model.calendar import Calendar
from globalchat.ui.model.conversation import Conversation
from globalchat.ui.model.names import RegionNames
from globalchat.ui.model.row_index import RowIndex
from globalchat.ui.model.row_lines import Line
from globalchat.ui.model.rows import Delivery, MessageRow, NoticeRow, Row
from globalchat.ui.model.text import brief, shown_name


class ExportForm(Enum):
    """The form of an exported file; the value is the usual ending of its name."""

    TEXT = "txt"
    MARKDOWN = "md"
    JSON = "jsonl"


_ENDINGS = {".md": ExportForm.MARKDOWN, ".markdown": ExportForm.MARKDOWN, ".json": ExportForm.JSON} | {
    ".jsonl": ExportForm.JSON,
    ".ndjson": ExportForm.JSON,
}
_REMARKS = {
    Delivery.SENDING: "on its way",
    Delivery.ACCEPTED: "accepted",
    Delivery.REFUSED: "refused",
    Delivery.UNSENT: "not sent",
}
_MARKDOWN = re.compile(r"([\\`*_\[\]<>#|~&])")
_LIST_SIGN = re.compile(r"^(\s*)([-+]|\d+(?=[.)]))")


def form_of(file_name: str) -> ExportForm:
    """Return the form for a file's ending; text for any other ending."""
    dot = file_name.rfind(".")
    return _ENDINGS.get(file_name[dot:].lower(), ExportForm.TEXT) if dot >= 0 else ExportForm.TEXT


def default_name(channel: str, day: str, number: int = 1) -> str:
    """Return a file name for a channel that every system allows; `number` is added to later ones."""
    # Without separators and characters that Windows forbids.
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", channel).strip("-")[:50] or "channel"
    return f"globalchat-{safe}-{day}{f'-{number}' if number > 1 else ''}.txt"


def export(
    conversation: Conversation, form: ExportForm = ExportForm.TEXT, rows: Sequence[Row] | None = None
) -> str:
    """Return rows of a channel (None: all), oldest first, ending with a line feed.

    Messages of senders that the user ignores are included: the file is a record of what was said. Text and
    Markdown hold what the pane shows (sanitised); JSON holds the original, escaped to plain ASCII.
    """
    rows = list(conversation.all_rows if rows is None else rows)
    if form is ExportForm.JSON:
        return "".join(json.dumps(_record(row, conversation.channel)) + "\n" for row in rows)
    if form is ExportForm.MARKDOWN:
        return _markdown(conversation, rows)
    stamp = conversation.calendar.full
    return "".join(f"{_line(row, stamp)}\n" for row in rows)


def _line(row: Row, stamp: Callable[[int], str]) -> str:
    if isinstance(row, MessageRow):
        text = row.text.replace("\n", "\n    ")
        return f"{stamp(row.at)}{row.mark:1} {row.sender}: {text}{_remark(row)}"
    return f"{stamp(row.at)}  -- {row.text} --" if isinstance(row, NoticeRow) else ""


def _markdown(conversation: Conversation, rows: list[Row]) -> str:
    calendar = conversation.calendar
    parts = [f"# {_escape(shown_name(conversation.channel))}\n"]
    day = ""
    for row in rows:
        its_day = calendar.day(row.at).isoformat() if is_plausible(row.at) else "Unknown date"
        if its_day != day:
            day = its_day
            parts.append(f"\n## {day}\n\n")
        if isinstance(row, MessageRow):
            text = _markdown_text(row).replace("\n", "  \n  ")
            mark = f"{row.mark} " if row.mark else ""
            sender = f"{mark}**{_escape(row.sender)}**"
            parts.append(f"- {calendar.second(row.at)} {sender}: {text}{_remark(row)}\n")
        elif isinstance(row, NoticeRow):
            parts.append(f"- {calendar.second(row.at)} *{_escape(row.text)}*\n")
    return "".join(parts)


def _markdown_text(row: MessageRow) -> str:
    """Return the text as Markdown with its links as links, and everything else escaped."""
    parts, done = [], 0
    for link in row.links:
        parts += [_escape(row.text[done : link.start]), f"<{link.url}>"]
        done = link.end
    return "".join([*parts, _escape(row.text[done:])])


def _escape(text: str) -> str:
    escaped = _MARKDOWN.sub(r"\\\1", text)
    return "\n".join(_LIST_SIGN.sub(r"\1\\\2", line) for line in escaped.split("\n"))


def _remark(row: MessageRow) -> str:
    remark = _REMARKS.get(row.delivery)
    return f" ({remark})" if remark else ""


def _record(row: Row, channel: str) -> dict[str, object]:
    """Return a row as JSON, with the API's names of fields where they exist."""
    sent_at = _utc(row.at)
    if not isinstance(row, MessageRow):
        return {"name": channel, "notice": row.text if isinstance(row, NoticeRow) else "", "sentAt": sent_at}
    text, sender = row.original or (row.text, row.name.raw or None)
    return {
        "id": row.id,
        "name": channel,
        "message": text,
        "sender": sender,
        "author": row.author,
        "region": row.origin,
        "sentAt": sent_at,
        "via": row.via,
        "receivedAt": _utc(row.received_at) if row.received_at else None,
        "transitMs": row.transit_ms,
        "delivery": row.delivery.value,
        "conflictingId": row.conflicting,
        "fromHistory": row.from_history,
    }


def _utc(milliseconds: int) -> str | None:
    """Format a time as the API does; None if it cannot be true."""
    return iso_time(milliseconds) if is_plausible(milliseconds) else None


# -- clipboard -----------------------------------------------------------------------------------------------

Place = tuple[int, int]
"""A position in the pane: its line, and its character offset in that line."""


def selected_text(index: RowIndex, lines: Callable[[Row], list[Line]], start: Place, end: Place) -> str:
    """Return the text from one place to another (exclusive), unwrapped.

    Times, names, region codes and line breaks of the wrapping are left out; but if the selection begins
    before a text, on its time or name, each message includes both.
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
        # A message without text still counts, unless the selection only touches its edge.
        if a < b or first[0] < number < last[0]:
            head = f"{row.time}{row.mark} {row.sender}: " if named and isinstance(row, MessageRow) else ""
            parts.append(head + text[a:b])
    return "\n".join(parts)


def row_text(row: Row) -> str:
    """Return only the text of a row."""
    return row.text if isinstance(row, MessageRow | NoticeRow) else ""


def text_place(lines: list[Line], number: int, x: int) -> int:
    """Return the offset in a row's text of character `x` on its line `number`, or the nearest one."""
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
    """Return True if there is something other than space between `x` and the text on its line."""
    position = 0
    for piece in lines[min(number, len(lines) - 1)]:
        if piece.at >= 0:
            return False
        position += len(piece.text)
        if position > x and piece.text[max(0, x - position) :].strip() and piece.role != "rule":
            return True
    return False


# -- details -------------------------------------------------------------------------------------------------

_DELIVERY = {
    Delivery.RECEIVED: "received",
    Delivery.SENDING: "on its way",
    Delivery.ACCEPTED: "the region accepted it; it has not come back yet",
    Delivery.DELIVERED: "it came back from the region",
    Delivery.REFUSED: "refused permanently",
    Delivery.UNSENT: "it did not get there",
}


def _read_at(row: MessageRow, calendar: Calendar) -> str:
    """Return when a missed message was read; one of an older page was not missed."""
    if not row.received_at:
        return ""
    return f", because it was missed, {calendar.full(row.received_at)}  (this machine's clock)"


_ACCOUNT = re.compile(r"arn:[a-z-]+:(?:sts|iam)::(\d+):(.*)")


def _vouching(row: MessageRow) -> list[tuple[str, str]]:
    """Return who vouches for a message's sender, and what the sender calls itself beside that."""
    if row.author is None:
        if row.delivery in (Delivery.SENDING, Delivery.REFUSED, Delivery.UNSENT):
            return []
        imitated = row.name.imitated
        warning = "" if imitated is None else f"; it looks like {imitated}, who has not signed this"
        return [("Verified", f"no: whoever has the API key may use this name{warning}")]
    author = brief(row.author)
    found = _ACCOUNT.fullmatch(row.author)
    if author_kind(row.author) is AuthorKind.PERSON:
        vouched = f"yes: AWS vouches for {author}, who signed in (as with IAM Identity Center)"
    elif found is not None:
        vouched = f"a machine: AWS account {found[1]} vouches for {brief(found[2])}, whose ARN is {author}"
    else:
        vouched = f"a machine: AWS vouches for {author}"
    own = sanitize(row.name.raw, name=True)
    return [("Verified", vouched), *([("Sender", own)] if own else [])]


def _whose(row: MessageRow) -> str:
    """Return a remark on an own message; in history, only a name without an author may say that it is one."""
    if not row.own:
        return ""
    return " (your name)" if row.from_history and row.author is None else " (you)"


def message_details(row: MessageRow, calendar: Calendar, names: RegionNames) -> list[tuple[str, str]]:
    """Return all details of a message, as pairs of a label and a sanitised value."""
    origin = names.title(names.alias_of(row.origin)) if row.origin else None
    here = names.title(row.via) if row.via else None
    clock = f"{origin}'s clock" if origin else "this machine's clock"
    lines = [
        ("From", row.sender + _whose(row)),
        ("Sent", f"{calendar.full(row.at)}  ({clock})"),
    ]
    lines[1:1] = _vouching(row)
    if sanitize(row.name.raw, multiline=False) != row.name.raw:
        spelled = row.name.raw.encode("unicode_escape").decode("ascii")
        lines.insert(1, ("Spelled", brief(spelled)))
    if row.received_at and not row.from_history:
        lines.append(("Received", f"{calendar.full(row.received_at)}  (this machine's clock)"))
    if row.transit_ms is not None:
        rough = f" ± {row.transit_error_ms:,} ms" if row.transit_error_ms else ""
        transit = f"{max(0, row.transit_ms):,} ms{rough}, by the clocks' estimated difference"
        lines.append(("Under way", transit))
    if origin:
        lines.append(("Route", f"{origin} → {here}" if here and here != origin else origin))
    if row.from_history:
        lines.append(("Brought by", f"history brought it{_read_at(row, calendar)}"))
    lines.append(("Id", brief(row.id)))
    lines.append(("State", _DELIVERY[row.delivery] + (f": {brief(row.reason)}" if row.reason else "")))
    if row.conflicting:
        lines.append(("Conflict", "another message with the same id and other content came before"))
    if row.original and row.original[0] != row.text:
        lines.append(("Shown", "without characters that a terminal would obey"))
    for link in row.links:
        lines.append(("Link", link.url + (f"  ▲ {link.warning}" if link.warning else "")))
    return lines

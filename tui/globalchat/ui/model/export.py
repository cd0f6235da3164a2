"""A channel as a file: plain text, Markdown, or one JSON object a line."""

import json
import re
from collections.abc import Callable
from enum import Enum

from globalchat.core.clock import is_plausible, iso_time
from globalchat.ui.model.conversation import Conversation
from globalchat.ui.model.rows import Delivery, MessageRow, NoticeRow, Row
from globalchat.ui.model.text import shown_name


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
    """The form that a file's ending asks for; text if it says nothing."""
    dot = file_name.rfind(".")
    return _ENDINGS.get(file_name[dot:].lower(), ExportForm.TEXT) if dot >= 0 else ExportForm.TEXT


def default_name(channel: str, day: str, number: int = 1) -> str:
    """A name for the file of a channel that every system takes; `number` tells later ones apart."""
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", channel).strip("-")[:50] or "channel"
    return f"globalchat-{safe}-{day}{f'-{number}' if number > 1 else ''}.txt"


def export(conversation: Conversation, form: ExportForm = ExportForm.TEXT) -> str:
    """All rows of a channel, oldest first, ending with a line feed.

    Text and Markdown hold what the pane shows (sanitised); JSON holds the original, escaped to plain ASCII.
    """
    rows = list(conversation.rows)
    if form is ExportForm.JSON:
        return "".join(json.dumps(_record(row, conversation.channel)) + "\n" for row in rows)
    if form is ExportForm.MARKDOWN:
        return _markdown(conversation, rows)
    stamp = conversation.calendar.full
    return "".join(f"{_line(row, stamp)}\n" for row in rows)


def _line(row: Row, stamp: Callable[[int], str]) -> str:
    if isinstance(row, MessageRow):
        text = row.text.replace("\n", "\n    ")
        return f"{stamp(row.at)}  {row.sender}: {text}{_remark(row)}"
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
            parts.append(f"- {calendar.second(row.at)} **{_escape(row.sender)}**: {text}{_remark(row)}\n")
        elif isinstance(row, NoticeRow):
            parts.append(f"- {calendar.second(row.at)} *{_escape(row.text)}*\n")
    return "".join(parts)


def _markdown_text(row: MessageRow) -> str:
    """The text with its links as links and nothing else as markup."""
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
    """A row with the names of the API where it has them."""
    sent_at = _utc(row.at)
    if not isinstance(row, MessageRow):
        return {"name": channel, "notice": row.text if isinstance(row, NoticeRow) else "", "sentAt": sent_at}
    text, sender = row.original or (row.text, row.name.raw)
    return {
        "id": row.id,
        "name": channel,
        "message": text,
        "sender": sender,
        "region": row.origin,
        "sentAt": sent_at,
        "via": row.via,
        "receivedAt": _utc(row.received_at) if row.received_at else None,
        "transitMs": row.transit_ms,
        "delivery": row.delivery.value,
        "conflictingId": row.conflicting,
    }


def _utc(milliseconds: int) -> str | None:
    """Return a time as the API writes it; None if it cannot be true."""
    return iso_time(milliseconds) if is_plausible(milliseconds) else None

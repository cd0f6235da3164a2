"""Makes rows of messages, drafts and notices: here text from elsewhere is sanitised."""

import re
from functools import lru_cache
from itertools import count
from sys import intern
from zlib import crc32

from globalchat.client.events import MessageReceived
from globalchat.client.messages import Draft
from globalchat.core.text import sanitize
from globalchat.ui.model.calendar import Calendar
from globalchat.ui.model.links import find_links
from globalchat.ui.model.rows import Delivery, MessageRow, NoticeRow
from globalchat.ui.model.text import Span, shown_name

MAX_TEXT = 32_768
"""The characters kept of a text: more than any backend of ours lets through."""

SENDER_COLOURS = 8
"""How many colours senders are told apart by, the own one aside."""

ANONYMOUS = "anonymous"
_LAST = "\uffff"
"""Sorts after every id: a notice stands below the messages of its millisecond."""


class RowFactory:
    """Numbers the rows and knows who the own sender is."""

    def __init__(self, sender: str, calendar: Calendar) -> None:
        self._calendar = calendar
        self._uids = count(1)
        self.rename(sender)

    def rename(self, sender: str) -> None:
        """Another name is the own one now: mentions of it are marked from here on."""
        self._mention = re.compile(rf"(?<![\w@])@{re.escape(shown_name(sender))}(?!\w)", re.IGNORECASE)

    def message(self, event: MessageReceived) -> MessageRow:
        """The row of a message that arrived."""
        message = event.message
        row = self._row(message.id, message.text, message.sender, message.sent_at, own=event.own)
        row.origin, row.via, row.transit_ms = intern(message.region), event.via, event.transit_ms
        row.received_at, row.conflicting = event.received_at, event.conflicting
        if event.own:
            row.delivery = Delivery.DELIVERED
        else:
            row.mentions = self._mentions(row.text)
        return row

    def draft(self, draft: Draft, tail: int) -> MessageRow:
        """The row of a draft on its way: at the end (`tail`, epoch ms) until the backend gives it a time."""
        row = self._row(draft.id, draft.text, draft.sender, max(draft.created_at, tail + 1), own=True)
        row.time = self._calendar.minute(draft.created_at)
        row.delivery, row.draft = Delivery.SENDING, draft
        return row

    def notice(self, text: str, at: int) -> NoticeRow:
        """A row that says something about the channel."""
        return NoticeRow(uid=next(self._uids), at=at, tie=_LAST, text=text)

    def _row(self, identity: str, text: str, sender: str | None, at: int, *, own: bool) -> MessageRow:
        name, colour = _sender(sender)
        shown = shown_text(text)
        return MessageRow(
            uid=next(self._uids),
            at=at,
            tie=identity,
            id=identity,
            text=shown,
            time=self._calendar.minute(at),
            sender=name,
            colour=colour,
            own=own,
            links=find_links(shown),
            original=None if shown == text and sender in (name, None) else (text[:MAX_TEXT], sender),
        )

    def _mentions(self, text: str) -> tuple[Span, ...]:
        if "@" not in text:
            return ()
        return tuple(match.span() for match in self._mention.finditer(text))


def shown_text(text: str) -> str:
    """Return the text of a message fit for the screen, cut if no honest backend would have let it through."""
    shown = sanitize(text[:MAX_TEXT])
    return shown if len(text) <= MAX_TEXT else f"{shown}\n… {len(text) - MAX_TEXT:,} more characters"


@lru_cache(2048)
def _sender(sender: str | None) -> tuple[str, int]:
    """How a sender is called, and which colour that name has."""
    name = shown_name(sender) if sender else ""
    return name or ANONYMOUS, crc32(name.encode()) % SENDER_COLOURS

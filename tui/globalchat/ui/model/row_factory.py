"""Makes rows of messages, drafts and notices: here text from elsewhere is sanitised."""

from itertools import count
from sys import intern

from globalchat.client.events import MessageReceived
from globalchat.client.messages import Draft
from globalchat.core.text import sanitize
from globalchat.ui.model.calendar import Calendar
from globalchat.ui.model.links import find_links
from globalchat.ui.model.mentions import Mentions
from globalchat.ui.model.names import Names
from globalchat.ui.model.rows import Delivery, MessageRow, NoticeRow

MAX_TEXT = 32_768
"""The characters kept of a text: more than any backend of ours lets through."""

_MAX_NAME = 256
_LAST = "\uffff"
"""Sorts after every id: a notice stands below the messages of its millisecond."""


class RowFactory:
    """Numbers the rows and knows the names: `names`, and which is the own one."""

    def __init__(self, sender: str, calendar: Calendar) -> None:
        self.names = Names()
        self._calendar = calendar
        self._uids = count(1)
        self.rename(sender)

    def rename(self, sender: str) -> None:
        """Another name is the own one now: mentions of it are marked from here on."""
        self._mentions = Mentions(sender)

    def message(self, event: MessageReceived) -> MessageRow:
        """The row of a message that arrived."""
        message = event.message
        row = self._row(message.id, message.text, message.sender, message.sent_at, own=event.own)
        row.origin, row.via, row.transit_ms = intern(message.region), event.via, event.transit_ms
        row.transit_error_ms = event.transit_error_ms
        row.received_at, row.conflicting = event.received_at, event.conflicting
        if event.own:
            row.delivery = Delivery.DELIVERED
        else:
            row.mentions = self._mentions.spans(message.text[:MAX_TEXT], row.text)
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
        name = self.names.name(sender)
        shown = shown_text(text)
        original = None
        if shown != text or sender not in (name.shown, None):
            original = (text[:MAX_TEXT], sender and sender[:_MAX_NAME])
        return MessageRow(
            uid=next(self._uids),
            at=at,
            tie=identity,
            id=identity,
            text=shown,
            time=self._calendar.minute(at),
            name=name,
            own=own,
            links=find_links(shown),
            original=original,
        )


def shown_text(text: str) -> str:
    """Return the text of a message fit for the screen, cut if no honest backend would have let it through."""
    shown = sanitize(text[:MAX_TEXT])
    return shown if len(text) <= MAX_TEXT else f"{shown}\n… {len(text) - MAX_TEXT:,} more characters"

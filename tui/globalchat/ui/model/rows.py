"""The rows of the message panes, made from messages, drafts and notices. Pure."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import count, pairwise
from sys import intern

from globalchat.client.authors import AuthorKind, author_kind, short_author
from globalchat.client.events import MessageReceived
from globalchat.client.messages import Draft
from globalchat.core.text import is_hidden, nfc, sanitize
from globalchat.ui.model.calendar import Calendar
from globalchat.ui.model.links import Link, find_links
from globalchat.ui.model.names import Name, Names
from globalchat.ui.model.own_words import OwnWords, merged
from globalchat.ui.model.text import Span

MARKS = {AuthorKind.NONE: "", AuthorKind.PERSON: "✓", AuthorKind.MACHINE: "$"}
"""The marks of who AWS vouches for: verified persons, and other users and roles."""
IMITATION = "!"
"""The mark of a sender that is not verified and looks like a verified person."""


class Delivery(Enum):
    """The delivery state of an own message; `RECEIVED` is any message of another user."""

    RECEIVED = "received"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    REFUSED = "refused"
    UNSENT = "unsent"


UNDECIDED = (Delivery.SENDING, Delivery.ACCEPTED, Delivery.UNSENT)
"""Not delivered yet, but may be sent again."""

FAILED = (Delivery.REFUSED, Delivery.UNSENT)
"""Not delivered, and not to be sent again automatically."""


@dataclass(slots=True, eq=False, kw_only=True)
class Row:
    """One row, which may take several lines; sorted by (`at`, `tie`).

    `revision` increases with every visible change. `day` is the heading of a new day above the row, `divider`
    is True if the line *new* stands above it, `whole` if a long text is shown without a fold.
    """

    uid: int
    at: int
    tie: str
    revision: int = 0
    day: str | None = None
    divider: bool = False
    whole: bool = False

    @property
    def order(self) -> tuple[int, str]:
        """The place among the rows of a channel."""
        return (self.at, self.tie)

    @property
    def above(self) -> int:
        """The number of lines above the row: one for the day, the divider, or both."""
        return int(self.day is not None or self.divider)


@dataclass(slots=True, eq=False, kw_only=True)
class NamedRow(Row):
    """A row with a sender; `author` is who AWS vouches for, as far as the backend has said.

    `ignored` is True if it is hidden because the user ignores the sender.
    """

    name: Name
    author: str | None = None
    ignored: bool = False

    @property
    def sender(self) -> str:
        """The sender's full name, which differs from all others."""
        return self.name.full

    @property
    def mark(self) -> str:
        """The mark of the sender, which stands where no name or text can: one cell, or empty."""
        return sender_mark(self.name, self.author)


def sender_mark(name: Name, author: str | None) -> str:
    """Return the mark of a sender, of one cell or empty."""
    kind = author_kind(author)
    if kind is AuthorKind.NONE and name.imitated is not None:
        return IMITATION
    return MARKS[kind]


@dataclass(frozen=True, slots=True)
class UnfilledGap:
    """Spans of arrival (since and until, epoch ms) whose messages history did not bring, and the reason.

    `is_fillable` if they can be read on demand, `is_being_read` until that is over.
    """

    spans: tuple[tuple[int, int], ...]
    reason: str
    is_fillable: bool = False
    is_being_read: bool = False

    @property
    def since(self) -> int:
        """The time at which the first one begins."""
        return min(since for since, _ in self.spans)

    @property
    def until(self) -> int:
        """The time at which the last one ends."""
        return max(until for _, until in self.spans)

    @property
    def can_be_read(self) -> bool:
        """True if the messages can be asked for now."""
        return self.is_fillable and not self.is_being_read


@dataclass(slots=True, eq=False, kw_only=True)
class NoticeRow(Row):
    """Something that happened to the channel: a gap, dropped messages, its end by an administrator.

    `role` is its look; `gap` is what it is about, if messages are missing.
    """

    text: str
    skipped: int = 0
    role: str = "notice"
    gap: UnfilledGap | None = None


@dataclass(slots=True, eq=False, kw_only=True)
class MessageRow(NamedRow):
    """A message. `text` is sanitised; `draft` is kept while an own one is not delivered.

    `origin` is the AWS region that accepted it, `via` the alias of the one that delivered it, `received_at`
    when (epoch ms, this machine's clock; 0 while unknown). `original` is the text and sender as received, if
    they differ from what is shown. `from_history` is True if no socket brought it. `counts` is False if it is
    never unread. `colour` is that of the sender in this channel, None before the row is in one.
    """

    id: str
    text: str
    time: str
    own: bool = False
    origin: str | None = None
    via: str | None = None
    transit_ms: int | None = None
    transit_error_ms: int = 0
    delivery: Delivery = Delivery.RECEIVED
    reason: str | None = None
    conflicting: bool = False
    received_at: int = 0
    original: tuple[str, str | None] | None = None
    mentions: tuple[Span, ...] = ()
    links: tuple[Link, ...] = ()
    grouped: bool = False
    from_history: bool = False
    counts: bool = True
    colour: int | None = None
    draft: Draft | None = None


# -- mentions ------------------------------------------------------------------------------------------------


class Mentions:
    """Finds the mentions of one sender, by any of its names.

    It searches original texts, since after sanitising, a mention of another name could look the same.
    """

    def __init__(self, *names: str) -> None:
        # The longest first: a name may begin with another.
        wanted = {"@" + nfc(name).casefold() for name in names}
        self._wanted = sorted(wanted, key=len, reverse=True)

    def spans(self, text: str, shown: str) -> tuple[Span, ...]:
        """Return the parts of `shown`, the sanitised `text`, that mention the name."""
        if "@" not in text:
            return ()
        text = nfc(text)
        found = list(self._found(text))
        if text == shown or not found:
            return tuple(found)
        # Nothing composes or joins with "@", so the part between two of them is sanitised as in the whole
        # text.
        places = []
        at = len(sanitize(text[: found[0][0]]))
        for (start, end), (following, _) in pairwise([*found, (len(text), 0)]):
            places.append((at, min(len(shown), at + len(sanitize(text[start:end])))))
            at += len(sanitize(text[start:following]))
        return tuple(places)

    def _found(self, text: str) -> Iterator[Span]:
        """Find the mentions in a text in NFC."""
        # Folding changes lengths (`ß`, `İ`); `starts` maps back to the text.
        folded, starts = _folded(text)
        spans = {span for wanted in self._wanted for span in self._found_name(wanted, text, folded, starts)}
        last = 0
        for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
            if start >= last:
                yield start, end
                last = end

    @staticmethod
    def _found_name(wanted: str, text: str, folded: str, starts: "range | list[int]") -> Iterator[Span]:
        place = folded.find(wanted)
        while place >= 0:
            stop = place + len(wanted)
            start = starts[place]
            end = starts[stop] if stop < len(folded) else len(text)
            # A name cannot end within the folding of one character (`ß` as `ss`).
            whole = stop == len(folded) or starts[stop - 1] != end
            if whole and not (start and _is_named(text[start - 1])) and not _goes_on(text[end : end + 1]):
                yield start, end
            place = folded.find(wanted, place + 1)


def _folded(text: str) -> tuple[str, range | list[int]]:
    """Return the case-folded text, and the offset of each of its characters in the text."""
    folded = text.casefold()
    if len(folded) == len(text):
        return folded, range(len(text))
    return folded, [index for index, character in enumerate(text) for _ in character.casefold()]


def _is_named(character: str) -> bool:
    """Return True if an `@` after this character is part of an address rather than of a mention."""
    return character == "@" or character == "_" or character.isalnum()


def _goes_on(character: str) -> bool:
    """Return True if a name continues with this character, so that it is another one."""
    if not character:
        return False
    mark = unicodedata.category(character).startswith("M")
    return character in "_\u2800" or character.isalnum() or mark or is_hidden(character)


# -- making rows ---------------------------------------------------------------------------------------------

MAX_TEXT = 32_768
"""The characters kept of a text: more than any of our backends allows."""

_MAX_NAME = 256
_LAST = "\uffff"
"""Sorts after every id, so that a notice is below the messages of its millisecond."""


class RowFactory:
    """Makes rows from messages, drafts and notices, and sanitises their text. `names` are the senders'.

    `words` count as mentions, too.
    """

    def __init__(
        self, sender: str, calendar: Calendar, author: str | None = None, words: OwnWords | None = None
    ) -> None:
        self.names = Names()
        self._own_words = words or OwnWords()
        self.author: str | None = None
        self._calendar = calendar
        self._uids = count(1)
        self.rename(sender)
        self.identify(author)

    def rename(self, sender: str) -> None:
        """Mark the mentions of another name from now on."""
        self._sender, self._own_name = sender, nfc(sender)
        self._find_mentions()

    def identify(self, author: str | None) -> None:
        """Note what the backend calls the user: it is mentioned by that, too, and drafts will have it."""
        if author != self.author:
            self.author = author
            self._find_mentions()
        if author is not None:
            self.names.protect(author)

    def _find_mentions(self) -> None:
        authors = () if self.author is None else (self.author, short_author(self.author))
        self._mentions = Mentions(self._sender, *authors)
        self._words = self._own_words.finder((self._sender, *authors))

    def message(self, event: MessageReceived) -> MessageRow:
        """Return the row of a message that arrived."""
        message = event.message
        row = self._row(
            message.id, message.text, message.sender, message.author, message.sent_at, own=event.own
        )
        row.author = message.author and intern(message.author)
        # Interned, so that all messages of a region share one string.
        row.origin, row.via, row.transit_ms = intern(message.region), event.via, event.transit_ms
        row.transit_error_ms = event.transit_error_ms
        row.received_at, row.conflicting = event.received_at, event.conflicting
        row.from_history = event.filled
        if event.own:
            row.delivery = Delivery.DELIVERED
        else:
            row.mentions = self._mentions.spans(message.text[:MAX_TEXT], row.text)
            words = self._words.spans(row.text)
            # What the user wrote in an earlier run calls for no attention.
            if words and not self.is_own_name(row.name):
                row.mentions = merged((*row.mentions, *words))
            row.counts = bool(row.mentions) or not message.is_test
            if self._is_from_elsewhere(event, row.name):
                row.own, row.delivery = True, Delivery.DELIVERED
        return row

    def _is_from_elsewhere(self, event: MessageReceived, name: Name) -> bool:
        """Return True if the user sent a message in an earlier run or another terminal, as far as known.

        A name that AWS does not vouch for may be anyone's: it counts only in the history, where no one else's
        message passes for what the user has just said.
        """
        return self.is_own_name(name) and (event.filled or name.author is not None)

    def is_own_name(self, name: Name) -> bool:
        """Return True if messages with this name are the user's own, as far as anything shows that."""
        if self.author is not None:
            return name.author == self.author
        return name.author is None and name.raw == self._own_name

    def draft(self, draft: Draft, tail: int) -> MessageRow:
        """Return the row of a draft: after `tail` (epoch ms) until the backend gives it a time."""
        # Below all present rows, whatever this machine's clock says.
        at = max(draft.created_at, tail + 1)
        row = self._row(draft.id, draft.text, draft.sender, self.author, at, own=True)
        row.time = self._calendar.message_time(draft.created_at)
        row.delivery, row.draft = Delivery.SENDING, draft
        return row

    def notice(self, text: str, at: int, *, is_first: bool = False, role: str = "notice") -> NoticeRow:
        """Return a row that says something about the channel: the last of its millisecond, or the first."""
        return NoticeRow(uid=next(self._uids), at=at, tie="" if is_first else _LAST, text=text, role=role)

    def _row(
        self, identity: str, text: str, sender: str | None, author: str | None, at: int, *, own: bool
    ) -> MessageRow:
        name = self.names.name(sender, author)
        shown = shown_text(text)
        # Kept only if the screen shows something else, for copying and exports.
        original = None
        if shown != text or sender not in (name.shown if author is None else name.raw, None):
            original = (text[:MAX_TEXT], sender and sender[:_MAX_NAME])
        return MessageRow(
            uid=next(self._uids),
            at=at,
            tie=identity,
            id=identity,
            text=shown,
            time=self._calendar.message_time(at),
            name=name,
            own=own,
            links=find_links(shown),
            original=original,
        )


def shown_text(text: str) -> str:
    """Return a message's text for the screen, cut if it is longer than an honest backend allows."""
    shown = sanitize(text[:MAX_TEXT])
    return shown if len(text) <= MAX_TEXT else f"{shown}\n… {len(text) - MAX_TEXT:,} more characters"

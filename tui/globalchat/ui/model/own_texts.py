"""The user's texts: drafts, sent texts for recall, and undelivered messages. Pure."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from globalchat.client.events import DraftAccepted, DraftWaiting, MessageReceived
from globalchat.client.messages import Draft, Message
from globalchat.core.clock import WallClock
from globalchat.core.interpreter import as_typed_here
from globalchat.ui.model.conversation import Conversation
from globalchat.ui.model.rows import Delivery, MessageRow, RowFactory
from globalchat.ui.model.text import brief, fold_text

_CHARACTERS = 20_000
"""The most characters kept for a later run, since they are written whenever a draft changes."""

_KEY = re.compile("[0-9a-f]{8}")
_DIGITS = 8
"""Hexadecimal digits of a key for the seconds since 1970: enough until 2106."""


class SentTexts:
    """Keeps the texts sent from the composer, newest last, each once.

    Bounded; the oldest are dropped first. For a later run, each text has its own key, so that several chats
    can add texts without overwriting each other's: the key has the approximate second of sending, and the
    run. `limit` and `keep` are the most texts, here and for a later run; `run` identifies this run.

    `clock` is now, in epoch ms: it orders the texts of several runs.

    Attributes:
        changed: Called after a text was added.
    """

    def __init__(
        self, *, limit: int = 200, keep: int = 200, run: str = "", clock: WallClock = lambda: 0
    ) -> None:
        self.changed: Callable[[], object] = bool
        self._texts: dict[str, str] = {}
        self._limit = limit
        self._keep = keep
        self._run = run
        self._clock = clock
        self._back = 0

    @property
    def browsing(self) -> bool:
        """True if a recalled text is shown."""
        return self._back > 0

    @property
    def has_message(self) -> bool:
        """True if a text was sent that is not a command, in this run or an earlier one."""
        return any(not text.startswith("/") for text in self._texts.values())

    def add(self, text: str) -> None:
        """Add a text as the newest, and end browsing."""
        self._back = 0
        if not text.strip():
            return
        newest = next(reversed(self._texts), None)
        # Above the newest key even if the clock is set back, so that keys keep the order.
        number = max(int(newest[:_DIGITS], 16) + 1 if newest is not None else 1, self._clock() // 1000)
        # A text that is sent again moves to the end.
        known = next((key for key, each in self._texts.items() if each == text), None)
        if known is not None:
            del self._texts[known]
        self._texts[f"{number:0{_DIGITS}x}{self._run}"] = text
        if len(self._texts) > self._limit:
            del self._texts[next(iter(self._texts))]
        self.changed()

    def older(self) -> str | None:
        """Return the text before the one shown; None at the oldest."""
        if self._back >= len(self._texts):
            return None
        self._back += 1
        return self._shown

    def newer(self) -> str | None:
        """Return the text after the one shown (empty after the newest); None when not browsing."""
        if self._back == 0:
            return None
        self._back -= 1
        return self._shown if self._back else ""

    def leave(self) -> None:
        """End browsing: the text was changed."""
        self._back = 0

    def newest_first(self) -> list[str]:
        """Return the texts, the newest first."""
        return list(reversed(self._texts.values()))

    def kept(self) -> dict[str, str]:
        """Return the newest texts by key, for a later run."""
        kept: dict[str, str] = {}
        left = _CHARACTERS
        # Starting with the newest, so that a long old text is left out.
        for key, text in reversed(self._texts.items()):
            left -= len(text)
            if left < 0 or len(kept) >= self._keep:
                break
            kept[key] = text
        return kept

    def restore(self, kept: Mapping[str, str]) -> None:
        """Restore the texts of earlier runs, before anything is added."""
        # Several runs may have sent the same text; its newest key is kept.
        newest = {kept[key]: key for key in sorted(kept) if _KEY.match(key)}
        self._texts = {key: kept[key] for key in sorted(newest.values())[-self._limit :]}

    @property
    def _shown(self) -> str:
        return list(self._texts.values())[-self._back]


def find_texts(query: str, texts: Iterable[str]) -> Iterator[str]:
    """Yield the texts that have the query in them, in any case; blanks and line ends are all alike."""
    wanted = fold_text(query)
    return (text for text in texts if wanted in fold_text(text))


class Drafts:
    """Keeps the unfinished text of every channel.

    Attributes:
        changed: Called after a text changed.
    """

    def __init__(self) -> None:
        self.changed: Callable[[], object] = bool
        self._texts: dict[str, str] = {}

    def save(self, channel: str, text: str) -> None:
        """Keep the unfinished text of a channel; an empty one removes it."""
        if text == self.text(channel):
            return
        if text:
            self._texts[channel] = text
        else:
            del self._texts[channel]
        self.changed()

    def text(self, channel: str) -> str:
        """Return the unfinished text of a channel, empty without one."""
        return self._texts.get(channel, "")

    def take(self, channel: str) -> str:
        """Remove and return the unfinished text of a channel."""
        text = self.text(channel)
        self.save(channel, "")
        return text

    def kept(self) -> dict[str, str]:
        """Return all unfinished texts by channel, for a later run."""
        return dict(self._texts)

    def __contains__(self, channel: str) -> bool:
        return channel in self._texts


# -- messages that are not delivered yet ---------------------------------------------------------------------


class Waiting(NamedTuple):
    """The waiting messages of a channel.

    The first one's reason and attempts, and the time of its next attempt (epoch ms).
    """

    messages: int
    reason: str
    attempt: int
    next_try_at: int | None


class AwaitingEcho(NamedTuple):
    """The accepted messages of a channel without an echo, and how long the first has been waiting (ms)."""

    messages: int
    for_ms: int


_BACK_WITHIN_MS = 8_000
"""An echo takes about a second; EventBridge may need a few."""


class OutgoingMessages:
    """Follows each draft from *sending* to *delivered*, in one row."""

    def __init__(self) -> None:
        self._rows: dict[str, MessageRow] = {}
        self._waits: dict[str, DraftWaiting] = {}
        self._accepted_at: dict[str, int] = {}

    def queue(self, conversation: Conversation, rows: RowFactory, draft: Draft) -> None:
        """Show a draft as being sent."""
        row = self._rows.get(draft.id)
        if row is None:
            row = self._rows[draft.id] = rows.draft(draft, conversation.tail)
            conversation.add(row)
        else:
            self._settle(conversation, draft, Delivery.SENDING, None)

    def wait(self, conversation: Conversation, event: DraftWaiting) -> None:
        """Show why a draft could not be sent yet."""
        reason = brief(as_typed_here(f"{event.reason} {event.remedy or ''}"))
        self._settle(conversation, event.draft, Delivery.SENDING, reason)
        self._waits[event.draft.id] = event

    def accept(self, conversation: Conversation, event: DraftAccepted, rows: RowFactory, now: int) -> None:
        """Show a draft as accepted at `now` (epoch ms), unless its echo was faster."""
        draft = event.draft
        self._waits.pop(draft.id, None)
        # Without a row, the echo was faster than the answer.
        row = self._rows.get(draft.id)
        if row is not None:
            self._accepted_at[draft.id] = now
            row.delivery, row.reason, row.origin = Delivery.ACCEPTED, None, event.region
            conversation.attribute(row, rows.names.name(draft.sender, event.author), event.author)
            conversation.move(row, event.sent_at)

    def refuse(self, conversation: Conversation, draft: Draft, reason: str) -> None:
        """Show a draft as permanently refused."""
        self._settle(conversation, draft, Delivery.REFUSED, brief(reason))
        # No later event is about this draft.
        self._rows.pop(draft.id, None)

    def fail(self, conversation: Conversation, draft: Draft, reason: str) -> None:
        """Show a draft as not sent."""
        self._settle(conversation, draft, Delivery.UNSENT, brief(reason))

    def awaits(self, message: Message) -> bool:
        """Return True if a message is one of the drafts: an earlier run may have sent it."""
        row = self._rows.get(message.id)
        return row is not None and row.draft is not None and row.draft.is_echoed_by(message)

    def deliver(self, conversation: Conversation, event: MessageReceived, rows: RowFactory) -> bool:
        """Show a message as delivered after its echo. Return False if no row waits for it."""
        self._waits.pop(event.message.id, None)
        self._accepted_at.pop(event.message.id, None)
        row = self._rows.pop(event.message.id, None)
        # The row may have left the scrollback; then the caller adds a new one.
        if row is None or conversation.index_of(row) is None:
            return False
        row.delivery, row.reason, row.draft = Delivery.DELIVERED, None, None
        row.origin, row.via, row.transit_ms = event.message.region, event.via, event.transit_ms
        row.transit_error_ms = event.transit_error_ms
        message = event.message
        conversation.attribute(row, rows.names.name(message.sender, message.author), message.author)
        conversation.move(row, message.sent_at)
        return True

    def discard(self, conversation: Conversation, row: MessageRow) -> None:
        """Remove an unsent message."""
        self._waits.pop(row.id, None)
        self._rows.pop(row.id, None)
        conversation.remove(row)

    def unsent(self, channel: str) -> list[Draft]:
        """Return the drafts of a channel that may be sent again, oldest first."""
        return self._drafts(channel, Delivery.UNSENT)

    @property
    def obstacle(self) -> str | None:
        """A word or two on why messages cannot be sent over a live connection; None if they can."""
        if not self._waits:
            return None
        return "throttled" if any(each.throttled for each in self._waits.values()) else "cannot send"

    def has_waited(self, draft_id: str) -> bool:
        """Return True if the first attempt to send a draft failed, and it is not accepted yet."""
        return draft_id in self._waits

    def waiting(self, channel: str) -> Waiting | None:
        """Return the waiting messages of a channel; None without any."""
        # The first draft of a channel blocks those behind it.
        first = next((event for event in self._waits.values() if event.draft.channel == channel), None)
        if first is None:
            return None
        count = len(self._drafts(channel, Delivery.SENDING))
        return Waiting(count, first.reason, first.attempt, first.next_try_at)

    def awaiting_echo(self, channel: str, now: int) -> AwaitingEcho | None:
        """Return a channel's messages accepted well before `now` (epoch ms) without an echo, or None."""
        at = [
            self._accepted_at[draft.id]
            for draft in self._drafts(channel, Delivery.ACCEPTED)
            if draft.id in self._accepted_at
        ]
        # Nothing is shown before that, as nearly every message is back by then.
        return AwaitingEcho(len(at), now - min(at)) if at and now - min(at) >= _BACK_WITHIN_MS else None

    def is_counting(self, channel: str) -> bool:
        """Return True if `waiting` or `awaiting_echo` may change for a channel as time passes."""
        drafts = (row.draft for row in self._rows.values() if row.draft and row.draft.channel == channel)
        return any(draft.id in self._accepted_at or draft.id in self._waits for draft in drafts)

    def reset_echo_tracking(self) -> None:
        """Stop awaiting echoes of accepted messages, which may not come on a new connection."""
        self._accepted_at.clear()

    def _drafts(self, channel: str, delivery: Delivery) -> list[Draft]:
        return [
            row.draft
            for row in self._rows.values()
            if row.draft and row.draft.channel == channel and row.delivery is delivery
        ]

    def _settle(
        self, conversation: Conversation, draft: Draft, delivery: Delivery, reason: str | None
    ) -> None:
        self._waits.pop(draft.id, None)
        row = self._rows.get(draft.id)
        if row is not None:
            row.delivery, row.reason = delivery, reason
            conversation.touch(row)


def exit_message(
    waiting: Sequence[Draft], unsent: Sequence[Draft], in_doubt: Callable[[str], bool]
) -> list[str]:
    """Return sentences to print after the chat about unconfirmed messages.

    Args:
        waiting: Those that the outbox keeps.
        unsent: Those that nothing keeps.
        in_doubt: Returns True if a draft (by id) may have reached the backend.
    """
    tried = sum(in_doubt(draft.id) for draft in waiting)
    said = []
    if tried:
        what, is_sent = (
            ("1 message is", "it is sent") if tried == 1 else (f"{tried} messages are", "they are sent")
        )
        said.append(f"{what} not confirmed yet: {is_sent} again when the chat is opened again.")
    if untried := len(waiting) - tried:
        what, it, goes = (
            ("1 message", "it is", "goes") if untried == 1 else (f"{untried} messages", "they are", "go")
        )
        said.append(f"{what} could not be sent yet: {it} kept, and {goes} out when the chat is opened again.")
    if unsent:
        what = "1 message was" if len(unsent) == 1 else f"{len(unsent)} messages were"
        said.append(f"{what} not sent, and could not be kept.")
    return said

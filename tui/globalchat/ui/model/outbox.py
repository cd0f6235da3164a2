"""The own messages that are not delivered yet, and what becomes of them."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from globalchat.client.events import DraftWaiting, MessageReceived
from globalchat.client.messages import Draft
from globalchat.core.interpreter import as_typed_here
from globalchat.ui.model.conversation import Conversation
from globalchat.ui.model.row_factory import RowFactory
from globalchat.ui.model.rows import Delivery, MessageRow
from globalchat.ui.model.text import brief


class Waiting(NamedTuple):
    """How many messages wait in a channel, how often the first was tried, when it is again (epoch ms)."""

    messages: int
    attempt: int
    next_try_at: int | None


class AwaitingEcho(NamedTuple):
    """How many accepted messages of a channel have not come back, and for how long the first has not (ms)."""

    messages: int
    for_ms: int


_BACK_WITHIN_MS = 8_000
"""A message comes back within a second or so; EventBridge may take a few."""


class Outbox:
    """Follows each draft from *sending* to *delivered*; a message is always one row."""

    def __init__(self) -> None:
        self._rows: dict[str, MessageRow] = {}
        self._waits: dict[str, DraftWaiting] = {}
        self._accepted_at: dict[str, int] = {}

    def queue(self, conversation: Conversation, rows: RowFactory, draft: Draft) -> None:
        """A draft is on its way, perhaps once more."""
        row = self._rows.get(draft.id)
        if row is None:
            row = self._rows[draft.id] = rows.draft(draft, conversation.tail)
            conversation.add(row)
        else:
            self._settle(conversation, draft, Delivery.SENDING, None)

    def wait(self, conversation: Conversation, event: DraftWaiting) -> None:
        """A draft could not be sent yet: its row says why."""
        reason = brief(as_typed_here(f"{event.reason} {event.remedy or ''}"))
        self._settle(conversation, event.draft, Delivery.SENDING, reason)
        self._waits[event.draft.id] = event

    def accept(self, conversation: Conversation, draft: Draft, region: str, sent_at: int, now: int) -> None:
        """The backend took a draft (`now` is epoch ms). Its echo may have been faster."""
        self._waits.pop(draft.id, None)
        row = self._rows.get(draft.id)
        if row is not None:
            self._accepted_at[draft.id] = now
            row.delivery, row.reason, row.origin = Delivery.ACCEPTED, None, region
            conversation.move(row, sent_at)

    def refuse(self, conversation: Conversation, draft: Draft, reason: str) -> None:
        """The backend refused a draft for good."""
        self._settle(conversation, draft, Delivery.REFUSED, brief(reason))
        self._rows.pop(draft.id, None)

    def fail(self, conversation: Conversation, draft: Draft, reason: str) -> None:
        """A draft did not get there."""
        self._settle(conversation, draft, Delivery.UNSENT, brief(reason))

    def deliver(self, conversation: Conversation, event: MessageReceived) -> bool:
        """An own message came back. False if there is no row that waits for it."""
        self._waits.pop(event.message.id, None)
        self._accepted_at.pop(event.message.id, None)
        row = self._rows.pop(event.message.id, None)
        if row is None or conversation.index_of(row) is None:
            return False
        row.delivery, row.reason, row.draft = Delivery.DELIVERED, None, None
        row.origin, row.via, row.transit_ms = event.message.region, event.via, event.transit_ms
        row.transit_error_ms = event.transit_error_ms
        conversation.move(row, event.message.sent_at)
        return True

    def discard(self, conversation: Conversation, row: MessageRow) -> None:
        """A message that was not sent is wanted no more."""
        self._waits.pop(row.id, None)
        self._rows.pop(row.id, None)
        conversation.remove(row)

    def unsent(self, channel: str) -> list[Draft]:
        """The drafts of a channel that may be sent again, oldest first."""
        return self._drafts(channel, Delivery.UNSENT)

    @property
    def obstacle(self) -> str | None:
        """What keeps messages from being sent though the connection is live, in a word or two."""
        if not self._waits:
            return None
        return "throttled" if any(each.throttled for each in self._waits.values()) else "cannot send"

    def has_waited(self, draft_id: str) -> bool:
        """Whether a draft that is not accepted yet could not be sent at its first try."""
        return draft_id in self._waits

    def waiting(self, channel: str) -> Waiting | None:
        """What waits in a channel, None if nothing does."""
        first = next((event for event in self._waits.values() if event.draft.channel == channel), None)
        if first is None:
            return None
        count = len(self._drafts(channel, Delivery.SENDING))
        return Waiting(count, first.attempt, first.next_try_at)

    def awaiting_echo(self, channel: str, now: int) -> AwaitingEcho | None:
        """What of a channel was accepted but has not come back in good time (`now` is epoch ms)."""
        at = [
            self._accepted_at[draft.id]
            for draft in self._drafts(channel, Delivery.ACCEPTED)
            if draft.id in self._accepted_at
        ]
        return AwaitingEcho(len(at), now - min(at)) if at and now - min(at) >= _BACK_WITHIN_MS else None

    def is_counting(self, channel: str) -> bool:
        """Whether `waiting` or `awaiting_echo` may say something else of a channel as time passes."""
        drafts = (row.draft for row in self._rows.values() if row.draft and row.draft.channel == channel)
        return any(draft.id in self._accepted_at or draft.id in self._waits for draft in drafts)

    def reset_echo_tracking(self) -> None:
        """The connection is another one: what was accepted before need not come back on it."""
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
    """Return what to say, once the session has ended, of messages that the backend did not confirm.

    Args:
        waiting: Those that the outbox keeps.
        unsent: Those that nothing keeps.
        in_doubt: Whether one, by its id, may have reached the backend all the same.
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

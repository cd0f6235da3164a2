"""The own messages that are not delivered yet, and what becomes of them."""

from client.events import MessageReceived
from client.messages import Draft
from tui.model.conversation import Conversation
from tui.model.row_factory import RowFactory
from tui.model.rows import Delivery, MessageRow


class Outbox:
    """Follows each draft from *sending* to *delivered*; a message is always one row."""

    def __init__(self) -> None:
        self._rows: dict[str, MessageRow] = {}

    def queue(self, conversation: Conversation, rows: RowFactory, draft: Draft) -> None:
        """A draft is on its way, perhaps once more."""
        row = self._rows.get(draft.id)
        if row is None:
            row = self._rows[draft.id] = rows.draft(draft, conversation.tail)
            conversation.add(row)
        else:
            row.delivery, row.reason = Delivery.SENDING, None
            conversation.touch(row)

    def accept(self, conversation: Conversation, draft: Draft, region: str, sent_at: int) -> None:
        """The backend took a draft. Its echo may have been faster."""
        row = self._rows.get(draft.id)
        if row is not None:
            row.delivery, row.reason, row.origin = Delivery.ACCEPTED, None, region
            conversation.move(row, sent_at)

    def refuse(self, conversation: Conversation, draft: Draft, reason: str) -> None:
        """The backend refused a draft for good."""
        self._settle(conversation, draft, Delivery.REFUSED, reason)
        self._rows.pop(draft.id, None)

    def fail(self, conversation: Conversation, draft: Draft, reason: str) -> None:
        """A draft did not get there."""
        self._settle(conversation, draft, Delivery.UNSENT, reason)

    def deliver(self, conversation: Conversation, event: MessageReceived) -> bool:
        """An own message came back. False if there is no row that waits for it."""
        row = self._rows.pop(event.message.id, None)
        if row is None or conversation.index_of(row) is None:
            return False
        row.delivery, row.reason, row.draft = Delivery.DELIVERED, None, None
        row.origin, row.via, row.transit_ms = event.message.region, event.via, event.transit_ms
        conversation.move(row, event.message.sent_at)
        return True

    def unsent(self, channel: str) -> list[Draft]:
        """The drafts of a channel that may be sent again, oldest first."""
        return [
            row.draft
            for row in self._rows.values()
            if row.draft and row.draft.channel == channel and row.delivery is Delivery.UNSENT
        ]

    def _settle(self, conversation: Conversation, draft: Draft, delivery: Delivery, reason: str) -> None:
        row = self._rows.get(draft.id)
        if row is not None:
            row.delivery, row.reason = delivery, reason
            conversation.touch(row)

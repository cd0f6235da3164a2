"""One key for all that did not work, and one to give it up."""

from client.state import Phase, SessionState
from tui.model.desk import Desk
from tui.model.rows import FAILED, Delivery, MessageRow
from tui.ports import ChatSession

_DOWN = (Phase.RETRYING, Phase.SUSPENDED, Phase.FAILED)


def again(desk: Desk, session: ChatSession) -> None:
    """Try the connection again, else the channel that was ended, else its messages that were not sent."""
    channel, status = desk.channel, desk.status
    if isinstance(status, SessionState) and status.phase in _DOWN:
        session.retry_now()
    elif channel is None:
        return
    elif channel in desk.model.revoked:
        session.rejoin(channel)
    else:
        for draft in desk.model.outbox.unsent(channel):
            session.resend(draft.id)
        if desk.model.outbox.waiting(channel) is not None:
            session.retry_now()


def discard(desk: Desk, session: ChatSession, chosen: MessageRow | None) -> list[str]:
    """Give up the chosen message that did not get there, or all of the channel. Returns their texts."""
    conversation = desk.conversation
    if conversation is None:
        return []
    rows = conversation.failed() if chosen is None else [chosen]
    texts = []
    for row in rows:
        # The session has given up itself what was refused for good; it keeps what is to be sent after all.
        draft = row.draft if row.delivery in FAILED else None
        if draft is not None and (row.delivery is Delivery.REFUSED or session.discard(draft.id)):
            desk.model.outbox.discard(conversation, row)
            texts.append(draft.text)
    return texts

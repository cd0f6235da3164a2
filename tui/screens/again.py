"""One key for all that did not work."""

from client.state import Phase, SessionState
from tui.model.desk import Desk
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

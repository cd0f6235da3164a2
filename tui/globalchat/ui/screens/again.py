"""One key for all that did not work, and one to give it up."""

from dataclasses import dataclass, field

from globalchat.client.state import Phase, SessionState
from globalchat.ui.model.rows import FAILED, Delivery, MessageRow
from globalchat.ui.model.view_model import ChatViewModel
from globalchat.ui.ports import ChatSession

DOWN = (Phase.RETRYING, Phase.SUSPENDED, Phase.FAILED)
"""The phases in which nothing is being tried right now."""


def again(view_model: ChatViewModel, session: ChatSession) -> bool:
    """Try the connection again, else the channel that was ended, else its messages that did not get there.

    Returns whether there was anything to try.
    """
    channel, status = view_model.channel, view_model.status
    if isinstance(status, SessionState) and status.phase is not Phase.LIVE:
        if status.phase in DOWN:
            session.retry_now()
        return True  # or it is being tried right now
    if channel is None:
        return False
    if channel in view_model.model.revoked:
        session.join(channel)
        return True
    outbox = view_model.model.outgoing
    unsent, waits = outbox.unsent(channel), outbox.waiting(channel) is not None
    silent = outbox.awaiting_echo(channel, view_model.model.now()) is not None
    for draft in unsent:
        session.resend(draft.id)
    if waits:
        session.retry_now()
    if silent:
        session.reconnect()
    return bool(unsent) or waits or silent


@dataclass(slots=True)
class Discarded:
    """The texts of what was given up; how much of it may have got there all the same, or is under way."""

    texts: list[str] = field(default_factory=list)
    doubtful: int = 0
    under_way: int = 0

    def told(self) -> tuple[str, bool]:
        """What became of it, and whether that is a warning."""
        count = len(self.texts)
        if not count and self.under_way:
            return "Too late: it is being sent right now.", True
        if not count:
            return "There is nothing to discard here.", False
        one = count == 1
        said = "Discarded: ↑ brings the text back."
        if not one:
            said = f"{count:,} messages discarded: ↑ brings the texts back."
        if self.doubtful:
            what = "It" if one else f"{self.doubtful:,} of them"
            said += f" {what} may have got there all the same: a try was not answered."
        if self.under_way:
            said += f" {self.under_way:,} more: too late, being sent right now."
        return said, bool(self.doubtful or self.under_way)


def discard(view_model: ChatViewModel, session: ChatSession, chosen: MessageRow | None) -> Discarded:
    """Give up the chosen message that failed or waits; else all that failed here, else all that wait."""
    conversation, found = view_model.conversation, Discarded()
    if conversation is None or (chosen is not None and conversation.index_of(chosen) is None):
        return found
    rows = [chosen] if chosen is not None else conversation.failed() or conversation.pending()
    for row in rows:
        draft = row.draft if row.delivery in (*FAILED, Delivery.SENDING) else None
        if draft is None:
            continue
        # The session has given up itself what was refused for good; it keeps what is to be sent after all.
        refused = row.delivery is Delivery.REFUSED
        doubtful = not refused and session.in_doubt(draft.id)
        if refused or session.discard(draft.id):
            view_model.model.outgoing.discard(conversation, row)
            found.texts.append(draft.text)
            found.doubtful += doubtful
        elif row.delivery is Delivery.SENDING:
            found.under_way += 1
    return found

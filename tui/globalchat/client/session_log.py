"""Logs the events of a session."""

import logging
from collections.abc import Mapping
from itertools import count

from globalchat.client.events import (
    BackendDescribed,
    ChannelRefused,
    ChannelRevoked,
    DraftAccepted,
    DraftHeld,
    DraftQueued,
    DraftRefused,
    DraftUnsent,
    DraftWaiting,
    EventsSkipped,
    GapFilled,
    GapRecorded,
    MarksUnavailable,
    MessageReceived,
    OutboxUnavailable,
    PageFailed,
    PageLoaded,
    SessionEvent,
    StateChanged,
)
from globalchat.client.messages import Draft
from globalchat.core.logs import log_event

log = logging.getLogger("globalchat.client.session")
_numbers = count(1)


class SessionLog:
    """The log of one session; sessions are numbered, as a process may have several."""

    def __init__(self, profile: str) -> None:
        self._about = {"session": next(_numbers), "profile": profile}

    def log(self, event: SessionEvent) -> None:
        """Log an event; arriving messages only at level `debug`, as there are many."""
        if isinstance(event, MessageReceived):  # Checked first, as there may be thousands a second.
            if log.isEnabledFor(logging.DEBUG) or event.conflicting:
                self._received(event)
        else:
            self._other(event)

    def _received(self, event: MessageReceived) -> None:
        message = event.message
        self._write(
            logging.WARNING if event.conflicting else logging.DEBUG,
            "id received with other content" if event.conflicting else "message received",
            id=message.id,
            channel=message.channel,
            origin=message.region,
            via=event.via,
            transitMs=event.transit_ms,
            own=event.own,
            private={"sender": message.sender, "text": message.text},
        )

    def _other(self, event: SessionEvent) -> None:
        match event:
            case StateChanged(state):
                self._write(
                    logging.INFO,
                    "state changed",
                    state=state.phase,
                    region=state.region,
                    switchingTo=state.switching_to,
                    attempt=state.attempt,
                    nextTryAt=state.next_try_at,
                    reason=state.reason,
                    latencyMs=state.latency_ms,
                    joining=state.joining,
                    revoked=state.revoked,
                )
            case BackendDescribed(backend):
                level = logging.WARNING if backend.left_out else logging.INFO
                left_out = backend.left_out
                self._write(level, "backend described", channels=backend.channels, leftOut=left_out)
            case ChannelRefused(channel, error_type, _):
                self._write(logging.WARNING, "channel refused", channel=channel, errorType=error_type)
            case ChannelRevoked(channel, is_removed):
                self._write(logging.WARNING, "channel revoked", channel=channel, removed=is_removed)
            case GapRecorded(channels, since, until, reason):
                self._write(
                    logging.WARNING, "gap", channels=channels, since=since, until=until, reason=reason.value
                )
            case GapFilled(channel, since, until, number):
                self._write(
                    logging.INFO, "gap filled", channel=channel, since=since, until=until, count=number
                )
            case PageLoaded(channel, messages):
                self._write(logging.INFO, "page loaded", channel=channel, count=len(messages))
            case PageFailed(channel, reason):
                self._write(logging.WARNING, "page failed", channel=channel, reason=reason)
            case EventsSkipped(number):
                self._write(logging.WARNING, "events skipped", count=number)
            case OutboxUnavailable(reason):
                self._write(logging.WARNING, "outbox unavailable", reason=reason)
            case MarksUnavailable(reason):
                self._write(logging.WARNING, "marks unavailable", reason=reason)
            case _:
                self._draft(event)

    def _draft(self, event: SessionEvent) -> None:
        match event:
            case DraftQueued(draft):
                self._of(draft, logging.INFO, "draft queued")
            case DraftAccepted(draft, region, sent_at):
                self._of(draft, logging.INFO, "draft accepted", origin=region, sentAt=sent_at)
            case DraftRefused(draft, error_type, reason):
                self._of(draft, logging.WARNING, "draft refused", errorType=error_type, reason=reason)
            case DraftUnsent(draft, reason):
                self._of(draft, logging.WARNING, "draft unsent", reason=reason)
            case DraftWaiting(draft, reason, _, attempt, next_try_at):
                more = {"reason": reason, "attempt": attempt, "nextTryAt": next_try_at}
                self._of(draft, logging.INFO, "draft waiting", **more)
            case DraftHeld(draft):
                self._of(draft, logging.INFO, "draft held")

    def _of(self, draft: Draft, level: int, event: str, **fields: object) -> None:
        private = {"sender": draft.sender, "text": draft.text}
        self._write(level, event, private=private, id=draft.id, channel=draft.channel, **fields)

    def _write(
        self, level: int, event: str, *, private: Mapping[str, object] | None = None, **fields: object
    ) -> None:
        log_event(log, level, event, private=private, **self._about, **fields)

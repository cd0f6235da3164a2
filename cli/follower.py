"""What following channels shows, says and comes to, event by event: pure, no session and no clock."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cli.failure import ExitCode
from cli.output import clock_time
from client.events import (
    ChannelRefused,
    ChannelRevoked,
    EventsSkipped,
    GapRecorded,
    MessageReceived,
    SessionEvent,
    StateChanged,
)
from client.state import Phase, SessionState

ATTEMPTS_BEFORE_FIRST_SUCCESS = 3
"""How often a region that was never reached is tried: a script wants to know that it cannot be."""


@dataclass(slots=True)
class Batch:
    """What a batch of events comes to: messages to show, sentences to say."""

    messages: list[MessageReceived] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)


class Follower:
    """Follows `channels`; `ended` is the exit code once following is over."""

    def __init__(self, channels: Sequence[str]) -> None:
        self.ended: ExitCode | None = None
        self._left = set(channels)
        self._was_live = False
        self._last_state: tuple[Phase, str, int] | None = None

    def take(self, events: Iterable[SessionEvent]) -> Batch:
        """Take the next events in; nothing is shown after the end."""
        batch = Batch()
        for event in events:
            if self.ended is not None:
                break
            self._take(event, batch)
        return batch

    def _take(self, event: SessionEvent, batch: Batch) -> None:
        match event:
            case MessageReceived():
                batch.messages.append(event)
                if event.conflicting:
                    batch.sentences.append(f"the id {event.message.id} came before, with other content")
            case StateChanged(state):
                self._take_state(state, batch)
            case ChannelRefused(channel, _, reason):
                self._lose(channel, reason, batch)
            case ChannelRevoked(channel):
                self._lose(channel, f"an administrator ended the subscription to {channel}", batch)
            case GapRecorded(channels, since, until):
                span = f"between {clock_time(since)} and {clock_time(until)}"
                batch.sentences.append(f"gap: messages of {', '.join(channels)} {span} may have been missed")
            case EventsSkipped(count):
                batch.sentences.append(f"output is too slow: {count} messages were skipped")

    def _lose(self, channel: str, reason: str, batch: Batch) -> None:
        batch.sentences.append(reason)
        self._left.discard(channel)
        if not self._left:
            self.ended = ExitCode.FAILED

    def _take_state(self, state: SessionState, batch: Batch) -> None:
        seen = (state.phase, state.region, state.attempt)
        if seen == self._last_state:
            return
        self._last_state = seen
        reason = f"{state.reason} {state.remedy or ''}".strip() if state.reason else "the connection was lost"
        if state.phase is Phase.LIVE:
            self._was_live = True
            batch.sentences.append(f"connected to {state.region}: {', '.join(sorted(self._left))}")
        elif state.phase is Phase.FAILED:
            batch.sentences.append(reason)
            self.ended = ExitCode.FAILED
        elif state.phase in (Phase.RETRYING, Phase.SUSPENDED):
            rarely = " rarely" if state.phase is Phase.SUSPENDED else ""
            batch.sentences.append(f"retrying {state.region}{rarely} (attempt {state.attempt}): {reason}")
            if not self._was_live and state.attempt >= ATTEMPTS_BEFORE_FIRST_SUCCESS:
                self.ended = ExitCode.UNREACHABLE

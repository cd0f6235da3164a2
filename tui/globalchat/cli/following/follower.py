"""What following channels shows, says and comes to, event by event: pure, no session and no clock."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from globalchat.cli.console.output import clock_time
from globalchat.client.events import (
    ChannelRefused,
    ChannelRevoked,
    EventsSkipped,
    GapRecorded,
    MessageReceived,
    SessionEvent,
    StateChanged,
)
from globalchat.client.state import Phase, SessionState
from globalchat.core.errors import ExitCode

ATTEMPTS_BEFORE_FIRST_SUCCESS = 3
"""How often a region that was never reached is tried: a script wants to know that it cannot be."""


@dataclass(slots=True)
class Batch:
    """What a batch of events comes to: messages to show, sentences to say."""

    messages: list[MessageReceived] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Region:
    """One region's channels that are not lost, and how it stands. `has_failed`: trying cannot help."""

    left: set[str]
    was_live: bool = False
    has_failed: bool = False
    attempt: int = 0
    last_state: tuple[Phase, str, int] | None = None


class Follower:
    """Follows `channels` in one region or several; `ended` is the exit code once following is over.

    With several regions each arrival counts as a message, and it goes on as long as one region does.
    """

    def __init__(
        self, channels: Sequence[str], regions: Sequence[str] = ("",), *, count: int | None = None
    ) -> None:
        """`regions` are aliases, or one name of any kind; `count` ends it after so many messages."""
        self.ended: ExitCode | None = None
        self.shown = 0
        self._count = count
        self._regions = {region: _Region(set(channels)) for region in regions}

    def take(self, events: Iterable[SessionEvent], region: str = "") -> Batch:
        """Take the next events of a region in; nothing is shown after the end."""
        batch = Batch()
        for event in events:
            if self.ended is not None:
                break
            self._take(event, region, batch)
        return batch

    def finish(self) -> ExitCode:
        """The time is over: whether that is as it should be."""
        if self.ended is None:
            if not any(region.was_live for region in self._regions.values()):
                self.ended = ExitCode.UNREACHABLE
            else:
                self.ended = ExitCode.DONE if self._count is None else ExitCode.FAILED
        return self.ended

    def _take(self, event: SessionEvent, region: str, batch: Batch) -> None:
        match event:
            case MessageReceived():
                self._show(event, region, batch)
            case StateChanged(state):
                self._take_state(state, region, batch)
            case ChannelRefused(channel, _, reason):
                self._lose(channel, reason, region, batch)
            case ChannelRevoked(channel):
                self._lose(channel, f"an administrator ended the subscription to {channel}", region, batch)
            case GapRecorded(channels, since, until):
                span = f"between {clock_time(since)} and {clock_time(until)}"
                self._say(
                    f"gap: messages of {', '.join(channels)} {span} may have been missed", region, batch
                )
            case EventsSkipped(count):
                self._say(f"output is too slow: {count} messages were skipped", region, batch)

    def _show(self, event: MessageReceived, region: str, batch: Batch) -> None:
        batch.messages.append(event)
        if event.conflicting:
            self._say(f"the id {event.message.id} came before, with other content", region, batch)
        self.shown += 1
        if self.shown == self._count:
            self.ended = ExitCode.DONE

    def _lose(self, channel: str, reason: str, region: str, batch: Batch) -> None:
        self._say(reason, region, batch)
        self._regions[region].left.discard(channel)
        self._judge()

    def _take_state(self, state: SessionState, region: str, batch: Batch) -> None:
        one = self._regions[region]
        seen = (state.phase, state.region, state.attempt)
        if seen == one.last_state:
            return
        one.last_state = seen
        reason = f"{state.reason} {state.remedy or ''}".strip() if state.reason else "the connection was lost"
        if state.phase is Phase.LIVE:
            one.was_live = True
            batch.sentences.append(f"connected to {state.region}: {', '.join(sorted(one.left))}")
        elif state.phase is Phase.FAILED:
            one.has_failed = True
            self._say(reason, region, batch)
        elif state.phase in (Phase.RETRYING, Phase.SUSPENDED):
            one.attempt = state.attempt
            rarely = " rarely" if state.phase is Phase.SUSPENDED else ""
            batch.sentences.append(f"retrying {state.region}{rarely} (attempt {state.attempt}): {reason}")
        self._judge()

    def _say(self, sentence: str, region: str, batch: Batch) -> None:
        batch.sentences.append(sentence if len(self._regions) == 1 else f"{region}: {sentence}")

    def _judge(self) -> None:
        """Over once no region has anything to wait for; one that was never reached waits for the others."""
        reached = any(region.was_live for region in self._regions.values())
        codes = [_code(region, reached=reached) for region in self._regions.values()]
        if None not in codes:
            self.ended = max(code for code in codes if code is not None)


def _code(region: _Region, *, reached: bool) -> ExitCode | None:
    if region.has_failed or not region.left:
        return ExitCode.FAILED
    if not reached and region.attempt >= ATTEMPTS_BEFORE_FIRST_SUCCESS:
        return ExitCode.UNREACHABLE
    return None

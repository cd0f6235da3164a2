"""What happens to a message that arrives: judged, timed, told."""

from collections.abc import Callable

from globalchat.client.dedupe import SeenWindow, Verdict
from globalchat.client.events import MessageReceived
from globalchat.client.messages import Message
from globalchat.client.offset import ClockOffset
from globalchat.core.clock import MonotonicClock, WallClock


class Inbox:
    """Turns arrivals into events: duplicates end here. `clock` gives epoch ms, `monotonic` seconds."""

    def __init__(
        self,
        *,
        seen: SeenWindow,
        offset: ClockOffset,
        is_own: Callable[[Message], bool],
        tell: Callable[[MessageReceived], None],
        clock: WallClock,
        monotonic: MonotonicClock,
    ) -> None:
        self._seen = seen
        self._offset = offset
        self._is_own = is_own
        self._tell = tell
        self._clock = clock
        self._monotonic = monotonic

    def receive(self, message: Message, via: str) -> None:
        """Take a message that the socket of region `via` (an alias) brought."""
        verdict = self._seen.observe(message, self._monotonic())
        if verdict is Verdict.DUPLICATE:
            return
        now = self._clock()
        transit = self._offset.transit(message.region, sent_at=message.sent_at, received_at=now)
        self._tell(
            MessageReceived(
                message=message,
                via=via,
                received_at=now,
                transit_ms=None if transit is None else transit.ms,
                transit_error_ms=0 if transit is None else transit.error_ms,
                own=self._is_own(message),
                conflicting=verdict is Verdict.CONFLICTING,
            )
        )

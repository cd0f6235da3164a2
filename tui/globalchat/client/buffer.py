"""What waits for the listener: bounded, and never waiting for it."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

from globalchat.client.events import EventsSkipped, GapRecorded, MessageReceived, SessionEvent


class EventBuffer:
    """A queue of events that drops rather than grows or blocks.

    Over `limit` messages, or over `limit` other events, the oldest of that sort are dropped and counted; the
    next `take` then starts with `EventsSkipped`, and with the gap that the dropped messages (or gaps) leave.
    So a flood of messages never drops a state or a refusal. `heard` is told of every event at once.
    """

    def __init__(self, limit: int, *, heard: Callable[[SessionEvent], None] = lambda _: None) -> None:
        self._heard = heard
        self._limit = max(1, limit)
        self._messages: deque[tuple[int, SessionEvent]] = deque()
        self._others: deque[tuple[int, SessionEvent]] = deque()
        self._next = 0
        self._dropped = _Dropped()
        self._closed = False
        self._filled = asyncio.Event()

    def put(self, event: SessionEvent) -> None:
        """Add an event; after `close` it is dropped."""
        if self._closed:
            return
        self._heard(event)
        queue = self._messages if isinstance(event, MessageReceived) else self._others
        queue.append((self._next, event))
        self._next += 1
        if len(queue) > self._limit:
            self._dropped.add(queue.popleft()[1])
        self._filled.set()

    def close(self) -> None:
        """Let the listener take what is left, then nothing more."""
        self._closed = True
        self._filled.set()

    async def take(self, limit: int) -> list[SessionEvent]:
        """The oldest events in order, 1 to `limit` (plus a notice of skipped ones); [] once closed."""
        await self._filled.wait()
        events = self._dropped.events()
        if events:
            self._dropped = _Dropped()
            for event in events:
                self._heard(event)
        for _ in range(max(1, limit)):
            queue = self._oldest()
            if queue is None:
                break
            events.append(queue.popleft()[1])
        if not self._closed and self._oldest() is None:
            self._filled.clear()
        return events

    def _oldest(self) -> deque[tuple[int, SessionEvent]] | None:
        if self._messages and self._others:
            return min(self._messages, self._others, key=lambda queue: queue[0][0])
        return self._messages or self._others or None


class _Dropped:
    """What was dropped since the last `take`, as far as the listener has to know."""

    def __init__(self) -> None:
        self._count = 0
        self._channels: set[str] = set()
        self._since: int | None = None
        self._until = 0

    def add(self, event: SessionEvent) -> None:
        self._count += 1
        if isinstance(event, MessageReceived):
            self._span([event.message.channel], event.received_at, event.received_at)
        elif isinstance(event, GapRecorded):
            self._span(event.channels, event.since, event.until)

    def events(self) -> list[SessionEvent]:
        if not self._count:
            return []
        skipped: list[SessionEvent] = [EventsSkipped(self._count)]
        if self._since is not None:
            skipped.append(GapRecorded(tuple(sorted(self._channels)), self._since, self._until))
        return skipped

    def _span(self, channels: Iterable[str], since: int, until: int) -> None:
        self._channels.update(channels)
        self._since = since if self._since is None else min(self._since, since)
        self._until = max(self._until, until)

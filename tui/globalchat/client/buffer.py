"""Queues between a session and its listener: bounded, and never blocking."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from sys import getsizeof
from typing import Generic, TypeVar

from globalchat.client.events import (
    EventsSkipped,
    GapReason,
    GapRecorded,
    MessageReceived,
    PageLoaded,
    SessionEvent,
)
from globalchat.client.messages import Message
from globalchat.client.options import DEFAULTS

Item = TypeVar("Item")


class BoundedQueue(Generic[Item]):
    """A queue that drops its oldest items above `limit` items or `most_bytes`.

    The newest item always stays.
    """

    def __init__(self, limit: int, most_bytes: int) -> None:
        self._limit, self._most_bytes = max(1, limit), most_bytes
        self._items: deque[tuple[Item, int]] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._items)

    @property
    def first(self) -> Item:
        """The oldest item. Raises IndexError if there is none."""
        return self._items[0][0]

    def put(self, item: Item, size: int) -> Sequence[Item]:
        """Add an item of `size` bytes; return the items dropped to make room."""
        items = self._items
        items.append((item, size))
        self._bytes += size
        if len(items) <= self._limit and self._bytes <= self._most_bytes:
            return ()
        dropped = []
        while len(items) > self._limit or (self._bytes > self._most_bytes and len(items) > 1):
            dropped.append(self.take())
        return dropped

    def take(self) -> Item:
        """Remove and return the oldest item. Raises IndexError if there is none."""
        item, size = self._items.popleft()
        self._bytes -= size
        return item


_EVENT_BYTES = 400
"""Bytes of an event with its message or draft and its place in a queue, without their texts; measured."""

_SHORT_TEXTS = 150


def size_of_message(message: Message) -> int:
    """Return the approximate bytes of memory that a message and its event take."""
    # Written out, since it is called for every message. The channel and the arrival are always short.
    return (
        _EVENT_BYTES
        + _SHORT_TEXTS
        + getsizeof(message.id)
        + getsizeof(message.text)
        + getsizeof(message.sender)
        + getsizeof(message.region)
        + getsizeof(message.author)
    )


def size_of(event: SessionEvent) -> int:
    """Return the approximate bytes of memory that an event takes: only its texts can be large."""
    if isinstance(event, MessageReceived):
        return size_of_message(event.message)
    if isinstance(event, PageLoaded):
        return _EVENT_BYTES + sum(map(size_of_message, event.messages))
    draft, reason = getattr(event, "draft", None), getattr(event, "reason", None)
    return _EVENT_BYTES + getsizeof(reason) + (0 if draft is None else getsizeof(draft.text))


class EventBuffer:
    """A queue of events that drops rather than grows or blocks.

    Above `limit` messages or `most_bytes` of them, or the same for all other events, the oldest of that kind
    are dropped and counted; the next `take` then starts with `EventsSkipped`, and with the gap that the
    dropped messages (or gaps) leave. So a flood of messages never drops a state or a refusal. The newest
    event of each kind is kept whatever its size. `log` is called with every event at once, `skip` with each
    message that is dropped: if it returns True the message comes again, and leaves no gap.
    """

    def __init__(
        self,
        limit: int,
        *,
        most_bytes: int = DEFAULTS.buffer_bytes,
        log: Callable[[SessionEvent], None] | None = None,
        skip: Callable[[MessageReceived], bool] | None = None,
    ) -> None:
        self._log = log
        self._skip = skip
        self._messages = BoundedQueue[MessageReceived](limit, most_bytes)
        # Each with the number of messages before it.
        self._others = BoundedQueue[tuple[int, SessionEvent]](limit, most_bytes)
        self._put_messages = self._taken_messages = 0
        self._dropped = _Dropped()
        self._closed = False
        self._filled = asyncio.Event()

    def put(self, event: SessionEvent) -> None:
        """Add an event; after `close` it is dropped."""
        if self._closed:
            return
        if self._log is not None:
            self._log(event)
        if isinstance(event, MessageReceived):
            self._put_messages += 1
            for message in self._messages.put(event, size_of_message(event.message)):
                self._taken_messages += 1
                self._dropped.add(message, comes_again=self._skip is not None and self._skip(message))
        else:
            for _, other in self._others.put((self._put_messages, event), size_of(event)):
                self._dropped.add(other, comes_again=False)
        self._filled.set()

    def close(self) -> None:
        """Accept no more events; the listener can still take the rest."""
        self._closed = True
        self._filled.set()

    async def take(self, limit: int) -> list[SessionEvent]:
        """Return the oldest events in order, 1 to `limit` (plus a notice of skipped ones).

        An empty list once closed.
        """
        await self._filled.wait()
        events = self._dropped.events()
        if events:
            self._dropped = _Dropped()
            for event in events:
                if self._log is not None:
                    self._log(event)
        for _ in range(max(1, limit)):
            if self._others and self._others.first[0] <= self._taken_messages:
                events.append(self._others.take()[1])
            elif self._messages:
                events.append(self._messages.take())
                self._taken_messages += 1
            else:
                break
        if not self._closed and not self._messages and not self._others:
            self._filled.clear()
        return events


class _Dropped:
    """The drops since the last `take` that the listener has to know of."""

    def __init__(self) -> None:
        self._count = 0
        self._channels: set[str] = set()
        self._since: int | None = None
        self._until = 0

    def add(self, event: SessionEvent, *, comes_again: bool) -> None:
        self._count += 1
        if comes_again:
            return
        if isinstance(event, MessageReceived):
            self._span([event.message.channel], event.received_at, event.received_at)
        elif isinstance(event, GapRecorded):
            self._span(event.channels, event.since, event.until)

    def events(self) -> list[SessionEvent]:
        if not self._count:
            return []
        skipped: list[SessionEvent] = [EventsSkipped(self._count)]
        if self._since is not None:
            channels = tuple(sorted(self._channels))
            skipped.append(GapRecorded(channels, self._since, self._until, GapReason.SKIPPED))
        return skipped

    def _span(self, channels: Iterable[str], since: int, until: int) -> None:
        self._channels.update(channels)
        self._since = since if self._since is None else min(self._since, since)
        self._until = max(self._until, until)

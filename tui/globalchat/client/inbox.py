"""Turns arriving messages into events, without duplicates. Pure."""

from collections import deque
from collections.abc import Callable
from enum import Enum
from hashlib import blake2b

from globalchat.client.events import MessageReceived
from globalchat.client.messages import Message
from globalchat.client.offset import ClockOffset
from globalchat.core.clock import Moment


class Novelty(Enum):
    """How a message relates to those before it."""

    NEW = "new"
    DUPLICATE = "duplicate"
    CONFLICTING = "conflicting"


def digest(message: Message) -> bytes:
    """Return a collision-resistant digest (16 bytes) of a message's id and content."""
    hashed = blake2b(digest_size=16)
    for part in (message.id, *message.content):
        encoded = b"" if part is None else part.encode("utf-8", "surrogatepass")
        # The length before each part distinguishes ("ab", "c") from ("a", "bc"); -1 distinguishes None from
        # "".
        length = -1 if part is None else len(encoded)
        hashed.update(length.to_bytes(8, "big", signed=True))
        hashed.update(encoded)
    return hashed.digest()


class SeenWindow:
    """The recently seen messages: at most `capacity`, none older than `max_age` seconds.

    Attributes:
        duplicates: Messages seen again with the same content.
        conflicts: Messages that used another message's id.
    """

    def __init__(self, *, capacity: int = 100_000, max_age: float = 86_400.0) -> None:
        self.duplicates = 0
        self.conflicts = 0
        self._capacity = capacity
        self._max_age = max_age
        # Ids are kept as digests, since a faulty backend may send ids of any length.
        self._order: deque[tuple[float, bytes, bytes]] = deque()
        self._seen: set[bytes] = set()
        self._variants: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._order)

    def observe(self, message: Message, now: float) -> Novelty:
        """Classify a message and remember it. `now` is in seconds of a monotonic clock.

        A duplicate does not extend the time for which the first arrival is remembered.
        """
        while self._order and now - self._order[0][0] > self._max_age:
            self._drop_oldest()
        mark = digest(message)
        if mark in self._seen:
            self.duplicates += 1
            return Novelty.DUPLICATE
        identity = blake2b(message.id.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        variants = self._variants.get(identity, 0)
        self._order.append((now, identity, mark))
        self._seen.add(mark)
        self._variants[identity] = variants + 1
        if len(self._order) > self._capacity:
            self._drop_oldest()
        if variants == 0:
            return Novelty.NEW
        self.conflicts += 1
        return Novelty.CONFLICTING

    def _drop_oldest(self) -> None:
        _, identity, mark = self._order.popleft()
        self._seen.remove(mark)
        self._variants[identity] -= 1
        if not self._variants[identity]:
            del self._variants[identity]


class Inbox:
    """Turns arrivals into events and drops duplicates.

    `is_own` returns True for the echo of a draft.
    """

    def __init__(self, *, seen: SeenWindow, offset: ClockOffset, is_own: Callable[[Message], bool]) -> None:
        self._seen = seen
        self._offset = offset
        self._is_own = is_own

    def receive(self, message: Message, via: str, now: Moment) -> MessageReceived | None:
        """Return the event of a message that came from region `via` (an alias); None for a duplicate."""
        novelty = self._seen.observe(message, now.monotonic)
        if novelty is Novelty.DUPLICATE:
            return None
        transit = self._offset.transit(message.region, sent_at=message.sent_at, received_at=now.wall)
        return MessageReceived(
            message=message,
            via=via,
            received_at=now.wall,
            transit_ms=None if transit is None else transit.ms,
            transit_error_ms=0 if transit is None else transit.error_ms,
            own=self._is_own(message),
            conflicting=novelty is Novelty.CONFLICTING,
        )

    def receive_stored(self, message: Message, via: str, now: Moment) -> MessageReceived | None:
        """Return the event of a message from the history of region `via`; None if it is a duplicate."""
        novelty = self._seen.observe(message, now.monotonic)
        if novelty is Novelty.DUPLICATE:
            return None
        return MessageReceived(
            message=message,
            via=via,
            received_at=now.wall,
            transit_ms=None,
            own=self._is_own(message),
            conflicting=novelty is Novelty.CONFLICTING,
            filled=True,
        )

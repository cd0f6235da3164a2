"""Turns arriving messages into events, without duplicates. Pure."""

from collections import deque
from collections.abc import Callable
from enum import Enum
from hashlib import blake2b
from struct import Struct
from typing import NamedTuple

from globalchat.client.events import MessageReceived
from globalchat.client.messages import Message
from globalchat.client.offset import ClockOffset
from globalchat.core.clock import Moment

_LENGTHS = Struct(">4q")


class Novelty(Enum):
    """How a message relates to those before it."""

    NEW = "new"
    DUPLICATE = "duplicate"
    CONFLICTING = "conflicting"


def digest(message: Message) -> bytes:
    """Return 16 bytes for a message's id and content; no other message can be made to match them."""
    name, channel, text = (
        part.encode("utf-8", "surrogatepass") for part in (message.id, message.channel, message.text)
    )
    sender = b"" if message.sender is None else message.sender.encode("utf-8", "surrogatepass")
    # The lengths distinguish ("ab", "c") from ("a", "bc"); -1 distinguishes None from "".
    lengths = _LENGTHS.pack(len(name), len(channel), len(text), -1 if message.sender is None else len(sender))
    content = lengths + name + channel + text + sender
    if message.author is None:
        return blake2b(content, digest_size=16).digest()
    # Another personalisation, so that no content without an author has the same digest.
    author = message.author.encode("utf-8", "surrogatepass")
    return blake2b(content + author, digest_size=16, person=b"author").digest()


class SeenId(NamedTuple):
    """A message that was seen, without its text.

    Attributes:
        digest: Of id and content.
        identity: Of the id alone.
    """

    digest: bytes
    identity: bytes


class SeenWindow:
    """The latest `capacity` messages that were seen, however old: pages and gaps bring back any age.

    With `keeps_unsaved` it also collects them for `take_unsaved`.

    Attributes:
        duplicates: Messages seen again with the same content.
        conflicts: Messages that used another message's id.
    """

    def __init__(self, *, capacity: int = 100_000, keeps_unsaved: bool = False) -> None:
        self.duplicates = 0
        self.conflicts = 0
        self._capacity = capacity
        # Ids are kept as digests, since a faulty backend may send ids of any length.
        self._order: deque[SeenId] = deque()
        self._seen: dict[bytes, SeenId] = {}
        self._variants: dict[bytes, int] = {}
        self._earlier: set[bytes] = set()
        self._unsaved: deque[SeenId] | None = deque(maxlen=capacity) if keeps_unsaved else None

    def __len__(self) -> int:
        return len(self._seen)

    def restore(self, seen: SeenId) -> None:
        """Add a message that an earlier session saw."""
        if seen.digest not in self._seen:
            self._earlier.add(seen.digest)
            self._add(seen)

    def observe(self, message: Message) -> Novelty:
        """Classify a message that came from a socket or a fill, and remember it."""
        mark = digest(message)
        if mark in self._seen:
            self.duplicates += 1
            return Novelty.DUPLICATE
        return self._observe_new(message, mark)

    def observe_loaded(self, message: Message) -> Novelty:
        """Classify a message of a page that the user requested: messages of earlier sessions count as new."""
        mark = digest(message)
        if mark not in self._seen:
            return self._observe_new(message, mark)
        if mark not in self._earlier:
            return Novelty.DUPLICATE
        # Once only: a second page with the message would show it twice.
        self._earlier.remove(mark)
        return Novelty.NEW if self._variants[self._seen[mark].identity] == 1 else Novelty.CONFLICTING

    def is_known(self, mark: bytes) -> bool:
        """Return True if a message with this digest was seen."""
        return mark in self._seen

    def is_emitted(self, mark: bytes) -> bool:
        """Return True if this session has seen a message with this digest."""
        return mark in self._seen and mark not in self._earlier

    def forget(self, message: Message) -> None:
        """Remove a message, so that it counts as new when it comes again."""
        self._remove(digest(message))

    def take_unsaved(self) -> tuple[SeenId, ...]:
        """Return the messages seen since the last call, at most the latest `capacity`."""
        if not self._unsaved:
            return ()
        # Messages that were forgotten meanwhile must not be known to the next session.
        taken = tuple(each for each in self._unsaved if self._seen.get(each.digest) is each)
        self._unsaved.clear()
        return taken

    def _observe_new(self, message: Message, mark: bytes) -> Novelty:
        identity = blake2b(message.id.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        seen = SeenId(mark, identity)
        variants = self._add(seen)
        if self._unsaved is not None:
            self._unsaved.append(seen)
        if variants == 1:
            return Novelty.NEW
        self.conflicts += 1
        return Novelty.CONFLICTING

    def _add(self, seen: SeenId) -> int:
        """Remember a message; return how many with its id are remembered, this one included."""
        mark, identity = seen
        self._order.append(seen)
        self._seen[mark] = seen
        self._variants[identity] = variants = self._variants.get(identity, 0) + 1
        if len(self._order) > self._capacity:
            self._drop_oldest()
        return variants

    def _drop_oldest(self) -> None:
        seen = self._order.popleft()
        # It may have been forgotten, and seen again.
        if self._seen.get(seen.digest) is seen:
            self._remove(seen.digest)

    def _remove(self, mark: bytes) -> None:
        seen = self._seen.pop(mark, None)
        if seen is not None:
            self._earlier.discard(mark)
            self._variants[seen.identity] -= 1
            if not self._variants[seen.identity]:
                del self._variants[seen.identity]


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
        novelty = self._seen.observe(message)
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

    def receive_stored(
        self, message: Message, via: str, now: Moment, *, is_page: bool = False
    ) -> MessageReceived | None:
        """Return the event of a message from the history of region `via`; None if it is a duplicate.

        On a page that the user requested (`is_page`) messages that only earlier sessions saw count as new.
        """
        observe = self._seen.observe_loaded if is_page else self._seen.observe
        novelty = observe(message)
        if novelty is Novelty.DUPLICATE:
            return None
        return MessageReceived(
            message=message,
            via=via,
            received_at=now.wall,
            # Stored messages say nothing about the time that a live one takes.
            transit_ms=None,
            own=self._is_own(message),
            conflicting=novelty is Novelty.CONFLICTING,
            filled=True,
        )

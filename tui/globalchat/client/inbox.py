"""Turns arriving messages into events, without duplicates. Pure."""

from collections import Counter, deque
from collections.abc import Callable
from enum import Enum
from hashlib import blake2b
from struct import Struct
from typing import NamedTuple

from globalchat.client.events import MessageReceived
from globalchat.client.messages import Message
from globalchat.client.offset import ClockOffset

_LENGTH = Struct(">q")
_LENGTHS = Struct(">4q")
# A copy of an empty hash takes less time than a new one.
_EMPTY = blake2b(digest_size=16)


class Novelty(Enum):
    """How a message relates to those before it."""

    NEW = "new"
    DUPLICATE = "duplicate"
    CONFLICTING = "conflicting"


class SeenId(NamedTuple):
    """A message that was seen, without its text.

    Attributes:
        digest: Of id and content.
        identity: Of the id alone.
    """

    digest: bytes
    identity: bytes


def _digests(message: Message) -> tuple[bytes, bytes]:
    """Return 16 bytes for a message's id and content, and for its id alone; no other can be made to match."""
    # The lengths distinguish ("ab", "c") from ("a", "bc"); -1 distinguishes None from "".
    content = _EMPTY.copy()
    name = message.id.encode("utf-8", "surrogatepass")
    content.update(_LENGTH.pack(len(name)) + name)
    identity = content.digest()
    channel = message.channel.encode("utf-8", "surrogatepass")
    text = message.text.encode("utf-8", "surrogatepass")
    sender, author, senders, authors = b"", b"", -1, -1
    if message.sender is not None:
        sender = message.sender.encode("utf-8", "surrogatepass")
        senders = len(sender)
    if message.author is not None:
        author = message.author.encode("utf-8", "surrogatepass")
        authors = len(author)
    lengths = _LENGTHS.pack(len(channel), len(text), senders, authors)
    content.update(lengths + channel + text + sender + author)
    return content.digest(), identity


def digest(message: Message) -> bytes:
    """Return 16 bytes for a message's id and content; no other message can be made to match them."""
    return _digests(message)[0]


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
        # Ids are kept as digests, since a faulty backend may send ids of any length. No collection holds an
        # object that the garbage collector has to visit.
        self._order: deque[bytes] = deque()
        self._seen: dict[bytes, bytes] = {}
        self._variants: dict[bytes, int] = {}
        self._earlier: set[bytes] = set()
        # How many of a digest's places in `_order` are void: the message was forgotten.
        self._void: Counter[bytes] = Counter()
        self._unsaved: deque[bytes] | None = deque(maxlen=capacity) if keeps_unsaved else None

    def __len__(self) -> int:
        return len(self._seen)

    def restore(self, seen: SeenId) -> None:
        """Add a message that an earlier session saw."""
        if seen.digest not in self._seen:
            self._earlier.add(seen.digest)
            self._add(seen.digest, seen.identity)

    def observe(self, message: Message) -> Novelty:
        """Classify a message that came from a socket or a fill, and remember it."""
        mark, identity = _digests(message)
        if mark in self._seen:
            self.duplicates += 1
            return Novelty.DUPLICATE
        return self._observe_new(mark, identity)

    def observe_loaded(self, message: Message) -> Novelty:
        """Classify a message of a page that the user requested: messages of earlier sessions count as new."""
        mark, identity = _digests(message)
        if mark not in self._seen:
            return self._observe_new(mark, identity)
        if mark not in self._earlier:
            return Novelty.DUPLICATE
        # Once only: a second page with the message would show it twice.
        self._earlier.remove(mark)
        return Novelty.NEW if self._variants[identity] == 1 else Novelty.CONFLICTING

    def is_known(self, mark: bytes) -> bool:
        """Return True if a message with this digest was seen."""
        return mark in self._seen

    def is_emitted(self, mark: bytes) -> bool:
        """Return True if this session has seen a message with this digest."""
        return mark in self._seen and mark not in self._earlier

    def forget(self, message: Message) -> None:
        """Remove a message, so that it counts as new when it comes again."""
        mark = digest(message)
        if mark in self._seen:
            self._remove(mark)
            self._void[mark] += 1

    def take_unsaved(self) -> tuple[SeenId, ...]:
        """Return the messages seen since the last call, at most the latest `capacity`."""
        if not self._unsaved:
            return ()
        # Messages that were forgotten meanwhile must not be known to the next session; others may have been
        # forgotten and seen again.
        taken = [
            SeenId(mark, self._seen[mark]) for mark in dict.fromkeys(self._unsaved) if mark in self._seen
        ]
        self._unsaved.clear()
        return tuple(taken)

    def _observe_new(self, mark: bytes, identity: bytes) -> Novelty:
        if self._unsaved is not None:
            self._unsaved.append(mark)
        if self._add(mark, identity) == 1:
            return Novelty.NEW
        self.conflicts += 1
        return Novelty.CONFLICTING

    def _add(self, mark: bytes, identity: bytes) -> int:
        """Remember a message; return how many with its id are remembered, this one included."""
        self._order.append(mark)
        self._seen[mark] = identity
        self._variants[identity] = variants = self._variants.get(identity, 0) + 1
        if len(self._order) > self._capacity:
            self._drop_oldest()
        return variants

    def _drop_oldest(self) -> None:
        mark = self._order.popleft()
        if mark not in self._void:
            self._remove(mark)
        elif self._void[mark] == 1:
            del self._void[mark]
        else:
            self._void[mark] -= 1

    def _remove(self, mark: bytes) -> None:
        identity = self._seen.pop(mark)
        self._earlier.discard(mark)
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

    def receive(self, message: Message, via: str, received_at: int) -> MessageReceived | None:
        """Return the event of a message that came from region `via` (an alias); None for a duplicate.

        `received_at` is epoch ms of this machine's clock.
        """
        novelty = self._seen.observe(message)
        if novelty is Novelty.DUPLICATE:
            return None
        transit = self._offset.transit(message.region, sent_at=message.sent_at, received_at=received_at)
        took, error = (None, 0) if transit is None else (transit.ms, transit.error_ms)
        is_conflicting = novelty is Novelty.CONFLICTING
        return MessageReceived(message, via, received_at, took, self._is_own(message), is_conflicting, error)

    def receive_stored(
        self, message: Message, via: str, received_at: int, *, is_page: bool = False
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
            received_at=received_at,
            # Stored messages say nothing about the time that a live one takes.
            transit_ms=None,
            own=self._is_own(message),
            conflicting=novelty is Novelty.CONFLICTING,
            filled=True,
        )

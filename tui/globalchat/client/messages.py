"""Messages, drafts and their ids; the description of a backend."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from globalchat.core.clock import WallClock, now_ms
from globalchat.core.text import plural
from globalchat.core.values import value

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32."""

RANDOM_BITS = 80
LENGTH = 26
"""Characters of an id."""
MAX_TIME = (1 << 48) - 1
"""The latest epoch ms that an id can hold."""

Content = tuple[str, str, str | None, str | None]
"""The content that, besides the id, makes two messages the same: channel, text, sender, author."""
Identity = tuple[str, Content]
"""What copies of a message share: its id and its content."""


CHANNEL = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}")
"""The pattern of channel names (`globalchat_infra/config.py` checks those of a deployment)."""
MEASURING_CHANNEL = "probe"
TEST_SENDERS = frozenset(f"globalchat-{command}" for command in ("bench", "deploy", "doctor", "latency"))
"""Who sends the test messages of these commands."""
MOST_CHANNELS = 1_000
"""The most channels of a backend that are used; a deployment has far fewer."""


@value(frozen=True, slots=True)
class Message:
    """One published text.

    `sender` is what the sender calls itself, `author` who AWS vouches for: the name of a person, the ARN of a
    machine (a user, or another role), None for a holder of the API key.
    `region` is the AWS region that accepted it, `sent_at` when (epoch ms, that region's clock).
    `arrival` is its place in the order of arrival of the region that brought it, as a cursor of that region's
    history; None if it was not stored there. Copies of a message differ in it, and are equal all the same.
    """

    id: str
    channel: str
    text: str
    sender: str | None
    region: str
    sent_at: int
    arrival: str | None = field(default=None, compare=False)
    author: str | None = None

    @property
    def content(self) -> Content:
        """Channel, text, sender and author: messages with one id are duplicates only if these are equal."""
        return (self.channel, self.text, self.sender, self.author)

    @property
    def identity(self) -> Identity:
        """The id and content, which its copies share: a message that was delivered twice is stored twice."""
        return (self.id, self.content)

    @property
    def order(self) -> tuple[int, str]:
        """The place in a channel's history."""
        return (self.sent_at, self.id)

    @property
    def is_test(self) -> bool:
        """True if it says that a command sent it to test or measure, so that it need not be read."""
        return self.sender in TEST_SENDERS


def arrival_of(message: Message) -> str:
    """Return the arrival of a message that history has: it was stored."""
    assert message.arrival is not None, "what history answers was stored"
    return message.arrival


@dataclass(frozen=True, slots=True)
class Draft:
    """A message that is not accepted yet: it has an id, but no region has stamped it.

    `created_at` is epoch ms.
    """

    id: str
    channel: str
    text: str
    sender: str | None
    created_at: int

    def is_echoed_by(self, message: Message) -> bool:
        """Return True if a message has this id, channel, text and sender; the backend stamps the rest."""
        return (self.id, self.channel, self.text, self.sender) == (
            message.id,
            message.channel,
            message.text,
            message.sender,
        )


@dataclass(frozen=True, slots=True)
class MessageLimits:
    """The longest values that the backend accepts, in UTF-16 code units."""

    message: int
    sender: int
    id: int


@dataclass(frozen=True, slots=True)
class HistoryTerms:
    """For how many `days` a region keeps messages (0: it keeps none), and what it has at most.

    What arrived before `since` (epoch ms, the region's clock) is not kept; None if nothing is.
    """

    days: int
    since: int | None


@dataclass(frozen=True, slots=True)
class Backend:
    """The description of a backend; `left_out` counts listed names that are not in `channels`.

    `history` is None if the region was deployed before there was a history. `author` is what messages of this
    caller are stamped with: None with the API key.
    """

    channels: tuple[str, ...]
    limits: MessageLimits
    left_out: int = 0
    history: HistoryTerms | None = None
    author: str | None = None

    @property
    def measuring_channel(self) -> str:
        """The channel of test messages unless another is named: `probe` if there is one, else the first.

        A channel of that name, in which no one reads, keeps them out of the others.
        """
        return MEASURING_CHANNEL if MEASURING_CHANNEL in self.channels else self.channels[0]

    @property
    def remark(self) -> str | None:
        """The sentence about names that were left out; None if there were none."""
        if not self.left_out:
            return None
        return (
            f"The backend lists {plural(self.left_out, 'name')} too many: left out is what cannot name a "
            f"channel, and what comes after {MOST_CHANNELS:,} channels."
        )


def _random_bits(count: int) -> int:
    # As the module `secrets` does it, whose import loads OpenSSL's hashes: a tenth of what `--help` takes.
    return int.from_bytes(os.urandom((count + 7) // 8)) >> (-count % 8)


class IdFactory:
    """Makes ULIDs: 48 bits of time (epoch ms) before 80 random bits, each greater than the last.

    Every id has fresh random bits, also within one millisecond: one id does not reveal the next. Where the
    order requires it (same millisecond, clock set back), the time part runs ahead of the clock.
    """

    def __init__(
        self,
        clock: WallClock = now_ms,
        randbits: Callable[[int], int] = _random_bits,
    ) -> None:
        self._clock = clock
        self._randbits = randbits
        self._last = (-1, -1)

    def new(self) -> str:
        """Return the next id, 26 characters of `ALPHABET`."""
        last_time, last_bits = self._last
        at = min(max(self._clock(), last_time, 0), MAX_TIME)
        bits = self._randbits(RANDOM_BITS)
        if at == last_time and bits <= last_bits:
            at += 1
        self._last = (at, bits)
        return encode_id(at, bits)


def encode_id(at: int, bits: int) -> str:
    """Return the text of an id: `at` in epoch ms, `bits` the random part."""
    value = (at << RANDOM_BITS) | bits
    return "".join(ALPHABET[(value >> shift) & 31] for shift in range(5 * (LENGTH - 1), -1, -5))

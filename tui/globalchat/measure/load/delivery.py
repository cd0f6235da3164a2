"""Tracks which messages reached which subscribers, how fast, and in which order. Pure: time is passed in."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from globalchat.measure.histogram import Histogram
from globalchat.measure.load.plan import RegionChannel

WARM_UP = -1
"""The number of the warm-up messages."""
SHORTEST = 64
"""The characters of the longest tag: the shortest text that has room for any."""
MANY = 1_000_000
"""The default number of messages of a load test."""

RegionPair = tuple[str, str]
"""From region, to region (aliases)."""

# Padded with dots to the wanted size.
_TAG = re.compile(r"gcload ([0-9a-f]{8}) (-1|\d{1,12}) (\d{1,12}) (\d{1,20}) *\.*")


@dataclass(frozen=True, slots=True)
class PayloadTag:
    """The content of a message's text.

    Attributes:
        run: The load test that it belongs to.
        number: Its number.
        watermark: All messages of the same place with smaller numbers were accepted or refused before this
            one was published, so none of them may arrive later.
        sent_at: The start of its publish, in ns of the machine's monotonic clock.
    """

    run: str
    number: int
    watermark: int
    sent_at: int

    def text(self, size: int) -> str:
        """Return a text of `size` characters (at least `SHORTEST`) from which `parse` reads the tag."""
        return f"gcload {self.run} {self.number} {self.watermark} {self.sent_at} ".ljust(size, ".")

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Parse the tag in a text; return None if the text is not from a load test."""
        match = _TAG.fullmatch(text)
        return None if match is None else cls(match[1], int(match[2]), int(match[3]), int(match[4]))


class NumberSet:
    """A set of non-negative integers: one bit for each number up to the largest.

    A load test has many subscribers, and each remembers every message.
    """

    __slots__ = ("_bits",)

    def __init__(self, bits: bytes = b"") -> None:
        self._bits = bytearray(bits)

    @classmethod
    def of(cls, numbers: Iterable[int]) -> Self:
        """Return the set of some numbers."""
        made = cls()
        for number in numbers:
            made.add(number)
        return made

    def add(self, number: int) -> bool:
        """Add a number. Return True if it is new."""
        index, bit = number >> 3, 1 << (number & 7)
        bits = self._bits
        if index >= len(bits):
            # Doubled, so that growing stays cheap.
            bits.extend(bytes(2 * index + 1 - len(bits)))
        if bits[index] & bit:
            return False
        bits[index] |= bit
        return True

    def __contains__(self, number: int) -> bool:
        index = number >> 3
        return index < len(self._bits) and bool(self._bits[index] & 1 << (number & 7))

    def __iter__(self) -> Iterator[int]:
        for index, byte in enumerate(self._bits):
            for bit in range(8):
                if byte & 1 << bit:
                    yield index * 8 + bit

    def __len__(self) -> int:
        return self._whole().bit_count()

    def count_missing_in(self, other: "NumberSet") -> int:
        """Return the number of members that are not in another set."""
        return (self._whole() & ~other._whole()).bit_count()

    def pack(self) -> bytes:
        """Return the bytes from which the constructor restores the set in another process."""
        return bytes(self._bits)

    def _whole(self) -> int:
        return int.from_bytes(self._bits, "little")


@dataclass(slots=True)
class DeliveryStats:
    """Deliveries, summed over subscribers.

    Attributes:
        deliveries: First arrivals.
        duplicates: Further arrivals of the same message at the same subscriber.
        order_violations: First arrivals of an accepted message after one of the same place that was published
            later, when this one had long been accepted.
        lost: Accepted messages that never arrived.
        foreign: Messages that this load test did not send.
        warm_ups: First arrivals of warm-up messages.
        subscriptions_ended: Subscriptions that ended early; what they missed counts as lost.
        last_at: The time of the last first arrival, in ns of the monotonic clock.
        times: By route, from the start of the publish to the first arrival.
    """

    deliveries: int = 0
    duplicates: int = 0
    order_violations: int = 0
    lost: int = 0
    foreign: int = 0
    warm_ups: int = 0
    subscriptions_ended: int = 0
    last_at: int = 0
    times: dict[RegionPair, Histogram] = field(default_factory=dict)

    def merge(self, other: "DeliveryStats") -> None:
        """Add the statistics of other subscribers."""
        self.deliveries += other.deliveries
        self.duplicates += other.duplicates
        self.order_violations += other.order_violations
        self.lost += other.lost
        self.foreign += other.foreign
        self.warm_ups += other.warm_ups
        self.subscriptions_ended += other.subscriptions_ended
        self.last_at = max(self.last_at, other.last_at)
        for route, times in other.times.items():
            self.times.setdefault(route, Histogram()).merge(times)


class _SubscriberState:
    """The messages that a subscriber has received, and per place the number below which arrivals are late."""

    __slots__ = ("channel", "received", "region", "watermarks")

    def __init__(self, place: RegionChannel, places: int) -> None:
        self.region = place.region
        self.channel = place.channel
        self.received = NumberSet()
        self.watermarks = [0] * places


class DeliveryTracker:
    """Counts and times what the subscribers of one process receive; subscribers are identified by position.

    A tag with a number of `messages` or more is forged; it is not recorded, as it would take memory.
    """

    def __init__(
        self,
        run: str,
        places: Sequence[RegionChannel],
        subscribers: Sequence[RegionChannel],
        *,
        messages: int = MANY,
    ) -> None:
        self.stats = DeliveryStats()
        self._messages = messages
        self._run = run
        self._places = tuple(places)
        self._subscribers = [_SubscriberState(place, len(self._places)) for place in subscribers]
        self._late: Counter[int] = Counter()
        self._accepted: Mapping[str, NumberSet] | None = None
        self._missing = 0

    def receive(self, position: int, tag: PayloadTag | None, *, at: int) -> None:
        """Record a message for a subscriber; a message without a tag is not from a load test."""
        # Runs for every delivery, perhaps 10,000 times per message, so needless calls are avoided.
        stats = self.stats
        if tag is None or tag.run != self._run or tag.number >= self._messages:
            stats.foreign += 1
            return
        number = tag.number
        if number == WARM_UP:
            stats.warm_ups += 1
            return
        subscriber = self._subscribers[position]
        if not subscriber.received.add(number):
            stats.duplicates += 1
            return
        stats.deliveries += 1
        stats.last_at = at
        origin = number % len(self._places)
        # A message that was published after this one's answer was received before it.
        if number < subscriber.watermarks[origin]:
            stats.order_violations += 1
            self._late[number] += 1
        elif tag.watermark > subscriber.watermarks[origin]:
            subscriber.watermarks[origin] = tag.watermark
        route = (self._places[origin].region, subscriber.region)
        times = stats.times.get(route)
        if times is None:
            times = stats.times[route] = Histogram()
        # A forged tag may be from the future, and a histogram has no negative values.
        times.add(max(0, at - tag.sent_at))
        # Arrivals before `expect` are subtracted there.
        if self._accepted is not None and number in self._accepted[subscriber.channel]:
            self._missing -= 1

    def expect(self, accepted: NumberSet) -> None:
        """Record which messages were accepted, once all are published."""
        channels = {place.channel for place in self._places}
        self._accepted = {
            channel: NumberSet.of(
                number for number in accepted if self._places[number % len(self._places)].channel == channel
            )
            for channel in channels
        }
        self._missing = sum(
            self._accepted[each.channel].count_missing_in(each.received) for each in self._subscribers
        )

    def finish(self) -> DeliveryStats:
        """Return the statistics including lost messages, since it is now known which were accepted.

        A message whose publish was never answered may have been accepted at any time, so it never counts as
        late.
        """
        if self._accepted is not None:
            accepted = self._accepted.values()
            self.stats.order_violations -= sum(
                count for number, count in self._late.items() if not any(number in each for each in accepted)
            )
        self.stats.lost = self.missing or 0
        return self.stats

    @property
    def missing(self) -> int | None:
        """The deliveries of accepted messages that are still to come; None before `expect`."""
        return None if self._accepted is None else self._missing

"""The plan of a load test, and its distribution over processes. Pure."""

import math
from dataclasses import dataclass
from itertools import pairwise, product

EXPECTED_ACCEPTANCE = 0.3
"""Seconds that a publish may take before the schedule falls behind, given a plan's connections."""
MAX_CONNECTIONS = 500


@dataclass(frozen=True, slots=True)
class RegionChannel:
    """A channel in a region (an alias): where messages are published and received."""

    region: str
    channel: str


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """A number of subscribers and a rate of messages, over all regions and channels.

    Message number n is due n / `rate` seconds after the start, and published in `places[n % len(places)]`.

    Attributes:
        size: Characters of a message.
        seconds: How long messages are published.
        processes: The number of processes for the subscribers; one more publishes.
        per_socket: Subscriptions that share a socket.
        connect_rate: Sockets opened a second, by all processes together.
        drain: Seconds after the last publish in which a message may still arrive; then it is lost.
    """

    subscribers: int
    rate: float
    size: int
    seconds: float
    regions: tuple[str, ...]
    channels: tuple[str, ...]
    processes: int = 1
    per_socket: int = 1
    connect_rate: float = 1000.0
    drain: float = 10.0

    @property
    def places(self) -> tuple[RegionChannel, ...]:
        """Every channel in every region."""
        return tuple(
            RegionChannel(region, channel) for channel, region in product(self.channels, self.regions)
        )

    @property
    def messages(self) -> int:
        """The number of messages that are due before the end, at least one."""
        # Rounded first, since 0.07 × 100 is a little more than 7 in floating point.
        return max(1, math.ceil(round(self.rate * self.seconds, 9)))

    @property
    def deliveries(self) -> int:
        """The number of deliveries if none fails.

        A channel's subscribers get the messages that any region accepts.
        """
        return sum(
            self.subscribers_of(place) * len(self.numbers(each))
            for place in self.places
            for each in self.places
            if each.channel == place.channel
        )

    @property
    def connections(self) -> int:
        """The connections that publish, each with one message in flight; the same number in every place.

        Message n is sent by connection n % `connections`, so that a slow answer delays only the messages of
        one connection.
        """
        # A multiple of the places, so each connection serves one place: message n goes to n % places.
        places = len(self.places)
        wanted = math.ceil(self.rate * EXPECTED_ACCEPTANCE / places)
        return places * max(1, min(wanted, MAX_CONNECTIONS // places))

    def numbers(self, place: RegionChannel) -> range:
        """Return the numbers of the messages that are published in a place."""
        return range(self.places.index(place), self.messages, len(self.places))

    def subscribers_of(self, place: RegionChannel) -> int:
        """Return the number of a place's subscribers."""
        return len(range(self.places.index(place), self.subscribers, len(self.places)))

    def split(self) -> list[list[RegionChannel]]:
        """Return the places of each process's subscribers; the numbers differ by one at most."""
        # Subscriber n is in place n % places, so consecutive subscribers cover the places evenly.
        places = self.places
        bounds = [self.subscribers * each // self.processes for each in range(self.processes + 1)]
        return [
            [places[number % len(places)] for number in range(first, end)] for first, end in pairwise(bounds)
        ]


def socket_groups(subscribers: list[RegionChannel], per_socket: int) -> list[list[int]]:
    """Return the groups of subscribers (positions) that share a socket: up to `per_socket` of a region."""
    by_region: dict[str, list[int]] = {}
    for position, place in enumerate(subscribers):
        by_region.setdefault(place.region, []).append(position)
    return [
        positions[start : start + per_socket]
        for positions in by_region.values()
        for start in range(0, len(positions), per_socket)
    ]

"""What a load run is to do, and who does which part of it. Pure."""

import math
from dataclasses import dataclass
from itertools import pairwise, product

EXPECTED_ACCEPTANCE = 0.3
"""Seconds that a publish may take before the schedule falls behind, with the lanes that a plan has."""
MOST_LANES = 500


@dataclass(frozen=True, slots=True)
class Place:
    """A channel in a region (an alias): what a subscriber listens to, and where a message is published."""

    region: str
    channel: str


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """So many subscribers, over all regions and channels; so many messages a second, over all of them.

    Message number n is due n / `rate` seconds after the start, and published in `places[n % len(places)]`.

    Attributes:
        size: Characters of a message.
        seconds: How long messages are published.
        processes: How many processes hold the subscribers; one more publishes.
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
    def places(self) -> tuple[Place, ...]:
        """Every channel in every region."""
        return tuple(Place(region, channel) for channel, region in product(self.channels, self.regions))

    @property
    def messages(self) -> int:
        """How many are due before the end, at least one."""
        return max(1, math.ceil(round(self.rate * self.seconds, 9)))

    @property
    def deliveries(self) -> int:
        """How many there are if all goes well: a channel's subscribers get what any region accepts."""
        return sum(
            self.seated(place) * len(self.numbers(each))
            for place in self.places
            for each in self.places
            if each.channel == place.channel
        )

    @property
    def lanes(self) -> int:
        """Publishers that take turns, each with one message under way at a time: equally many in every place.

        Message n goes by lane n % `lanes`, so that a slow answer holds up the messages of one lane alone.
        """
        places = len(self.places)
        wanted = math.ceil(self.rate * EXPECTED_ACCEPTANCE / places)
        return places * max(1, min(wanted, MOST_LANES // places))

    def numbers(self, place: Place) -> range:
        """The numbers of the messages that are published in a place."""
        return range(self.places.index(place), self.messages, len(self.places))

    def seated(self, place: Place) -> int:
        """How many subscribers listen in a place."""
        return len(range(self.places.index(place), self.subscribers, len(self.places)))

    def shards(self) -> list[list[Place]]:
        """For each process the place of each of its subscribers: evenly over both, to within one."""
        places = self.places
        bounds = [self.subscribers * each // self.processes for each in range(self.processes + 1)]
        return [
            [places[number % len(places)] for number in range(first, end)] for first, end in pairwise(bounds)
        ]


def sockets(seats: list[Place], per_socket: int) -> list[list[int]]:
    """Which seats (by their positions) share a socket: those of one region, at most `per_socket` of them."""
    by_region: dict[str, list[int]] = {}
    for position, place in enumerate(seats):
        by_region.setdefault(place.region, []).append(position)
    return [
        positions[start : start + per_socket]
        for positions in by_region.values()
        for start in range(0, len(positions), per_socket)
    ]

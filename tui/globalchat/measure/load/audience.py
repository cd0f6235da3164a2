"""What the subscribers of one process have heard: each delivery judged and timed. Pure: time is passed in."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from globalchat.measure.histogram import Histogram
from globalchat.measure.load.mark import WARM_UP, Mark
from globalchat.measure.load.numbers import Numbers
from globalchat.measure.load.plan import Place

MANY = 1_000_000
"""Messages of a run of which nothing else is said."""

Way = tuple[str, str]
"""From region, to region (aliases)."""


@dataclass(slots=True)
class Heard:
    """What came, summed over subscribers.

    Attributes:
        deliveries: First arrivals; their times by way, from the begin of the publish.
        duplicates: Further arrivals of the same message at the same subscriber.
        violations: First arrivals of an accepted message after one of the same place that was published
            later, when this one had long been accepted.
        lost: Accepted messages that never came.
        foreign: Messages that are not of this run.
        warmed: First messages that came before all.
        ended: Subscriptions that ended before the run did; what they missed is lost.
        last_at: When the last first arrival was, in ns of the steady clock.
    """

    deliveries: int = 0
    duplicates: int = 0
    violations: int = 0
    lost: int = 0
    foreign: int = 0
    warmed: int = 0
    ended: int = 0
    last_at: int = 0
    times: dict[Way, Histogram] = field(default_factory=dict)

    def merge(self, other: "Heard") -> None:
        """Add what others have heard."""
        self.deliveries += other.deliveries
        self.duplicates += other.duplicates
        self.violations += other.violations
        self.lost += other.lost
        self.foreign += other.foreign
        self.warmed += other.warmed
        self.ended += other.ended
        self.last_at = max(self.last_at, other.last_at)
        for way, times in other.times.items():
            self.times.setdefault(way, Histogram()).merge(times)


class _Seat:
    """One subscriber: what it has, and below which number a first arrival of a place comes too late."""

    __slots__ = ("barriers", "channel", "region", "seen")

    def __init__(self, place: Place, places: int) -> None:
        self.region = place.region
        self.channel = place.channel
        self.seen = Numbers()
        self.barriers = [0] * places


class Audience:
    """The subscribers of one process, by their positions in `seats`."""

    def __init__(
        self, run: str, places: Sequence[Place], seats: Sequence[Place], *, messages: int = MANY
    ) -> None:
        """The run publishes so many `messages`: a number beyond is forged, and would take memory."""
        self.heard = Heard()
        self._messages = messages
        self._run = run
        self._places = tuple(places)
        self._seats = [_Seat(place, len(self._places)) for place in seats]
        self._late: Counter[int] = Counter()
        self._awaited: Mapping[str, Numbers] | None = None
        self._missing = 0

    def hear(self, position: int, mark: Mark | None, *, at: int) -> None:
        """A message came to a subscriber; None stands for a text that no load run made."""
        heard = self.heard
        if mark is None or mark.run != self._run or mark.number >= self._messages:
            heard.foreign += 1
            return
        number = mark.number
        if number == WARM_UP:
            heard.warmed += 1
            return
        seat = self._seats[position]
        if not seat.seen.add(number):
            heard.duplicates += 1
            return
        heard.deliveries += 1
        heard.last_at = at
        origin = number % len(self._places)
        if number < seat.barriers[origin]:
            heard.violations += 1
            self._late[number] += 1
        elif mark.floor > seat.barriers[origin]:
            seat.barriers[origin] = mark.floor
        way = (self._places[origin].region, seat.region)
        times = heard.times.get(way)
        if times is None:
            times = heard.times[way] = Histogram()
        times.add(max(0, at - mark.sent_at))
        if self._awaited is not None and number in self._awaited[seat.channel]:
            self._missing -= 1

    def expect(self, accepted: Numbers) -> None:
        """From now on it is known which messages were accepted."""
        channels = {place.channel for place in self._places}
        self._awaited = {
            channel: Numbers.of(
                number for number in accepted if self._places[number % len(self._places)].channel == channel
            )
            for channel in channels
        }
        self._missing = sum(self._awaited[seat.channel].without(seat.seen) for seat in self._seats)

    def conclude(self) -> Heard:
        """What was heard, now that it is known which messages were accepted.

        One whose publish nobody answered may have reached the backend at any time, so that it is never late.
        """
        if self._awaited is not None:
            accepted = self._awaited.values()
            self.heard.violations -= sum(
                count for number, count in self._late.items() if not any(number in each for each in accepted)
            )
        self.heard.lost = self.missing or 0
        return self.heard

    @property
    def missing(self) -> int | None:
        """How many deliveries of accepted messages are still to come; None while that is not known."""
        return None if self._awaited is None else self._missing

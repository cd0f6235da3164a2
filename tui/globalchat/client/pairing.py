"""Pairs the arrivals of one message in several regions. Pure: time is passed in, memory is bounded."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from globalchat.client.dedupe import digest
from globalchat.client.messages import Message


@dataclass(frozen=True, slots=True)
class Paired:
    """A message arrived in every region: `arrivals` gives when, by alias (epoch ms of this machine's clock).

    `late` if it had been told as `Unpaired` before.
    """

    message: Message
    arrivals: Mapping[str, int]
    late: bool = False


@dataclass(frozen=True, slots=True)
class Unpaired:
    """A message did not arrive in the regions `missing` (aliases) in time."""

    message: Message
    arrivals: Mapping[str, int]
    missing: tuple[str, ...]


@dataclass(slots=True)
class _Open:
    message: Message
    deadline: float
    arrivals: dict[str, int] = field(default_factory=dict)


class Pairing:
    """Waits for each message to arrive everywhere.

    A message is the same if id and content are: of two with one id, each waits for its own kind.
    At most `capacity` messages wait (the oldest is given up for a new one), and as many that were given up
    are remembered, so that their late arrivals still pair.
    """

    def __init__(self, regions: Sequence[str], *, within: float, capacity: int) -> None:
        """`regions` are aliases, `within` the seconds from the first arrival to giving up."""
        self._regions = tuple(regions)
        self._within = within
        self._capacity = max(1, capacity)
        self._open: OrderedDict[bytes, _Open] = OrderedDict()
        self._given_up: OrderedDict[bytes, _Open] = OrderedDict()

    @property
    def next_deadline(self) -> float | None:
        """When the next message is given up, in the seconds of `now`; None if none waits."""
        return next(iter(self._open.values())).deadline if self._open else None

    def arrive(self, message: Message, region: str, *, at: int, now: float) -> list[Paired | Unpaired]:
        """Take an arrival in a region. `at` is epoch ms, `now` seconds of a clock that never steps back."""
        key = digest(message)
        late = key in self._given_up
        entry = self._given_up.get(key) or self._open.get(key)
        settled: list[Paired | Unpaired] = []
        if entry is None:
            entry = self._open[key] = _Open(message, now + self._within)
            if len(self._open) > self._capacity:
                settled.append(self._give_up())
        entry.arrivals.setdefault(region, at)
        if all(each in entry.arrivals for each in self._regions):
            del (self._given_up if late else self._open)[key]
            settled.append(Paired(entry.message, dict(entry.arrivals), late))
        return settled

    def expire(self, now: float) -> list[Paired | Unpaired]:
        """Give up what has waited long enough."""
        settled: list[Paired | Unpaired] = []
        while (deadline := self.next_deadline) is not None and deadline <= now:
            settled.append(self._give_up())
        return settled

    def give_up_all(self) -> list[Paired | Unpaired]:
        """Give up everything that waits."""
        return [self._give_up() for _ in range(len(self._open))]

    def _give_up(self) -> Unpaired:
        key, entry = self._open.popitem(last=False)
        self._given_up[key] = entry
        if len(self._given_up) > self._capacity:
            self._given_up.popitem(last=False)
        missing = tuple(each for each in self._regions if each not in entry.arrivals)
        return Unpaired(entry.message, dict(entry.arrivals), missing)

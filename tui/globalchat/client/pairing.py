"""Pairs the arrivals of one message in several regions. Pure: time is passed in, memory is bounded."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from globalchat.client.buffer import size_of_message
from globalchat.client.dedupe import digest
from globalchat.client.messages import Message
from globalchat.client.options import DEFAULTS


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


class _Waiting:
    """Messages by digest, the oldest first, and the bytes that they take."""

    def __init__(self) -> None:
        self.entries: OrderedDict[bytes, _Open] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self.entries)

    def add(self, key: bytes, entry: _Open) -> None:
        self.entries[key] = entry
        self._bytes += size_of_message(entry.message)

    def remove(self, key: bytes) -> None:
        self._bytes -= size_of_message(self.entries.pop(key).message)

    def pop_oldest(self) -> tuple[bytes, _Open]:
        key, entry = next(iter(self.entries.items()))
        self.remove(key)
        return key, entry

    def is_over(self, capacity: int, most_bytes: int) -> bool:
        """Return True if there are too many; a single one never is."""
        return len(self.entries) > capacity or (self._bytes > most_bytes and len(self.entries) > 1)


class Pairing:
    """Waits for each message to arrive everywhere.

    A message is the same if id and content are: of two with one id, each waits for its own kind.
    At most `capacity` messages of `most_bytes` wait (the oldest is given up for a new one), and as many that
    were given up are remembered, so that their late arrivals still pair.
    """

    def __init__(
        self,
        regions: Sequence[str],
        *,
        within: float,
        capacity: int,
        most_bytes: int = DEFAULTS.buffer_bytes,
    ) -> None:
        """`regions` are aliases, `within` the seconds from the first arrival to giving up."""
        self._regions = tuple(regions)
        self._within = within
        self._capacity = max(1, capacity)
        self._most_bytes = most_bytes
        self._open, self._given_up = _Waiting(), _Waiting()

    @property
    def next_deadline(self) -> float | None:
        """When the next message is given up, in the seconds of `now`; None if none waits."""
        return next((entry.deadline for entry in self._open.entries.values()), None)

    def arrive(self, message: Message, region: str, *, at: int, now: float) -> list[Paired | Unpaired]:
        """Take an arrival in a region. `at` is epoch ms, `now` seconds of a clock that never steps back."""
        key = digest(message)
        late = key in self._given_up.entries
        entry = self._given_up.entries.get(key) or self._open.entries.get(key)
        settled: list[Paired | Unpaired] = []
        if entry is None:
            entry = _Open(message, now + self._within)
            self._open.add(key, entry)
            while self._open.is_over(self._capacity, self._most_bytes):
                settled.append(self._give_up())
        entry.arrivals.setdefault(region, at)
        if all(each in entry.arrivals for each in self._regions):
            (self._given_up if late else self._open).remove(key)
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
        key, entry = self._open.pop_oldest()
        self._given_up.add(key, entry)
        while self._given_up.is_over(self._capacity, self._most_bytes):
            self._given_up.pop_oldest()
        missing = tuple(each for each in self._regions if each not in entry.arrivals)
        return Unpaired(entry.message, dict(entry.arrivals), missing)

"""Which messages went out, and when each arrived where. Pure: times are passed in, in ns of one clock."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from globalchat.measure.histogram import Histogram


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The publishes of one region: how long each took until the backend accepted it.

    `failed` were refused or never answered: whether they travelled is not known, so none of them is lost.
    """

    source: str
    times: Histogram
    failed: int


@dataclass(frozen=True, slots=True)
class Way:
    """The messages from one region to one region (the same: the echo), from publish to arrival.

    `lost` were accepted and did not arrive in time; `pending` might still arrive when the measurement was
    ended; `duplicates` are further arrivals of a message.
    """

    source: str
    target: str
    times: Histogram
    lost: int
    pending: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class Result:
    """All that was measured, and why publishes failed: sentence → how often."""

    acceptances: tuple[Acceptance, ...]
    ways: tuple[Way, ...]
    failures: Mapping[str, int]


@dataclass(slots=True)
class _Sent:
    source: str
    at: int
    accepted_at: int | None = None
    failed: bool = False
    arrivals: dict[str, list[int]] = field(default_factory=dict)


class Tally:
    """Takes down what happens to every message; ids that it was not told of belong to somebody else."""

    def __init__(self, awaited: Mapping[str, Sequence[str]]) -> None:
        """`awaited` tells in which regions the messages of each source are awaited."""
        self._awaited = awaited
        self._sent: dict[str, _Sent] = {}
        self._failures: Counter[str] = Counter()
        self._missing = 0

    def sent(self, message_id: str, source: str, *, at: int) -> None:
        """A publish begins."""
        self._sent[message_id] = _Sent(source, at)
        self._missing += len(self._awaited[source]) + 1

    def accepted(self, message_id: str, *, at: int) -> None:
        """The backend accepted it."""
        self._sent[message_id].accepted_at = at
        self._missing -= 1

    def failed(self, message_id: str, reason: str) -> None:
        """The backend refused it, or did not answer."""
        entry = self._sent[message_id]
        entry.failed = True
        self._failures[reason] += 1
        self._missing -= 1 + len(set(self._awaited[entry.source]) - entry.arrivals.keys())

    def arrived(self, message_id: str, region: str, *, at: int) -> None:
        """A socket of a region brought it, for the first time or again."""
        entry = self._sent.get(message_id)
        if entry is None or region not in self._awaited[entry.source]:
            return
        if region not in entry.arrivals and not entry.failed:
            self._missing -= 1
        entry.arrivals.setdefault(region, []).append(at)

    @property
    def complete(self) -> bool:
        """Whether every publish was answered and every accepted message is where it should be."""
        return self._missing == 0

    def result(self, *, now: int, patience: int) -> Result:
        """What it comes to, if a message is lost `patience` nanoseconds after its publish began."""
        return Result(
            tuple(self._acceptance(source) for source in self._awaited),
            tuple(
                self._way(source, target, now - patience)
                for source, targets in self._awaited.items()
                for target in targets
            ),
            dict(self._failures),
        )

    def _acceptance(self, source: str) -> Acceptance:
        own = [each for each in self._sent.values() if each.source == source]
        times = Histogram.of(each.accepted_at - each.at for each in own if each.accepted_at is not None)
        return Acceptance(source, times, sum(each.failed for each in own))

    def _way(self, source: str, target: str, lost_before: int) -> Way:
        times, lost, pending, duplicates = Histogram(), 0, 0, 0
        for each in self._sent.values():
            if each.source != source:
                continue
            arrivals = each.arrivals.get(target)
            if arrivals:
                times.add(arrivals[0] - each.at)
                duplicates += len(arrivals) - 1
            elif each.failed:
                continue
            elif each.accepted_at is not None and each.at <= lost_before:
                lost += 1
            else:
                pending += 1
        return Way(source, target, times, lost, pending, duplicates)

"""Records when each message was published, accepted and received. Pure: times (ns) are passed in."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from globalchat.measure.histogram import Histogram


@dataclass(frozen=True, slots=True)
class AcceptanceLatency:
    """How long the publishes of one region took until the backend accepted them.

    `failed` were refused or never answered. It is unknown whether those were delivered, so none counts as
    lost.
    """

    source: str
    times: Histogram
    failed: int


@dataclass(frozen=True, slots=True)
class RouteLatency:
    """The messages from one region to one region (the same region: the echo), from publish to arrival.

    `lost` were accepted and did not arrive in time; `pending` might still have arrived when the measurement
    ended; `duplicates` are further arrivals of a message.
    """

    source: str
    target: str
    times: Histogram
    lost: int
    pending: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class LatencyResult:
    """The measurements, and the number of failed publishes by reason (a sentence)."""

    acceptances: tuple[AcceptanceLatency, ...]
    routes: tuple[RouteLatency, ...]
    failures: Mapping[str, int]


@dataclass(slots=True)
class _Sent:
    source: str
    at: int
    accepted_at: int | None = None
    failed: bool = False
    arrivals: dict[str, list[int]] = field(default_factory=dict)


class LatencyTally:
    """Records the events of every message. Ids that were never recorded as sent are ignored.

    `expected` maps each source to the regions in which its messages should arrive.
    """

    def __init__(self, expected: Mapping[str, Sequence[str]]) -> None:
        self._expected = expected
        self._sent: dict[str, _Sent] = {}
        self._failures: Counter[str] = Counter()
        self._missing = 0

    def sent(self, message_id: str, source: str, *, at: int) -> None:
        """Record the start of a publish."""
        self._sent[message_id] = _Sent(source, at)
        # One answer to the publish, and an arrival in each region.
        self._missing += len(self._expected[source]) + 1

    def accepted(self, message_id: str, *, at: int) -> None:
        """Record that the backend accepted a message."""
        self._sent[message_id].accepted_at = at
        self._missing -= 1

    def failed(self, message_id: str, reason: str) -> None:
        """Record that the backend refused a message, or did not answer."""
        entry = self._sent[message_id]
        entry.failed = True
        self._failures[reason] += 1
        # The answer has come, and missing arrivals are no longer expected.
        self._missing -= 1 + len(set(self._expected[entry.source]) - entry.arrivals.keys())

    def arrived(self, message_id: str, region: str, *, at: int) -> None:
        """Record an arrival in a region, the first one or a duplicate."""
        entry = self._sent.get(message_id)
        if entry is None or region not in self._expected[entry.source]:
            return
        # A failed publish may have been delivered: its arrivals count, but none counts as missing.
        if region not in entry.arrivals and not entry.failed:
            self._missing -= 1
        entry.arrivals.setdefault(region, []).append(at)

    @property
    def complete(self) -> bool:
        """True if every publish was answered and every accepted message arrived wherever it should."""
        return self._missing == 0

    def result(self, *, now: int, timeout: int) -> LatencyResult:
        """Return the result; a message is lost `timeout` nanoseconds after the start of its publish."""
        return LatencyResult(
            tuple(self._acceptance(source) for source in self._expected),
            tuple(
                self._route(source, target, now - timeout)
                for source, targets in self._expected.items()
                for target in targets
            ),
            dict(self._failures),
        )

    def _acceptance(self, source: str) -> AcceptanceLatency:
        own = [each for each in self._sent.values() if each.source == source]
        times = Histogram.of(each.accepted_at - each.at for each in own if each.accepted_at is not None)
        return AcceptanceLatency(source, times, sum(each.failed for each in own))

    def _route(self, source: str, target: str, lost_before: int) -> RouteLatency:
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
        return RouteLatency(source, target, times, lost, pending, duplicates)

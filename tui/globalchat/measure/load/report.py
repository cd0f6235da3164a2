"""What a load run comes to. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from globalchat.measure.histogram import Histogram
from globalchat.measure.load.audience import Heard, Way
from globalchat.measure.load.numbers import Numbers
from globalchat.measure.load.orders import Published, Result
from globalchat.measure.load.plan import LoadPlan


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands: `phase` in a word, sums over all processes, and `elapsed` seconds of the run."""

    phase: str
    live: int = 0
    elapsed: float = 0.0
    accepted: int = 0
    failed: int = 0
    deliveries: int = 0
    duplicates: int = 0
    ended: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """A run that is over.

    Attributes:
        plan: What was to be done.
        complete: False if it was ended early: then `missing` need not be lost.
        accepted: Messages that the backend accepted.
        failures: Why others were not, and how often.
        unsent: Messages that could not be begun in time, as this machine or the backend was too slow; if the
            run was ended early, also those that were not due yet.
        expected: Deliveries that the accepted messages call for.
        heard: What came.
        times: From the begin of a publish to an arrival, over all ways.
        acceptance: How long the publishes took.
        lag: How late they were begun.
        seconds: From the first publish to the last delivery.
        listener_cpu: CPU seconds of each process with subscribers.
        publisher_cpu: Those of the one that publishes.
        server_cpu: Those of the backend, if it is on this machine and that can be told.
        busy_seconds: The time that these CPU seconds were spent in.
    """

    plan: LoadPlan
    complete: bool
    accepted: int
    failures: Mapping[str, int]
    unsent: int
    expected: int
    heard: Heard
    times: Histogram
    acceptance: Histogram
    lag: Histogram
    seconds: float
    listener_cpu: tuple[float, ...]
    publisher_cpu: float
    server_cpu: float | None
    busy_seconds: float

    @property
    def missing(self) -> int:
        """Deliveries that were called for and did not come."""
        return self.heard.lost

    @property
    def rate(self) -> float:
        """Deliveries a second."""
        return self.heard.deliveries / self.seconds if self.seconds else 0.0

    @property
    def generator_cpu(self) -> float | None:
        """CPU seconds of all processes of the run for one delivery; None without deliveries."""
        return self._each(sum(self.listener_cpu) + self.publisher_cpu)

    @property
    def backend_cpu(self) -> float | None:
        """CPU seconds of the backend for one delivery, publishing included."""
        return None if self.server_cpu is None else self._each(self.server_cpu)

    @property
    def busiest(self) -> float:
        """The share of one CPU that the busiest process of the run took: near 1 it measured itself."""
        most = max((*self.listener_cpu, self.publisher_cpu))
        return most / self.busy_seconds if self.busy_seconds else 0.0

    @property
    def ways(self) -> Mapping[Way, Histogram]:
        """The times by way."""
        return self.heard.times

    def _each(self, seconds: float) -> float | None:
        return seconds / self.heard.deliveries if self.heard.deliveries else None


def make_report(
    plan: LoadPlan,
    published: Published,
    results: Sequence[Result],
    *,
    complete: bool,
    server_cpu: float | None,
    busy_seconds: float,
) -> Report:
    """Put the accounts of all processes together."""
    heard, times = Heard(), Histogram()
    for result in results:
        heard.merge(result.heard)
    for each in heard.times.values():
        times.merge(each)
    accepted = Numbers(published.accepted)
    last = max(heard.last_at, published.ended_at)
    return Report(
        plan=plan,
        complete=complete,
        accepted=len(accepted),
        failures=published.failures,
        unsent=published.unsent,
        expected=expected_deliveries(plan, accepted),
        heard=heard,
        times=times,
        acceptance=published.times,
        lag=published.lag,
        seconds=max(0, last - published.began_at) / 1e9,
        listener_cpu=tuple(result.cpu for result in results),
        publisher_cpu=published.cpu,
        server_cpu=server_cpu,
        busy_seconds=busy_seconds,
    )


def expected_deliveries(plan: LoadPlan, accepted: Numbers) -> int:
    """How many deliveries the accepted messages call for: each to every subscriber of its channel."""
    places = plan.places
    listeners: dict[str, int] = {}
    for place in places:
        listeners[place.channel] = listeners.get(place.channel, 0) + plan.seated(place)
    return sum(listeners[places[number % len(places)].channel] for number in accepted)

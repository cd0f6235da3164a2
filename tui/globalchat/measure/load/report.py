"""The progress and the result of a load test. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from globalchat.measure.histogram import Histogram
from globalchat.measure.load.delivery import DeliveryStats, NumberSet, RegionPair
from globalchat.measure.load.plan import LoadPlan
from globalchat.measure.load.protocol import PublisherResult, SubscriberResult


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """The state of a running load test: `phase` in words, counts over all processes, `elapsed` seconds."""

    phase: str
    live: int = 0
    elapsed: float = 0.0
    accepted: int = 0
    failed: int = 0
    deliveries: int = 0
    duplicates: int = 0
    ended: int = 0


@dataclass(frozen=True, slots=True)
class LoadReport:
    """The result of a load test.

    Attributes:
        plan: The plan.
        complete: False if it was stopped early: then `missing` deliveries are not necessarily lost.
        accepted: Messages that the backend accepted.
        failures: Why others were not, and how often.
        unsent: Messages that could not be published in time, as this machine or the backend was too slow; if
            the load test was stopped early, also those that were not due yet.
        expected: Deliveries that should follow from the accepted messages.
        stats: The deliveries.
        times: From the start of a publish to an arrival, over all routes.
        acceptance: How long the publishes took.
        lag: How late they were started.
        seconds: From the first publish to the last delivery.
        subscriber_cpu: CPU seconds of each subscribing process.
        publisher_cpu: CPU seconds of the process that publishes.
        server_cpu: CPU seconds of the backend, if it is on this machine and they are known.
        busy_seconds: The time in which these CPU seconds were spent.
    """

    plan: LoadPlan
    complete: bool
    accepted: int
    failures: Mapping[str, int]
    unsent: int
    expected: int
    stats: DeliveryStats
    times: Histogram
    acceptance: Histogram
    lag: Histogram
    seconds: float
    subscriber_cpu: tuple[float, ...]
    publisher_cpu: float
    server_cpu: float | None
    busy_seconds: float

    @property
    def missing(self) -> int:
        """The number of expected deliveries that did not happen."""
        return self.stats.lost

    @property
    def rate(self) -> float:
        """Deliveries a second."""
        return self.stats.deliveries / self.seconds if self.seconds else 0.0

    @property
    def generator_cpu(self) -> float | None:
        """CPU seconds of all processes of the load test per delivery; None without deliveries."""
        return self._per_delivery(sum(self.subscriber_cpu) + self.publisher_cpu)

    @property
    def backend_cpu(self) -> float | None:
        """CPU seconds of the backend per delivery, publishing included."""
        return None if self.server_cpu is None else self._per_delivery(self.server_cpu)

    @property
    def busiest(self) -> float:
        """The share of one CPU that the busiest process took: near 1, the load test measured itself."""
        most = max((*self.subscriber_cpu, self.publisher_cpu))
        return most / self.busy_seconds if self.busy_seconds else 0.0

    @property
    def routes(self) -> Mapping[RegionPair, Histogram]:
        """The times by route."""
        return self.stats.times

    def _per_delivery(self, seconds: float) -> float | None:
        return seconds / self.stats.deliveries if self.stats.deliveries else None


def make_report(
    plan: LoadPlan,
    published: PublisherResult,
    results: Sequence[SubscriberResult],
    *,
    complete: bool,
    server_cpu: float | None,
    busy_seconds: float,
) -> LoadReport:
    """Combine the results of all processes."""
    stats, times = DeliveryStats(), Histogram()
    for result in results:
        stats.merge(result.stats)
    for each in stats.times.values():
        times.merge(each)
    accepted = NumberSet(published.accepted)
    # If nothing was delivered, the time of the last publish counts.
    last = max(stats.last_at, published.last_at)
    return LoadReport(
        plan=plan,
        complete=complete,
        accepted=len(accepted),
        failures=published.failures,
        unsent=published.unsent,
        expected=expected_deliveries(plan, accepted),
        stats=stats,
        times=times,
        acceptance=published.times,
        lag=published.lag,
        seconds=max(0, last - published.first_at) / 1e9,
        subscriber_cpu=tuple(result.cpu for result in results),
        publisher_cpu=published.cpu,
        server_cpu=server_cpu,
        busy_seconds=busy_seconds,
    )


def expected_deliveries(plan: LoadPlan, accepted: NumberSet) -> int:
    """Return how many deliveries are expected: each accepted message at every subscriber of its channel."""
    places = plan.places
    subscribers: dict[str, int] = {}
    for place in places:
        subscribers[place.channel] = subscribers.get(place.channel, 0) + plan.subscribers_of(place)
    return sum(subscribers[places[number % len(places)].channel] for number in accepted)

"""Faults of deliveries: a courier that delays, copies, shuffles and stops what rules send."""

import random
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from globalchat.localcloud.events.courier import Failure, Route
from globalchat.localcloud.events.envelope import Event
from globalchat.localcloud.faults.model import Fault, best

REORDER_SECONDS: Final = 0.25
"""How far an event may fall behind."""

_AT_ONCE: Final = (0.0,)
_STOPPED: Final = "CROSS_REGION_INGESTION_FAILED"


class FaultCourier:
    """Implements `Courier` for the faults that are set at the time.

    Args:
        faults: what is set now.
        alias: of an AWS region.
        rng: jitter, and which events are hit.
    """

    def __init__(
        self, faults: Callable[[], Sequence[Fault]], alias: Callable[[str], str], rng: random.Random
    ) -> None:
        self._faults = faults
        self._alias = alias
        self._rng = rng

    def copies(self, route: Route, event: Event) -> Sequence[float]:  # noqa: ARG002
        """The delays of the copies that go out."""
        if not self._faults():
            return _AT_ONCE
        delays = [self._delay(route)]
        if self._hits("duplicate", route):
            delays.append(self._delay(route))
        return [delay + self._lag(route) for delay in delays]

    def obstacle(self, route: Route) -> Failure | None:
        """A failure that may pass while the relay is partitioned or an end of it is down."""
        if not self._faults():
            return None
        if any(self._on("relay-partition", route)):
            return Failure(_STOPPED, "The regions are partitioned.", retryable=True)
        for fault in self._faults():
            if fault.name == "region-down" and fault.place.region in (
                None,
                route.from_region,
                route.to_region,
            ):
                return Failure(_STOPPED, "A region is down.", retryable=True)
        return None

    def _delay(self, route: Route) -> float:
        fault = best(self._on("relay-delay", route))
        return 0.0 if fault is None else self._rng.uniform(fault.low, fault.high)

    def _lag(self, route: Route) -> float:
        return self._rng.uniform(0.0, REORDER_SECONDS) if self._hits("reorder", route) else 0.0

    def _hits(self, name: str, route: Route) -> bool:
        fault = best(self._on(name, route))
        return fault is not None and self._rng.random() < fault.low

    def _on(self, name: str, route: Route) -> Iterable[Fault]:
        """The faults of a name whose place the route is at."""
        source, target = self._alias(route.from_region), self._alias(route.to_region)
        for fault in self._faults():
            if fault.name != name or (fault.kind.scope == "relay" and source == target):
                continue
            if fault.place.source in (None, source) and fault.place.target in (None, target):
                yield fault

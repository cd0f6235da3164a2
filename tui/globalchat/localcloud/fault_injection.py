"""Faults of a running cloud.

The faults that are set, and the sockets, keys and deliveries that they disturb.
"""

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from globalchat.core.errors import UsageError
from globalchat.localcloud.events.deliveries import Failure, Route
from globalchat.localcloud.events.envelope import Event
from globalchat.localcloud.faults import FaultLocation, InjectedFault, best, kind_of, parse

REORDER_SECONDS: Final = 0.25
"""The most seconds by which an event may be delayed to reorder it."""

_AT_ONCE: Final = (0.0,)
_CONCURRENT: Final = 1e-6
"""The delay in seconds of events that are delivered beside each other."""
_STOPPED: Final = "CROSS_REGION_INGESTION_FAILED"


class FaultySocket(Protocol):
    """An open realtime socket, as faults see it."""

    blackholed: bool
    """True once it neither sends nor reads any more, its TCP connection still open."""

    def reset(self) -> None:
        """Reset the TCP connection, without a closing handshake."""
        ...

    def blackhole(self) -> None:
        """Stop sending and reading; only `reset` may follow."""
        ...


class RegionFaults:
    """The faults of one region, all off at first. The HTTP applications and sockets of its port consult it.

    Attributes:
        throttled: Every HTTP request and every `start` is answered with `LimitExceededError`.
        announce_invalidation: An invalidated subscription gets `complete` before its socket closes.
            AWS documents a notice, but not its frame: this covers both readings.
    """

    def __init__(self) -> None:
        self.throttled = False
        self.announce_invalidation = True
        self._down = False
        self._half_open = False
        self._sockets: set[FaultySocket] = set()

    @property
    def down(self) -> bool:
        """True if every HTTP request and every socket is reset."""
        return self._down

    @down.setter
    def down(self, value: bool) -> None:
        self._down = value
        if value:
            self.drop()

    @property
    def half_open(self) -> bool:
        """True if all sockets are black holes, those opened until it is cleared included.

        Clearing it resets them, like a network that has forgotten a connection.
        """
        return self._half_open

    @half_open.setter
    def half_open(self, value: bool) -> None:
        self._half_open = value
        if value:
            self.blackhole()
        else:
            for each in [each for each in self._sockets if each.blackholed]:
                each.reset()

    def drop(self) -> int:
        """Reset every open socket now and return their number. Clients may reconnect at once."""
        dropped = [*self._sockets]
        for each in dropped:
            each.reset()
        return len(dropped)

    def blackhole(self) -> int:
        """Turn the sockets that are open now into black holes and return their number. Later sockets work."""
        working = [each for each in self._sockets if not each.blackholed]
        for each in working:
            each.blackhole()
        return len(working)

    def opened(self, each: FaultySocket) -> None:
        """Add a socket, to which the current faults apply at once."""
        self._sockets.add(each)
        if self._down:
            each.reset()
        elif self._half_open:
            each.blackhole()

    def closed(self, each: FaultySocket) -> None:
        """Forget a socket."""
        self._sockets.discard(each)


class TableFaults:
    """Implements `TableInterceptor` for the faults that are set at the time.

    Args:
        rng: jitter, and which operations fail.

    Attributes:
        faults: What is set now, of the scope `table`.
    """

    def __init__(self, rng: random.Random) -> None:
        self.faults: tuple[InjectedFault, ...] = ()
        self._rng = rng

    def delay(self, region: str) -> float:
        """Return how many seconds the next operation in an AWS region waits."""
        if not self.faults:  # the usual case costs an operation nothing
            return 0.0
        fault = self._find("history-slow", region)
        return 0.0 if fault is None else self._rng.uniform(fault.low, fault.high)

    def fails(self, region: str) -> bool:
        """Return True if the next operation in an AWS region fails."""
        if not self.faults:
            return False
        fault = self._find("history-failing", region)
        return fault is not None and self._rng.random() < fault.low

    def are_slow(self, region: str) -> bool:
        """Return True if operations in an AWS region wait."""
        return self._find("history-slow", region) is not None

    def _find(self, name: str, region: str) -> InjectedFault | None:
        return best(
            fault for fault in self.faults if fault.name == name and fault.location.region in (None, region)
        )


class FaultInterceptor:
    """Implements `DeliveryInterceptor` for the faults that are currently set.

    Args:
        aliases: of AWS regions.
        rng: jitter, and which events are hit.
        tables: the faults of tables.

    Attributes:
        faults: What is set now.
    """

    def __init__(self, aliases: Mapping[str, str], rng: random.Random, tables: TableFaults) -> None:
        self.faults: tuple[InjectedFault, ...] = ()
        self._tables = tables
        self._aliases = aliases
        self._rng = rng

    def plan_copies(self, route: Route, event: Event) -> Sequence[float]:  # noqa: ARG002
        """Return the delays of an event's copies."""
        if not self.faults:  # The common case costs a publish nothing.
            return _AT_ONCE
        delays = [self._delay(route)]
        if self._hits("duplicate", route):
            delays.append(self._delay(route))
        if self._tables.are_slow(route.to_region):
            # While a put waits, EventBridge goes on: an event that is delayed holds up none behind it.
            delays = [delay + _CONCURRENT for delay in delays]
        return [delay + self._lag(route) for delay in delays]

    def failure_for(self, route: Route) -> Failure | None:
        """Return a retryable failure while the relay is partitioned or an end of it is down."""
        if not self.faults:
            return None
        if any(self._on("relay-partition", route)):
            return Failure(_STOPPED, "The regions are partitioned.", retryable=True)
        for fault in self.faults:
            if fault.name == "region-down" and fault.location.region in (
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
        # A rate's bounds are equal.
        return fault is not None and self._rng.random() < fault.low

    def _on(self, name: str, route: Route) -> Iterable[InjectedFault]:
        """Yield the faults of a name whose location includes the route."""
        source, target = self._aliases[route.from_region], self._aliases[route.to_region]
        for fault in self.faults:
            if fault.name != name or (fault.kind.scope == "relay" and source == target):
                continue
            if fault.location.source in (None, source) and fault.location.target in (None, target):
                yield fault


@dataclass(slots=True)
class FaultyRegion:
    """The parts of a region that faults may affect.

    `faults` are the switches of its port, `keys` its live API keys with their expiry in epoch seconds.
    """

    alias: str
    region: str
    faults: RegionFaults
    keys: dict[str, float] = field(repr=False)
    _kept: dict[str, float] = field(default_factory=dict, repr=False)

    def expire_keys(self, *, expired: bool) -> None:
        """Make the keys expired, or restore their expiry."""
        if expired and not self._kept:
            self._kept = dict(self.keys)
            # In place, since the authenticator reads this dict.
            self.keys.update(dict.fromkeys(self.keys, -math.inf))
        elif not expired and self._kept:
            self.keys.update(self._kept)
            self._kept = {}


class Faults:
    """Sets, lists and clears faults, in the words of `globalchat.localcloud.faults`.

    Args:
        regions: the regions that may be disturbed.
        rng: jitter, and which events are hit.
        tables: the faults of their tables.
    """

    def __init__(
        self, regions: Sequence[FaultyRegion], rng: random.Random, tables: TableFaults | None = None
    ) -> None:
        self._regions = regions
        self.tables = tables or TableFaults(rng)
        aliases = {region.region: region.alias for region in regions}
        self.interceptor = FaultInterceptor(aliases, rng, self.tables)

    @property
    def active(self) -> tuple[InjectedFault, ...]:
        """The faults that last, in the order in which they were set."""
        return self.interceptor.faults

    def set(
        self, *texts: str, source: str | None = None, target: str | None = None, region: str | None = None
    ) -> None:
        """Set faults such as `relay-delay=200ms` or `half-open`, all of them or none.

        A fault replaces a fault of the same name and location. A region is an alias or AWS's name; None is
        all of them.

        Raises:
            UsageError: an unknown fault or region, or a wrong amount.
        """
        location = FaultLocation(self._alias(source), self._alias(target), self._region(region))
        # All are parsed before the first is set, so that a wrong one changes nothing.
        faults = [parse(text, location) for text in texts]
        for fault in faults:
            if fault.kind.momentary:
                self._drop_sockets(fault.location.region)
                continue
            others = (each for each in self.active if (each.name, each.location) != (fault.name, location))
            self.interceptor.faults = (*others, fault)
        self._move_switches()

    def clear(self, *names: str) -> None:
        """Clear the faults of these names at all locations; without names, clear all faults.

        Raises:
            UsageError: there is no fault of that name.
        """
        for name in names:
            kind_of(name)
        self.interceptor.faults = tuple(fault for fault in self.active if names and fault.name not in names)
        self._move_switches()

    def _drop_sockets(self, place: str | None) -> None:
        for region in self._regions:
            if place in (None, region.region):
                region.faults.drop()

    def _move_switches(self) -> None:
        self.tables.faults = tuple(fault for fault in self.active if fault.kind.scope == "table")
        for region in self._regions:
            on = {f.name for f in self.active if f.location.region in (None, region.region)}
            faults = region.faults
            faults.throttled = "throttle" in on
            faults.announce_invalidation = "silent-invalidation" not in on
            region.expire_keys(expired="expired-key" in on)
            # These two act on open sockets when they are set.
            if faults.down is not (down := "region-down" in on):
                faults.down = down
            if faults.half_open is not (half_open := "half-open" in on):
                faults.half_open = half_open

    def _alias(self, name: str | None) -> str | None:
        return None if name is None else self._find(name).alias

    def _region(self, name: str | None) -> str | None:
        return None if name is None else self._find(name).region

    def _find(self, name: str) -> FaultyRegion:
        for region in self._regions:
            if name.lower() in (region.alias.lower(), region.region):
                return region
        known = ", ".join(region.alias for region in self._regions)
        raise UsageError(f"There is no region {name[:40]!r}.", remedy=f"The regions are: {known}.")

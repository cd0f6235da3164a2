"""The faults of a running cloud: what is set, and the switches that it moves."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from globalchat.core.errors import UsageError
from globalchat.localcloud.faults.courier import FaultCourier
from globalchat.localcloud.faults.model import Fault, Place, kind_of, parse
from globalchat.localcloud.faults.sockets import SocketFaults


@dataclass(slots=True)
class FaultyRegion:
    """What faults may touch in a region.

    `sockets` are the switches of its port, `keys` its live API keys with their expiry in epoch seconds.
    """

    alias: str
    region: str
    sockets: SocketFaults
    keys: dict[str, float] = field(repr=False)
    _kept: dict[str, float] = field(default_factory=dict, repr=False)

    def expire_keys(self, *, expired: bool) -> None:
        """Let the keys have expired long ago, or give them back the time that they had."""
        if expired and not self._kept:
            self._kept = dict(self.keys)
            self.keys.update(dict.fromkeys(self.keys, -math.inf))
        elif not expired and self._kept:
            self.keys.update(self._kept)
            self._kept = {}


class Faults:
    """Sets, tells and clears faults, by the words of `globalchat.localcloud.faults.model`.

    Args:
        regions: what may be disturbed.
        rng: jitter, and which events are hit.
    """

    def __init__(self, regions: Sequence[FaultyRegion], rng: random.Random) -> None:
        self._regions = regions
        self._active: tuple[Fault, ...] = ()
        self._aliases = {region.region: region.alias for region in regions}
        self.courier = FaultCourier(lambda: self._active, self._aliases.__getitem__, rng)

    @property
    def active(self) -> tuple[Fault, ...]:
        """The faults that last, in the order in which they were set."""
        return self._active

    def set(
        self, *texts: str, source: str | None = None, target: str | None = None, region: str | None = None
    ) -> None:
        """Set faults such as `relay-delay=200ms` or `half-open`, all of them or none.

        A fault replaces the one of its name at the same place. Regions are aliases or AWS names; None is all.

        Raises:
            UsageError: a word that is none, or an unknown region.
        """
        place = Place(self._alias(source), self._alias(target), self._region(region))
        faults = [parse(text, place) for text in texts]
        for fault in faults:
            if fault.kind.momentary:
                self._drop_sockets(fault.place.region)
                continue
            self._active = (*(f for f in self._active if (f.name, f.place) != (fault.name, place)), fault)
        self._move_switches()

    def clear(self, *names: str) -> None:
        """Clear the faults of these names wherever they are; without a name all.

        Raises:
            UsageError: there is no fault of that name.
        """
        for name in names:
            kind_of(name)
        self._active = tuple(fault for fault in self._active if names and fault.name not in names)
        self._move_switches()

    def _drop_sockets(self, place: str | None) -> None:
        for region in self._regions:
            if place in (None, region.region):
                region.sockets.drop()

    def _move_switches(self) -> None:
        for region in self._regions:
            on = {f.name for f in self._active if f.place.region in (None, region.region)}
            sockets = region.sockets
            sockets.throttled = "throttle" in on
            sockets.announce_invalidation = "silent-invalidation" not in on
            region.expire_keys(expired="expired-key" in on)
            # These two act on open sockets when they change.
            if sockets.down is not (down := "region-down" in on):
                sockets.down = down
            if sockets.half_open is not (half_open := "half-open" in on):
                sockets.half_open = half_open

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

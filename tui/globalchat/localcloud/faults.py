"""Faults: their names, amounts and locations. Pure: parses, checks and formats them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from globalchat.core.clock import format_duration, parse_duration
from globalchat.core.errors import UsageError
from globalchat.core.text import hint
from globalchat.localcloud.definition import JSON

LONGEST_DELAY: Final = 600.0

Scope = Literal["relay", "delivery", "region", "table"]
"""What a fault disturbs: relays between regions, all deliveries of rules, a region's own port, or what its
resolvers do with tables."""

Unit = Literal["delay", "rate"]

_RATE = re.compile(r"(\d{1,3}(?:\.\d{1,9})?)%")


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A kind of fault; `unit` None takes no amount, `momentary` happens once and does not last.

    `usual` is the amount if the name is given without one, which other kinds with an amount refuse. Faults of
    a region are on or off, and take no amount: `fault_injection` sets them as switches.

    Raises:
        ValueError: a fault of a region with a unit.
    """

    name: str
    scope: Scope
    help: str
    unit: Unit | None = None
    momentary: bool = False
    usual: str | None = None

    @property
    def is_local(self) -> bool:
        """True if the fault acts inside one region, not on a route between two ends."""
        return self.scope in ("region", "table")

    def __post_init__(self) -> None:
        """Refuse an amount that would have no effect."""
        if self.scope == "region" and self.unit is not None:
            raise ValueError(f"{self.name}: a fault of a region takes no amount")


FAULT_KINDS: Final[Mapping[str, FaultKind]] = {
    kind.name: kind
    for kind in (
        FaultKind("relay-delay", "relay", "Delay every relayed message by this time.", "delay"),
        FaultKind("relay-partition", "relay", "Deliver nothing between regions; EventBridge keeps retrying."),
        FaultKind("duplicate", "delivery", "Deliver this share of events twice.", "rate"),
        FaultKind("reorder", "delivery", "Deliver this share of events after later ones.", "rate"),
        FaultKind("drop-sockets", "region", "Reset every open socket, now and once.", momentary=True),
        FaultKind("half-open", "region", "Keep sockets open but silent."),
        FaultKind("throttle", "region", "Answer every request and subscription with LimitExceededError."),
        FaultKind(
            "expired-key", "region", "Refuse the API key for every new request, socket and subscription."
        ),
        FaultKind("region-down", "region", "Reset every request and socket; no relay gets in or out."),
        FaultKind("silent-invalidation", "region", "Close invalidated sockets without a complete frame."),
        FaultKind(
            "history-failing",
            "table",
            "Fail this share of puts into and queries of tables.",
            "rate",
            usual="100%",
        ),
        FaultKind("history-slow", "table", "Delay every put and query by this time.", "delay"),
    )
}


@dataclass(frozen=True, slots=True)
class FaultLocation:
    """Where a fault acts; None is everywhere.

    `source` and `target` are the aliases of a delivery's ends, the same for one that stays in its region;
    `region` is the AWS region of a port.
    """

    source: str | None = None
    target: str | None = None
    region: str | None = None

    @property
    def precision(self) -> int:
        """The precision of the location: of two faults that fit, the more precise one applies."""
        return sum(name is not None for name in (self.source, self.target, self.region))


@dataclass(frozen=True, slots=True)
class InjectedFault:
    """One fault. `low` and `high` bound a delay in seconds; both are the share (0 to 1) of a rate."""

    name: str
    location: FaultLocation = field(default_factory=FaultLocation)
    low: float = 0.0
    high: float = 0.0

    @property
    def kind(self) -> FaultKind:
        """The kind of fault that the name means."""
        return FAULT_KINDS[self.name]

    @property
    def amount(self) -> str | None:
        """The amount as `parse` reads it; None if the fault takes none."""
        match self.kind.unit:
            case "delay":
                low, high = format_duration(self.low), format_duration(self.high)
                return low if low == high else f"{low}..{high}"
            case "rate":
                return f"{self.low * 100:.10g}%"
        return None

    def document(self) -> dict[str, JSON]:
        """Return the fault as JSON: `name`, `amount`, and `from` and `to` or `region`; null is everywhere."""
        if self.kind.is_local:
            return {"name": self.name, "amount": self.amount, "region": self.location.region}
        return {
            "name": self.name,
            "amount": self.amount,
            "from": self.location.source,
            "to": self.location.target,
        }


def parse(text: str, location: FaultLocation | None = None) -> InjectedFault:
    """Read `NAME` or `NAME=AMOUNT`; some names may be given alone, for their usual amount.

    A delay is a duration such as `200ms` or `1.5s`, or a range of them such as `150ms..250ms`, of which each
    event takes its own; a rate is a percentage such as `20%`.

    Raises:
        UsageError: an unknown name, a wrong amount, or a location that the fault cannot have.
    """
    name, equals, amount = text.partition("=")
    kind = kind_of(name)
    _check_place(kind, location or FaultLocation())
    if kind.unit is None:
        if equals:
            raise UsageError(f"{name} takes no amount.", remedy=f"Use: {name}")
        return InjectedFault(name, location or FaultLocation())
    if not equals and kind.usual is not None:
        amount = kind.usual
    low, high = _delay(name, amount) if kind.unit == "delay" else _rate(name, amount)
    return InjectedFault(name, location or FaultLocation(), low, high)


def kind_of(name: str) -> FaultKind:
    """Return the kind of that name; raise UsageError with the nearest name for an unknown one."""
    if name in FAULT_KINDS:
        return FAULT_KINDS[name]
    raise UsageError(f"There is no fault {name[:40]!r}.", remedy=hint(name, FAULT_KINDS))


def best(faults: Iterable[InjectedFault]) -> InjectedFault | None:
    """Return the most precise of several faults of one kind; among equals the last."""
    chosen: InjectedFault | None = None
    for fault in faults:
        # Not `max`: among equals the last one set counts.
        if chosen is None or fault.location.precision >= chosen.location.precision:
            chosen = fault
    return chosen


def _check_place(kind: FaultKind, location: FaultLocation) -> None:
    if kind.is_local and (location.source or location.target):
        raise UsageError(
            f"{kind.name} is a fault of one region, not of a route between two.", remedy="Use --region."
        )
    if not kind.is_local and location.region:
        raise UsageError(
            f"{kind.name} is a fault of the routes between regions.", remedy="Use --from and --to."
        )
    if kind.scope == "relay" and location.source and location.source == location.target:
        raise UsageError(
            "A relay goes from one region to another.", remedy="Name two regions, or one end alone."
        )


def _delay(name: str, amount: str) -> tuple[float, float]:
    low, dots, high = amount.partition("..")
    bounds = _seconds(low), _seconds(high if dots else low)
    if bounds[0] is None or bounds[1] is None:
        raise UsageError(f"{name} takes a duration or a range of them.", remedy=f"Use: {name}=200ms")
    if not 0 <= bounds[0] <= bounds[1] <= LONGEST_DELAY or bounds[1] == 0:
        raise UsageError(
            f"{name} takes at most {format_duration(LONGEST_DELAY)}, and a range from low to high.",
            remedy=f"Use: {name}=150ms..250ms",
        )
    return bounds[0], bounds[1]


def _seconds(text: str) -> float | None:
    try:
        # To the microsecond, so that a formatted amount parses to the same value.
        return round(parse_duration(text), 6)
    except ValueError:
        return None


def _rate(name: str, amount: str) -> tuple[float, float]:
    match = _RATE.fullmatch(amount)
    rate = 0.0 if match is None else round(float(match.group(1)) / 100, 8)
    if not 0 < rate <= 1:
        raise UsageError(f"{name} takes a share of more than 0% and at most 100%.", remedy=f"Use: {name}=20%")
    return rate, rate

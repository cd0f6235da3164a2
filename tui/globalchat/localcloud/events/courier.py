"""The seam between a rule and its target: the one place where deliveries may be disturbed on purpose."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from globalchat.localcloud.definition import Rule, Target
from globalchat.localcloud.events.envelope import Event


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a delivery failed: a dead-letter code of EventBridge's, and whether trying again may help."""

    code: str
    message: str
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """From a rule to one of its targets. The regions differ on a relay."""

    rule: Rule
    target: Target
    from_region: str
    to_region: str


class Courier(Protocol):
    """Decides how each matched event travels. Both calls return at once."""

    def copies(self, route: Route, event: Event) -> Sequence[float]:
        """How many copies of an event go out, and after how many seconds each: `(0.0,)` is undisturbed.

        None loses the event, two duplicate it, unequal delays reorder it.
        """
        ...

    def obstacle(self, route: Route) -> Failure | None:
        """What stops an attempt right now, such as a partition between two regions."""
        ...


class UndisturbedCourier:
    """Delivers each event once, at once."""

    def copies(self, route: Route, event: Event) -> Sequence[float]:  # noqa: ARG002
        """One copy without delay."""
        return (0.0,)

    def obstacle(self, route: Route) -> Failure | None:  # noqa: ARG002
        """None."""
        return None

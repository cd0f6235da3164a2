"""The messages between the coordinator of a load test and its workers. Pickled: both run the same code."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from globalchat.client.profiles import RegionEndpoint
from globalchat.core.errors import Reason
from globalchat.measure.histogram import Histogram
from globalchat.measure.load.delivery import DeliveryStats
from globalchat.measure.load.plan import LoadPlan, RegionChannel


@dataclass(frozen=True, slots=True)
class Subscribe:
    """The first message to a worker that subscribes. `sent_at` is the coordinator's monotonic clock (ns)."""

    run: str
    plan: LoadPlan
    endpoints: Mapping[str, RegionEndpoint]
    subscribers: tuple[RegionChannel, ...]
    sent_at: int


@dataclass(frozen=True, slots=True)
class Publish:
    """The first message to the worker that publishes. `sent_at` is the coordinator's monotonic clock (ns)."""

    run: str
    plan: LoadPlan
    endpoints: Mapping[str, RegionEndpoint]
    sent_at: int


@dataclass(frozen=True, slots=True)
class WarmUp:
    """To the publisher: publish one message in every region and channel; it is not counted."""


@dataclass(frozen=True, slots=True)
class StartAt:
    """To all: the load test starts at this time of the monotonic clock (ns)."""

    at: int


@dataclass(frozen=True, slots=True)
class Stop:
    """To the publisher: start no more publishes."""


@dataclass(frozen=True, slots=True)
class Expect:
    """To the subscribers: these messages were accepted (a packed `NumberSet`)."""

    accepted: bytes


@dataclass(frozen=True, slots=True)
class Finish:
    """To the subscribers: missing messages are lost; report the result."""


@dataclass(frozen=True, slots=True)
class Started:
    """The first message from a worker: its monotonic clock (ns)."""

    clock: int


@dataclass(frozen=True, slots=True)
class Ready:
    """From a worker: all its subscribers are live, or every connection that publishes is open."""


@dataclass(frozen=True, slots=True)
class Failed:
    """From a worker that cannot continue."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class SubscriberProgress:
    """From a worker that subscribes, at intervals: its counts so far."""

    live: int
    warm_ups: int
    deliveries: int
    duplicates: int
    ended: int


@dataclass(frozen=True, slots=True)
class PublisherProgress:
    """From the publisher, at intervals: its counts so far."""

    accepted: int
    failed: int


@dataclass(frozen=True, slots=True)
class WarmedUp:
    """From the publisher: the warm-up messages were accepted."""


@dataclass(frozen=True, slots=True)
class PublisherResult:
    """The last message from the publisher.

    Attributes:
        accepted: The numbers that the backend accepted (a packed `NumberSet`).
        failures: Why others were not, and how often. Whether those were delivered is unknown.
        unsent: The number that could not be started in time, or were not due when the load test was stopped.
        times: How long the accepted ones took.
        lag: How late they were started.
        first_at: The start of the first publish, in ns of the monotonic clock.
        last_at: The start of the last one.
        cpu: CPU seconds since the start.
    """

    accepted: bytes
    failures: Mapping[str, int]
    unsent: int
    times: Histogram
    lag: Histogram
    first_at: int
    last_at: int
    cpu: float


@dataclass(frozen=True, slots=True)
class AllDelivered:
    """From a worker that subscribes: every accepted message has arrived at each of its subscribers."""


@dataclass(frozen=True, slots=True)
class SubscriberResult:
    """The last message from a worker that subscribes. `cpu` is CPU seconds since the start."""

    stats: DeliveryStats
    cpu: float


Order = Subscribe | Publish | WarmUp | StartAt | Stop | Expect | Finish
"""A message from the coordinator."""
Reply = (
    Started
    | Ready
    | Failed
    | SubscriberProgress
    | PublisherProgress
    | WarmedUp
    | PublisherResult
    | AllDelivered
    | SubscriberResult
)
"""A message from a worker."""
# Subscribers and publisher do not depend on the pipe or the process around them.
Send = Callable[[Reply], Awaitable[None]]
"""Sends a worker's reply."""

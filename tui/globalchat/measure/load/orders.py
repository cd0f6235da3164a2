"""What the parent and its workers say to each other. Sent as they are: both ends are the same program."""

from collections.abc import Mapping
from dataclasses import dataclass

from globalchat.client.profiles import RegionEndpoint
from globalchat.core.errors import Reason
from globalchat.measure.histogram import Histogram
from globalchat.measure.load.audience import Heard
from globalchat.measure.load.plan import LoadPlan, Place


@dataclass(frozen=True, slots=True)
class Listen:
    """To a listener, first of all: be the subscribers in `seats`. `told_at` is a steady clock's (ns)."""

    run: str
    plan: LoadPlan
    endpoints: Mapping[str, RegionEndpoint]
    seats: tuple[Place, ...]
    told_at: int


@dataclass(frozen=True, slots=True)
class Publish:
    """To the publishing worker, first of all."""

    run: str
    plan: LoadPlan
    endpoints: Mapping[str, RegionEndpoint]
    told_at: int


@dataclass(frozen=True, slots=True)
class WarmUp:
    """To the publisher: one message in every place, which is not counted."""


@dataclass(frozen=True, slots=True)
class Go:
    """To all: the run begins at this time of the steady clock (ns)."""

    at: int


@dataclass(frozen=True, slots=True)
class Stop:
    """To the publisher: begin no further publish."""


@dataclass(frozen=True, slots=True)
class Expect:
    """To the listeners: these messages were accepted (packed `Numbers`)."""

    accepted: bytes


@dataclass(frozen=True, slots=True)
class Finish:
    """To the listeners: the time is over."""


@dataclass(frozen=True, slots=True)
class Began:
    """From a worker, first of all: its steady clock (ns)."""

    clock: int


@dataclass(frozen=True, slots=True)
class Ready:
    """From a listener: all its subscribers are live. From the publisher: every lane has its connection."""


@dataclass(frozen=True, slots=True)
class Failed:
    """From a worker that cannot go on."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Hearing:
    """From a listener, now and then: what it has so far."""

    live: int
    warmed: int
    deliveries: int
    duplicates: int
    ended: int


@dataclass(frozen=True, slots=True)
class Publishing:
    """From the publisher, now and then."""

    accepted: int
    failed: int


@dataclass(frozen=True, slots=True)
class Warmed:
    """From the publisher: the warm-up was accepted."""


@dataclass(frozen=True, slots=True)
class Published:
    """From the publisher: all that it did.

    Attributes:
        accepted: The numbers that the backend accepted (packed `Numbers`).
        failures: Why others were not, and how often: whether they travelled is not known.
        unsent: How many could not be begun in time, or were not due yet when the run was ended.
        times: How long the accepted ones took.
        lag: How long after they were due they were begun.
        began_at: When the first was begun, in ns of the steady clock; `ended_at` when the last was.
        cpu: CPU seconds from the begin of the run.
    """

    accepted: bytes
    failures: Mapping[str, int]
    unsent: int
    times: Histogram
    lag: Histogram
    began_at: int
    ended_at: int
    cpu: float


@dataclass(frozen=True, slots=True)
class Settled:
    """From a listener: everything that was accepted is there."""


@dataclass(frozen=True, slots=True)
class Result:
    """From a listener, last of all. `cpu` are the CPU seconds from the begin of the run."""

    heard: Heard
    cpu: float


Order = Listen | Publish | WarmUp | Go | Stop | Expect | Finish
Answer = Began | Ready | Failed | Hearing | Publishing | Warmed | Published | Settled | Result
ORDERS = (Listen, Publish, WarmUp, Go, Stop, Expect, Finish)
ANSWERS = (Began, Ready, Failed, Hearing, Publishing, Warmed, Published, Settled, Result)

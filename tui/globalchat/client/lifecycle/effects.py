"""What the state machine of a session wants done; the runner executes it in this order."""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from globalchat.client.events import SessionEvent
from globalchat.client.profiles import RegionEndpoint
from globalchat.core.errors import UserError


class TimerKind(Enum):
    """What a timer is for."""

    RETRY = "retry"
    """The wait before the next attempt to connect."""
    SLEEP_CHECK = "sleep check"
    """The next comparison of the two clocks."""
    OVERLAP = "overlap"
    """The end of a connection to a region that was left."""


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer; one of the kind OVERLAP belongs to a connection."""

    kind: TimerKind
    connection: int | None = None


@dataclass(frozen=True, slots=True)
class Emit:
    """Give an event to the session's listener."""

    event: SessionEvent


@dataclass(frozen=True, slots=True)
class Connect:
    """Ask a region what it has, and open a socket to it."""

    connection: int
    endpoint: RegionEndpoint


@dataclass(frozen=True, slots=True)
class DescribeAgain:
    """Ask the region of an open connection once more what it has: `Described` follows if it answers."""

    connection: int
    endpoint: RegionEndpoint


@dataclass(frozen=True, slots=True)
class SubscribeChannel:
    """Subscribe a channel."""

    connection: int
    channel: str


@dataclass(frozen=True, slots=True)
class UnsubscribeChannel:
    """End the subscription of a channel, or the attempt to subscribe it."""

    connection: int
    channel: str


@dataclass(frozen=True, slots=True)
class Abort:
    """Count a socket as lost for this reason: `ConnectionLost` follows."""

    connection: int
    error: UserError


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Close a socket, or end the attempt to open it: nothing more is reported of it."""

    connection: int


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Start a timer of so many seconds."""

    timer: Timer
    seconds: float


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """Stop a timer."""

    timer: Timer


@dataclass(frozen=True, slots=True)
class ProbeOther:
    """Look for the nearest region other than `lost` that answers."""

    lost: RegionEndpoint


@dataclass(frozen=True, slots=True)
class CancelProbe:
    """Stop looking for another region."""


@dataclass(frozen=True, slots=True)
class MarkProfile:
    """Trust the profile as it was read (`fresh`), or read it again before its next use."""

    fresh: bool


@dataclass(frozen=True, slots=True)
class Resolve:
    """Read the profile again for a region that is live: sockets outlive their key."""

    endpoint: RegionEndpoint


@dataclass(frozen=True, slots=True)
class RefreshApis:
    """Close the region's previous API clients and refine its clock estimate."""

    endpoint: RegionEndpoint


@dataclass(frozen=True, slots=True)
class FillGaps:
    """Read from history what was missed of channels that are live from now on, now and from time to time.

    `after_loss`: the connection was lost before, perhaps that of many clients at once.
    """

    endpoint: RegionEndpoint
    channels: tuple[str, ...]
    after_loss: bool = False


@dataclass(frozen=True, slots=True)
class StopFilling:
    """Stop that for channels; `forget` them if the user left them: nothing of them counts as missed."""

    channels: tuple[str, ...]
    forget: bool = False


@dataclass(frozen=True, slots=True)
class StopRunner:
    """Let the runner end."""


Effect: TypeAlias = (
    Emit
    | Connect
    | DescribeAgain
    | SubscribeChannel
    | UnsubscribeChannel
    | Abort
    | Disconnect
    | SetTimer
    | CancelTimer
    | ProbeOther
    | CancelProbe
    | MarkProfile
    | Resolve
    | RefreshApis
    | FillGaps
    | StopFilling
    | StopRunner
)

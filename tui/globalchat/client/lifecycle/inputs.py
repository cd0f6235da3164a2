"""What the state machine of a session takes: commands of the user, and what sockets, APIs and timers report.

`connection` is the number that the machine gave to a socket in its `Connect`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

from globalchat.client.lifecycle.effects import Timer
from globalchat.client.messages import Backend
from globalchat.client.profiles import RegionEndpoint
from globalchat.client.state import WAITING, Phase
from globalchat.core.errors import UserError


@dataclass(frozen=True, slots=True)
class SessionStarted:
    """The session runs from now on."""


@dataclass(frozen=True, slots=True)
class Joined:
    """The user wants a channel; a revoked one is subscribed again."""

    channel: str


@dataclass(frozen=True, slots=True)
class Left:
    """The user no longer wants a channel."""

    channel: str


@dataclass(frozen=True, slots=True)
class Switched:
    """The user wants another region."""

    endpoint: RegionEndpoint


@dataclass(frozen=True, slots=True)
class RetryRequested:
    """The user wants no wait, or a publish shows that the region can be reached."""


@dataclass(frozen=True, slots=True)
class ReconnectRequested:
    """The user wants a new connection in place of the live one, which may be silent."""


@dataclass(frozen=True, slots=True)
class CloseRequested:
    """The user wants the session to end."""


@dataclass(frozen=True, slots=True)
class RefreshRequested:
    """The region's channels may have changed: it refused a message to one, or the user looks for one."""


@dataclass(frozen=True, slots=True)
class Ended:
    """Everything that the session owned is closed."""


@dataclass(frozen=True, slots=True)
class Described:
    """The region answered which channels it has, before the socket opens or later.

    `endpoint` is where the profile says that it is.
    """

    connection: int
    endpoint: RegionEndpoint
    backend: Backend


@dataclass(frozen=True, slots=True)
class Opened:
    """The socket is open; `clock_skew` is how many seconds this machine is ahead, None if unknown."""

    connection: int
    clock_skew: float | None = None


@dataclass(frozen=True, slots=True)
class ConnectFailed:
    """The socket could not be opened at `endpoint` (None: the profile could not be read)."""

    connection: int
    endpoint: RegionEndpoint | None
    error: UserError


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The backend confirmed a channel; `latency_ms` is the quickest answer of this socket so far."""

    connection: int
    channel: str
    latency_ms: int | None = None


@dataclass(frozen=True, slots=True)
class SubscribeRefused:
    """The backend refused this channel, and nothing else."""

    connection: int
    channel: str
    error_type: str
    reason: str


@dataclass(frozen=True, slots=True)
class SubscribeFailed:
    """A channel could not be subscribed for a reason that concerns the whole connection."""

    connection: int
    channel: str
    error: UserError


@dataclass(frozen=True, slots=True)
class Unsubscribed:
    """The subscription of a channel is over, as was wanted."""

    connection: int
    channel: str


@dataclass(frozen=True, slots=True)
class ChannelEnded:
    """The backend ended a channel that was subscribed: an administrator revoked it."""

    connection: int
    channel: str


@dataclass(frozen=True, slots=True)
class MessageUnreadable:
    """A message of a channel could not be read."""

    channel: str


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """A socket ended.

    Attributes:
        subscribed: The channels that were confirmed on it.
        received_until: Up to then nothing was missed (epoch ms), if this machine did not sleep meanwhile.
    """

    connection: int
    error: UserError
    subscribed: frozenset[str]
    received_until: int


@dataclass(frozen=True, slots=True)
class TimerExpired:
    """The time of a `SetTimer` is over."""

    timer: Timer


@dataclass(frozen=True, slots=True)
class Probed:
    """`found` is the nearest region other than `lost` that answers; None if none does."""

    lost: RegionEndpoint
    found: RegionEndpoint | None


@dataclass(frozen=True, slots=True)
class KeyRefused:
    """A region no longer accepts the key of the profile as it was last read."""


@dataclass(frozen=True, slots=True)
class CredentialsChecked:
    """The AWS credentials for the next signature are missing for `reason`, or there again (None).

    A live socket goes on without any.
    """

    reason: str | None = None
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """The profile was read again: the region of the live endpoint `before` is at `now`."""

    before: RegionEndpoint
    now: RegionEndpoint


Command: TypeAlias = (
    SessionStarted | Joined | Left | Switched | RetryRequested | ReconnectRequested | CloseRequested | Ended
)
ConnectionReport: TypeAlias = (
    Described
    | Opened
    | ConnectFailed
    | Subscribed
    | SubscribeRefused
    | SubscribeFailed
    | Unsubscribed
    | ChannelEnded
    | ConnectionLost
)
Input: TypeAlias = (
    Command
    | ConnectionReport
    | MessageUnreadable
    | TimerExpired
    | Probed
    | KeyRefused
    | RefreshRequested
    | CredentialsChecked
    | Resolved
)

_RUNNING: Final = frozenset(Phase) - {Phase.IDLE, Phase.CLOSED}
_OPEN: Final = frozenset(Phase) - {Phase.CLOSED}
_HAS_CANDIDATE: Final = frozenset({Phase.CONNECTING, Phase.LIVE})

EFFECTIVE: Final[Mapping[type[Input], frozenset[Phase]]] = MappingProxyType(
    {
        # A session runs once.
        SessionStarted: frozenset({Phase.IDLE}),
        # What is wanted may be said before the session runs.
        Joined: _OPEN,
        Left: _OPEN,
        Switched: _OPEN,
        # Only a wait can be cut short; what is connecting or live need not be tried again.
        RetryRequested: WAITING,
        ReconnectRequested: frozenset({Phase.LIVE}),
        CloseRequested: _OPEN,
        Ended: _OPEN,
        # Reports of a connection that is already closed come late, and are ignored, too.
        Described: _HAS_CANDIDATE,
        Opened: _HAS_CANDIDATE,
        ConnectFailed: _HAS_CANDIDATE,
        Subscribed: _HAS_CANDIDATE,
        SubscribeRefused: _HAS_CANDIDATE,
        # A connection that was left outlives the loss of the live one.
        SubscribeFailed: _RUNNING,
        Unsubscribed: _RUNNING,
        ChannelEnded: _RUNNING,
        MessageUnreadable: _RUNNING,
        ConnectionLost: _RUNNING,
        TimerExpired: _RUNNING,
        # What answers is of no interest once the session is live again.
        Probed: WAITING | {Phase.CONNECTING},
        KeyRefused: _RUNNING,
        RefreshRequested: frozenset({Phase.LIVE}),
        # Elsewhere the attempts to connect fail for the same reason, and report it.
        CredentialsChecked: frozenset({Phase.LIVE}),
        Resolved: _RUNNING,
    }
)
"""The phases in which an input can change anything; in all others it is ignored."""

"""The phases of a session, their legal order, and the contents of a state. Pure."""

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TypedDict, Unpack


class Phase(Enum):
    """The named states of a session."""

    IDLE = "idle"
    CONNECTING = "connecting"
    LIVE = "live"
    RETRYING = "retrying"
    SUSPENDED = "suspended"
    FAILED = "failed"
    CLOSED = "closed"


RECONNECTING = (Phase.RETRYING, Phase.SUSPENDED)
"""The phases in which the session waits and will retry automatically."""

WAITING = frozenset({Phase.RETRYING, Phase.SUSPENDED, Phase.FAILED})
"""The phases in which nothing is being attempted: the session waits for a timer or the user."""

_ANY = frozenset({Phase.CONNECTING, Phase.CLOSED})
"""The phases that may follow any phase but the last: another attempt, and the end."""

LEGAL: dict[Phase, frozenset[Phase]] = {
    Phase.IDLE: _ANY,
    Phase.CONNECTING: _ANY | {Phase.LIVE, Phase.RETRYING, Phase.SUSPENDED, Phase.FAILED},
    # A loss is followed by a wait or a failure: the outage cannot be a long one yet.
    Phase.LIVE: frozenset({Phase.LIVE, Phase.RETRYING, Phase.FAILED, Phase.CLOSED}),
    Phase.RETRYING: _ANY,
    Phase.SUSPENDED: _ANY,
    Phase.FAILED: _ANY,
    Phase.CLOSED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class SessionState:
    """The state of a session, as users need to know it.

    `region` is the alias of the region that the state is about, `switching_to` the one that a switch is
    connecting to. `attempt` counts from 1 and `next_try_at` is epoch ms while retrying or suspended. `reason`
    is one sentence, `remedy` says what to do; while live they are a warning. `since` is when the phase began
    (epoch ms). `revoked` lists the channels that an administrator ended, `joining` (while live) those that
    the backend has not confirmed yet. Since `missing_since` (epoch ms) messages may have been missed; the
    `GapRecorded` that ends it comes once the session is live again. `fail_over_to` is another region that
    answers while this one does not; `Session.switch` can go there.
    """

    phase: Phase
    region: str
    switching_to: str | None = None
    attempt: int = 0
    next_try_at: int | None = None
    reason: str | None = None
    remedy: str | None = None
    latency_ms: int | None = None
    revoked: frozenset[str] = field(default_factory=frozenset)
    joining: frozenset[str] = field(default_factory=frozenset)
    since: int = field(default=0, compare=False)
    missing_since: int | None = None
    fail_over_to: str | None = None


class StateDetails(TypedDict, total=False):
    """The details of a state besides its phase, as in `SessionState`."""

    region: str
    switching_to: str | None
    attempt: int
    next_try_at: int | None
    reason: str | None
    remedy: str | None
    latency_ms: int | None
    revoked: frozenset[str]
    joining: frozenset[str]
    missing_since: int | None
    fail_over_to: str | None


class IllegalPhase(RuntimeError):
    """A change of phase that is never allowed: a bug, not an event."""


def enter_phase(old: SessionState, phase: Phase, now: int, **details: Unpack[StateDetails]) -> SessionState:
    """Return the state for a phase entered at `now` (epoch ms); of `old` only the region is kept.

    Raises:
        IllegalPhase: the phase may not follow.
    """
    if phase is not old.phase and phase not in LEGAL[old.phase]:
        raise IllegalPhase(f"{old.phase.value} -> {phase.value}")
    return replace(SessionState(phase, old.region, since=now), **details)

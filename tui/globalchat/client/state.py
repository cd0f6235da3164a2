"""The phases of a session, their legal order, and what a state holds. Pure."""

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
"""The session is not live, waits, and will try again automatically."""

WAITING = frozenset({Phase.RETRYING, Phase.SUSPENDED, Phase.FAILED})
"""Nothing is being tried: the session waits for a timer or for the user."""

_ANY = frozenset({Phase.CONNECTING, Phase.CLOSED})
"""What may follow every phase but the last: another try, and the end."""

LEGAL: dict[Phase, frozenset[Phase]] = {
    Phase.IDLE: _ANY,
    Phase.CONNECTING: _ANY | {Phase.LIVE, Phase.RETRYING, Phase.SUSPENDED, Phase.FAILED},
    # The first thing after a loss is a wait or a failure: an outage cannot be long before it began.
    Phase.LIVE: frozenset({Phase.LIVE, Phase.RETRYING, Phase.FAILED, Phase.CLOSED}),
    Phase.RETRYING: _ANY,
    Phase.SUSPENDED: _ANY,
    Phase.FAILED: _ANY,
    Phase.CLOSED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class SessionState:
    """The state of a session, with what the user needs to know.

    `region` is the alias that the state is about, `switching_to` the one that a switch is bringing up.
    `attempt` counts from 1 and `next_try_at` is epoch ms while retrying or suspended. `reason` is one
    sentence, `remedy` what to do; while live they are a warning.
    `since` is when the phase began (epoch ms).
    `revoked` names the channels that an administrator ended, `joining` (while live) those that the backend
    has yet to confirm. Since `missing_since` (epoch ms) messages may have been missed; the `GapRecorded` that
    ends it comes once the session is live again.
    `fail_over_to` is another region that answers while this one does not: `Session.switch` goes there.
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
    """What a state has beside its phase, as in `SessionState`."""

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
    """A change of phase that the session must never make: a bug, not an event."""


def enter_phase(old: SessionState, phase: Phase, now: int, **details: Unpack[StateDetails]) -> SessionState:
    """Return the state after `old` in a phase entered at `now` (epoch ms); only the region is kept.

    Raises:
        IllegalPhase: the phase may not follow.
    """
    if phase is not old.phase and phase not in LEGAL[old.phase]:
        raise IllegalPhase(f"{old.phase.value} -> {phase.value}")
    return replace(SessionState(phase, old.region, since=now), **details)

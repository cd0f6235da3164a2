"""What a session can be, and which change may follow which."""

from dataclasses import dataclass, field
from enum import Enum


class Phase(Enum):
    """The named states of a session."""

    IDLE = "idle"
    CONNECTING = "connecting"
    LIVE = "live"
    RETRYING = "retrying"
    SUSPENDED = "suspended"
    FAILED = "failed"
    CLOSED = "closed"


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
    """Where a session stands, with what a person needs to know.

    `region` is the alias that the state is about, `switching_to` the one that a switch is bringing up.
    `attempt` counts from 1 and `next_try_at` is epoch ms while retrying or suspended. `reason` is one
    sentence, `remedy` what to do; while live they tell what is odd all the same.
    `since` is when the phase began (epoch ms).
    `revoked` names the channels that an administrator ended, `joining` (while live) those that the backend
    has yet to confirm. `missing_since` (epoch ms) tells since when messages may have been missed; the
    `GapRecorded` that ends it comes once the session is live again.
    `fail_over_to` is another region that answers while this one does not: `Session.switch` goes there.
    `failed_over_from` is the region that was asked for, while the session went elsewhere by itself.
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
    failed_over_from: str | None = None


class IllegalTransition(RuntimeError):
    """A change of state that the session must never make: a bug, not an event."""


def check_transition(old: Phase, new: Phase) -> None:
    """Raise IllegalTransition unless `new` may follow `old`."""
    if new not in LEGAL[old]:
        raise IllegalTransition(f"{old.value} -> {new.value}")

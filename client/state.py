"""What a session can be, and which change may follow which."""

from dataclasses import dataclass, field
from enum import Enum


class Phase(Enum):
    """The named states of a session."""

    IDLE = "idle"
    CONNECTING = "connecting"
    LIVE = "live"
    RETRYING = "retrying"
    FAILED = "failed"
    CLOSED = "closed"


LEGAL: dict[Phase, frozenset[Phase]] = {
    Phase.IDLE: frozenset({Phase.CONNECTING, Phase.CLOSED}),
    Phase.CONNECTING: frozenset(
        {Phase.CONNECTING, Phase.LIVE, Phase.RETRYING, Phase.FAILED, Phase.CLOSED}
    ),
    Phase.LIVE: frozenset({Phase.CONNECTING, Phase.LIVE, Phase.RETRYING, Phase.FAILED, Phase.CLOSED}),
    Phase.RETRYING: frozenset({Phase.CONNECTING, Phase.RETRYING, Phase.FAILED, Phase.CLOSED}),
    Phase.FAILED: frozenset({Phase.CONNECTING, Phase.FAILED, Phase.CLOSED}),
    Phase.CLOSED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class SessionState:
    """Where a session stands, with what a person needs to know.

    `region` is the alias that the state is about, `switching_to` the one that a switch is bringing up.
    `attempt` counts from 1 and `next_try_at` is epoch ms while retrying; `reason` is one sentence, `remedy`
    what to do.
    `revoked` names the channels that an administrator ended, `joining` (while live) those that the backend
    has yet to confirm.
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


class IllegalTransition(RuntimeError):
    """A change of state that the session must never make: a bug, not an event."""


def check_transition(old: Phase, new: Phase) -> None:
    """Raise IllegalTransition unless `new` may follow `old`."""
    if new not in LEGAL[old]:
        raise IllegalTransition(f"{old.value} -> {new.value}")

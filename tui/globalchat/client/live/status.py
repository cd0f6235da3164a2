"""The session's state: changed in one place, along legal transitions only."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypedDict, Unpack

from globalchat.client.events import StateChanged
from globalchat.client.state import Phase, SessionState, check_transition
from globalchat.core.clock import WallClock


class Details(TypedDict, total=False):
    """What a state carries beside its phase, as in `SessionState`."""

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
    failed_over_from: str | None


class Status:
    """Holds the state and tells of each change. `clock` gives epoch ms."""

    def __init__(self, region: str, tell: Callable[[StateChanged], None], clock: WallClock) -> None:
        self.state = SessionState(Phase.IDLE, region, since=clock())
        self._tell = tell
        self._clock = clock

    def enter(self, phase: Phase, **details: Unpack[Details]) -> None:
        """Go to a phase. Of the details only region and revoked channels are kept from before.

        Raises:
            IllegalTransition: the phase may not follow.
        """
        fresh = SessionState(phase, region=self.state.region, revoked=self.state.revoked, since=self._clock())
        self._change(replace(fresh, **details))

    def amend(self, **details: Unpack[Details]) -> None:
        """Change details within the phase; what is not named stays."""
        self._change(replace(self.state, **details))

    def _change(self, new: SessionState) -> None:
        if new == self.state:
            return
        if new.phase is not self.state.phase:
            check_transition(self.state.phase, new.phase)
        self.state = new
        self._tell(StateChanged(new))

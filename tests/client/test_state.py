"""Which state may follow which, and how changes are told."""

import pytest

from globalchat.client.events import StateChanged
from globalchat.client.live.status import Status
from globalchat.client.state import LEGAL, IllegalTransition, Phase, SessionState, check_transition


@pytest.mark.parametrize("old", Phase)
@pytest.mark.parametrize("new", Phase)
def test_only_legal_transitions_pass(old: Phase, new: Phase) -> None:
    if new in LEGAL[old]:
        check_transition(old, new)
    else:
        with pytest.raises(IllegalTransition):
            check_transition(old, new)


def test_status_tells_changes_once_and_drops_stale_details() -> None:
    told: list[StateChanged] = []
    status = Status("oregon", told.append, lambda: 7)
    status.enter(Phase.CONNECTING, revoked=frozenset({"tech"}))
    status.enter(Phase.RETRYING, attempt=1, reason="why", remedy="how", next_try_at=5)
    status.amend(attempt=1)
    assert len(told) == 2
    status.enter(Phase.CONNECTING, region="sydney")
    assert told[-1].state == SessionState(Phase.CONNECTING, "sydney", revoked=frozenset({"tech"}))
    with pytest.raises(IllegalTransition):
        status.enter(Phase.IDLE)
    assert status.state.phase is Phase.CONNECTING

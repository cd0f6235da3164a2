"""Which phase may follow which, and what a new phase keeps of the state before."""

import pytest

from globalchat.client.state import LEGAL, IllegalPhase, Phase, SessionState, enter_phase


@pytest.mark.parametrize("old", Phase)
@pytest.mark.parametrize("new", Phase)
def test_only_legal_phases_follow(old: Phase, new: Phase) -> None:
    state = SessionState(old, "oregon", since=1)
    if new in LEGAL[old] or new is old:
        assert enter_phase(state, new, 7) == SessionState(new, "oregon", since=7)
    else:
        with pytest.raises(IllegalPhase):
            enter_phase(state, new, 7)


def test_a_new_phase_drops_stale_details() -> None:
    retrying = SessionState(Phase.RETRYING, "oregon", attempt=1, reason="why", remedy="how", next_try_at=5)
    connecting = enter_phase(retrying, Phase.CONNECTING, 9, region="sydney", revoked=frozenset({"tech"}))
    assert connecting == SessionState(Phase.CONNECTING, "sydney", revoked=frozenset({"tech"}))
    assert connecting.since == 9


def test_every_phase_can_be_reached_and_left() -> None:
    reached = {Phase.IDLE}
    for _ in Phase:
        reached |= {new for old in reached for new in LEGAL[old]}
    assert reached == set(Phase)
    assert all(Phase.CLOSED in LEGAL[phase] for phase in Phase if phase is not Phase.CLOSED)
    assert Phase.SUSPENDED not in LEGAL[Phase.LIVE]
    assert Phase.LIVE not in LEGAL[Phase.SUSPENDED] | LEGAL[Phase.RETRYING] | LEGAL[Phase.FAILED]

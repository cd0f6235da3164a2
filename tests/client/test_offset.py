"""How far the backend's clock is from ours, learned from publishes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.client.offset import SAMPLES, ClockOffset

SOME = settings(deadline=None, max_examples=100)


@SOME
@given(
    ours=st.integers(-100_000, 100_000),
    trips=st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=20),
)
def test_offset_errs_by_half_the_quickest_round_trip(ours: int, trips: list[tuple[int, int]]) -> None:
    offset = ClockOffset()
    for start, (there, back) in enumerate(trips):
        sent = 200_000 + start * 1000
        offset.note("r", sent=sent, stamped=sent + there + ours, answered=sent + there + back)
    found = offset.estimate("r")
    assert found is not None
    quickest = min(there + back for there, back in trips[-SAMPLES:])
    assert abs(found - ours) <= quickest / 2 + 1


def test_transit_is_hidden_until_the_offset_is_known() -> None:
    offset = ClockOffset()
    assert offset.transit("r", sent_at=0, received_at=50) is None
    offset.note("r", sent=100, stamped=1105, answered=110)
    assert offset.transit("r", sent_at=2000, received_at=1040) == 40
    assert offset.transit("r", sent_at=3000, received_at=1040) == 0
    assert offset.transit("another", sent_at=2000, received_at=1040) == 40
    offset.note("r", sent=100, stamped=0, answered=50)  # the clock stepped back: nothing to learn
    assert offset.estimate("r") == 1000


@pytest.mark.parametrize("wrong", [-1, -62_135_683_140_000, 253_402_365_599_000])
def test_a_time_that_cannot_be_true_tells_nothing(wrong: int) -> None:
    offset = ClockOffset()
    offset.note("r", sent=100, stamped=wrong, answered=110)
    assert offset.estimate("r") is None
    offset.note("r", sent=100, stamped=1105, answered=110)
    assert offset.transit("r", sent_at=wrong, received_at=1040) is None

"""How far the backend's clock is from ours, learned from publishes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.client.offset import CLOSE_ENOUGH_MS, SAMPLES, ClockOffset, Dated, Offset, Transit, read_date

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
    assert abs(found.ms - ours) <= found.error_ms + 1
    assert found.error_ms <= quickest / 2 + 1


def test_transit_is_hidden_until_the_offset_is_known() -> None:
    offset = ClockOffset()
    assert offset.transit("r", sent_at=0, received_at=50) is None
    offset.note("r", sent=100, stamped=1105, answered=110)
    assert offset.transit("r", sent_at=2000, received_at=1040) == Transit(40, 5)
    assert offset.transit("r", sent_at=3000, received_at=1040) == Transit(0, 5)
    assert offset.transit("another", sent_at=2000, received_at=1040) == Transit(40, 5)
    offset.note("r", sent=100, stamped=0, answered=50)  # the clock stepped back: nothing to learn
    assert offset.estimate("r") == Offset(1000, 5)


@pytest.mark.parametrize("wrong", [-1, -62_135_683_140_000, 253_402_365_599_000])
def test_a_time_that_cannot_be_true_tells_nothing(wrong: int) -> None:
    offset = ClockOffset()
    offset.note("r", sent=100, stamped=wrong, answered=110)
    assert offset.estimate("r") is None
    offset.note("r", sent=100, stamped=1105, answered=110)
    assert offset.transit("r", sent_at=wrong, received_at=1040) is None


@SOME
@given(
    ours=st.integers(-10_000_000, 10_000_000),
    start=st.integers(0, 999),
    trips=st.lists(st.tuples(st.integers(1, 150), st.integers(1, 150)), min_size=8, max_size=8),
)
def test_dates_bound_the_offset_and_few_requests_narrow_it(
    ours: int, start: int, trips: list[tuple[int, int]]
) -> None:
    """Two dates of a session's start and six well-timed ones come down to the round trip."""
    offset, now = ClockOffset(), 1_800_000_000_000 + start
    error = 1000
    for number, (there, back) in enumerate(trips):
        if number >= 2:
            wait = offset.next_request_ms("r", now)
            if wait is None:
                break
            assert 0 <= wait < 1000
            now += wait
        date = (now + there + ours) // 1000 * 1000
        offset.note_date("r", Dated(now, date, now + there + back))
        now += there + back
        found = offset.estimate("r")
        assert found is not None
        assert abs(found.ms - ours) <= found.error_ms + 1
        error = found.error_ms
        assert error <= 500 + max(there + back for there, back in trips) / 2 + 1
    assert error <= max(CLOSE_ENOUGH_MS, *(there + back for there, back in trips)) + 20


def test_a_clock_that_was_set_makes_earlier_dates_void() -> None:
    offset = ClockOffset()
    offset.note_date("r", Dated(10_000, 5_000, 10_020))
    offset.note_date("r", Dated(11_000, 86_400_000, 11_010))
    known = offset.estimate("r")
    assert known is not None
    assert abs(known.ms - 86_389_490) <= 15


def test_a_server_on_this_machine_shares_its_clock_unless_it_dates_otherwise() -> None:
    offset = ClockOffset()
    offset.share_clock("r")
    offset.note_date("r", Dated(10_400, 10_000, 10_410))
    assert offset.estimate("r") == Offset(0, 0)
    offset.note("r", sent=10_400, stamped=10_401, answered=10_410)
    assert offset.estimate("r") == Offset(0, 0)
    assert offset.next_request_ms("r", 10_500) is None
    offset = ClockOffset()
    offset.share_clock("r")
    offset.note_date("r", Dated(20_400, 25_000, 20_410))  # a tunnel: another machine answers
    known = offset.estimate("r")
    assert known is not None
    assert known.ms > 4000
    offset = ClockOffset()
    offset.share_clock("r")
    offset.note("r", sent=10_400, stamped=11_405, answered=10_410)
    assert offset.estimate("r") == Offset(1000, 5)


@pytest.mark.parametrize(
    ("header", "date"),
    [
        ("Tue, 24 Nov 2026 10:00:00 GMT", 1_795_514_400_000),
        ("Tue, 24 Nov 2026 10:00:00 +0200", 1_795_507_200_000),
        (None, None),
        ("", None),
        ("soon", None),
        ("Fri, 99 Jan 2038 10:00:00 GMT", None),
        ("Thu, 01 Jan 1960 10:00:00 GMT", None),
    ],
)
def test_dates_are_read(header: str | None, date: int | None) -> None:
    assert read_date(header) == date

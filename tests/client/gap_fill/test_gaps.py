from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.client.events import GapReason
from globalchat.client.gap_fill import gaps
from globalchat.client.gap_fill.gaps import Gap, moved, with_gap, without_span
from globalchat.client.history import cursor_at

SOME = settings(deadline=None, max_examples=100)
TIMES = range(12)
spans = st.tuples(st.sampled_from(TIMES), st.integers(1, 5), st.sampled_from(list(GapReason)[:3]))


def gap(after: int, length: int, reason: GapReason = GapReason.TOO_MANY) -> Gap:
    return Gap(cursor_at(after), cursor_at(after + length), reason)


def covered(listed: tuple[Gap, ...]) -> dict[int, GapReason]:
    """Return the ms that gaps cover, each with its reason; fail if two gaps cover one."""
    result: dict[int, GapReason] = {}
    for each in listed:
        for ms in range(each.since_ms, each.until_ms):
            assert ms not in result
            result[ms] = each.reason
    return result


@SOME
@given(st.lists(spans, max_size=8))
def test_gaps_never_overlap_and_keep_their_reasons(added: list[tuple[int, int, GapReason]]) -> None:
    listed: tuple[Gap, ...] = ()
    expected: dict[int, GapReason] = {}
    for after, length, reason in added:
        listed = with_gap(listed, gap(after, length, reason))
        expected = {**dict.fromkeys(range(after, after + length), reason), **expected}
        assert covered(listed) == expected
        assert list(listed) == sorted(listed, key=lambda each: each.after)


@SOME
@given(st.lists(spans, max_size=5), st.sampled_from(TIMES), st.integers(0, 9))
def test_a_span_that_was_read_is_no_longer_in_a_gap(
    added: list[tuple[int, int, GapReason]], after: int, length: int
) -> None:
    listed: tuple[Gap, ...] = ()
    for each in added:
        listed = with_gap(listed, gap(*each))
    expected = {ms: reason for ms, reason in covered(listed).items() if not after <= ms < after + length}
    assert covered(without_span(listed, cursor_at(after), cursor_at(after + length))) == expected


def test_too_many_gaps_become_fewer_and_cover_no_less() -> None:
    listed: tuple[Gap, ...] = ()
    for number in range(3 * gaps.MOST_GAPS):
        listed = with_gap(listed, gap(number * 10, 3))
    assert len(listed) == gaps.MOST_GAPS
    assert set(covered(listed)) >= {number * 10 for number in range(3 * gaps.MOST_GAPS)}


def test_both_ends_are_excluded() -> None:
    one = gap(5, 3)
    assert with_gap((), replace(one, until=one.after)) == ()


def test_a_cursor_moves_by_seconds() -> None:
    assert moved(cursor_at(90_500), -90) == cursor_at(500)
    assert moved(cursor_at(500), -90) == cursor_at(0)
    assert moved(cursor_at(500)[:-3] + "ABC", 0.001) == cursor_at(501)

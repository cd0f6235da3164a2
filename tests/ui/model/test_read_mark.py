"""What is read and unread, across runs."""

from hypothesis import example, given
from hypothesis import strategies as st

from globalchat.ui.model.read_mark import ReadMark, ReadMarks, ReadPosition, is_later

ORDERS = st.tuples(st.integers(0, 50), st.text("abc", min_size=1, max_size=2))
ARRIVALS = st.text("0123456789", min_size=4, max_size=4)


def restarted(mark: ReadMark) -> ReadMark:
    return ReadMark(mark.dump())


def test_what_came_after_the_last_read_message_is_new() -> None:
    mark = ReadMark()
    mark.note((5, "b"), "0005", "oregon")
    mark.read()
    start = restarted(mark).start
    assert start == ReadPosition((5, "b"), {"oregon": "0005"})
    assert not start.is_before((5, "b"), "0005", "oregon")
    assert start.is_before((5, "c"), "0006", "oregon")
    # Relayed late: sent before, but not there yet. By the order of one region nothing follows for another.
    assert start.is_before((3, "a"), "0009", "oregon")
    assert not start.is_before((3, "a"), "0009", "sydney")
    assert not start.is_before((3, "a"), None, None)


def test_a_channel_that_was_never_read_counts_from_its_first_unread_message() -> None:
    mark = ReadMark()
    assert mark.dump() is None
    mark.note((5, "b"), None, None)
    mark.count((5, "b"), mention=True)
    later = restarted(mark)
    assert (later.unread, later.mentions) == (1, 1)
    assert later.start is not None
    assert later.start.is_before((5, "b"), None, None)
    assert not later.start.is_before((4, "z"), None, None)


def test_an_empty_channel_that_was_read_counts_everything() -> None:
    mark = ReadMark()
    mark.read()
    assert mark.dump() is None  # nothing is known of it yet
    mark.read_empty()
    start = restarted(mark).start
    assert start is not None
    assert start.is_before((0, "a"), None, None)


def test_the_unread_of_an_earlier_run_are_counted_once_when_they_are_loaded() -> None:
    mark = ReadMark()
    for number in range(5):
        mark.count((number, "a"), mention=number == 0)
    later = restarted(mark)
    later.count((9, "a"), mention=False)  # came while closed: history filled it in
    assert (later.unread, later.mentions) == (6, 1)
    later.count_page(3, 0, is_all=False)
    assert (later.unread, later.mentions) == (6, 1)
    later.count_page(3, 1, is_all=True)  # one more than was counted came in between
    assert (later.unread, later.mentions) == (7, 1)
    later.read()
    assert (later.unread, later.mentions) == (0, 0)


@given(st.lists(st.tuples(ORDERS, ARRIVALS)), st.lists(st.tuples(ORDERS, ARRIVALS)))
def test_all_that_was_there_is_read_and_a_position_never_goes_back(
    first: list[tuple[tuple[int, str], str]], second: list[tuple[tuple[int, str], str]]
) -> None:
    mark = ReadMark()
    positions = []
    for batch in (first, second):
        for order, arrival in batch:
            mark.note(order, arrival, "oregon")
        mark.read()
        positions.append(mark.position)
    for order, arrival in first + second:
        assert mark.position is not None
        assert not mark.position.is_before(order, arrival, "oregon")
    before, after = positions
    assert before is None or (after is not None and after.order >= before.order)


@example('[1e400,"a",{},0,0]')
@example('[1,"a",{},-1e400,0]')
@given(st.text() | st.sampled_from(["[]", "{}", "[1]", '[1,"a",[],0,0]', '["x","a",{},0,0]', "[1" * 9999]))
def test_what_cannot_be_read_is_nothing(kept: str) -> None:
    mark = ReadMark(kept)
    assert mark.unread >= 0
    assert is_later(kept, kept) is False


def test_damaged_counts_leave_room_for_the_name_of_the_channel() -> None:
    mark = ReadMark('[1,"a",{},1e99,99999999999999999999]')
    assert (mark.unread, mark.mentions) == (999_999, 999_999)
    assert ReadMark('[99999999999999999999,"a",{},3,3]').unread == 0


def test_each_name_has_its_own_and_the_later_one_of_two_chats_holds() -> None:
    marks = ReadMarks()
    marks.of("tech").note((7, "a"), None, None)
    marks.of("tech").read()
    kept = marks.kept("bo")
    assert list(kept) == ["tech:bo"]
    for name, start in (("bo", ReadPosition((7, "a"))), ("cyd", None), ("b", None)):
        later = ReadMarks()
        later.restore(kept, name)
        assert later.of("tech").start == start
        assert later.of("cars").start is None
    marks.of("tech").note((8, "a"), None, None)
    marks.of("tech").read()
    newer = marks.kept("bo")["tech:bo"]
    assert is_later(newer, kept["tech:bo"])
    assert not is_later(kept["tech:bo"], newer)


def test_a_name_that_was_left_keeps_its_marks() -> None:
    marks = ReadMarks()
    marks.of("tech").note((7, "a"), None, None)
    marks.of("tech").read()
    marks.kept("bo")
    assert sorted(marks.kept("cyd: d")) == ["tech:bo", "tech:cyd: d"]
    later = ReadMarks()
    later.restore(marks.kept("bo"), "cyd: d")
    assert later.of("tech").start is not None


def test_they_are_bounded() -> None:
    marks = ReadMarks()
    for number in range(300):
        marks.of(f"c{number}").read_empty()
    assert len(marks.kept("bo")) == 200
    assert "c299:bo" in marks.kept("bo")

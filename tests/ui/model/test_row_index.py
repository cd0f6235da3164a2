"""The index of a pane that measures only the rows that are shown."""

from collections.abc import Sequence
from datetime import UTC

from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.ui.model.calendar import Calendar
from globalchat.ui.model.conversation import Conversation
from globalchat.ui.model.row_index import BLOCK_ROWS, RowIndex
from globalchat.ui.model.rows import NoticeRow, Row
from tests.ui.helpers.fake_session import NOON

CALENDAR = Calendar(UTC)
HEIGHTS = st.lists(st.integers(1, 9), min_size=1, max_size=400)


class Lines(NoticeRow):
    """A row whose height is the length of its text."""


def rows_of(heights: Sequence[int]) -> list[Row]:
    return [
        Lines(uid=number, at=NOON + number * 10, tie="", text="x" * height)
        for number, height in enumerate(heights)
    ]


def height(row: Row) -> int:
    assert isinstance(row, Lines)
    return len(row.text)


def never() -> bool:
    return False


@settings(deadline=None, max_examples=60)
@given(HEIGHTS)
def test_a_measured_index_is_exact(heights: list[int]) -> None:
    index = RowIndex(rows_of(heights), height)
    assert not index.measure_more(index.base, never)
    assert index.exact
    assert index.total == sum(heights)
    line = index.base
    for number, own in enumerate(heights):
        assert index.top(number) == line
        assert [index.locate(line + part) for part in range(own)] == [(number, part) for part in range(own)]
        line += own
    assert index.locate(line) is None
    assert index.locate(index.base - 1) is None


@settings(deadline=None, max_examples=100)
@given(HEIGHTS, st.data())
def test_the_lines_on_the_screen_never_jump(heights: list[int], data: st.DataObject) -> None:
    """The row at the top of the view keeps its line, whatever is measured around it."""
    index = RowIndex(rows_of(heights), height)
    shown = data.draw(st.integers(0, len(heights) - 1))
    index.measure_row(shown)
    index.calibrate()
    top = index.top(shown)
    index.measure_lines(top, 30, top)
    assert index.top(shown) == top
    for _ in range(5):
        far = data.draw(st.integers(index.base - 5, index.base + index.total + 5))
        index.measure_lines(far, 30, top)
        assert index.top(shown) == top
    budget = iter(range(data.draw(st.integers(0, 6))))
    index.measure_more(top, lambda: next(budget, None) is None)
    assert index.top(shown) == top
    index.measure_more(top, never)
    assert (index.top(shown), index.total) == (top, sum(heights))
    assert index.base == top - sum(heights[:shown])


@settings(deadline=None, max_examples=100)
@given(HEIGHTS, st.integers(0, 3000), st.integers(1, 60))
def test_the_lines_of_a_view_are_exact_once_measured(heights: list[int], offset: int, count: int) -> None:
    index = RowIndex(rows_of(heights), height)
    line = index.base + min(offset, index.total - 1)
    index.measure_row(0)
    index.measure_lines(line, count, index.base)
    place = index.locate(line)
    for y in range(line, line + count):
        if place is None:
            break
        row, part = place
        assert index.locate(y) == (row, part)
        assert part < heights[row]
        place = (
            (row, part + 1) if part + 1 < heights[row] else (row + 1, 0) if row + 1 < len(heights) else None
        )


@settings(deadline=None, max_examples=60)
@given(HEIGHTS, st.integers(1, 40))
def test_the_end_is_exact_and_the_rest_is_not_touched(heights: list[int], count: int) -> None:
    measured: list[Row] = []

    def spy(row: Row) -> int:
        measured.append(row)
        return height(row)

    index = RowIndex(rows_of(heights), spy)
    index.measure_end(count)
    assert len(measured) <= count + BLOCK_ROWS
    tail = [number for number, own in enumerate(heights) for _ in range(own)][-count:]
    end = index.base + index.total
    assert [(index.locate(end - len(tail) + y) or (-1, 0))[0] for y in range(len(tail))] == tail


@settings(deadline=None, max_examples=80)
@given(HEIGHTS, st.data())
def test_changes_while_half_is_measured_end_in_the_exact_index(
    heights: list[int], data: st.DataObject
) -> None:
    conversation = Conversation("tech", CALENDAR, limit=300)
    for row in rows_of(heights):
        conversation.add(row)
    conversation.follow_edits()
    index = RowIndex(conversation.rows, height)
    for step in range(12):
        rows = conversation.rows
        match data.draw(st.sampled_from(["add", "insert", "change", "move", "look"])):
            case "add":
                conversation.add(Lines(uid=-step, at=rows[-1].at + 1, tie="", text="x"))
            case "insert":
                at = data.draw(st.sampled_from(rows)).at
                conversation.add(Lines(uid=-step, at=at, tie="x", text="xxx"))
            case "change":
                row = data.draw(st.sampled_from(rows))
                assert isinstance(row, Lines)
                row.text += "x"
                conversation.touch(row)
            case "move":
                conversation.move(data.draw(st.sampled_from(rows)), NOON + data.draw(st.integers(0, 9999)))
            case "look":
                index.replay(conversation.take_edits())
                index.measure_lines(index.base + data.draw(st.integers(0, 500)), 20, index.base)
    index.replay(conversation.take_edits())
    assert len(index) == len(conversation.rows)
    index.measure_more(index.base, never)
    assert list(index) == conversation.rows
    assert index.total == sum(map(height, conversation.rows))
    for number in range(0, len(conversation.rows), 7):
        assert index.locate(index.top(number)) == (number, 0)


def test_rows_that_leave_at_the_top_take_no_line_from_the_others() -> None:
    conversation = Conversation("tech", CALENDAR, limit=100)
    for row in rows_of([3] * 100):
        conversation.add(row)
    conversation.follow_edits()
    index = RowIndex(conversation.rows, height)
    index.measure_more(index.base, never)
    line = index.top(50)
    last = conversation.rows[50]
    conversation.add(Lines(uid=-1, at=NOON + 10**6, tie="", text="x"))
    index.replay(conversation.take_edits())
    assert conversation.index_of(last) == 48
    assert index.top(48) == line

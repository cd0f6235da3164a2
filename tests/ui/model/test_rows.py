"""Conversations, the index of their lines, and the lines themselves."""

import random
from sys import getsizeof

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from globalchat.client.events import MessageReceived
from globalchat.client.messages import Message
from globalchat.ui.actions import DEFAULT_KEYS
from globalchat.ui.model.calendar import transit
from globalchat.ui.model.conversation import SIZE_PER_ROW, Conversation, Updated
from globalchat.ui.model.export import message_details, selected_text
from globalchat.ui.model.names import RegionNames
from globalchat.ui.model.row_index import RowIndex
from globalchat.ui.model.row_lines import TEXT_CELLS, columns, row_height, row_lines
from globalchat.ui.model.rows import MAX_TEXT, Delivery, MessageRow, NoticeRow, RowFactory
from globalchat.ui.model.status import AGAIN
from tests.ui.helpers.fake_session import NOON
from tests.ui.helpers.message_rows import CALENDAR, NAMES, message


def texts(conversation: Conversation) -> list[str]:
    return [row.text for row in conversation.rows if isinstance(row, MessageRow | NoticeRow)]


def test_late_arrivals_find_their_place() -> None:
    conversation = Conversation("tech", CALENDAR)
    for second in (1, 5, 3, 2, 4):
        conversation.add(message(NOON + second * 1000, str(second)))
    assert texts(conversation) == ["1", "2", "3", "4", "5"]


def test_the_oldest_go_when_there_are_too_many() -> None:
    conversation = Conversation("tech", CALENDAR, limit=3)
    for second in range(10):
        conversation.add(message(NOON + second * 1000, str(second)))
    assert texts(conversation) == ["7", "8", "9"]
    assert conversation.rows[0].day == "Tuesday 24 November"


def test_a_new_day_has_a_heading_and_only_its_first_row() -> None:
    conversation = Conversation("tech", CALENDAR)
    late = message(NOON + 86_400_000)
    for row in (message(NOON), late, message(NOON + 1000)):
        conversation.add(row)
    assert [row.day for row in conversation.rows] == ["Tuesday 24 November", None, "Wednesday 25 November"]
    earlier = message(NOON + 86_399_000)
    conversation.add(earlier)
    assert (earlier.day, late.day) == ("Wednesday 25 November", None)


def test_one_sender_is_named_once_within_two_minutes() -> None:
    conversation = Conversation("tech", CALENDAR)
    rows = [
        message(NOON + at, sender=who) for at, who in [(0, "a"), (1, "a"), (2, "b"), (3, "a"), (200_000, "a")]
    ]
    for row in rows:
        conversation.add(row)
    assert [row.grouped for row in rows] == [False, True, False, False, False]


def test_unread_mentions_and_the_divider() -> None:
    conversation = Conversation("tech", CALENDAR)
    rows = [message(NOON), message(NOON + 1, "@bo hi"), message(NOON + 2, "mail@bo @bob"), message(NOON + 3)]
    conversation.arrive(rows[0], seen=True)
    for row in rows[1:]:
        conversation.arrive(row, seen=False)
    assert (conversation.mark.unread, conversation.mark.mentions) == (3, 1)
    assert [row.divider for row in rows] == [False, True, False, False]
    conversation.mark.read()
    later = message(NOON + 4)
    conversation.arrive(later, seen=False)
    assert [row.divider for row in [*rows, later]] == [False, False, False, False, True]


def test_the_message_nearest_to_a_removed_one_is_the_next_or_the_one_above() -> None:
    conversation = Conversation("tech", CALENDAR)
    rows = [message(NOON + each) for each in range(3)]
    for row in rows:
        conversation.add(row)
    gone = []
    for row, then in ((rows[1], rows[2]), (rows[2], rows[0]), (rows[0], None)):
        assert conversation.nearest_message(row) is row
        conversation.remove(row)
        gone.append(conversation.nearest_message(row) is then)
    assert gone == [True, True, True]


def test_a_touched_row_is_only_repainted() -> None:
    conversation = Conversation("tech", CALENDAR)
    rows = [message(NOON + each) for each in range(3)]
    for row in rows:
        conversation.add(row)
    conversation.follow_edits()
    conversation.touch(rows[1])
    assert conversation.take_edits() == [Updated(1, rows[1])]
    assert conversation.take_edits() == []


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000))
def test_replayed_edits_give_the_same_index(seed: int) -> None:
    rng = random.Random(seed)
    conversation = Conversation("tech", CALENDAR, limit=12)
    shape = columns(60)
    conversation.follow_edits()
    index = RowIndex(conversation.rows, lambda row: row_height(row, shape, DEFAULT_KEYS.title))
    rows: list[MessageRow] = []
    for step in range(60):
        choice = rng.random()
        if choice < 0.6 or not rows:
            rows.append(
                message(NOON + rng.randrange(200_000), "word " * rng.randrange(1, 40), identity=str(step))
            )
            conversation.arrive(rows[-1], seen=rng.random() < 0.5)
        elif choice < 0.8:
            conversation.move(rng.choice(rows), NOON + rng.randrange(86_400_000))
        elif choice < 0.9:
            row = rng.choice(rows)
            row.delivery, row.reason = Delivery.UNSENT, "no connection " * rng.randrange(1, 9)
            conversation.touch(row)
        else:
            conversation.place_divider(None)
        if rng.random() < 0.5:
            for edit in conversation.take_edits():
                index.apply(edit)
    for edit in conversation.take_edits():
        index.apply(edit)
    index.measure_more(index.base, lambda: False)
    assert list(index) == conversation.rows
    assert [row.order for row in index] == sorted(row.order for row in index)
    heights = [row_height(row, shape, DEFAULT_KEYS.title) for row in conversation.rows]
    assert index.total == sum(heights)
    line = index.base
    for number, height in enumerate(heights):
        assert index.top(number) == line
        assert [index.locate(line + part) for part in range(height)] == [
            (number, part) for part in range(height)
        ]
        line += height
    assert index.locate(line) is None
    assert index.locate(index.base - 1) is None


@pytest.mark.parametrize("width", [20, 40, 47, 48, 59, 60, 75, 90, 118])
def test_lines_are_as_many_and_as_wide_as_they_say(width: int) -> None:
    shape = columns(width)
    conversation = Conversation("tech", CALENDAR)
    rows = [
        message(NOON),
        message(NOON + 1, "@bo " + "日本語の文章 " * 20, sender="健太" * 9),
        message(NOON + 2, "a\n\nb " + "x" * 300, sender=None),
    ]
    rows[0].delivery, rows[0].reason, rows[1].conflicting = Delivery.REFUSED, "far too long " * 9, True
    for row in rows:
        conversation.add(row)
    conversation.place_divider(rows[1])
    conversation.add(RowFactory("bo", CALENDAR).notice("offline for a while, " * 4, NOON + 3))
    for each in conversation.rows:
        lines = row_lines(each, shape, NAMES, DEFAULT_KEYS.title)
        assert len(lines) == row_height(each, shape, DEFAULT_KEYS.title)
        assert all(sum(cell_len(piece.text) for piece in line) <= width for line in lines)


def test_a_message_that_was_not_sent_names_the_key_that_sends_it_again() -> None:
    row = message(NOON)
    row.delivery, row.reason = Delivery.UNSENT, "no connection"
    for key, way in (("Ctrl+T", "Ctrl+T or a click"), ("", "A click")):
        lines = row_lines(row, columns(100), NAMES, keys={AGAIN: key}.__getitem__)
        said = "".join(piece.text for piece in lines[-1]).strip()
        assert said == f"not sent: no connection. {way} here sends it again."


def test_the_first_line_holds_time_name_path_transit_and_tick() -> None:
    row = message(NOON)
    row.delivery = Delivery.DELIVERED
    line = "".join(piece.text for piece in row_lines(row, columns(100), NAMES, DEFAULT_KEYS.title)[-1])
    assert line.split() == ["12:00", "ana", "hi", "Sydney", "+161ms", "✓✓"]
    narrow = "".join(piece.text for piece in row_lines(row, columns(50), NAMES, DEFAULT_KEYS.title)[-1])
    assert narrow.split() == ["12:00", "ana:", "hi", "SYD", "✓✓"]


def wide(row: MessageRow, width: int = 172) -> list[str]:
    lines = row_lines(row, columns(width), NAMES, DEFAULT_KEYS.title)[row.above :]
    return ["".join(piece.text for piece in line) for line in lines]


def test_in_a_wide_pane_lines_stay_short_and_what_is_beside_them_stays_near() -> None:
    shape = columns(172)
    assert shape.text == TEXT_CELLS
    long = wide(message(NOON, "and so on " * 30))
    assert len(long) == 3
    for words in (1, 10, 30, 65, 99):
        line = wide(message(NOON, "x" * words))[0]
        between = line[shape.text_start + words :].index("Sydney")
        assert 0 < between <= 45, words
    beside = {wide(message(NOON, "x" * words))[0].index("Sydney") for words in (1, 39, 40)}
    assert len(beside) == 1  # short texts share a column


@pytest.mark.parametrize("gap", ["  ", "\u3000\u3000", "\u2800", " \u00a0"])
def test_no_text_reaches_the_place_of_its_origin_and_tick(gap: str) -> None:
    shape = columns(172)
    row = message(NOON, f"hi{gap * 10} Oregon +1ms ✓✓")
    line = row_lines(row, shape, NAMES, DEFAULT_KEYS.title)[0]
    place = [piece.role for piece in line].index("origin")
    assert sum(cell_len(piece.text) for piece in line[:place]) == shape.text_start + TEXT_CELLS + 1


def test_messages_of_the_region_itself_carry_no_origin() -> None:
    row = message(NOON)
    row.origin = "us-west-2"
    assert wide(row)[0].split() == ["12:00", "ana", "hi", "+161ms"]


def test_a_new_day_that_begins_with_something_new_takes_one_line() -> None:
    row = message(NOON)
    row.day, row.divider = "Monday 30 November", True
    lines = row_lines(row, columns(60), NAMES, DEFAULT_KEYS.title)
    assert row.above == 1
    assert len(lines) == row_height(row, columns(60), DEFAULT_KEYS.title) == 2
    assert "".join(piece.text for piece in lines[0]).strip(" ─") == "Monday 30 November · new"


def test_what_the_user_sent_before_this_run_is_delivered() -> None:
    ana, lee = "ana@example.org", "lee@example.org"
    for author, sender, by, filled, is_own in (
        (None, "ana", None, True, True),
        (None, "ana", None, False, False),  # anyone may use the name
        (None, "lee", None, True, False),
        (ana, "ana", ana, True, True),
        (ana, "another name", ana, False, True),
        (ana, "ana", None, True, False),
        (ana, "ana", lee, True, False),
    ):
        event = MessageReceived(
            Message("id", "tech", "hi @ana", sender, "us-west-2", NOON, author=by),
            "oregon",
            0,
            None,
            filled=filled,
        )
        row = RowFactory("ana", CALENDAR, author).message(event)
        assert (row.own, row.delivery is Delivery.DELIVERED) == (is_own, is_own), (sender, by, filled)
        assert joined(row)[0].endswith("✓✓") == is_own
        details = dict(message_details(row, CALENDAR, NAMES))
        assert ("you" in details["From"]) == is_own
        assert ("your name" in details["From"]) == (is_own and by is None)


def test_a_rough_transit_is_marked() -> None:
    shown = [transit(161, error) for error in (0, 99, 100, 500)]
    assert shown == ["+161ms", "+161ms", "~161ms", "~161ms"]


def test_unknown_transit_is_not_shown() -> None:
    assert [transit(each) for each in (None, -5, 0, 999, 1200, 180_000)] == [
        "",
        "+0ms",
        "+0ms",
        "+999ms",
        "+1.2s",
        "+3m",
    ]


def test_a_longer_time_takes_its_cells_from_the_text() -> None:
    row = message(NOON)
    row.time = "9:30:09 AM"
    shape, usual = columns(80, time=11), columns(74)
    line = "".join(piece.text for piece in row_lines(row, shape, NAMES, DEFAULT_KEYS.title)[-1])
    assert line.startswith("  9:30:09 AM")
    assert cell_len(line) == shape.width - shape.margin == 79
    assert (shape.text, shape.name, shape.right) == (usual.text, usual.name, usual.right)


def test_beside_other_columns_the_text_has_room() -> None:
    assert min(columns(width).text for width in range(72, 300)) >= 36


def test_region_codes_tell_regions_apart() -> None:
    names = RegionNames.of({"oregon": "us-west-2", "oslo": "eu-north-9", "orlando": "us-east-9"})
    assert names.codes == {"oregon": "ORE", "oslo": "OSL", "orlando": "ORL"}
    assert names.origin("us-east-9", "oslo", 7) == "Orlando"
    assert names.origin("us-east-9", "oslo", 3) == "ORL"
    assert names.origin("mars-1", "oslo", 6) == "mars-1"
    assert names.origin("mars-central-1", "oslo", 7) == "mars-c…"
    assert names.origin("eu-north-9", "oslo", 7) == ""


@pytest.mark.parametrize("at", [-(10**18), 0, 10**18])
def test_impossible_times_are_shown_somehow(at: int) -> None:
    conversation = Conversation("tech", CALENDAR)
    conversation.add(message(at))
    assert conversation.rows[0].day


def joined(row: MessageRow, width: int = 100) -> list[str]:
    return [
        "".join(piece.text for piece in line)
        for line in row_lines(row, columns(width), NAMES, DEFAULT_KEYS.title)
    ]


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("top\n" + "\n" * 1898 + "bottom", 1880),
        ("word " * 2000, 147),
        ("日" * 2000, 47),
    ],
    ids=["line feeds", "words", "one long word"],
)
def test_a_long_message_is_folded_and_says_how_to_see_it_all(text: str, hidden: int) -> None:
    row = message(NOON, text)
    row.day = None
    shown = joined(row)
    assert len(shown) == row_height(row, columns(100), DEFAULT_KEYS.title) == 21
    assert shown[-1].strip() == f"… {hidden:,} more lines: Shift+F4 or a click here shows all"


def test_a_message_of_few_lines_is_shown_whole() -> None:
    row = message(NOON, "\n".join(map(str, range(24))))
    assert len(joined(row)) == row_height(row, columns(100), DEFAULT_KEYS.title) == 24


def test_a_folded_message_is_copied_whole_between_others() -> None:
    rows = [message(NOON), message(NOON + 1, "\n".join(map(str, range(100)))), message(NOON + 2)]
    shape = columns(100)
    index = RowIndex(rows, lambda row: row_height(row, shape, DEFAULT_KEYS.title))
    index.measure_end(100)
    everything = selected_text(
        index, lambda row: row_lines(row, shape, NAMES, DEFAULT_KEYS.title), (0, 0), (index.total - 1, 99)
    )
    assert "\n99\n" in everything
    assert "more lines" not in everything


def test_few_of_many_warnings_are_shown() -> None:
    row = message(NOON, " ".join(f"http://é{number}.example" for number in range(20)))
    assert sum("▲" in line for line in joined(row)) == 4
    assert row_height(row, columns(100), DEFAULT_KEYS.title) == len(joined(row))


@pytest.mark.parametrize("text", ["x" * 100_000, "日" * 30_000, "\t" * 20_000], ids=["plain", "wide", "tabs"])
def test_the_scrollback_is_bounded_in_bytes(text: str) -> None:
    conversation = Conversation("tech", CALENDAR, limit=40)
    for number in range(60):
        conversation.add(message(NOON + number, f"{number} {text}", sender=str(number % 3)))
        held = [row for row in conversation.rows if isinstance(row, MessageRow)]
        assert sum(getsizeof(row.text) for row in held) <= 40 * SIZE_PER_ROW
    assert held[-1].text.startswith("59 ")
    conversation.clear()
    conversation.add(message(NOON, "small"))
    assert texts(conversation) == ["small"]


def test_a_text_that_no_honest_backend_lets_through_is_cut() -> None:
    row = message(NOON, "x" * (MAX_TEXT + 1_000_000))
    assert len(row.text) < MAX_TEXT + 50
    assert row.text.endswith("\n… 1,000,000 more characters")


def test_moved_and_removed_rows_do_not_count_twice() -> None:
    conversation = Conversation("tech", CALENDAR, limit=10)
    rows = [message(NOON + number * 1000, "x" * 7000) for number in range(9)]
    for row in rows:
        conversation.add(row)
    for number in range(100):
        conversation.move(rows[0], NOON + 9000 + number * 1000)
        conversation.remove(rows[1])
        conversation.add(rows[1])
    assert len(conversation.rows) == 9

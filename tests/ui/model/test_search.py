from datetime import UTC

import pytest

from globalchat.ui.model.calendar import Calendar
from globalchat.ui.model.conversation import Conversation
from globalchat.ui.model.rows import MessageRow
from globalchat.ui.model.search import Search
from tests.ui.helpers.fake_session import NOON
from tests.ui.helpers.message_rows import message


def conversation(*texts: str, limit: int = 2000) -> Conversation:
    made = Conversation("tech", Calendar(UTC), limit=limit)
    for number, text in enumerate(texts):
        made.add(message(NOON + number * 1000, text))
    made.follow_edits()
    return made


def found(search: Search) -> list[str]:
    return [row.text for row in search.matches]


def test_finds_without_regard_to_case_composition_and_spacing() -> None:
    rows = conversation("Café au\nlait", "cafe", "CAFE\u0301", "[x] (y)*").rows
    search = Search()
    for query, texts in {
        "café": ["Café au\nlait", "CAFÉ"],
        "cafe\u0301": ["Café au\nlait", "CAFÉ"],
        "AU  LAIT": ["Café au\nlait"],
        "[X] (y)*": ["[x] (y)*"],
        "nothing": [],
        "": [],
        "  ": [],
    }.items():
        search.look_for(query, rows, None)
        assert found(search) == texts, query
    search.look_for("au lait", rows, None)
    assert search.spans(rows[0]) == ((5, 12),)
    assert search.spans(rows[1]) == ()


def test_begins_at_the_nearest_above_and_goes_around() -> None:
    rows = conversation("a1", "b", "a2", "b", "a3").rows
    search = Search()
    search.look_for("a", rows, rows[3])
    assert (search.current, search.position()) == (rows[2], "2/3")
    assert [search.step(-1), search.step(-1)] == [rows[0], rows[4]]
    assert search.position() == "3/3"
    assert search.step(1) is rows[0]
    search.look_for("a3", rows, rows[3])
    assert (search.current, search.position()) == (rows[4], "1/1")
    search.look_for("zz", rows, rows[3])
    assert (search.step(1), search.position()) == (None, "0/0")
    search.look_for("", rows, None)
    assert search.position() == ""


def test_what_comes_and_goes_is_counted() -> None:
    chat = conversation("a1", "b1", "a2", limit=3)
    search = Search()
    search.look_for("a", chat.rows, None)
    assert search.position() == "2/2"
    chat.add(message(NOON + 9000, "a3"))
    assert search.replay(chat.take_edits(), chat.rows)
    assert (found(search), search.position()) == (["a2", "a3"], "1/2")
    chat.add(message(NOON + 500, "b too late"))
    assert not search.replay(chat.take_edits(), chat.rows)
    row = chat.rows[-1]
    assert isinstance(row, MessageRow)
    chat.move(row, NOON + 1500)
    search.replay(chat.take_edits(), chat.rows)
    assert found(search) == ["a3", "a2"]
    for number in range(3):
        chat.add(message(NOON + 20_000 + number, "none"))
    assert search.replay(chat.take_edits(), chat.rows)
    assert (search.current, search.position()) == (None, "0/0")


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [
        ("STRASSE", "die straße hier", "straße"),
        ("straße", "DIE STRASSE", "STRASSE"),
        ("file", "a ﬁle", "ﬁle"),
        ("ﬁle", "FILE", "FILE"),
        ("İstanbul", "in İSTANBUL", "İSTANBUL"),
        ("x", "İİİİ x", "x"),
        ("σοφος", "ΣΟΦΟΣ", "ΣΟΦΟΣ"),
        ("ǰ", "J\u030c", "J\u030c"),
        ("ß x", "SS \n\t x", "SS \n     x"),
        ("ẞ", "Maß", "ß"),
    ],
)
def test_case_is_folded_on_both_sides_and_marked_where_it_stands(query: str, text: str, found: str) -> None:
    row = message(NOON, text)
    search = Search()
    search.look_for(query, [row], None)
    assert [row.text[start:end] for start, end in search.spans(row)] == [found]

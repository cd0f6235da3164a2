"""Messages of people whom the user ignores are kept, but neither shown nor counted; a filter hides, too."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.client.events import BackendDescribed, GapFilled, MessageReceived, PageLoaded
from globalchat.client.messages import Backend, Message, MessageLimits
from globalchat.core.errors import UserError
from globalchat.ui.model.chat_model import ChatModel
from globalchat.ui.model.conversation import Conversation
from globalchat.ui.model.export import export
from globalchat.ui.model.names import Name
from globalchat.ui.model.row_index import RowIndex
from globalchat.ui.model.rows import MessageRow, NoticeRow, Row
from globalchat.ui.model.search import Search
from globalchat.ui.model.side_by_side import SideBySideModel
from globalchat.ui.model.view_model import ChatViewModel
from tests.ui.helpers.fake_session import NOON
from tests.ui.helpers.message_rows import CALENDAR

ANA = "ana@example.com"


@pytest.fixture
def model() -> ChatModel:
    model = ChatModel(sender="bo", calendar=CALENDAR, clock=lambda: NOON)
    model.reduce(BackendDescribed(Backend(("tech", "cars"), MessageLimits(2000, 32, 64))))
    return model


def made(number: int, sender: str, text: str = "hi", author: str | None = None) -> Message:
    return Message(f"id-{number:04}", "tech", text, sender, "us-west-2", NOON + number, author=author)


def receive(
    model: ChatModel,
    sender: str,
    text: str = "hi",
    *,
    author: str | None = None,
    own: bool = False,
    filled: bool = False,
) -> Name:
    number = len(model.conversation("tech").all_rows)
    event = MessageReceived(made(number, sender, text, author), "oregon", NOON, 1, own=own, filled=filled)
    model.reduce(event)
    row = model.conversation("tech").all_rows[-1]
    assert isinstance(row, MessageRow)
    return row.name


def senders(rows: list[Row]) -> list[str]:
    return [row.name.raw for row in rows if isinstance(row, MessageRow)]


def test_ignored_messages_are_neither_shown_nor_counted_and_come_back(model: ChatModel) -> None:
    tech = model.conversation("tech")
    spam = receive(model, "spam", "@bo buy")
    receive(model, "ana", "@bo hello")
    model.ignore(spam)
    assert (tech.mark.unread, tech.mark.mentions) == (1, 1)
    model.attention.take()
    receive(model, "spam", "@bo buy now")
    assert senders(tech.rows) == ["ana"]
    assert (tech.ignored_count, tech.mark.unread, tech.mark.mentions) == (2, 1, 1)
    assert not model.attention.is_pending
    assert "spam" not in model.known_senders.names()[:1]
    assert export(tech).count("spam: @bo buy") == 2
    model.unignore(spam)
    assert senders(tech.rows) == ["spam", "ana", "spam"]
    assert (tech.ignored_count, tech.mark.unread) == (0, 1)


def test_what_is_left_is_grouped_and_dated_as_if_the_rest_had_never_come(model: ChatModel) -> None:
    tech = model.conversation("tech")
    spam = receive(model, "spam")
    for sender in ("ana", "spam", "ana"):
        receive(model, sender)
    looks = [(row.day is not None, isinstance(row, MessageRow) and row.grouped) for row in tech.rows]
    assert looks == [(True, False), (False, False), (False, False), (False, False)]
    model.ignore(spam)
    looks = [(row.day is not None, isinstance(row, MessageRow) and row.grouped) for row in tech.rows]
    assert looks == [(True, False), (False, True)]


def test_hidden_messages_are_bounded_and_a_draft_is_below_them() -> None:
    model = ChatModel(sender="bo", calendar=CALENDAR, clock=lambda: NOON, limit=20)
    model.ignore(model.name("spam"))
    for number in range(100):
        message = made(number, "spam")
        model.reduce(MessageReceived(message, "oregon", NOON, 1))
    tech = model.conversation("tech")
    assert len(tech.all_rows) == tech.ignored_count == 20
    assert not tech.is_trimmed
    assert tech.tail == NOON + 99
    model.unignore(model.name("spam"))
    assert [row.at - NOON for row in tech.rows] == list(range(80, 100))


def test_it_holds_for_an_author_under_any_name_else_for_the_exact_name(model: ChatModel) -> None:
    tech = model.conversation("tech")
    model.ignore(receive(model, "ana", author=ANA))
    model.ignore(receive(model, "spam"))
    for sender, author in [
        ("Ana L.", ANA),
        ("ana", None),
        ("spam", ANA),
        ("spam", "spam@x"),
        ("Spam", None),
        ("spam", None),
    ]:
        receive(model, sender, author=author)
    assert [(row.name.raw, row.author) for row in tech.rows if isinstance(row, MessageRow)] == [
        ("ana", None),
        ("spam", "spam@x"),
        ("Spam", None),
    ]


def test_what_the_user_wrote_is_never_ignored(model: ChatModel) -> None:
    with pytest.raises(UserError, match="your own name"):
        model.ignore(receive(model, "bo"))
    old = receive(model, "zoe", own=True)
    model.ignore(old)
    assert senders(model.conversation("tech").rows) == ["bo", "zoe"]
    receive(model, "zoe")
    assert senders(model.conversation("tech").rows) == ["bo", "zoe"]
    model.rename("zoe")
    assert senders(model.conversation("tech").rows) == ["bo", "zoe", "zoe"]


def test_history_brings_nothing_of_ignored_people(model: ChatModel) -> None:
    tech = model.conversation("tech")
    model.ignore(model.name("spam"))
    receive(model, "spam", filled=True)
    model.reduce(GapFilled("tech", NOON - 1000, NOON, 1))
    assert tech.rows == []
    page = [made(-number, "spam" if number % 2 else "ana") for number in range(10, 0, -1)]
    model.reduce(PageLoaded("tech", tuple(page), is_start=True))
    assert senders(tech.rows) == ["ana"] * 5
    assert tech.ignored_count == 6
    assert [(each.name.raw, each.count) for each in model.writers.latest("tech")] == [("spam", 6), ("ana", 5)]


def test_the_side_by_side_view_hides_them_too(model: ChatModel) -> None:
    both = SideBySideModel(CALENDAR, lambda: NOON, model.is_ignored)
    for number, sender in enumerate(["spam", "ana"]):
        both.take("oregon", MessageReceived(made(number, sender), "oregon", NOON + number, 1))
    model.ignore(model.name("spam"))
    both.sort_out()
    both.take("sydney", MessageReceived(made(0, "spam"), "sydney", NOON + 5, 1))
    both.take("sydney", MessageReceived(made(2, "spam"), "sydney", NOON + 6, 1))
    assert len(both.feed("tech").rows) == 1
    model.unignore(model.name("spam"))
    both.sort_out()
    assert len(both.feed("tech").rows) == 3


def test_a_filter_shows_one_person_and_what_the_user_wrote_until_the_channel_changes(
    model: ChatModel,
) -> None:
    view_model = ChatViewModel(model, "local", "tech", keys=str)
    tech = model.conversation("tech")
    ana = receive(model, "ana")
    for sender, own in [("lee", False), ("bo", True), ("bo", False), ("ana", False)]:
        receive(model, sender, own=own)
    view_model.show_only(ana)
    receive(model, "lee")
    receive(model, "ana")
    assert senders(tech.rows) == ["ana", "bo", "bo", "ana", "ana"]
    assert view_model.frame(NOON).filter.startswith("Only messages of ana, and yours.")
    assert tech.ignored_count == 0
    view_model.open("cars")
    assert view_model.frame(NOON).filter == ""
    assert senders(tech.rows) == ["ana", "lee", "bo", "bo", "ana", "lee", "ana"]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("receive"), st.sampled_from(["ana", "lee", "spam"]), st.integers(-50, 50)),
        st.tuples(st.just("own"), st.just("bo"), st.integers(0, 50)),
        st.tuples(st.just("notice"), st.just(""), st.integers(0, 50)),
        st.tuples(st.just("ignore"), st.sampled_from(["ana", "lee", "spam"]), st.just(0)),
        st.tuples(st.just("unignore"), st.sampled_from(["ana", "lee", "spam"]), st.just(0)),
        st.tuples(st.just("only"), st.sampled_from(["", "ana", "spam"]), st.just(0)),
        st.tuples(st.just("read"), st.just(""), st.just(0)),
        st.tuples(st.just("paint"), st.just(""), st.just(0)),
    ),
    max_size=40,
)


def step(view_model: ChatViewModel, what: str, who: str, at: int, number: int) -> None:
    model = view_model.model
    tech = model.conversation("tech")
    match what:
        case "receive" | "own":
            message = Message(f"id-{number:04}", "tech", "hi", who, "us-west-2", NOON + at)
            model.reduce(MessageReceived(message, "oregon", NOON, 1, own=what == "own"))
        case "notice":
            tech.add(NoticeRow(uid=-number, at=NOON + at, tie="", text="offline"))
        case "ignore":
            model.ignore(model.name(who))
        case "unignore":
            model.unignore(model.name(who))
        case "only":
            view_model.show_only(model.name(who) if who else None)
        case "read":
            tech.mark.read()


@given(STEPS, st.sampled_from([5, 1000]))
@settings(deadline=None, max_examples=150)
def test_rows_are_those_that_are_not_hidden_and_every_view_follows(
    steps: list[tuple[str, str, int]], limit: int
) -> None:
    model = ChatModel(sender="bo", calendar=CALENDAR, clock=lambda: NOON, limit=limit)
    view_model = ChatViewModel(model, "local", "tech", keys=str)
    tech = model.conversation("tech")
    tech.follow_edits()
    index, search = RowIndex((), lambda row: 1 + row.above), Search()
    search.look_for("hi", (), None)
    for number, (what, who, at) in enumerate(steps):
        step(view_model, what, who, at, number)
        if what == "paint":
            edits = tech.take_edits()
            index.replay(edits)
            search.replay(edits, tech.rows)
        everything = tech.all_rows
        assert [row for row in everything if not _is_hidden(view_model, row)] == tech.rows
        assert tech.ignored_count == sum(_is_ignored(model, row) for row in everything)
        assert len(tech.rows) <= limit
        assert len(everything) - len(tech.rows) <= limit
        assert 0 <= tech.mark.mentions <= tech.mark.unread
    edits = tech.take_edits()
    index.replay(edits)
    search.replay(edits, tech.rows)
    assert list(index) == tech.rows
    assert search.matches == [row for row in tech.rows if isinstance(row, MessageRow)]
    before = _looks(tech)
    tech.sort_out()
    assert _looks(tech) == before


def _is_ignored(model: ChatModel, row: Row) -> bool:
    return isinstance(row, MessageRow) and not row.own and model.is_ignored(row.name)


def _is_hidden(view_model: ChatViewModel, row: Row) -> bool:
    only = view_model.only
    other = only is not None and isinstance(row, MessageRow) and row.name.raw not in (only.raw, "bo")
    return other or _is_ignored(view_model.model, row)


def _looks(tech: Conversation) -> list[tuple[str | None, bool]]:
    return [(row.day, isinstance(row, MessageRow) and row.grouped) for row in tech.rows]

"""Two different names are never shown, grouped, coloured, exported, completed or mentioned as one."""

import json
import string
import unicodedata
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from globalchat.client.authors import ANONYMOUS
from globalchat.client.events import MessageReceived
from globalchat.client.messages import Message
from globalchat.core.text import sanitize
from globalchat.ui.actions import DEFAULT_KEYS
from globalchat.ui.model.chat_model import ChatModel
from globalchat.ui.model.conversation import Conversation
from globalchat.ui.model.export import ExportForm, export, message_details
from globalchat.ui.model.names import FULL_CELLS, NAME_COLOURS, NameColours, Names
from globalchat.ui.model.row_lines import columns, row_height, row_lines
from globalchat.ui.model.rows import Mentions, MessageRow
from globalchat.ui.model.side_by_side import SideBySideModel
from globalchat.ui.slash_commands import Vocabulary, complete
from tests.ui.helpers.fake_session import NOON
from tests.ui.helpers.message_rows import CALENDAR, NAMES

ALIKE = {
    "long, at the end": ("alice-from-the-release-team-eu-1", "alice-from-the-release-team-eu-2"),
    "long, at the beginning": ("1-alice-from-the-release-team-eu", "2-alice-from-the-release-team-eu"),
    "long, in the middle": ("alice-from-the-1-release-team-eu", "alice-from-the-2-release-team-eu"),
    "wide": ("東京都港区芝公園四丁目一", "東京都港区芝公園四丁目二"),
    "zero-width": ("ana", "an\u200ba"),
    "two kinds of zero-width": ("an\u200ba", "an\u2060a"),
    "reserved": ("an\ufff0a", "an\u2065a"),
    "Hangul filler": ("ana", "ana\u3164"),
    "a blank at the end": ("ana", "ana "),
    "two blanks": ("ana lee", "ana  lee"),
    "no-break space": ("ana lee", "ana\u00a0lee"),
    "the sign of a blank": ("ana ", "ana\u2423"),
    "control and its picture": ("ana\x1b", "ana\u241b"),
    "blank pattern": ("ana\u2800", "ana"),
    "tags": ("ana", "ana\U000e0041"),
    "selector": ("ana", "ana\ufe0f"),
    "many marks": ("ana" + "\u0336" * 5, "ana" + "\u0336" * 6),
    "an ellipsis for what was cut": ("alice-from-…", "alice-from-the-release-team-eu-1"),
    "lone surrogates": ("ana\ud800", "ana\ud801"),
}
PAIRS = pytest.mark.parametrize("pair", ALIKE.values(), ids=ALIKE)


@pytest.fixture
def model() -> ChatModel:
    return ChatModel(sender="bo", calendar=CALENDAR, clock=lambda: NOON)


def receive(model: ChatModel, sender: str | None, text: str = "hi", *, at: int = 0) -> MessageRow:
    message = Message(f"id-{at}", "tech", text, sender, "us-west-2", NOON + at)
    model.reduce(MessageReceived(message, "oregon", NOON + at, 1))
    row = model.conversation("tech").rows[-1]
    assert isinstance(row, MessageRow)
    return row


def drawn(row: MessageRow, width: int, *, plain: bool = False) -> str:
    lines = row_lines(row, columns(width, plain=plain), NAMES, DEFAULT_KEYS.title)[row.above :]
    return "\n".join("".join(piece.text for piece in line) for line in lines)


@PAIRS
@pytest.mark.parametrize("width", [120, 70, 50, 30])
def test_two_people_are_drawn_differently(model: ChatModel, pair: tuple[str, str], width: int) -> None:
    first, second = receive(model, pair[0]), receive(model, pair[1], at=1)
    for plain in (False, True):
        assert drawn(first, width, plain=plain) != drawn(second, width, plain=plain)
    assert not second.grouped


@PAIRS
def test_a_known_name_is_drawn_differently_once_another_looks_alike(
    model: ChatModel, pair: tuple[str, str]
) -> None:
    conversation = model.conversation("tech")
    conversation.follow_edits()
    first = receive(model, pair[0])
    before, revision = drawn(first, 120), first.revision
    receive(model, pair[1], at=1)
    assert (drawn(first, 120) == before) or first.revision > revision


@PAIRS
def test_exports_tell_them_apart(model: ChatModel, pair: tuple[str, str]) -> None:
    for number, name in enumerate(pair):
        receive(model, name, at=number)
    for form in (ExportForm.TEXT, ExportForm.MARKDOWN):
        first, second = (
            line for line in export(model.conversation("tech"), form).splitlines() if "hi" in line
        )
        assert first.split("00:00", 1)[-1] != second.split("00:00", 1)[-1]
    lines = export(model.conversation("tech"), ExportForm.JSON).splitlines()
    assert tuple(json.loads(line)["sender"] for line in lines) == pair


@pytest.mark.parametrize(
    "pair", [pair for pair in ALIKE.values() if "ana " not in pair], ids=lambda pair: ascii(pair[1])
)
def test_a_mention_is_of_one_of_them(pair: tuple[str, str]) -> None:
    for own, other in (pair, pair[::-1]):
        found = {name: Mentions(own).spans(f"@{name}, hi", sanitize(f"@{name}, hi")) for name in (own, other)}
        assert found[own]
        assert not found[other]


@PAIRS
def test_completion_writes_a_name_that_mentions_it_or_none(model: ChatModel, pair: tuple[str, str]) -> None:
    for number, name in enumerate(pair):
        receive(model, name, at=number)
    completions = complete("@", 1, Vocabulary(names=model.known_senders.names())).items
    assert {completion.text for completion in completions} <= {f"@{name} " for name in pair}


@PAIRS
def test_side_by_side_they_differ_too(pair: tuple[str, str]) -> None:
    model = SideBySideModel(CALENDAR, lambda: NOON)
    for number, name in enumerate(pair):
        message = Message(f"id-{number}", "tech", "hi", name, "us-west-2", NOON)
        model.take("oregon", MessageReceived(message, "oregon", NOON, 1))
    first, second = model.feed("tech").rows
    assert first.sender != second.sender  # type: ignore[attr-defined]


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.text("ab…~ \u200b\u2060\u0301é日\u2423\ufffd" + string.digits, min_size=1, max_size=20),
        min_size=2,
        max_size=12,
    ),
    st.sampled_from([10, 12, 24, FULL_CELLS]),
)
def test_any_names_in_sight_are_drawn_differently(given_names: list[str], cells: int) -> None:
    names = Names()
    known = {name.raw: name for name in map(names.name, given_names)}.values()
    labels = [name.drawn(cells) for name in known]
    labels = [name.drawn(cells) for name in known]
    assert len(set(labels)) == len(labels)
    assert all(cell_len(label) <= cells for label in labels)


AUTHORS = st.sampled_from([
    "ana@example.com",
    "ana@other.example",
    "ana",
    "anastasia-the-first@example.com",
    "anastasia-the-second@example.com",
    "arn:aws:iam::123456789012:user/ana",
    "arn:aws:iam::210987654321:user/ana",
])  # fmt: skip
SPELLED = st.sampled_from(
    ["ana", "ana@example.com", "anastasia-t…", "ana@ex…e.com", "ana@e….com", "an…ana", "ana~7928", "x"]
)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.tuples(SPELLED, st.none() | AUTHORS), min_size=2, max_size=12),
    st.sampled_from([10, 12, 24]),
)
def test_authors_and_names_without_an_author_are_drawn_differently(
    given_names: list[tuple[str, str | None]], cells: int
) -> None:
    names = Names()
    known, drawn = {}, {}
    for sender, author in given_names:
        name = names.name(sender, author)
        known[name.key] = name
        changed = names.take_changed()
        # Only what is reported as changed is drawn again.
        for each in known.values():
            if each is name or each.owner in changed:
                drawn[each.key] = each.drawn(cells)
    assert drawn == {key: name.drawn(cells) for key, name in known.items()}
    for one, other in combinations(known.values(), 2):
        assert drawn[one.key] != drawn[other.key] or one.owner == other.owner
    assert all(cell_len(label) <= cells for label in drawn.values())


def test_no_sender_makes_an_authors_name_longer() -> None:
    names = Names()
    person = names.name("ana", "ana@example.com")
    names.name("ana")
    names.name("ana@example.com")
    assert person.drawn(12) == "ana"
    assert names.name("other", "ana@example.com").drawn(12) == "ana"
    names.name("ana", "ana@other.example")
    assert person.drawn(12) != "ana"


@pytest.mark.parametrize("mimic_first", [True, False])
def test_a_name_spelled_as_an_author_is_drawn_does_not_look_like_it(mimic_first: bool) -> None:
    names = Names()
    mimic = names.name("ana@ex…e.com") if mimic_first else None
    if mimic is not None:
        assert mimic.drawn(12) == "ana@ex…e.com"
    person, _ = names.name("ana", "ana@example.com"), names.name("ana", "ana@other.example")
    assert person.drawn(12) == "ana@ex…e.com"
    if mimic is not None:
        assert mimic.owner in names.take_changed()
    mimic = names.name("ana@ex…e.com")
    assert mimic.drawn(12) not in ("ana@ex…e.com", "ana")


def test_the_distinguishing_end_is_kept() -> None:
    names = Names()
    first, second = map(names.name, ALIKE["long, at the end"])
    assert names.drawn(first, 12) == "alice-…-eu-1"
    assert names.drawn(second, 12) == "alice-…-eu-2"


def test_a_name_that_imitates_a_drawn_one_does_not_look_like_it() -> None:
    names = Names()
    people = list(map(names.name, ALIKE["long, in the middle"]))
    seen = [person.drawn(12) for person in people]
    mimic = names.name(seen[0])
    assert people[0].owner in names.take_changed()
    assert len({person.drawn(12) for person in (*people, mimic)}) == 3


def test_equivalent_spellings_are_one_name() -> None:
    names = Names()
    assert names.name("Zoë") is names.name(unicodedata.normalize("NFD", "Zoë"))
    assert names.name(None) is names.name(" ") is names.name(ANONYMOUS)


def test_forgotten_names_still_differ() -> None:
    names = Names()
    first = names.name("alice-from-the-release-team-eu-1")
    assert first.drawn(12) == "alice-from-…"
    for number in range(5000):
        names.name(f"peer{number}")
    assert len(names._known) <= 4096
    second = names.name("alice-from-the-release-team-eu-2")
    assert first.drawn(12) != second.drawn(12)


def test_a_name_of_a_megabyte_is_kept_short() -> None:
    names = Names()
    first, second = names.name("x" * 1_000_000 + "1"), names.name("x" * 1_000_000 + "2")
    assert first is not second
    assert len(first.raw) < 300
    assert first.drawn(30) != second.drawn(30)


def test_details_spell_a_name_that_cannot_be_read(model: ChatModel) -> None:
    lines = dict(message_details(receive(model, "an\u200ba"), CALENDAR, NAMES))
    assert lines["From"] == "an\ufffda"
    assert lines["Spelled"] == r"an\u200ba"
    assert "Spelled" not in dict(message_details(receive(model, "Zoë", at=1), CALENDAR, NAMES))


@pytest.mark.parametrize(
    ("own", "text", "mentioned"),
    [
        ("alice-from-the-release-team-eu-1", "@alice-from-the-release-team-eu-1 are you there?", True),
        ("Weiß", "@WEISS hi", True),
        ("WEISS", "hi @weiß!", True),
        ("ﬁnn", "@FINN", True),
        ("İpek", "@İPEK", True),
        ("ΣΟΦΟΣ", "@σοφος", True),
        ("s", "@ß", False),
        ("bo", "@bob @bo_ x@bo @@bo @bo\u0308", False),
        ("bo", "(@Bo)", True),
        ("bo", "\x1b\t@bo\u200b", False),
        ("Ann Lee", "@ann lee: hi", True),
        ("علی\u200cرضا", "سلام @علی\u200cرضا", True),
        ("علی\u200cرضا", "سلام @علیرضا", False),
    ],
)
def test_a_mention_minds_the_name_and_not_its_case(own: str, text: str, mentioned: bool) -> None:
    assert bool(Mentions(own).spans(text, sanitize(text))) is mentioned


def test_mentions_are_marked_where_they_stand_in_what_is_shown() -> None:
    text = "\x1b\u200b\t@WEISS \u202e \r\n(@weiß)\u2060 @weiß"
    shown = sanitize(text)
    spans = Mentions("Weiß").spans(text, shown)
    assert [shown[start:end] for start, end in spans] == ["@WEISS", "@weiß", "@weiß"]


def test_a_drawn_name_never_changes_the_height_unnoticed(model: ChatModel) -> None:
    first = receive(model, ALIKE["long, at the end"][0], "word " * 30)
    receive(model, ALIKE["long, at the end"][1], at=1)
    for width in (120, 70, 50, 30):
        assert len(row_lines(first, columns(width), NAMES, DEFAULT_KEYS.title)) == row_height(
            first, columns(width), DEFAULT_KEYS.title
        )


@pytest.mark.parametrize("names", list(combinations(["a" * 49 + "1", "a" * 49 + "2", "a" * 48 + "31"], 2)))
def test_names_of_channels_differ(names: tuple[str, str]) -> None:
    known = Names()
    first, second = map(known.name, names)
    assert first.drawn(16) != second.drawn(16)
    assert isinstance(Conversation(names[0], CALENDAR).channel, str)


# -- colours -------------------------------------------------------------------------------------------------

SENDERS = st.lists(st.tuples(st.integers(0, 11).map("user {}".format), st.booleans()), max_size=40)


@given(SENDERS)
@settings(deadline=None)
def test_who_writes_first_while_others_write_has_a_colour_of_its_own(written: list[tuple[str, bool]]) -> None:
    names, colours = Names(), NameColours()
    given_to: dict[str, int] = {}
    beside: dict[bool, list[str]] = {False: [], True: []}
    for sender, older in written:
        others = [each for each in beside[older] if each != sender][-NAME_COLOURS + 1 :]
        colour = colours.take(names.name(sender), older=older)
        if sender in given_to:
            assert colour == given_to[sender], "it changed while its messages are on the screen"
        else:
            assert colour not in {given_to[each] for each in others}
        given_to[sender] = colour
        beside[older] = [*others, sender]


def test_colours_are_by_person_not_by_name_and_bounded() -> None:
    names, colours = Names(), NameColours()
    ana = "ana@example.com"
    assert colours.take(names.name("ana", ana)) == colours.take(names.name("Ana of the team", ana))
    assert colours.take(names.name("ana")) != colours.take(names.name("ana", ana))
    for number in range(2_000):
        colours.take(names.name(f"user {number}"))
    assert len(colours._given) <= 128


def test_rows_keep_the_colour_that_their_sender_has_in_the_channel(model: ChatModel) -> None:
    rows = [receive(model, f"user {number % 6}", at=number) for number in range(12)]
    assert len({row.colour for row in rows}) == 6
    assert [row.colour for row in rows[:6]] == [row.colour for row in rows[6:]]


# -- the column of names -------------------------------------------------------------------------------------

LONGEST = "alice-from-the-release-team-eu-1"


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (60, "alice-fro…"),
        (79, "alice-from-th…"),
        (93, "alice-from-the-relea…"),
        (104, LONGEST),
        (200, LONGEST),
    ],
)
def test_a_long_name_has_the_room_that_the_window_has(model: ChatModel, width: int, shown: str) -> None:
    row = receive(model, LONGEST)
    shape = columns(width, name=model.conversation("tech").name_cells)
    (line,) = row_lines(row, shape, NAMES, DEFAULT_KEYS.title)[row.above :]
    assert "".join(piece.text for piece in line)[8:].lstrip().split("  ")[0] == shown
    assert shape.text >= 25


def test_short_names_take_no_more_room_in_a_wide_window(model: ChatModel) -> None:
    receive(model, "ana")
    cells = model.conversation("tech").name_cells
    assert {columns(width, name=cells).name for width in range(90, 300)} == {12}


@given(st.integers(0, 300), st.integers(0, 100))
def test_columns_grow_a_few_times_at_most_and_never_beyond_the_window(width: int, name: int) -> None:
    shape = columns(width, name=name)
    assert shape.name in (0, *range(10, 33))
    assert shape.text_start + shape.text + shape.right <= max(width, shape.text_start + shape.right + 2)
    assert len({columns(width, name=each).name for each in range(100)}) <= 6


def test_names_are_kept_apart_for_a_few_widths_at_a_time_and_in_all() -> None:
    names = Names()
    one, other = (names.name(each) for each in ALIKE["long, at the end"])
    for cells in (*range(8, 30), 12, 9):
        assert one.drawn(cells) != other.drawn(cells)
        assert len(names._labels) <= 8

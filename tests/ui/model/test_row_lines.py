"""The marks of senders: no name and no text reaches their cells, in any layout, export or copy."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len, set_cell_size

from globalchat.client.events import BackendDescribed, DraftAccepted, DraftQueued, MessageReceived
from globalchat.client.messages import Backend, Draft, Message, MessageLimits
from globalchat.ui.actions import DEFAULT_KEYS
from globalchat.ui.ascii import to_ascii
from globalchat.ui.model.chat_model import ChatModel
from globalchat.ui.model.export import ExportForm, export, message_details
from globalchat.ui.model.row_lines import MARK_ROLES, TIME_CELLS, columns, row_height, row_lines
from globalchat.ui.model.rows import MessageRow
from globalchat.ui.model.side_by_side import SideBySideLayout, SideBySideModel
from tests.ui.helpers.fake_session import NOON
from tests.ui.helpers.message_rows import CALENDAR, NAMES

ANA, BO = "ana@example.com", "bo@example.com"
MACHINE = "arn:aws:iam::123456789012:user/ci"
SOME = settings(deadline=None, max_examples=150)
WIDTHS = [20, 47, 50, 59, 60, 80, 90, 120]
HOSTILE = st.one_of(
    st.text(max_size=40),
    st.sampled_from([
        "✓ ana",
        "✓",
        "12:00✓ ana: hi",
        "\n✓ ana: hi",
        "a\n12:00✓ ana: hi\n✓ 12:00 ana: hi",
        "\r12:00✓ana",
        "\t✓",
        "\u202e✓",
        "\x1b[G✓",
        "👩🏽‍🚀✓",
        "界" * 30 + "✓",
        "✓" * 200,
        "$ ci",
        "a" * 100 + " ✓ ana@example.com",
    ]),
)  # fmt: skip


def chat(*messages: tuple[str | None, str | None, str], author: str | None = None) -> ChatModel:
    """A chat that has received messages: sender, author and text of each."""
    model = ChatModel(sender="me", calendar=CALENDAR, clock=lambda: NOON)
    model.reduce(BackendDescribed(Backend(("tech",), MessageLimits(2000, 32, 64), author=author)))
    for number, (sender, who, text) in enumerate(messages):
        message = Message(f"id-{number}", "tech", text, sender, "us-west-2", NOON + number, author=who)
        model.reduce(MessageReceived(message, "oregon", NOON + number, 1))
    return model


def rows(model: ChatModel) -> list[MessageRow]:
    return [row for row in model.conversation("tech").rows if isinstance(row, MessageRow)]


def text_lines(row: MessageRow, width: int, *, plain: bool) -> Sequence[str]:
    lines = row_lines(row, columns(width, plain=plain), NAMES, DEFAULT_KEYS.title)
    assert len(lines) == row_height(row, columns(width, plain=plain), DEFAULT_KEYS.title)
    return ["".join(piece.text for piece in line) for line in lines[row.above :]]


@SOME
@given(
    sender=st.none() | HOSTILE,
    text=HOSTILE.filter(str.strip),
    author=st.sampled_from([None, ANA, MACHINE]) | HOSTILE,
    width=st.sampled_from(WIDTHS),
    plain=st.booleans(),
)
def test_no_name_and_no_text_reaches_the_cells_of_the_marks(
    sender: str | None, text: str, author: str | None, width: int, plain: bool
) -> None:
    model = chat((None, ANA, "signed"), (sender, author, text), (sender, author, text))
    shape = columns(width, plain=plain)
    cell = 0 if plain else shape.margin + TIME_CELLS
    for row in rows(model):
        assert row.mark == "✓" if row.author == ANA else row.mark != "✓" or author not in (None, MACHINE)
        first, *others = text_lines(row, width, plain=plain)
        before = "" if plain else " " * shape.margin + row.time
        assert set_cell_size(first, cell + 1) == before + (row.mark or " ")
        for line in others:
            assert set_cell_size(line, cell + 1) == " " * (cell + 1)
        assert cell_len(row.mark) <= 1


@SOME
@given(sender=st.none() | HOSTILE, text=HOSTILE.filter(str.strip))
def test_exports_and_copies_keep_the_cell_of_the_mark_as_well(sender: str | None, text: str) -> None:
    made = chat((None, ANA, "signed"), (sender, None, text)).conversation("tech")
    lines = export(made).split("\n")[:-1]
    heads = [line for line in lines if not line.startswith("    ")]
    assert len(heads) == 2
    stamp = len(CALENDAR.full(NOON))
    assert [line[stamp] for line in heads] == ["✓", heads[1][stamp]]
    assert heads[1][stamp] in " !"
    records = [json.loads(line) for line in export(made, ExportForm.JSON).splitlines()]
    assert [each["author"] for each in records] == [ANA, None]
    marked = [line for line in export(made, ExportForm.MARKDOWN).splitlines() if line.startswith("- ")]
    assert marked[0].startswith("- 12:00:00 ✓ **ana@example.com**: signed")
    assert marked[1].startswith(("- 12:00:00 **", "- 12:00:00 ! **"))


@SOME
@given(sender=st.none() | HOSTILE, text=HOSTILE.filter(str.strip), width=st.sampled_from(WIDTHS))
def test_side_by_side_keeps_the_cell_of_the_mark(sender: str | None, text: str, width: int) -> None:
    model = SideBySideModel(CALENDAR, lambda: NOON)
    for number, (who, said) in enumerate([(ANA, "signed"), (None, text)]):
        message = Message(f"id-{number}", "tech", said, sender, "us-west-2", NOON, author=who)
        model.take("oregon", MessageReceived(message, "oregon", NOON, 0))
    layout = SideBySideLayout(("oregon", "sydney"), NAMES, CALENDAR, 10.0, DEFAULT_KEYS.title, width)
    signed, unsigned = model.feed("tech").rows
    for row, allowed in ((signed, "✓"), (unsigned, " !")):
        lines = layout.lines(row)[row.above :]
        marks = [piece.text for line in lines for piece in line if piece.role in MARK_ROLES.values()]
        assert set(marks) <= {allowed.strip()}
        (first, *_) = lines
        pieces = first[: [piece.role for piece in first].index("sender")]
        before, shown = ("".join(piece.text for piece in part) for part in (pieces, first))
        assert before[-1] in allowed
        # A name may begin with a character that takes no cell of its own after another one (U+1F3FB).
        assert set_cell_size(shown, sum(cell_len(piece.text) for piece in pieces)).startswith(before)


def test_an_unverified_name_never_continues_the_block_of_a_person() -> None:
    made = chat(("ana", ANA, "one"), ("ana", ANA, "two"), ("ana", None, "three"), ("ana", ANA, "four"))
    assert [row.grouped for row in rows(made)] == [False, True, False, False]
    assert [row.mark for row in rows(made)] == ["✓", "✓", "!", "✓"]
    assert rows(made)[0].name.drawn(12) == "ana"
    assert rows(made)[2].name.drawn(12) != "ana"
    narrow = [text_lines(row, 50, plain=False)[0] for row in rows(made)]
    assert [line[5:12] for line in narrow[:2]] == ["✓ ana: ", "✓ two  "]


def test_a_name_that_looks_like_a_persons_is_shown_for_what_it_is_also_if_the_person_writes_later() -> None:
    model = chat(("аna", None, "early"), ("аna", None, "again"), ("ana", ANA, "the real one"))
    early, again, real = rows(model)
    assert (early.mark, again.mark, real.mark) == ("!", "!", "✓")
    assert early.sender == f"аna (not verified: looks like {ANA})"
    assert text_lines(early, 80, plain=False)[1].strip() == f"▲ not verified: this name looks like {ANA}"
    assert len(text_lines(again, 80, plain=False)) == 1  # once for a block
    details = dict(message_details(early, CALENDAR, NAMES))
    assert details["Verified"].endswith(f"it looks like {ANA}, who has not signed this")
    assert "▲" not in " ".join(text_lines(real, 80, plain=False))


def test_the_users_own_author_is_protected_before_the_first_message_and_counts_as_a_mention() -> None:
    model = chat(("ana", None, "hi"), ("bo", None, "@ana @Ana@example.com @anab @bo@ana x@ana"), author=ANA)
    imitation, mentioning = rows(model)
    assert imitation.mark == "!"
    text = mentioning.text
    assert [text[a:b] for a, b in mentioning.mentions] == ["@ana", "@Ana@example.com"]


def test_a_draft_gets_its_mark_when_the_region_has_stamped_it() -> None:
    model = chat((None, ANA, "before"), author=ANA)
    draft = Draft("own", "tech", "mine", "me", NOON + 5)
    model.reduce(DraftQueued(draft))
    assert rows(model)[-1].mark == ""
    model.reduce(DraftAccepted(draft, "us-west-2", NOON + 5, BO))
    row = rows(model)[-1]
    assert (row.mark, row.author, row.sender) == ("✓", BO, "bo@example.com (me)")
    message = Message("own", "tech", "mine", "me", "us-west-2", NOON + 5, author=BO)
    model.reduce(MessageReceived(message, "oregon", NOON + 6, 1, own=True))
    assert rows(model)[-1] is row
    assert row.mark == "✓"


def test_machines_are_named_by_their_last_part_and_have_a_mark_of_their_own() -> None:
    model = chat(("deploys", MACHINE, "done"), (None, "arn:aws:sts::123456789012:assumed-role/Ops", "hi"))
    machine, role = rows(model)
    assert [row.mark for row in (machine, role)] == ["$", "$"]
    assert machine.sender == "ci (deploys)"
    assert (machine.name.drawn(12), role.name.drawn(12)) == ("ci", "Ops")
    assert (
        "AWS account 123456789012 vouches for user/ci"
        in dict(message_details(machine, CALENDAR, NAMES))["Verified"]
    )


def test_persons_whose_names_begin_alike_are_drawn_differently() -> None:
    model = chat(("ana", ANA, "one"), ("ana", "ana@other.example", "two"), ("x", ANA, "three"))
    for cells in (8, 12, 64):
        one, two, three = (row.name.drawn(cells) for row in rows(model))
        assert one != two
        assert two != three
    assert [row.name.full for row in rows(model)] == [ANA, "ana@other.example", f"{ANA} (x)"]


@pytest.mark.parametrize(("mark", "plain"), [("✓", "v"), ("$", "$"), ("!", "!")])
def test_marks_in_ascii(mark: str, plain: str) -> None:
    assert to_ascii(mark) == plain
    assert cell_len(mark) == 1

"""Code, emphasis and quotes: what is found, what is not, and how lines of code are laid out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from globalchat.ui.actions import DEFAULT_KEYS
from globalchat.ui.model.formats import find_formats
from globalchat.ui.model.row_lines import Columns, columns, row_height, row_lines
from globalchat.ui.model.rows import MessageRow
from tests.ui.helpers.fake_session import NOON
from tests.ui.helpers.message_rows import NAMES, message


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("say `a b` now", {"code": ["a b"], "sign": ["`", "`"]}),
        ("``a ` b`` `c`", {"code": ["a ` b", "c"], "sign": ["``", "``", "`", "`"]}),
        ("**bold** and *it* and _it too_", {"bold": ["bold"], "italic": ["it", "it too"]}),
        ("`**no**` **yes**", {"code": ["**no**"], "bold": ["yes"]}),
        ("> said\nanswer", {"quote": ["> said"]}),
        ("see\n```py\nx = 1\n\n  y\n```\nok", {"code": ["x = 1", "  y"], "sign": ["```py", "```"]}),
    ],
)
def test_what_is_written_as_code_or_emphasis_is_found(text: str, found: dict[str, list[str]]) -> None:
    marks = sorted(find_formats(text).marks)
    for role, texts in found.items():
        assert [text[start:end] for start, end, each in marks if each == role] == texts


@pytest.mark.parametrize(
    "text",
    [
        "2 * 3 * 4 and a*b*c",
        "snake_case_name and __init__",
        "an open ` tick",
        "a ** b ** c",
        "```\nnever closed",
        "`over\ntwo lines`",
        "a > b",
        "* a list",
    ],
)
def test_what_only_looks_like_it_stays_as_it_is(text: str) -> None:
    assert find_formats(text).marks == ()
    assert find_formats(text).shape == text


@given(st.text(alphabet="ab `*_>\n", max_size=60))
def test_marks_lie_in_the_text_and_the_shape_is_as_long(text: str) -> None:
    formats = find_formats(text)
    assert len(formats.shape) == len(text)
    assert formats.shape.count("\n") == text.count("\n")
    assert all(0 <= start <= end <= len(text) for start, end, _ in formats.marks)
    assert all("\n" not in text[start:end] for start, end, _ in formats.marks)


def shown(row: MessageRow, shape: Columns) -> list[str]:
    lines = row_lines(row, shape, NAMES, DEFAULT_KEYS.title)
    assert len(lines) == row_height(row, shape, DEFAULT_KEYS.title)
    return ["".join(piece.text for piece in line if piece.at >= 0 or piece.role == "fold") for line in lines]


def test_code_is_not_wrapped_but_cut_and_can_be_shown_whole() -> None:
    shape = columns(60)
    code = "long = " + " + ".join(f"value_{number}" for number in range(9))
    row = message(NOON, f"look:\n```\n{code}\nshort\n```\nand on " + "and on " * 12)
    folded = shown(row, shape)
    assert folded[1] == "```"
    assert folded[2].endswith("…")
    assert code.startswith(folded[2].removesuffix("…"))
    assert folded[3:5] == ["short", "```"]
    assert any("more line" in line for line in folded[5:])
    row.whole = True
    whole = shown(row, shape)
    assert code in "".join(whole)
    assert not any("…" in line for line in whole)


def test_inline_code_stays_on_one_line() -> None:
    row = message(NOON, "please run this command: `globalchat deploy --days 3` and tell")
    (line,) = [line for line in shown(row, columns(80)) if "globalchat" in line]
    assert "globalchat deploy --days 3" in line


def test_the_plain_view_and_the_unformatted_one_show_what_was_written() -> None:
    row = message(NOON, "`code` and **bold**")
    for shape in (columns(80, plain=True), Columns(80, 1, 10, 6, 6, formatted=False)):
        pieces = [piece for line in row_lines(row, shape, NAMES, DEFAULT_KEYS.title) for piece in line]
        assert {piece.role for piece in pieces if piece.at >= 0} == {"text"}

"""Texts with placeholders, and texts of a size."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.client.bulk.template import PlaceholderError, Template, generate, pad, placeholders, units

VALUES = {"n": 7, "time": "2026-11-24T14:00:00.000Z", "region": "oregon"}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("", ""),
        ("plain }", "plain }"),
        ("{n}", "7"),
        ("{n}{n}", "77"),
        ("{n} of {region} at {time}", "7 of oregon at 2026-11-24T14:00:00.000Z"),
        ("{{n}}", "{n}"),
        ("{{{n}}}", "{7}"),
        ('{{"a": {{"n": {n}}}}}', '{"a": {"n": 7}}'),
        ("${n} #{n}", "$7 #7"),
    ],
)
def test_placeholders_are_filled_in_and_double_braces_are_braces(text: str, filled: str) -> None:
    assert Template.parse(text).fill(**VALUES) == filled  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{x}", "{x}"),
        ("{ n }", "{ n }"),
        ("{}", "{}"),
        ("{N}", "{N}"),
        ("a {", "not closed"),
        ("{n", "not closed"),
    ],
)
def test_an_unknown_placeholder_is_refused_by_name_and_the_known_ones_are_told(text: str, word: str) -> None:
    with pytest.raises(PlaceholderError) as caught:
        Template.parse(text)

    assert word in str(caught.value)
    assert "{n}, {time}, {region}" in str(caught.value)


def test_a_long_unknown_name_is_cut() -> None:
    with pytest.raises(PlaceholderError) as caught:
        Template.parse("{" + "x" * 5000 + "}")

    assert len(str(caught.value)) < 200


@given(st.text())
@settings(max_examples=100, deadline=None)
def test_any_text_survives_with_its_braces_doubled(text: str) -> None:
    template = Template.parse(text.replace("{", "{{").replace("}", "}}"))

    assert len(template.parts) == 1
    assert template.fill(n=1, time="", region="") == text


def test_what_looks_like_a_placeholder_is_found() -> None:
    assert placeholders('{"n": 1} {region} {N}') == ("{region}",)
    assert placeholders("plain") == ()


@pytest.mark.parametrize(("text", "length"), [("", 0), ("abc", 3), ("é", 1), ("😀", 2), ("a😀", 3)])
def test_lengths_are_in_utf16_units(text: str, length: int) -> None:
    assert units(text) == length == len(text.encode("utf-16-le")) // 2


def test_padding_reaches_the_size_and_cuts_nothing() -> None:
    assert pad("😀a", 5) == "😀a  "
    assert pad("abcdef", 3) == "abcdef"


@pytest.mark.parametrize("size", [1, 36, 37, 2000])
def test_a_made_up_text_has_its_size_and_is_not_blank(size: int) -> None:
    assert units(generate(size)) == size
    assert not generate(size).isspace()

"""Whether a terminal is dark, by its own answer or by a variable."""

import pytest

from globalchat.ui.model.background import is_dark_by_variable, is_dark_colour, theme_for


@pytest.mark.parametrize(
    ("colour", "is_dark"),
    [
        ("rgb:0000/0000/0000", True),
        ("rgb:1e1e/1e1e/2e2e", True),
        ("rgb:ffff/ffff/ffff", False),
        ("rgb:fd/f6/e3", False),
        ("rgb:f/f/f", False),
        ("rgb:000/2b0/360", True),
        ("rgba:FFFF/FFFF/FFFF/8000", False),
        ("#eff1f5", False),
        ("#282828", True),
        ("rgb:ffff/ffff", None),
        ("rgb:00000/0/0", None),
        ("?", None),
        ("", None),
    ],
)
def test_a_colour_is_dark_or_light(colour: str, is_dark: bool | None) -> None:
    assert is_dark_colour(colour) is is_dark


@pytest.mark.parametrize(
    ("value", "is_dark"),
    [("15;0", True), ("0;15", False), ("0;default;7", False), ("12;8", True), ("15", None), ("", None)],
)
def test_the_variable_names_the_background_last(value: str, is_dark: bool | None) -> None:
    assert is_dark_by_variable(value) is is_dark


def test_an_unknown_background_is_dark() -> None:
    assert [theme_for(each) for each in (True, False, None)] == [
        "textual-dark",
        "textual-light",
        "textual-dark",
    ]

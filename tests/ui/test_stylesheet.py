"""Each source is read once for each theme; what is seen is the theme's all the same."""

from itertools import combinations
from math import dist

import pytest
from textual.color import Color
from textual.css.stylesheet import StylesheetParseError
from textual.theme import BUILTIN_THEMES

from globalchat.ui.model.names import NAME_COLOURS
from globalchat.ui.stylesheet import NAMES, RATIO, ReadOnce, contrast, legible, oklab
from tests.ui.helpers.chat_driver import SMALL, running

SOURCE = "Label { color: $text; }"


def sheet_of(text: str) -> ReadOnce:
    sheet = ReadOnce(variables={"text": text})
    sheet.add_source(SOURCE, ("labels", ""))
    return sheet


def colour(sheet: ReadOnce) -> str:
    return sheet.rules[0].styles.color.hex


def test_what_was_read_is_not_read_again() -> None:
    sheet = sheet_of("red")
    (rule,) = sheet.rules
    sheet.reparse()
    assert sheet.rules == [rule]
    assert sheet_of("red").rules == [rule]  # another chat of this process


def test_a_theme_is_read_with_its_own_colours_and_kept() -> None:
    sheet = sheet_of("red")
    (red,) = sheet.rules
    sheet.set_variables({"text": "blue"})
    sheet.reparse()
    assert colour(sheet) == "#0000FF"
    sheet.set_variables({"text": "red"})
    sheet.reparse()
    assert sheet.rules == [red]
    assert colour(sheet) == "#FF0000"


def test_what_cannot_be_read_leaves_the_rules_as_they_are() -> None:
    sheet = sheet_of("red")
    (rule,) = sheet.rules
    sheet.add_source("Label { colour: red; }", ("misspelt", ""))
    with pytest.raises(StylesheetParseError):
        sheet.reparse()
    assert sheet._rules == [rule]


async def test_the_chat_reads_its_screens_once() -> None:
    async with running(SMALL) as chat:
        before = chat.app.stylesheet.rules
        chat.app.refresh_css()
        after = chat.app.stylesheet.rules
        assert after is not before
        assert all(map(lambda one, other: one is other, before, after))
        assert len(before) == len(after) > 100


DIFFERENT = 0.03
"""A distance in OKLAB at which two colours of text can be told apart; 0.02 is just noticeable on areas."""


@pytest.mark.parametrize("theme", [name for name, theme in BUILTIN_THEMES.items() if not theme.ansi])
def test_names_have_colours_that_differ_from_each_other_and_from_ones_own(theme: str) -> None:
    assert len(NAMES) == NAME_COLOURS
    plain = BUILTIN_THEMES[theme].to_color_system().generate()
    variables = legible({**plain, **BUILTIN_THEMES[theme].variables}, ansi=False)
    colours = [Color.parse(variables[name]) for name in (*NAMES, "text-primary")]
    for one, other in combinations(colours, 2):
        assert dist(oklab(one), oklab(other)) >= DIFFERENT, (one, other)
    for each in colours:
        assert contrast(each, Color.parse(variables["background"])) >= RATIO


async def test_parts_of_a_widget_are_styled_again_only_after_a_change() -> None:
    async with running(SMALL) as chat:
        chat.app.stylesheet.update(chat.app.screen)
        first = dict(chat.pane._component_styles)
        chat.app.stylesheet.update(chat.app.screen)
        assert all(chat.pane._component_styles[name] is styles for name, styles in first.items())
        chat.app.theme = "textual-light"
        await chat.settle()
        assert not any(chat.pane._component_styles[name] is styles for name, styles in first.items())

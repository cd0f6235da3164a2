"""The commands of readline, as its manual describes them."""

from collections.abc import Callable

import pytest

from globalchat.ui.model.line_edits import (
    Edit,
    LineEdits,
    blank_before,
    capitalise,
    change_word,
    line_end,
    line_start,
    swap,
    word_end,
    word_start,
)


def applied(edit: Edit | None, text: str) -> tuple[str, int] | None:
    return None if edit is None else (text[: edit.start] + edit.text + text[edit.end :], edit.cursor)


@pytest.mark.parametrize(
    ("find", "marked", "found"),
    [
        (word_start, "one two|", 4),
        (word_start, "one two, |", 4),
        (word_start, "/var/log|", 5),
        (word_start, "|one", 0),
        (word_start, "über cafe\u0301|", 5),
        (word_end, "|one two", 3),
        (word_end, "one| two", 7),
        (word_end, "one --|", 6),
        (blank_before, "rm /var/log|", 3),
        (blank_before, "one two  |", 4),
        (blank_before, "|", 0),
        (line_start, "one\ntwo|", 4),
        (line_start, "one\n|two", 3),
        (line_start, "|one", 0),
        (line_end, "o|ne\ntwo", 3),
        (line_end, "one|\ntwo", 4),
        (line_end, "one|", 3),
    ],
)
def test_where_words_and_lines_begin_and_end(
    find: Callable[[str, int], int], marked: str, found: int
) -> None:
    at = marked.index("|")
    assert find(marked.replace("|", ""), at) == found


@pytest.mark.parametrize(
    ("marked", "swapped"),
    [
        ("teh|", ("the", 3)),
        ("t|eh", ("eth", 2)),
        ("ab|\ncd", ("ba\ncd", 2)),
        ("|ab", None),
        ("ab\n|cd", None),
        ("a|", None),
        ("|", None),
    ],
)
def test_two_characters_are_swapped_within_their_line(marked: str, swapped: tuple[str, int] | None) -> None:
    text, at = marked.replace("|", ""), marked.index("|")
    assert applied(swap(text, at), text) == swapped


def test_words_change_their_case_from_the_cursor_on() -> None:
    assert applied(change_word("straße und", 0, str.upper), "straße und") == ("STRASSE und", 7)
    assert applied(change_word("aBC dEF", 3, capitalise), "aBC dEF") == ("aBC Def", 7)
    assert change_word("one  ", 5, str.upper) is None


def test_cuts_in_succession_are_one_text_in_its_order() -> None:
    editing = LineEdits()
    assert editing.paste(0, 0) is None
    for start, end, backwards in ((4, 7, False), (2, 4, True), (0, 2, True)):
        editing.cut("one two", start, end, backwards=backwards)
    assert editing.cut("one two", 3, 3, backwards=True) is None
    assert editing.paste(1, 2) == Edit(1, 2, "one two", 8)


def test_an_earlier_cut_takes_the_place_of_what_was_just_put_back() -> None:
    editing = LineEdits()
    for text in ("first", "second"):
        editing.interrupt()
        editing.cut(text, 0, len(text), backwards=True)
    assert editing.paste_earlier() is None
    assert editing.paste(3, 3) == Edit(3, 3, "second", 9)
    assert editing.paste_earlier() == Edit(3, 9, "first", 8)
    assert editing.paste_earlier() == Edit(3, 8, "second", 9)
    editing.interrupt()
    assert editing.paste_earlier() is None


def test_only_the_latest_cuts_are_kept() -> None:
    editing = LineEdits()
    for number in range(100):
        editing.interrupt()
        editing.cut(f"{number:03}", 0, 3, backwards=True)
    editing.paste(0, 0)
    seen = set()
    while (edit := editing.paste_earlier()) is not None and edit.text not in seen:
        seen.add(edit.text)
    assert seen == {f"{number:03}" for number in range(80, 100)}

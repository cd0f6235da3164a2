import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.core.characters import DEFAULT_IGNORABLE
from globalchat.core.text import NotUtf8, decode, did_you_mean, hint, plural, sanitize, suggest
from tests.core.helpers.hostile_texts import FORBIDDEN, HOSTILE


@settings(deadline=None, max_examples=300)
@given(HOSTILE)
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    clean = sanitize(text)
    assert not set(clean) & (set(FORBIDDEN) - {"\n"})
    assert not any(unicodedata.category(character) == "Cs" for character in clean)
    assert not any(0xE0000 <= ord(character) <= 0xE0FFF for character in clean)
    clean.encode()


@settings(deadline=None, max_examples=300)
@given(HOSTILE, st.booleans())
def test_twice_is_once(text: str, multiline: bool) -> None:
    once = sanitize(text, multiline=multiline)
    assert sanitize(once, multiline=multiline) == once


@settings(deadline=None, max_examples=100)
@given(HOSTILE)
def test_single_line_has_no_line_break(text: str) -> None:
    assert len(sanitize(text, multiline=False).splitlines()) <= 1


@settings(deadline=None, max_examples=100)
@given(st.text(st.characters(categories=["L", "N", "P", "Zs"], max_codepoint=0x10FF)))
def test_ordinary_text_stays(text: str) -> None:
    assert sanitize(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("plain [bold]text[/] $ctx ${x} \\n", "plain [bold]text[/] $ctx ${x} \\n"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("\x1b[31mred", "␛[31mred"),
        ("\x9b31m", "\ufffd31m"),
        ("a\tb", "a    b"),
        ("a\r\nb\rc\u2028d\x85e", "a\nb\nc\nd\ne"),
        ("abc\u202egnp.exe", "abcgnp.exe"),
        ("pay\u200bpal", "paypal"),
        ("\ud800x", "\ufffdx"),
        ("e\u0301", "é"),
        ("z" + "\u0336" * 50, "z" + "\u0336" * 4),
        ("a\u200db", "ab"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("❤\ufe0f 1\ufe0f\u20e3 👍🏽", "❤\ufe0f 1\ufe0f\u20e3 👍🏽"),
        ("x\ufe0f", "x"),
        ("🏴\U000e0067\U000e007f", "🏴"),
        ("a\u2065b\ufff0c\ufff8d", "abcd"),
        ("a\u115fb\u3164c\U000e0fffd", "abcd"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("क्\u200dष क्\u200cष", "क्\u200dष क्\u200cष"),
        ("അവന്\u200d", "അവന്\u200d"),
        ("ක්\u200dර", "ක්\u200dර"),
        ("ب\u200c\u200cب", "بب"),
        ("x\u200cy\u200d", "xy"),
        ("\u200cسلام\u200c", "سلام"),
        ("👩🏽\u200d🚀 ❤\ufe0f\u200d🔥 🏳\ufe0f\u200d🌈", "👩🏽\u200d🚀 ❤\ufe0f\u200d🔥 🏳\ufe0f\u200d🌈"),
        ("👩\u200d", "👩"),
        ("👩\u200dx", "👩x"),
        ("🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",) * 2,
        ("x\U000e0067\U000e0062\U000e0065\U000e007f", "x"),
        ("🏴" + "\U000e0061" * 30 + "\U000e007f", "🏴"),
        ("=\ufe0f+\ufe0e", "=+"),
    ],
)
def test_example(text: str, clean: str) -> None:
    assert sanitize(text) == clean


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("ana", "ana"),
        ("an\u200ba", "an\ufffda"),
        ("ana\u2065\ufff0\U000e0041", "ana\ufffd\ufffd\ufffd"),
        ("علی\u200cرضا", "علی\ufffdرضا"),
        ("👩\u200d🚀", "👩\ufffd🚀"),
        ("a\tb\nc\x1b\x7f\x9b", "a␉b␊c␛␡\ufffd"),
        (" a  b\u00a0c ", "␣a␣␣b␣c␣"),
        ("山田\u3000太郎", "山田\u3000太郎"),
        ("e\u0301", "é"),
    ],
)
def test_nothing_of_a_name_vanishes(name: str, shown: str) -> None:
    assert sanitize(name, name=True) == shown


IGNORABLE = [chr(code) for first, last in DEFAULT_IGNORABLE for code in range(first, last + 1)]


def test_every_default_ignorable_character_is_removed_from_text_and_shown_in_names() -> None:
    assert len(IGNORABLE) == 4174  # the total of DerivedCoreProperties.txt
    assert all(sanitize(f"a{character}b") == "ab" for character in IGNORABLE)
    assert all(sanitize(f"a{character}b", name=True) == "a\ufffdb" for character in IGNORABLE)


@settings(deadline=None, max_examples=300)
@given(
    st.text(
        st.sampled_from("aبक्👩🏴❤1\u200c\u200d\ufe0f\u0316\u0315\u0301\u0338=\U000e0067\U000e007f\u0ccd \n")
    )
)
def test_twice_is_once_with_joiners_and_marks_side_by_side(text: str) -> None:
    for name in (False, True):
        once = sanitize(text, name=name)
        assert sanitize(once, name=name) == once


@settings(deadline=None, max_examples=200)
@given(HOSTILE)
def test_names_keep_their_length_in_signs(text: str) -> None:
    clean = sanitize(text, name=True)
    assert not set(clean) & set(FORBIDDEN)
    assert sanitize(clean, name=True) == clean
    assert clean.split() == [*filter(None, clean.replace("\u3000", " ").split(" "))]


@pytest.mark.parametrize(
    ("word", "known", "question"),
    [
        ("oregn", ["oregon", "sydney"], 'Did you mean "oregon"?'),
        ("MUSIC", ["cars", "music"], 'Did you mean "music"?'),
        ("alarmmail", ["alarmEmail", "prefix"], 'Did you mean "alarmEmail"?'),
        ("qqqq", ["oregon", "sydney"], None),
        ("x", [], None),
        ("", ["oregon"], None),
    ],
)
def test_only_a_near_word_is_suggested(word: str, known: list[str], question: str | None) -> None:
    assert did_you_mean(word, known) == question


@settings(deadline=None, max_examples=100)
@given(st.text(), st.lists(st.text()))
def test_a_suggested_word_is_a_known_one(word: str, known: list[str]) -> None:
    question = did_you_mean(word, known, prefix="/")
    assert question is None or question in {f'Did you mean "/{each}"?' for each in known}


def test_a_sentence_ends_with_its_suggestion_if_there_is_one() -> None:
    assert suggest("There is no x.", "jion", ["join"], prefix="/") == 'There is no x. Did you mean "/join"?'
    assert suggest("There is no x.", "zzz", ["join"], prefix="/") == "There is no x."


def test_where_no_word_is_near_all_are_listed() -> None:
    assert hint("stauts", ["status", "up"]) == 'Did you mean "status"?'
    assert hint("zzz", ["status", "up"]) == "There are: status, up."


def test_nouns_are_counted() -> None:
    assert [plural(count, "file") for count in (0, 1, 2_000)] == ["0 files", "1 file", "2,000 files"]
    assert [plural(count, "address", "addresses") for count in (1, 2)] == ["1 address", "2 addresses"]


def test_needs_no_textual() -> None:
    code = "import sys, globalchat.core.text; sys.exit('textual' in sys.modules or 'rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_text_of_files_is_decoded() -> None:
    assert decode(b"") == ""
    assert decode(b"a\x00") == "a\x00"
    assert decode("\ufeff\ufeffé".encode()) == "\ufeffé"
    for raw in (b"\xff", b"caf\xe9"):
        with pytest.raises(NotUtf8, match="not UTF-8"):
            decode(raw)

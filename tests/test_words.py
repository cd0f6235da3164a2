"""The check of words finds what is not used here, and leaves good English alone."""

import ast
from pathlib import Path
from types import ModuleType

import pytest

from tests.paths import load_tool

PAGE = Path("page.md")
MODULE = Path("tui/globalchat/module.py")


@pytest.fixture(scope="module")
def words() -> ModuleType:
    """The tool that looks for them."""
    return load_tool("words")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The socket is opened anew.", "anew"),
        ("The user is told why.", "told"),
        ("A row tells the region.", "tells"),
        ('"frob" is no command.', '" is no'),
        ("Ask somebody else.", "somebody"),
        ("In 5 s from the begin.", "the begin"),
        ("It was refused for good.", "for good"),
        ("JSON, one a line.", "one a line"),
    ],
)
def test_refused_words_are_found(words: ModuleType, text: str, found: str) -> None:
    assert [each.word for each in words.prose_findings(PAGE, 1, f"First line.\n{text}")] == [found]
    assert [each.line for each in words.prose_findings(PAGE, 1, f"First line.\n{text}")] == [2]
    assert [each.word for each in words.python_findings(MODULE, f"# {text.upper()}")] == [found.upper()]


def test_a_file_without_such_words_is_not_taken_apart(words: ModuleType) -> None:
    assert not words.MAY_HOLD.search('def sends() -> str:\n    """Return what it sends."""')


@pytest.mark.parametrize(
    "text",
    [
        "Two equal messages cannot be told apart.",
        "The last octet tells one machine from another.",
        "There is no channel, and it is no longer joined.",
        "At the beginning of the file; begin there.",
        "A renewed connection, likely wise.",
        "Two minutes, and one for good measure; one per line, and one at a time.",
    ],
)
def test_good_english_is_left_alone(words: ModuleType, text: str) -> None:
    assert list(words.prose_findings(PAGE, 1, text)) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("class SendDesk: ...", ["SendDesk"]),
        ("def fulfil_wish() -> None: ...", ["fulfil_wish"]),
        ("def f(keeper: int) -> None: ...", ["keeper"]),
        ("def f():\n    self.lane = 1", ["lane"]),
        ("class Plane: ...\ndef appear() -> None: ...\noutstanding = 1", []),
    ],
)
def test_refused_names_are_found_where_they_are_defined(
    words: ModuleType, source: str, found: list[str]
) -> None:
    assert [each.word for each in words.name_findings(MODULE, ast.walk(ast.parse(source)))] == found


def test_modules_are_named_by_nouns(words: ModuleType) -> None:
    empty: list[ast.AST] = []
    assert [each.word for each in words.name_findings(Path("tui/keeping.py"), empty)] == ["keeping"]
    assert not list(words.name_findings(Path("tui/recording.py"), empty))
    assert not list(words.name_findings(Path("tests/test_using_messages.py"), empty))


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('def f():\n    """Whether it is closed."""', ["Whether"]),
        ('async def f():\n    """What it is about."""', ["What"]),
        ('@property\ndef f():\n    """Return the name."""', ["Return"]),
        ('@cached_property\ndef f():\n    """How long it lasted."""', ["How"]),
        ('class A:\n    def __init__(self, b):\n        """`b` is in seconds."""', ["`b`"]),
        ('def f():\n    """Return True if it is closed."""', []),
        ('@property\ndef f():\n    """The name; whether it is shown is another question."""', []),
        ('@property\ndef f():\n    """True if it is closed."""', []),
        ('class A:\n    """Waits `b` seconds."""\n    def __init__(self, b): ...', []),
    ],
)
def test_docstrings_have_one_form(words: ModuleType, source: str, found: list[str]) -> None:
    assert [each.word for each in words.summary_findings(MODULE, ast.walk(ast.parse(source)))] == found

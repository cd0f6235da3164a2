"""Nothing stays of what was on a row before, whatever width the terminal gives an emoji."""

import pyte
import pytest
from rich.cells import cell_len

from globalchat.ui.terminal_driver import pinned

CELLS = 30
TEXTS = {
    "selected": "❤\ufe0f ☎\ufe0f ✈\ufe0f ☀\ufe0f received",
    "keycaps": "1\ufe0f\u20e3 #\ufe0f\u20e3",
    "digit in emoji style": "7\ufe0f",
    "skin": "👍🏽 ☝🏿",
    "joined": "👩🏽\u200d🚀 ❤\ufe0f\u200d🔥 🏳\ufe0f\u200d🌈 👨\u200d👩\u200d👧",
    "flags": "🇩🇪🇫🇷",
}


def drawn(*frames: str) -> pyte.Screen:
    """Return the screen of a terminal that gives U+FE0F no width of its own."""
    screen = pyte.Screen(60, 2)
    stream = pyte.Stream(screen)
    for frame in frames:
        stream.feed(frame)
    return screen


def row(text: str) -> str:
    return "\x1b[1;1H" + text + " " * (CELLS - cell_len(text)) + "|"


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_follows_stands_in_its_column_and_nothing_is_left_behind(text: str) -> None:
    screen = drawn("\x1b[1;1H" + "old" * 20, pinned(row(text)))
    assert screen.buffer[0][CELLS].data == "|"
    assert screen.cursor.x == CELLS + 1
    assert not {screen.buffer[0][x].data for x in range(cell_len(text), CELLS)} - {" "}


def test_without_it_the_row_would_end_early() -> None:
    screen = drawn("\x1b[1;1H" + "old" * 20, row(TEXTS["selected"]))
    assert screen.buffer[0][CELLS].data != "|"


@pytest.mark.parametrize("data", ["\x1b]0;❤\ufe0f\a", "plain", "日本", "👍 ❤", "a\ufe0f", "\x1b[31m"])
def test_what_is_not_in_doubt_stays(data: str) -> None:
    assert pinned(data) == data


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_text_and_order_stay(text: str) -> None:
    shown = pinned(text)
    for sequence in ("\x1b7", "\x1b8", "\x1b[2C", "\x1b[1C"):
        shown = shown.replace(sequence, "")
    assert "".join(shown.split()) == "".join(text.split())

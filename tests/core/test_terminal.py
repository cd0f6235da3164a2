"""The window's own size, and what the variables about a terminal say."""

import fcntl
import io
import os
import struct
import termios
from collections.abc import Iterator
from typing import TextIO

import pytest

from globalchat.core.terminal import can_draw, wants_no_colour, window_size


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> Iterator[TextIO]:
    """A terminal of 60 × 20, in an environment that says otherwise."""
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("LINES", "40")
    keyboard, screen = os.openpty()
    resize(screen, 60, 20)
    with os.fdopen(screen, "w") as stream:
        yield stream
    os.close(keyboard)


def resize(window: int, columns: int, rows: int) -> None:
    fcntl.ioctl(window, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def test_the_window_knows_better_than_the_environment(window: TextIO) -> None:
    assert window_size(None, io.StringIO(), window) == (60, 20)
    resize(window.fileno(), 110, 34)
    assert window_size(window) == (110, 34)


def test_the_environment_holds_where_no_terminal_can_be_asked(
    window: TextIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert window_size() == (120, 40)
    assert window_size(io.StringIO()) == (120, 40)
    resize(window.fileno(), 0, 0)  # a serial line, or a container without one
    assert window_size(window) == (120, 40)
    monkeypatch.delenv("COLUMNS")
    assert window_size(window)[1] == 40


@pytest.mark.parametrize("term", ["dumb", "unknown", "", None])
def test_some_terminals_cannot_draw(term: str | None) -> None:
    assert not can_draw({} if term is None else {"TERM": term})
    assert can_draw({"TERM": "xterm"})


def test_an_empty_no_color_means_nothing() -> None:
    assert [wants_no_colour(each) for each in ({}, {"NO_COLOR": ""}, {"NO_COLOR": "0"})] == [
        False,
        False,
        True,
    ]

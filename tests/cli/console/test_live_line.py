"""One line that is written over, or plain lines."""

import errno
import io
import os

import pytest

from globalchat.cli.console.live_line import LiveLine


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_one_line_that_is_written_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    now, stream = [0.0], Terminal()
    live = LiveLine(stream, width=6, clock=lambda: now[0])
    live.clear()
    live.show("a", "one")
    live.show("a", "too soon")
    now[0] = 1.0
    live.show("a", "longer than that")
    live.show("b", "b")
    live.clear()
    live.clear()
    assert stream.getvalue() == "\r\x1b[Kone\r\x1b[Klonge\r\x1b[Kb\r\x1b[K"


def test_elsewhere_plain_lines_come_rarely() -> None:
    now, stream = [0.0], io.StringIO()
    live = LiveLine(stream, width=6, clock=lambda: now[0])
    for moment in (0.0, 1.0, 4.9, 5.0, 9.0):
        now[0] = moment
        live.show("running", f"{moment} seconds")
    live.show("draining", "end")
    live.clear()
    assert stream.getvalue() == "0.0 seconds\n5.0 seconds\nend\n"


class Full(io.StringIO):
    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_where_nobody_listens_nothing_is_said() -> None:
    for stream in (None, Full()):
        live = LiveLine(stream, width=6, clock=lambda: 0.0)
        live.show("a", "one")
        live.clear()
        live.show("b", "two")


def test_a_terminal_that_cannot_write_over_a_line_gets_plain_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    LiveLine(stream, width=6, clock=lambda: 0.0).show("a", "plain and whole")
    assert stream.getvalue() == "plain and whole\n"

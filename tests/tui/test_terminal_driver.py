"""A terminal that another program has taken over, or that one of the streams does not lead to."""

import errno
import os
import pty
from pathlib import Path

import pytest
from textual.drivers.linux_driver import LinuxDriver

from tests.tui.driver import make
from tests.tui.fake_session import FakeSession
from tui.terminal_driver import HUNG_UP, TerminalDriver, canvas


def test_the_chat_ends_where_it_may_no_longer_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: LinuxDriver) -> None:
        raise OSError(errno.EIO, "Input/output error")

    app = make(FakeSession())
    called: list[object] = []
    monkeypatch.setattr(LinuxDriver, "run_input_thread", refuse)
    monkeypatch.setattr(app, "call_later", lambda *call: called.append(call))
    driver = object.__new__(TerminalDriver)  # a whole one would take over this process's terminal
    driver._app = app
    driver.run_input_thread()
    assert called == [(app.exit, None, HUNG_UP)]


def test_the_chat_is_drawn_where_a_terminal_is_whatever_the_locale_says(tmp_path: Path) -> None:
    keyboard, screen = pty.openpty()
    with (tmp_path / "log").open("w") as log, os.fdopen(screen, "w", encoding="latin-1") as terminal:
        assert canvas(log, terminal) is terminal
        assert canvas(None, log) is None
        terminal.write("─")
        terminal.flush()
        assert os.read(keyboard, 10) == "─".encode()
    os.close(keyboard)

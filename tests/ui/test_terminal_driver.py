"""A terminal that another program has taken over, for a while or for good; streams that do not lead to it."""

import errno
import os
import pty
from pathlib import Path

import pytest
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver

from globalchat.ui.terminal_driver import HUNG_UP, TerminalDriver, canvas
from tests.ui.helpers.chat_driver import SMALL, make, running, spied
from tests.ui.helpers.fake_session import FakeSession


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


async def test_all_is_drawn_anew_after_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(SMALL, live=False) as chat:
        drawn: list[object] = []
        monkeypatch.setattr(chat.app, "refresh", spied(chat.app.refresh, drawn))
        chat.app.post_message(Driver.SignalResume())
        await chat.until(lambda: drawn)

"""A terminal that another program has taken over."""

import errno

import pytest
from textual.drivers.linux_driver import LinuxDriver

from tests.tui.driver import make
from tests.tui.fake_session import FakeSession
from tui.terminal_driver import HUNG_UP, TerminalDriver


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

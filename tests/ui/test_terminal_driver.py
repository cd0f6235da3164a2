"""A terminal that another program has taken over, briefly or permanently; streams that do not lead to it."""

import errno
import os
import pty
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver

from globalchat.ui.terminal_driver import HUNG_UP, TerminalDriver, canvas
from tests.ui.helpers.chat_driver import SMALL, make, running, spied
from tests.ui.helpers.fake_session import FakeSession


def test_the_chat_ends_where_it_may_no_longer_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: TerminalDriver) -> None:
        raise OSError(errno.EIO, "Input/output error")

    app = make(FakeSession())
    called: list[object] = []
    monkeypatch.setattr(TerminalDriver, "_read_input", refuse)
    monkeypatch.setattr(app, "call_later", lambda *call: called.append(call))
    driver = object.__new__(TerminalDriver)  # a whole one would take over this process's terminal
    driver._app = app
    driver.run_input_thread()
    assert called == [(app.exit, None, HUNG_UP)]


@pytest.mark.parametrize(("number", "ends"), [(errno.EIO, True), (errno.EINTR, False), (None, False)])
def test_the_chat_ends_where_the_terminal_may_not_be_changed(
    number: int | None, ends: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(*_: object) -> None:
        if number is not None:
            raise termios.error(number, "refused")

    app = make(FakeSession())
    ended: list[object] = []
    monkeypatch.setattr(app, "exit", lambda *given: ended.append(given))
    monkeypatch.setattr(LinuxDriver, "start_application_mode", lambda _: None)
    monkeypatch.setattr(termios, "tcgetattr", lambda _: [])
    monkeypatch.setattr(termios, "tcsetattr", change)
    driver = object.__new__(TerminalDriver)
    driver._app, driver._writer_thread, driver.fileno = app, None, 0
    driver.start_application_mode()
    assert ended == ([(None, HUNG_UP)] if ends else [])


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


@pytest.fixture
def typed() -> Iterator[tuple[TerminalDriver, int]]:
    """A driver that reads from a pipe, and the end to write to."""
    reading, writing = os.pipe()
    driver = object.__new__(TerminalDriver)
    driver.fileno = reading
    yield driver, writing
    os.close(reading)


def test_lines_that_follow_at_once_are_read_in_one_go(typed: tuple[TerminalDriver, int]) -> None:
    driver, keyboard = typed
    os.write(keyboard, b"x" * 4096 + b"\ry\r" + b"z" * 4096)
    assert len(driver._read_burst()) == 2 * 4096 + 3
    os.write(keyboard, b"\x1b[A\r" * 2000)  # keys, and no text: they do not wait for more
    assert len(driver._read_burst()) == 4096
    os.close(keyboard)


def test_a_terminal_that_ends_is_gone(typed: tuple[TerminalDriver, int]) -> None:
    driver, keyboard = typed
    os.close(keyboard)
    with pytest.raises(OSError, match="gone"):
        driver._read_burst()

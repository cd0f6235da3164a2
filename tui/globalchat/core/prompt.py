"""Asks a question on the controlling terminal, and restores that terminal whatever happens."""

import os
import signal
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Protocol

from globalchat.core.text import sanitize

TERMINAL = "/dev/tty"
_ENDINGS = (signal.SIGTERM, signal.SIGHUP)
"""Signals that end a process without any `finally`."""


class CodePrompter(Protocol):
    """Asks for the code of an MFA device, and prints lines beside it."""

    @property
    def has_user(self) -> bool:
        """True if there is a terminal to ask on."""

    def ask(self, question: str) -> str:
        """Ask and return the answer, without its line end.

        Raises:
            EOFError: the terminal gave none (Ctrl-D, or it is gone).
            KeyboardInterrupt: Ctrl-C.
        """

    def say(self, text: str) -> None:
        """Print a line."""


class TerminalPrompter:
    """Asks on the controlling terminal, as ssh and sudo do: standard input may be a pipe of messages."""

    @property
    def has_user(self) -> bool:
        """True if there is a controlling terminal and not everything of this process goes elsewhere."""
        if not any(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr)):
            return False
        terminal = _open_terminal()
        if terminal is None:
            return False
        os.close(terminal)
        return True

    def ask(self, question: str) -> str:
        """Ask on the terminal. Input is shown, as a code can be used once; no echo has to be restored."""
        terminal = _open_terminal()
        if terminal is None:
            raise EOFError
        try:
            os.write(terminal, sanitize(question, multiline=False).encode())
            return _read_line(terminal)
        except BaseException:
            with suppress(OSError):
                os.write(terminal, b"\n")  # the shell's prompt gets a line of its own
            raise
        finally:
            os.close(terminal)

    def say(self, text: str) -> None:
        """Write a line to standard error, if it is open."""
        if sys.stderr is not None:
            with suppress(OSError):
                sys.stderr.write(sanitize(text, multiline=False) + "\n")
                sys.stderr.flush()


@contextmanager
def kept_terminal() -> Iterator[None]:
    """Leave the controlling terminal as it is, and end what was begun: after errors, Ctrl-C, SIGTERM, SIGHUP.

    For what other programs do: a credential process that asks for a password switches the echo off, and is
    killed with it off. The signals are caught in the main thread alone, as Python has it.
    """
    is_main = threading.current_thread() is threading.main_thread()
    taken = [each for each in _ENDINGS if is_main and signal.getsignal(each) is signal.SIG_DFL]
    ended_by: _Signal | None = None
    with _settings_kept():
        try:
            for number in taken:
                signal.signal(number, _raise)
            yield
        except _Signal as end:
            ended_by = end
        finally:
            for number in taken:
                signal.signal(number, signal.SIG_DFL)
    # Now with the system's own action: the parent sees which signal ended it.
    if ended_by is not None:
        os.kill(os.getpid(), ended_by.number)


@contextmanager
def _settings_kept() -> Iterator[None]:
    terminal = _open_terminal()
    if terminal is None:
        yield
        return
    try:
        before = termios.tcgetattr(terminal)
        try:
            yield
        finally:
            # From the background, a change of the terminal would stop this process.
            if os.tcgetpgrp(terminal) == os.getpgrp() and termios.tcgetattr(terminal) != before:
                termios.tcsetattr(terminal, termios.TCSANOW, before)
    finally:
        os.close(terminal)


class _Signal(BaseException):
    """A signal that ends this process, once what was begun is cleaned up."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _raise(number: int, _: FrameType | None) -> None:
    raise _Signal(number)


def _open_terminal() -> int | None:
    """Return a descriptor of the controlling terminal; None if there is none."""
    try:
        return os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return None


def _read_line(terminal: int) -> str:
    line = b""
    while not line.endswith(b"\n"):
        try:
            more = os.read(terminal, 1024)
        except OSError:  # the terminal was closed
            raise EOFError from None
        if not more:
            raise EOFError
        # A line may come in pieces: it is long, or pasted.
        line += more
    return line.decode(errors="replace").rstrip("\r\n")

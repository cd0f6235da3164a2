"""Asks a question on the controlling terminal, and restores the terminal whatever happens."""

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
    """Asks for the code of an MFA device, and prints lines."""

    @property
    def has_user(self) -> bool:
        """True if there is a terminal to ask on."""

    @property
    def is_silent(self) -> bool:
        """True if something else uses the terminal: neither this nor a program may touch it."""

    def ask(self, question: str) -> str:
        """Ask a question and return the answer, without its line feed.

        Raises:
            EOFError: there was no answer (Ctrl-D, or the terminal is gone).
            KeyboardInterrupt: Ctrl-C.
        """

    def say(self, text: str) -> None:
        """Print a line."""


class TerminalPrompter:
    """Asks on the controlling terminal, like ssh and sudo, since standard input may be a pipe of messages.

    With `is_silent` it leaves the terminal alone: there is no user to ask, and nothing is printed.
    """

    def __init__(self, *, is_silent: bool = False) -> None:
        self.is_silent = is_silent

    @property
    def has_user(self) -> bool:
        """True if there is a controlling terminal and a standard stream leads to a terminal."""
        if self.is_silent:
            return False
        # With both redirected, this is most likely run by a script, which a question would stop.
        if not any(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr)):
            return False
        terminal = _open_terminal()
        if terminal is None:
            return False
        os.close(terminal)
        return True

    def ask(self, question: str) -> str:
        """Ask on the terminal.

        The input is echoed: a code works only once, and no echo has to be restored.
        """
        terminal = _open_terminal()
        if terminal is None:
            raise EOFError
        try:
            os.write(terminal, sanitize(question, multiline=False).encode())
            return _read_line(terminal)
        except BaseException:
            with suppress(OSError):
                os.write(terminal, b"\n")  # Ctrl-C left the cursor in the question's line.
            raise
        finally:
            os.close(terminal)

    def say(self, text: str) -> None:
        """Write a line to standard error, if it is open."""
        if sys.stderr is not None and not self.is_silent:
            with suppress(OSError):
                sys.stderr.write(sanitize(text, multiline=False) + "\n")
                sys.stderr.flush()


@contextmanager
def kept_terminal() -> Iterator[None]:
    """Restore the controlling terminal after the block, also after errors, Ctrl-C, SIGTERM and SIGHUP.

    For child processes: a credential process that asks for a password turns the echo off, and may be killed
    before it turns it on. Signals are caught only in the main thread, as Python requires.
    """
    is_main = threading.current_thread() is threading.main_thread()
    # A handler that the program has set itself stays.
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
    # Raised again with the default action, so that the parent sees which signal ended the process.
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
            # In the background, changing the terminal would stop this process (SIGTTOU).
            if os.tcgetpgrp(terminal) == os.getpgrp() and termios.tcgetattr(terminal) != before:
                termios.tcsetattr(terminal, termios.TCSANOW, before)
    finally:
        os.close(terminal)


class _Signal(BaseException):
    """Raised for a signal that ends this process, so that `finally` blocks run first."""

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
        except OSError:  # Closed meanwhile: there is no terminal to restore.
            raise EOFError from None
        if not more:
            raise EOFError
        # A long or pasted line may arrive in pieces.
        line += more
    return line.decode(errors="replace").rstrip("\r\n")

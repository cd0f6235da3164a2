"""A command in a pseudo-terminal, seen as a person sees it."""

import fcntl
import os
import signal
import struct
import termios
import threading
from collections.abc import Callable

import pyte

from tests.e2e.helpers.processes import SECONDS, Home

COLUMNS, ROWS = 120, 36


class Terminal:
    """The process, its keyboard and its screen.

    Attributes:
        raw: Every byte that came out.
        line_before: The settings of the terminal's line at first.
        line_after: The same after the process ended.
    """

    def __init__(self, home: Home, *arguments: str, installed: bool = False) -> None:
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._ended = self._closing = False
        self.raw = b""
        self._keyboard, terminal = os.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.line_before: object = termios.tcgetattr(self._keyboard)
        self.line_after: object = None
        self.process = home.launch(
            *arguments,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            new_session=True,
            installed=installed,
        )
        os.close(terminal)
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def text(self) -> str:
        """The text on the screen."""
        with self._changed:
            screen = self._screen
            if len(self._lines) != screen.lines:
                self._lines = [""] * screen.lines
                screen.dirty.update(range(screen.lines))
            for row in screen.dirty.intersection(range(screen.lines)):
                cells = screen.buffer[row]
                self._lines[row] = "".join(cells[column].data for column in range(screen.columns)).rstrip()
            screen.dirty.clear()
            return "\n".join(self._lines)

    def wait(self, seen: Callable[[str], bool], what: str) -> None:
        """Wait until the screen shows it."""
        with self._changed:
            self._changed.wait_for(lambda: seen(self.text) or self._ended, SECONDS)
            assert seen(self.text), f"{what} was not seen on:\n{self.text}"

    def wait_for(self, text: str) -> None:
        """Wait until the screen shows the text."""
        self.wait(lambda screen: text in screen, repr(text))

    def wait_for_output(self, data: bytes) -> None:
        """Wait until it has written these bytes."""
        with self._changed:
            self._changed.wait_for(lambda: data in self.raw or self._ended, SECONDS)
            assert data in self.raw, self.raw

    def press(self, keys: str) -> None:
        """Press keys."""
        self.send(keys.encode())

    def send(self, data: bytes) -> None:
        """Send bytes as a terminal does, whatever they are."""
        os.write(self._keyboard, data)

    def say(self, text: str) -> None:
        """Type a text and send it."""
        self.press(text)
        self.wait_for(text)
        self.press("\r")

    def resize(self, columns: int, rows: int) -> None:
        """Make the window another size."""
        with self._changed:
            self._screen.resize(rows, columns)
            fcntl.ioctl(self._keyboard, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process.send_signal(signal.SIGWINCH)  # it is not the terminal's foreground process

    def hang_up(self) -> None:
        """Close the window: what is written from now on fails."""
        self._closing = True
        self.press("x")  # it is drawn, and the reader sees that it is to close
        with self._changed:
            assert self._changed.wait_for(lambda: self._ended, SECONDS)

    def end(self) -> int:
        """Wait until it has ended and all that it wrote has been read; the exit code."""
        code = self.process.wait(SECONDS)
        with self._changed:
            assert self._changed.wait_for(lambda: self._ended, SECONDS)
        return code

    def _read(self) -> None:
        try:
            while not self._closing and (data := os.read(self._keyboard, 65536)):
                with self._changed:
                    self.raw += data
                    self._stream.feed(data)
                    self._changed.notify_all()
        except OSError:
            pass  # the other end is closed: the chat has ended
        finally:
            with self._changed:
                self.line_after = termios.tcgetattr(self._keyboard)
                self._ended = True
                self._changed.notify_all()
            os.close(self._keyboard)

"""A command in a pseudo-terminal, seen as a person sees it."""

import fcntl
import os
import struct
import subprocess
import termios
import threading
from collections.abc import Callable

import pyte

from tests.e2e.processes import COMMAND, SECONDS, Home

COLUMNS, ROWS = 120, 36


class Terminal:
    """The process, its keyboard and its screen."""

    def __init__(self, home: Home, *arguments: str) -> None:
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self._changed = threading.Condition()
        self._ended = False
        self._keyboard, terminal = os.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.process = subprocess.Popen(
            [COMMAND, *arguments],
            env=home.env,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            text=True,
        )
        os.close(terminal)
        home.keep(self.process)
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def wait(self, seen: Callable[[str], bool], what: str) -> None:
        """Wait until the screen shows it."""
        with self._changed:
            self._changed.wait_for(lambda: seen(self.text) or self._ended, SECONDS)
            assert seen(self.text), f"{what} was not seen on:\n{self.text}"

    def wait_for(self, text: str) -> None:
        """Wait until the screen shows the text."""
        self.wait(lambda screen: text in screen, repr(text))

    def press(self, keys: str) -> None:
        """Press keys."""
        os.write(self._keyboard, keys.encode())

    def say(self, text: str) -> None:
        """Type a text and send it."""
        self.press(text)
        self.wait_for(text)
        self.press("\r")

    def _read(self) -> None:
        try:
            while data := os.read(self._keyboard, 65536):
                with self._changed:
                    self._stream.feed(data)
                    self._changed.notify_all()
        except OSError:
            pass  # the other end is closed: the chat has ended
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()
            os.close(self._keyboard)

"""Programs in pseudo-terminals."""

import fcntl
import os
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from typing import Final

COLUMNS: Final = 120


def start(
    command: Sequence[str], *, rows: int, environment: Mapping[str, str]
) -> tuple["subprocess.Popen[bytes]", int]:
    """Start a program. Return its process, and the descriptor of its keyboard and its output."""
    keyboard, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, COLUMNS, 0, 0))
    # The size is that of the pseudo-terminal, whatever the environment says.
    known = {name: value for name, value in environment.items() if name not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        command,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**known, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
        start_new_session=True,
    )
    os.close(terminal)
    return process, keyboard


class Terminal:
    """A program in a pseudo-terminal, whose keys are pressed and whose output is read."""

    def __init__(self, command: list[str], *, rows: int) -> None:
        self.process, self._keyboard = start(command, rows=rows, environment=os.environ)

    def write(self, keys: str) -> None:
        """Press keys."""
        os.write(self._keyboard, keys.encode())

    def wait_for(self, text: str, timeout: float) -> bool:
        """Read until `text` is drawn. Return False after `timeout` seconds."""
        wanted, seen = text.encode(), b""
        deadline = time.monotonic() + timeout
        while wanted not in seen:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._keyboard], [], [], left)[0]:
                return False
            seen = seen[-len(wanted) :] + os.read(self._keyboard, 65536)
        return True

    def drain(self, seconds: float) -> None:
        """Read for a while."""
        self.wait_for("\0never drawn\0", seconds)

    def end(self) -> None:
        """Press Ctrl+Q and wait for the end."""
        self.write("\x11")
        deadline = time.monotonic() + 10
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                self.drain(0.1)
            except OSError:  # the other end is closed
                break
        self.process.wait(10)
        os.close(self._keyboard)

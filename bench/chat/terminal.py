"""Starts a program in a pseudo-terminal of its own."""

import fcntl
import os
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from typing import Final

COLUMNS: Final = 120


def start(
    command: Sequence[str], *, rows: int, environment: Mapping[str, str]
) -> tuple["subprocess.Popen[bytes]", int]:
    """Start a program; its process, and the descriptor at which its keyboard is and its screen comes out."""
    keyboard, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, COLUMNS, 0, 0))
    # The size is the terminal's, whatever the tester's own says.
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

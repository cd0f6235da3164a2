"""A process with a pseudo-terminal of its own as its controlling terminal, as a shell would start it."""

import os
import subprocess
import sys
import termios
import threading
from collections.abc import Mapping, Sequence

SECONDS = 30.0
_TAKE = """
import fcntl, os, sys, termios
fcntl.ioctl(int(sys.argv[1]), termios.TIOCSCTTY, 0)
os.execv(sys.argv[2], sys.argv[2:])
"""


class ControllingTerminal:
    """The process, what it wrote to the terminal, and the settings of the terminal's line.

    Args:
        command: the program and its arguments.
        env: its environment.
        piped: with standard input and error elsewhere, so that only the terminal itself leads to a person.
    """

    def __init__(self, command: Sequence[str], env: Mapping[str, str], *, piped: bool = False) -> None:
        self._keyboard, self._terminal = os.openpty()
        self.settings: object = termios.tcgetattr(self._terminal)
        self.written = b""
        self._changed = threading.Condition()
        take = [sys.executable, "-c", _TAKE, str(self._terminal), *command]
        stream = subprocess.DEVNULL if piped else self._terminal
        self.process = subprocess.Popen(
            take,
            stdin=stream,
            stdout=self._terminal,
            stderr=stream,
            env=env,
            start_new_session=True,
            pass_fds=[self._terminal],
        )
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def text(self) -> str:
        """All that was written so far."""
        with self._changed:
            return self.written.decode(errors="replace")

    @property
    def is_as_before(self) -> bool:
        """True if the terminal's line has the settings that it had at first."""
        return termios.tcgetattr(self._terminal) == self.settings

    def wait_for(self, text: str) -> None:
        """Wait until it has written the text."""
        with self._changed:
            self._changed.wait_for(lambda: text.encode() in self.written, SECONDS)
            assert text.encode() in self.written, self.written.decode(errors="replace")

    def press(self, keys: str) -> None:
        """Press keys; ^C is "\\x03"."""
        os.write(self._keyboard, keys.encode())

    def end(self) -> int:
        """Wait for its end; the exit code, negative if a signal ended it."""
        return self.process.wait(SECONDS)

    def close(self) -> None:
        """End it, and give the terminal back."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(SECONDS)
        os.close(self._terminal)

    def _read(self) -> None:
        try:
            while data := os.read(self._keyboard, 65536):
                with self._changed:
                    self.written += data
                    self._changed.notify_all()
        except OSError:
            pass  # the last of the other end is closed
        finally:
            os.close(self._keyboard)

"""The other end of `fork_server`: processes that look like those of `subprocess`, without an exec."""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

from tests.e2e.helpers import fork_server
from tests.e2e.helpers.fork_server import Request

GIVE_UP = 30.0
"""Seconds that a fork may take, loading what is forked included."""


@dataclass
class Forked:
    """A process that the server has forked.

    Attributes:
        pid: Its process id.
        returncode: Its exit code once `wait` or `poll` saw it end, or minus the signal that ended it.
        stdin: What it reads, its standard output and its standard error, if they are pipes made for it.
    """

    pid: int
    _status: int
    returncode: int | None = None
    stdin: IO[bytes] | None = None
    stdout: IO[bytes] | None = None
    stderr: IO[bytes] | None = None

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        if self.returncode is None:
            self._ended(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; the exit code.

        Raises:
            subprocess.TimeoutExpired: it runs on.
        """
        if self.returncode is None and not self._ended(timeout):
            raise subprocess.TimeoutExpired("globalchat", timeout or 0)
        assert self.returncode is not None
        return self.returncode

    def communicate(self, given: bytes, timeout: float) -> tuple[bytes, bytes]:
        """Feed it, and wait for its end; what it wrote on standard output and standard error.

        Raises:
            subprocess.TimeoutExpired: it ran on, and was killed.
        """
        assert self.stdin is not None
        assert self.stdout is not None
        assert self.stderr is not None
        with ThreadPoolExecutor(2) as pool, self.stdout, self.stderr:
            outputs = [pool.submit(stream.read) for stream in (self.stdout, self.stderr)]
            with suppress(BrokenPipeError), self.stdin:
                self.stdin.write(given)
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
            out, err = (each.result() for each in outputs)
        return out, err

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def _ended(self, seconds: float | None) -> bool:
        if not select.select([self._status], [], [], seconds)[0]:
            return False
        status = os.read(self._status, 100)
        os.close(self._status)
        self.returncode = int(status) if status else -signal.SIGKILL
        return True


def fork(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    stdin: int,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
    new_session: bool = False,
    constants: Mapping[str, float],
) -> Forked:
    """Start a command, with other constants; of a stream that is a pipe the other end is an attribute."""
    theirs: list[int] = []
    opened: list[int] = []
    mine: list[IO[bytes] | None] = []
    for number, given in enumerate((stdin, stdout, stderr)):
        if given != subprocess.PIPE:
            theirs.append(given)
            mine.append(None)
            continue
        reading, writing = os.pipe()
        theirs.append(writing if number else reading)
        opened.append(theirs[-1])
        ours = reading if number else writing
        mine.append(os.fdopen(ours, "rb" if number else "wb"))
    status_reader, status_writer = os.pipe()
    request = Request(
        arguments=[*arguments],
        environment=dict(environment),
        folder=os.getcwd(),
        new_session=new_session,
        constants=dict(constants),
        is_cloud=False,
    )
    socket.send_fds(_server(), [json.dumps(request).encode()], [*theirs, status_writer])
    for each in (*opened, status_writer):
        os.close(each)
    assert select.select([status_reader], [], [], GIVE_UP)[0], "no process was forked"
    answer = os.read(status_reader, 100).split()  # the process id, and the exit code if it has ended by now
    code = int(answer[1]) if len(answer) > 1 else None
    if code is not None:
        os.close(status_reader)
    return Forked(int(answer[0]), status_reader, code, *mine)


@cache
def _server() -> socket.socket:
    """Return the socket to this process's server, which ends with this process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    # What Textual and others read while they are loaded is the same for all homes.
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "GLOBALCHAT_"))
    }
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-P", str(Path(fork_server.__file__)), str(theirs.fileno())],
            stdin=subprocess.PIPE,
            pass_fds=[theirs.fileno()],
            env={**kept, "TERM": "xterm-256color", "TEXTUAL_ANIMATIONS": "none"},
        )

    def end() -> None:
        ours.close()
        process.communicate()

    atexit.register(end)
    return ours

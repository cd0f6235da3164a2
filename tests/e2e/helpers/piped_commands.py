"""Commands whose standard input and output are pipes in the hands of a test, and faults around them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO

from globalchat.localcloud.process import control_client
from tests.e2e.helpers.processes import Home, Lines, Process, Running


@dataclass
class Piped(Running):
    """A command that is fed line by line."""

    stdin: IO[bytes] = field(kw_only=True)

    def feed(self, *lines: str) -> None:
        """Give it lines."""
        self.stdin.write("".join(f"{line}\n" for line in lines).encode())
        self.stdin.flush()


@contextmanager
def piped(home: Home, *arguments: str) -> Iterator[Piped]:
    """Start a command with an open standard input, and read what it says."""
    process = home.launch(*arguments)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        yield Piped(process, Lines(process.stdout), Lines(process.stderr), stdin=process.stdin)
    finally:
        _end(process)


@dataclass
class Unread:
    """A command whose standard output is a pipe without a reader until `close` ends that too."""

    process: Process
    reading: int
    err: Lines

    def close(self) -> None:
        """Take the reader away."""
        os.close(self.reading)
        self.reading = -1


@contextmanager
def unread(home: Home, *arguments: str) -> Iterator[Unread]:
    """Start a command with an open standard input, and read only its narration."""
    reading, writing = os.pipe()
    process = home.launch(*arguments, stdout=writing)
    os.close(writing)
    assert process.stderr is not None
    one = Unread(process, reading, Lines(process.stderr))
    try:
        yield one
    finally:
        _end(process)
        if one.reading >= 0:
            one.close()


@contextmanager
def fault(home: Home, *names: str, region: str | None = None) -> Iterator[None]:
    """Disturb the home's local cloud meanwhile."""
    state = home.running_cloud()
    control_client.set_faults(state, names, region=region)
    try:
        yield
    finally:
        control_client.clear_faults(state, ())


def _end(process: Process) -> None:
    process.kill()
    process.wait()
    if process.stdin is not None:
        with suppress(BrokenPipeError):
            process.stdin.close()

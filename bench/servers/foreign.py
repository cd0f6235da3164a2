"""A server that is not ours: started on its own CPU, watched from outside."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bench import usage
from bench.servers.child import Usage

SECONDS = 30.0


class Foreign:
    """One server process; `ready` is how many seconds it took until it accepted a connection."""

    def __init__(self, process: "subprocess.Popen[bytes]", ready: float) -> None:
        self._process = process
        self.ready = ready

    def usage(self) -> Usage:
        """What the server has used so far."""
        return usage.of(self._process.pid)


@contextmanager
def running(command: Sequence[str], port: int) -> Iterator[Foreign]:
    """Run a server until the block ends.

    Raises:
        SystemExit: it does not come up.
    """
    started = time.monotonic()
    with usage.pinned(0):  # a child inherits its parent's CPUs
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    try:
        _await(process, port)
        yield Foreign(process, time.monotonic() - started)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(process: "subprocess.Popen[bytes]", port: int) -> None:
    give_up = time.monotonic() + SECONDS
    while time.monotonic() < give_up and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.005)
        else:
            return
    sys.exit(f"{process.args!r} did not come up.")


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

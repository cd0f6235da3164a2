"""Server processes, seen from the benchmark: this repository's, which answer, and external ones."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast

from bench.affinity import pinned
from globalchat.measure.process import ProcessUsage, usage_of

BESIDE: Final = "GLOBALCHAT_BENCH_BESIDE"
"""The environment variable with the folder of another checkout, which is measured in the same run."""
START_SECONDS = 30.0
"""Seconds for an external server to accept connections."""


class ServerProcess:
    """A server of this repository in its own process (`bench.servers.harness`).

    Attributes:
        about: What it printed when it was ready.
    """

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.about = self._read()

    def usage(self) -> ProcessUsage:
        """Return what the server has used so far."""
        assert self._process.stdin is not None
        print("usage", file=self._process.stdin, flush=True)
        answer = self._read()
        return ProcessUsage(answer["cpu"], answer["resident"])

    def _read(self) -> Mapping[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            sys.exit("The server under test ended.")
        return cast("Mapping[str, Any]", json.loads(line))


@contextmanager
def server(
    kind: str,
    *arguments: str,
    cpu: int | None = 0,
    module: str = "bench.servers.globalchat_servers",
    checkout: Path | None = None,
) -> Iterator[ServerProcess]:
    """Run a server of a kind of the module, on its own CPU if there are two.

    `checkout` is another working tree of this repository, whose code runs in its place.
    """
    environment = None
    if checkout is not None:
        environment = {**os.environ, "PYTHONPATH": f"{checkout / 'tui'}{os.pathsep}{checkout}"}
    command = [sys.executable, "-m", module, kind, *arguments]
    if cpu is not None:
        command += ["--cpu", str(cpu)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=checkout
    ) as process:
        try:
            yield ServerProcess(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


class ExternalServer:
    """The process of a server that is not of this repository.

    Attributes:
        ready: Seconds until it accepted a connection.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", ready: float) -> None:
        self._process = process
        self.ready = ready

    def usage(self) -> ProcessUsage:
        """Return what the server has used so far."""
        return usage_of(self._process.pid)


@contextmanager
def external_server(command: Sequence[str], port: int) -> Iterator[ExternalServer]:
    """Run a server until the end of the block.

    Raises:
        SystemExit: it does not start.
    """
    started = time.monotonic()
    with pinned(0):  # a child inherits its parent's CPUs
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    try:
        _wait_until_it_accepts(process, port)
        yield ExternalServer(process, time.monotonic() - started)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_it_accepts(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.005)
        else:
            return
    sys.exit(f"{process.args!r} did not start.")


def free_port() -> int:
    """Return a loopback port on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

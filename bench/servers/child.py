"""A server under test, seen from the benchmark."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds so far and resident bytes now."""

    cpu: float
    rss: int


class Child:
    """One server process; `about` is what it told when it was ready."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.about = self._read()

    def usage(self) -> Usage:
        """What the server has used so far."""
        assert self._process.stdin is not None
        print("usage", file=self._process.stdin, flush=True)
        answer = self._read()
        return Usage(answer["cpu"], answer["rss"])

    def _read(self) -> Mapping[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            sys.exit("The server under test ended.")
        return cast("Mapping[str, Any]", json.loads(line))


@contextmanager
def server(
    kind: str, *arguments: str, cpu: int | None = 0, module: str = "bench.servers.ours"
) -> Iterator[Child]:
    """Run `bench.servers.ours`, or a module like it, of a kind, on a CPU of its own if there are two."""
    command = [sys.executable, "-m", module, kind, *arguments]
    if cpu is not None:
        command += ["--cpu", str(cpu)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Child(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()

"""How long `local serve` takes to start, in seconds and CPU time; beside the peers that are installed."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

from bench.results import BenchmarkResult, ComparisonRow, markdown_table
from bench.servers import peers
from globalchat.measure.process import usage_of


@dataclass(frozen=True, slots=True)
class ServerStart:
    """Seconds and CPU seconds until a server was ready, and its memory then, in MB."""

    seconds: float
    cpu: float
    memory: float


def start_once() -> ServerStart:
    """ServerStart and stop a local cloud.

    Raises:
        SystemExit: it does not start.
    """
    with tempfile.TemporaryDirectory() as folder:
        reader, writer = os.pipe()
        start = time.monotonic()
        command = [sys.executable, "-m", "globalchat.localcloud", "serve", "--state-dir", folder]
        with subprocess.Popen([*command, "--ready-fd", str(writer)], pass_fds=[writer]) as process:
            os.close(writer)
            line = b""
            while not line.endswith(b"\n") and (part := os.read(reader, 4096)):
                line += part
            ready = time.monotonic() - start
            os.close(reader)
            if not line or json.loads(line)["error"] is not None:
                sys.exit(f"The local cloud did not start: {line.decode()}")
            used = usage_of(process.pid)
            process.terminate()
    return ServerStart(ready, used.cpu, used.resident / 1024**2)


def start_peers() -> dict[str, ServerStart]:
    """ServerStart and stop each peer that is installed."""
    found: dict[str, ServerStart] = {}
    if node := peers.find_simulator():
        with peers.simulator(node) as (process, _):
            used = process.usage()
            found["Amplify simulator"] = ServerStart(process.ready, used.cpu, used.resident / 1024**2)
    for name, program, run in (
        ("NATS", "nats-server", peers.nats),
        ("mosquitto", "mosquitto", peers.mosquitto),
    ):
        if path := peers.find_program(program):
            with run(path) as (process, _):
                used = process.usage()
                found[name] = ServerStart(process.ready, used.cpu, used.resident / 1024**2)
    return found


def benchmark(*, quick: bool) -> BenchmarkResult:
    """ServerStart all servers in turn, and return the medians."""
    found: dict[str, list[ServerStart]] = {}
    for _ in range(1 if quick else 5):
        for name, start in {"local serve": start_once(), **start_peers()}.items():
            found.setdefault(name, []).append(start)
    medians = {name: _median(starts) for name, starts in found.items()}
    rows = [
        (name, f"{each.seconds:.2f}", f"{each.cpu:.2f}", f"{each.memory:.0f}")
        for name, each in medians.items()
    ]
    local, others = medians["local serve"], {k: v for k, v in medians.items() if k != "local serve"}
    comparisons = [
        ComparisonRow("server ready: CPU s", local.cpu, {name: each.cpu for name, each in others.items()}, 2),
        ComparisonRow(
            "server ready: s", local.seconds, {name: each.seconds for name, each in others.items()}, 2
        ),
    ]
    return BenchmarkResult(markdown_table(("", "ready in s", "CPU s until then", "MB"), rows), comparisons)


def _median(starts: list[ServerStart]) -> ServerStart:
    return ServerStart(
        statistics.median(each.seconds for each in starts),
        statistics.median(each.cpu for each in starts),
        statistics.median(each.memory for each in starts),
    )

"""How long `local serve` takes until it is ready, and what that costs; beside the peers that are there."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

from bench import usage
from bench.findings import Finding, Report
from bench.servers import brokers, simulator
from bench.table import table


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds and CPU seconds until a server was ready, and its MB then."""

    seconds: float
    cpu: float
    memory: float


def start_once() -> Start:
    """Start and end a local cloud.

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
            used = usage.of(process.pid)
            process.terminate()
    return Start(ready, used.cpu, used.rss / 1024**2)


def start_peers() -> dict[str, Start]:
    """Start and end each peer that is installed."""
    found: dict[str, Start] = {}
    if node := simulator.find():
        with simulator.simulator(node) as (process, _):
            used = process.usage()
            found["Amplify simulator"] = Start(process.ready, used.cpu, used.rss / 1024**2)
    for name, program, run in (
        ("NATS", "nats-server", brokers.nats),
        ("mosquitto", "mosquitto", brokers.mosquitto),
    ):
        if path := brokers.find(program):
            with run(path) as (process, _):
                used = process.usage()
                found[name] = Start(process.ready, used.cpu, used.rss / 1024**2)
    return found


def report(*, quick: bool) -> Report:
    """Start all in turn, and tell the medians."""
    found: dict[str, list[Start]] = {}
    for _ in range(1 if quick else 5):
        for name, start in {"local serve": start_once(), **start_peers()}.items():
            found.setdefault(name, []).append(start)
    medians = {name: _median(starts) for name, starts in found.items()}
    rows = [
        (name, f"{each.seconds:.2f}", f"{each.cpu:.2f}", f"{each.memory:.0f}")
        for name, each in medians.items()
    ]
    ours, peers = medians["local serve"], {k: v for k, v in medians.items() if k != "local serve"}
    findings = [
        Finding("server ready: CPU s", ours.cpu, {name: each.cpu for name, each in peers.items()}, 2),
        Finding("server ready: s", ours.seconds, {name: each.seconds for name, each in peers.items()}, 2),
    ]
    return Report(table(("", "ready in s", "CPU s until then", "MB"), rows), findings)


def _median(starts: list[Start]) -> Start:
    return Start(
        statistics.median(each.seconds for each in starts),
        statistics.median(each.cpu for each in starts),
        statistics.median(each.memory for each in starts),
    )

"""How long `local serve` takes until it is ready."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from bench.table import table


def start_once() -> tuple[float, float, float]:
    """Start and end a local cloud; seconds until it is ready, its CPU seconds, its peak memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        reader, writer = os.pipe()
        start = time.monotonic()
        command = [sys.executable, "-m", "localcloud", "serve", "--state-dir", folder]
        process = subprocess.Popen([*command, "--ready-fd", str(writer)], pass_fds=[writer])
        os.close(writer)
        line = b""
        while not line.endswith(b"\n") and (part := os.read(reader, 4096)):
            line += part
        ready = time.monotonic() - start
        os.close(reader)
        process.terminate()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if not line or json.loads(line)["error"] is not None:
        sys.exit(f"The local cloud did not start: {line.decode()}")
    # Bytes on macOS, KB elsewhere.
    peak = used.ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)
    return ready, used.ru_utime + used.ru_stime, peak


def report(*, quick: bool) -> str:
    """Run, and tell the median."""
    runs = [start_once() for _ in range(2 if quick else 7)]
    wall, cpu, memory = (statistics.median(column) for column in zip(*runs, strict=True))
    return table(
        ("", "ready in s", "CPU s (end included)", "peak MB"),
        [("local serve", f"{wall:.2f}", f"{cpu:.2f}", f"{memory:.0f}")],
    )

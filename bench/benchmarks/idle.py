"""The CPU time of a chat that is left alone, with the focus of the terminal and without it.

The chat runs in a pseudo-terminal on a local cloud, with several channels joined; it is measured once the
cursor has stopped blinking. The terminal then reports that it has lost the focus.
"""

import os
import re
import select
import signal
import sys
import tempfile
import time
from typing import Final

from bench.benchmarks.first_frame import COMMAND, NAME, ROWS, environment, local
from bench.chat import terminal
from bench.results import BenchmarkResult, ComparisonRow, markdown_table
from globalchat.measure.process import usage_of

SECONDS: Final = 120.0
"""How long each is measured: the system counts CPU time in steps of 10 ms."""

CALM: Final = 15.0
"""Seconds without a key after which the cursor stays, and a few more."""

_START: Final = 30.0
FOCUS_LOST: Final = b"\x1b[O"
FOCUSED: Final = "focused"
UNFOCUSED: Final = "not focused"


def run(seconds: float, calm: float) -> dict[str, tuple[float, int]]:
    """Return the share of a core (percent) and the bytes drawn, focused and not.

    Raises:
        SystemExit: the chat did not start, or did not ask for focus reports.
    """
    with tempfile.TemporaryDirectory() as home:
        env = environment(home)
        local(env, "up")
        process, keyboard = terminal.start((str(COMMAND), "--name", NAME), rows=ROWS, environment=env)
        try:
            _wait_until_live(keyboard)
            _listen(keyboard, calm)
            found = {FOCUSED: _measure(process.pid, keyboard, seconds)}
            os.write(keyboard, FOCUS_LOST)
            _listen(keyboard, min(calm, 2.0))
            found[UNFOCUSED] = _measure(process.pid, keyboard, seconds)
            return found
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
            os.close(keyboard)
            local(env, "down")


def _measure(pid: int, keyboard: int, seconds: float) -> tuple[float, int]:
    started, before = time.monotonic(), usage_of(pid).cpu
    drawn = _listen(keyboard, seconds)
    return (usage_of(pid).cpu - before) / (time.monotonic() - started) * 100, drawn


def _listen(keyboard: int, seconds: float) -> int:
    """Read what the chat draws for some seconds; return the number of bytes."""
    drawn, end = 0, time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if select.select([keyboard], [], [], left)[0]:
            drawn += len(os.read(keyboard, 65536))
    return drawn


def _wait_until_live(keyboard: int) -> None:
    seen, end = b"", time.monotonic() + _START
    while not all(text in re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", seen) for text in (b"# media", b"live")):
        left = end - time.monotonic()
        if left <= 0 or not select.select([keyboard], [], [], left)[0]:
            sys.exit(f"The chat was not live within {_START:.0f} s.")
        seen += os.read(keyboard, 65536)
    if b"\x1b[?1004h" not in seen:
        sys.exit("The chat did not ask the terminal to report its focus.")


def benchmark(*, quick: bool) -> BenchmarkResult:
    """Measure with the focus, then without it."""
    found = run(1.0, 0.0) if quick else run(SECONDS, CALM)
    rows = [(name, f"{share:.3f}", f"{drawn:,}") for name, (share, drawn) in found.items()]
    heads = ("a chat left alone", "CPU, % of a core", "bytes drawn")
    comparisons = [
        ComparisonRow(f"chat left alone, {name}: CPU, % of a core", share, {}, 3)
        for name, (share, _) in found.items()
    ]
    return BenchmarkResult(markdown_table(heads, rows), comparisons)

"""What the shortest commands cost, beside a Python that does nothing.

A local cloud is started before the first measurement. The commands take turns.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from bench.benchmarks.first_frame import COMMAND, environment, local
from bench.results import BenchmarkResult, ComparisonRow, markdown_table

RUNS: Final = 15
NOTHING: Final = "python -c pass"
_COMMANDS: Final[Mapping[str, Sequence[str]]] = {
    NOTHING: (sys.executable, "-c", "pass"),
    # The floor of a command that sends a request: what it is sent with, and nothing else.
    "python -c 'import aiohttp'": (sys.executable, "-c", "import aiohttp"),
    "python -c 'import aiohttp, gql'": (sys.executable, "-c", "import aiohttp, gql"),
    "globalchat --help": (str(COMMAND), "--help"),
    "globalchat publish, one message": (str(COMMAND), "publish", "cars", "hello", "--profile", "local"),
}


@dataclass(frozen=True, slots=True)
class CommandCost:
    """What a finished command used: CPU ms, and MB at the most."""

    cpu: float
    memory: float


def measure(command: Sequence[str], env: Mapping[str, str]) -> CommandCost:
    """Run a command and return what it used.

    Raises:
        SystemExit: it failed.
    """
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    # Kilobytes, but bytes on macOS.
    per_mb = 1024**2 if sys.platform == "darwin" else 1024
    return CommandCost((used.ru_utime + used.ru_stime) * 1e3, used.ru_maxrss / per_mb)


def benchmark(*, quick: bool) -> BenchmarkResult:
    """Return the medians, and each as a multiple of Python's own."""
    found: dict[str, list[CommandCost]] = {}
    with tempfile.TemporaryDirectory() as home:
        env = environment(home)
        local(env, "up")
        try:
            for _ in range(1 if quick else RUNS):
                for name, command in _COMMANDS.items():
                    found.setdefault(name, []).append(measure(command, env))
        finally:
            local(env, "down")
    costs = {
        name: CommandCost(median(each.cpu for each in runs), median(each.memory for each in runs))
        for name, runs in found.items()
    }
    nothing = costs[NOTHING]
    rows = [
        (name, f"{each.cpu:.0f}", f"{each.cpu / nothing.cpu:.1f} ×", f"{each.memory:.0f}")
        for name, each in costs.items()
    ]
    comparisons = [
        ComparisonRow(f"`{name}`: CPU ms", each.cpu, {NOTHING: nothing.cpu}, 0)
        for name, each in costs.items()
        if name.startswith("globalchat")
    ]
    heads = ("command", "CPU ms", "beside Python alone", "MB")
    return BenchmarkResult(markdown_table(heads, rows), comparisons)

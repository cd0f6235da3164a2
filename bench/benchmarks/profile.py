"""Where the CPU time of a publish goes, by part of the program."""

import asyncio
import pstats
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Final, cast

from bench.affinity import pin
from bench.benchmarks import publish
from bench.results import BenchmarkResult, markdown_table
from bench.servers.processes import server

PARTS: Final = (
    ("JavaScript of the resolvers", "localcloud/appsync/javascript/"),
    ("GraphQL execution (graphql-core)", "/graphql/"),
    ("AppSync: resolvers, authorisation, hub", "localcloud/appsync/"),
    ("EventBridge: rules, queues, targets", "localcloud/events/"),
    ("HTTP and sockets, ours", "localcloud/server/"),
    ("HTTP and sockets, aiohttp", "/aiohttp/"),
    ("event loop", "/asyncio/"),
    ("JSON", "/json/"),
)
"""Parts of the program, and a piece of the paths of their files; the first match counts."""

_BUILTIN: Final = "~"
_SENT: Final = "'send' of '_socket.socket'"

Statistics = dict[tuple[str, int, str], tuple[int, int, float, float, dict[tuple[str, int, str], object]]]


def shares(statistics: Statistics) -> dict[str, float]:
    """Return the share of each part in the CPU time; a built-in function counts for its callers."""
    spent: defaultdict[str, float] = defaultdict(float)
    for (file, _, name), (_, _, own, _, callers) in statistics.items():
        if file != _BUILTIN:
            spent[_part(file)] += own
        elif _SENT in name:
            spent["sending (kernel)"] += own
        elif "select" not in name:
            for caller, counted in callers.items():
                spent[_part(caller[0])] += cast("tuple[int, int, float, float]", counted)[2]
    total = sum(spent.values())
    by_time = sorted(spent.items(), key=lambda item: -item[1])
    return {part: time / total for part, time in by_time}


def _part(file: str) -> str:
    for part, mark in PARTS:
        if mark in file:
            return part
    return "the rest"


def benchmark(*, quick: bool) -> BenchmarkResult:
    """Publish under a profiler, which makes small functions look more expensive than they are."""
    pin(1)
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder, "publish.prof"))
        with server("cloud", "--profile", file) as process:
            asyncio.run(publish.run(process, messages=10, seconds=0.5 if quick else 5))
        statistics = cast("Statistics", pstats.Stats(file).stats)  # type: ignore[attr-defined]
    rows = [(part, f"{share:.0%}") for part, share in shares(statistics).items()]
    return BenchmarkResult(markdown_table(("part", "share of CPU"), rows))

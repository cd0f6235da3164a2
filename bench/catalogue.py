"""The list of the benchmarks: what each measures and about how long it takes."""

import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from typing import Final

from bench.results import BenchmarkResult
from globalchat.core.errors import UserError


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One benchmark: the function `benchmark` of the module in `bench.benchmarks` that has its name."""

    name: str
    title: str
    seconds: int


BENCHMARKS: Final = {
    each.name: each
    for each in (
        Benchmark("fanout", "One channel, 1,000 subscribers, beside the peers", 75),
        Benchmark("capacity", "10,000 subscribers at once", 30),
        Benchmark("publish", "From a publish to a subscriber in the other region", 30),
        Benchmark("scale", "Fan-out and history at 10 and more times the load", 150),
        Benchmark("profile", "Where the CPU time of a publish goes", 10),
        Benchmark("start", "Start of the server, beside the peers", 15),
        Benchmark("session", "The client's session, beside bare gql", 25),
        Benchmark("first-frame", "Start of the chat, beside a bare Textual app", 20),
        Benchmark("commands", "The shortest commands, beside a Python that does nothing", 25),
        Benchmark("flood", "Typing in the chat while messages pour in", 40),
        Benchmark("hostile", "Messages made to be expensive to show", 30),
        Benchmark("history", "The chat with a long history", 90),
        Benchmark("growth", "The chat's model at 10 and 100 times the load", 20),
        Benchmark("idle", "The chat when it is left alone", 265),
    )
}


def run(name: str, *, quick: bool) -> BenchmarkResult:
    """Run a benchmark in its own process, so that none inherits another's memory, limits or CPU.

    Raises:
        SystemExit: it cannot run here; the message says why.
        AssertionError: a message was lost, or came twice.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_run_here, name, quick=quick).result()


def _run_here(name: str, *, quick: bool) -> BenchmarkResult:
    module = import_module(f"bench.benchmarks.{name.replace('-', '_')}")
    try:
        result: BenchmarkResult = module.benchmark(quick=quick)
    except UserError as error:
        sys.exit(error.sentence)
    return result

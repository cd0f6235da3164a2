"""The list of the benchmarks: what each measures and about how long it takes."""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from typing import Final

from bench.findings import Report


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One benchmark: `report(quick=...)` of a module in this package."""

    name: str
    title: str
    module: str
    seconds: int


BENCHMARKS: Final = {
    each.name: each
    for each in (
        Benchmark("fanout", "One channel, 1,000 subscribers, beside the peers", "fanout", 75),
        Benchmark("capacity", "10,000 subscribers at once", "capacity", 20),
        Benchmark("publish", "From a publish to a subscriber in the other region", "publishing", 10),
        Benchmark("profile", "Where the CPU time of a publish goes", "profiling", 10),
        Benchmark("start", "Start of the server, beside the peers", "starting", 15),
        Benchmark("session", "The client's session, beside bare gql", "session_overhead", 25),
        Benchmark("first-frame", "Start of the chat, beside a bare Textual app", "tui_first_frame", 20),
        Benchmark("flood", "Typing in the chat while messages pour in", "tui_flood", 40),
        Benchmark("history", "The chat with a long history", "tui_history", 40),
    )
}


def run(name: str, *, quick: bool) -> Report:
    """Run one in a process of its own, so that no benchmark inherits another's memory, limits or CPU.

    Raises:
        SystemExit: it cannot run here; says why.
        AssertionError: a message was lost, or came twice.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_report, name, quick=quick).result()


def _report(name: str, *, quick: bool) -> Report:
    report: Report | str = import_module(f"bench.{BENCHMARKS[name].module}").report(quick=quick)
    return Report(report) if isinstance(report, str) else report

"""The benchmarks work; their figures are for who runs them by hand."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.benchmarks.profile import shares
from bench.catalogue import BENCHMARKS

CHEAP = ("fanout", "start", "session", "history")
"""Those that touch most of what the benchmarks share, for little CPU time."""


def bench(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run benchmarks as a user who has not installed the peer that is kept in the cache."""
    command = [sys.executable, "-m", "bench", *arguments]
    env = {**os.environ, "GLOBALCHAT_HOME": str(home)}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=300)


def test_a_built_in_counts_for_its_caller() -> None:
    engine, loop = ("/x/localcloud/appsync/javascript/engine.py", 1, "f"), ("/lib/asyncio/events.py", 1, "g")
    assert shares(
        {
            engine: (1, 1, 2.0, 2.0, {}),
            loop: (1, 1, 1.0, 1.0, {}),
            ("~", 0, "<built-in method len>"): (1, 1, 1.0, 1.0, {engine: (1, 1, 1.0, 1.0)}),
            ("~", 0, "<method 'poll' of 'select.epoll' objects>"): (1, 1, 9.0, 9.0, {loop: (1, 1, 9.0, 9.0)}),
        }
    ) == {"JavaScript of the resolvers": 0.75, "event loop": 0.25}


@pytest.mark.e2e
@pytest.mark.parametrize("names", [CHEAP, pytest.param(tuple(BENCHMARKS), marks=pytest.mark.soak)])
def test_quick_runs_lose_nothing_and_print_tables(names: Sequence[str], tmp_path: Path) -> None:
    run = bench(tmp_path, *names, "--quick")
    assert run.returncode == 0, run.stderr
    side_by_side = run.stdout.partition("## Side by side")[2]
    for name in names:
        assert f"## {BENCHMARKS[name].title}\n\n| " in run.stdout
        assert f"`python -m bench {name}` |" in side_by_side or name == "profile"


@pytest.mark.e2e
def test_an_unknown_benchmark_is_refused_with_the_list(tmp_path: Path) -> None:
    run = bench(tmp_path, "fan")
    assert run.returncode == 2
    assert "unknown benchmark: fan;" in run.stderr
    assert all(f"  {name} " in run.stderr for name in BENCHMARKS)


@pytest.mark.e2e
def test_the_figures_of_a_partial_run_are_not_written(tmp_path: Path) -> None:
    run = bench(tmp_path, "start", "--quick", "--write")
    assert run.returncode == 2
    assert "whole run" in run.stderr
    assert not run.stdout

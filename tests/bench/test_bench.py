"""The benchmarks work; their figures are for who runs them by hand."""

import subprocess
import sys

import pytest

from bench.__main__ import BENCHMARKS
from bench.profiling import shares
from bench.table import table


def test_a_table_is_markdown() -> None:
    assert table(("a", "b"), [("x", "1")]) == "| a | b |\n| --- | ---: |\n| x | 1 |"


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
@pytest.mark.parametrize("name", [name for name in BENCHMARKS if name != "profile"])
def test_a_quick_run_loses_nothing_and_prints_a_table(name: str) -> None:
    command = [sys.executable, "-m", "bench", name, "--quick"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 0, run.stderr
    assert "| ---" in run.stdout

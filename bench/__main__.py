"""Run the benchmarks of globalchat, beside the peers that are installed, and print Markdown tables."""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench import page
from bench.catalogue import BENCHMARKS, run
from bench.results import BenchmarkResult, comparison_table
from bench.servers import peers
from bench.servers.processes import BESIDE

CURVES: Final = "scale"
"""The benchmark whose curves have a place of their own on the page."""


def main() -> None:
    """Run the benchmarks that are named, or all."""
    parser = _parser()
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"unknown benchmark: {', '.join(unknown)}; known:\n{_list()}")
    if arguments.write and (arguments.names not in ([], [CURVES]) or arguments.quick):
        parser.error(f"--write needs the figures of a whole run: name none, or {CURVES}, and no --quick")
    if arguments.list:
        print(_list())
        return
    if arguments.beside is not None:
        os.environ[BESIDE] = str(arguments.beside.resolve())
    if arguments.install_peers:
        peers.install_simulator()
    # Programs start from compiled files, as they do where they are installed.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    machine = page.describe_machine()
    results = _run(arguments.names or list(BENCHMARKS), quick=arguments.quick)
    content = _content(machine, results)
    print(f"## Side by side\n\n{content}")
    if arguments.write:
        if not arguments.names:
            page.write(content)
        page.write(f"{machine}\n\n{results[CURVES].curves}", mark=page.CURVES)
        print("\nWritten to docs/performance.md.", file=sys.stderr)


def _run(names: Sequence[str], *, quick: bool) -> dict[str, BenchmarkResult]:
    results = {}
    for name in names:
        started = time.monotonic()
        result = results[name] = run(name, quick=quick)
        print(f"## {BENCHMARKS[name].title}\n\n{result.detail}\n", flush=True)
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    return results


def _content(machine: str, results: dict[str, BenchmarkResult]) -> str:
    remarks = [remark for result in results.values() for remark in result.remarks]
    return "\n\n".join((machine, comparison_table(results), *remarks))


def _list() -> str:
    lines = [f"  {each.name:<12} {each.title} (about {each.seconds} s)" for each in BENCHMARKS.values()]
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        epilog=f"benchmarks:\n{_list()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="the benchmarks to run; all if none is named"
    )
    parser.add_argument("--list", action="store_true", help="list the benchmarks and run none")
    parser.add_argument(
        "--quick", action="store_true", help="small and short: shows that it works; the figures mean nothing"
    )
    parser.add_argument(
        "--write", action="store_true", help="write the table and the curves into docs/performance.md"
    )
    parser.add_argument(
        "--beside",
        type=Path,
        metavar="FOLDER",
        help="another checkout of this repository, such as a `git worktree` of an earlier commit: `publish` "
        "measures its local cloud in the same run",
    )
    parser.add_argument(
        "--install-peers",
        action="store_true",
        help="install the Amplify simulator in your cache folder first (npm, 300 MB)",
    )
    return parser


if __name__ == "__main__":
    main()

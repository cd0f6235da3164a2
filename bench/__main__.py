"""Benchmarks of globalchat, beside the peers that are installed; prints Markdown tables."""

import argparse
import os
import sys
import time
from collections.abc import Sequence

from bench import machine, page
from bench.catalogue import BENCHMARKS, run
from bench.findings import Report, comparison
from bench.servers import simulator


def main() -> None:
    """Run those that are named, or all."""
    parser = _parser()
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are:\n{_list()}")
    if arguments.write and (arguments.names or arguments.quick):
        parser.error("--write takes the figures of a whole run: give neither names nor --quick with it")
    if arguments.list:
        print(_list())
        return
    if arguments.install_peers:
        simulator.install()
    # Programs start from compiled files, as they do where they are installed.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    described = machine.describe()
    reports = _run(arguments.names or list(BENCHMARKS), quick=arguments.quick)
    content = _content(described, reports)
    print(f"## Side by side\n\n{content}")
    if arguments.write:
        page.write(content)
        print("\nWritten to docs/performance.md.", file=sys.stderr)


def _run(names: Sequence[str], *, quick: bool) -> dict[str, Report]:
    reports = {}
    for name in names:
        started = time.monotonic()
        report = reports[name] = run(name, quick=quick)
        print(f"## {BENCHMARKS[name].title}\n\n{report.detail}\n", flush=True)
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    return reports


def _content(described: str, reports: dict[str, Report]) -> str:
    remarks = [remark for report in reports.values() for remark in report.remarks]
    return "\n\n".join((described, comparison(reports), *remarks))


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
    parser.add_argument("names", nargs="*", metavar="NAME", help="those to run; all without a name")
    parser.add_argument("--list", action="store_true", help="list the benchmarks and run none")
    parser.add_argument(
        "--quick", action="store_true", help="small and short: shows that it works, no figures"
    )
    parser.add_argument("--write", action="store_true", help="write the table into docs/performance.md")
    parser.add_argument(
        "--install-peers",
        action="store_true",
        help="install the Amplify simulator in your cache folder first (npm, 300 MB)",
    )
    return parser


if __name__ == "__main__":
    main()

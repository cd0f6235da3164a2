"""`python -m bench [NAME ...] [--quick]`: runs benchmarks and prints Markdown tables."""

import argparse
from collections.abc import Callable
from typing import Final

from bench import capacity, fanout, profiling, publishing, starting

BENCHMARKS: Final[dict[str, tuple[str, Callable[..., str]]]] = {
    "fanout": ("Fan-out, against the floor of the same server library", fanout.report),
    "capacity": ("Many subscribers at once", capacity.report),
    "publish": ("Publish path, both regions in one process", publishing.report),
    "profile": ("Where the time of a publish goes", profiling.report),
    "start": ("Start of the local cloud", starting.report),
}


def main() -> None:
    """Run those that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(BENCHMARKS)}")
    parser.add_argument(
        "--quick", action="store_true", help="small and short: shows that it works, no figures"
    )
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    for name in arguments.names or BENCHMARKS:
        title, report = BENCHMARKS[name]
        print(f"## {title}\n\n{report(quick=arguments.quick)}\n", flush=True)


if __name__ == "__main__":
    main()

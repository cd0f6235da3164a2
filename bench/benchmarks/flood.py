"""The chat under a flood of messages, in a pseudo-terminal: keys are typed, and the screen is read."""

import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.chat.terminal import Terminal
from bench.results import BenchmarkResult, ComparisonRow, markdown_table

ROWS = 40
_KEYS = [
    chr(code) for start, end in ((0x3B1, 0x3C9), (0x430, 0x44F), (0x561, 0x586)) for code in range(start, end)
]
"""Letters that no message of the flood has: each is typed once, and drawn once."""

_KEY_EVERY = 0.11
_TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class FloodResult:
    """Key-to-screen times in ms, and the chat's own report."""

    rate: int
    keys: list[float]
    report: dict[str, float]

    def quantile(self, share: float) -> float:
        """Return a quantile of the key-to-screen times."""
        ordered = sorted(self.keys)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def run(rate: int, seconds: float, *, rest: float) -> FloodResult:
    """Flood the chat with `rate` messages a second for `seconds` while typing; rest before and after."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        chat = Terminal(
            [sys.executable, "-m", "bench.chat.flooded", str(rate), str(seconds + 1), str(report)],
            rows=ROWS,
        )
        if not chat.wait_for("live", 20):
            sys.exit("The chat did not start.")
        chat.drain(rest)
        keys: list[float] = []
        start = time.monotonic()
        for key in _KEYS:
            if time.monotonic() - start > seconds:
                break
            pressed = time.monotonic()
            chat.write(key)
            if not chat.wait_for(key, _TIMEOUT):
                keys.append(_TIMEOUT * 1000)
                continue
            keys.append((time.monotonic() - pressed) * 1000)
            chat.drain(max(0.0, _KEY_EVERY - (time.monotonic() - pressed)))
        chat.drain(rest)
        chat.end()
        return FloodResult(rate, keys, json.loads(report.read_text()))


def benchmark(*, quick: bool) -> BenchmarkResult:
    """Run without a flood, and at some rates."""
    rates, seconds, pause = ((0, 1000), 0.5, 1.2) if quick else ((0, 3000, 20_000), 6.0, 2.5)
    still, *floods = (run(rate, seconds, rest=pause) for rate in rates)
    return BenchmarkResult(_detail([still, *floods]), [_comparison(flood, still) for flood in floods])


def _comparison(flood: FloodResult, still: FloodResult) -> ComparisonRow:
    return ComparisonRow(
        f"chat: key to screen while {flood.rate:,} messages/s arrive, p95 ms",
        flood.quantile(0.95),
        {"the chat at rest": still.quantile(0.95)},
        0,
    )


def _detail(results: Sequence[FloodResult]) -> str:
    heads = (
        "arriving",
        "key to screen p50 ms",
        "p95",
        "max",
        "messages",
        "reported as skipped",
        "behind p50 / max",
        "samples without the end on screen",
        "the last one on the screen",
    )
    return markdown_table(heads, [_row(each, each.report) for each in results])


def _row(result: FloodResult, report: Mapping[str, float]) -> Sequence[str]:
    return (
        f"{result.rate:,}/s",
        f"{result.quantile(0.5):.0f}",
        f"{result.quantile(0.95):.0f}",
        f"{max(result.keys):.0f}",
        f"{report['sent']:,}",
        f"{report['skipped']:,}",
        f"{report['behind_p50']:,} / {report['behind_max']:,}",
        f"{report['unfollowed']} of {report['samples']}",
        "yes" if report["last_on_screen"] or not report["sent"] else "NO",
    )

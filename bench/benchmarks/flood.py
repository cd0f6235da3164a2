"""The chat under a flood: a real terminal program in a pseudo-terminal, keys typed, the screen watched."""

import json
import os
import select
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.chat import terminal
from bench.findings import Finding, Report
from bench.table import table

ROWS = 40
_KEYS = [
    chr(code) for start, end in ((0x3B1, 0x3C9), (0x430, 0x44F), (0x561, 0x586)) for code in range(start, end)
]
"""Letters that no flooding message has: each is typed once, and seen once it is drawn."""

_KEY_EVERY = 0.11
_GIVE_UP = 5.0


@dataclass(frozen=True, slots=True)
class Result:
    """Key-to-screen times in ms, and the chat's own report."""

    rate: int
    keys: list[float]
    report: dict[str, float]

    def quantile(self, share: float) -> float:
        """A quantile of the key-to-screen times."""
        ordered = sorted(self.keys)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Terminal:
    """A program in a pseudo-terminal."""

    def __init__(self, command: list[str]) -> None:
        self.process, self._keyboard = terminal.start(command, rows=ROWS, environment=os.environ)

    def write(self, keys: str) -> None:
        """Press keys."""
        os.write(self._keyboard, keys.encode())

    def wait_for(self, text: str, timeout: float) -> bool:
        """Read until `text` is drawn. False after `timeout` seconds."""
        wanted, seen = text.encode(), b""
        deadline = time.monotonic() + timeout
        while wanted not in seen:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._keyboard], [], [], left)[0]:
                return False
            seen = seen[-len(wanted) :] + os.read(self._keyboard, 65536)
        return True

    def drain(self, seconds: float) -> None:
        """Read for a while."""
        self.wait_for("\0never drawn\0", seconds)

    def end(self) -> None:
        """Press Ctrl+Q and wait for the end."""
        self.write("\x11")
        deadline = time.monotonic() + 10
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                self.drain(0.1)
            except OSError:  # the other end is closed
                break
        self.process.wait(10)
        os.close(self._keyboard)


def run(rate: int, seconds: float, *, rest: float) -> Result:
    """Flood the chat with `rate` messages a second for `seconds`, typing all the while; rest around it."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        chat = Terminal(
            [sys.executable, "-m", "bench.chat.flooded", str(rate), str(seconds + 1), str(report)]
        )
        if not chat.wait_for("live", 20):
            sys.exit("The chat did not come up.")
        chat.drain(rest)
        keys: list[float] = []
        start = time.monotonic()
        for key in _KEYS:
            if time.monotonic() - start > seconds:
                break
            pressed = time.monotonic()
            chat.write(key)
            if not chat.wait_for(key, _GIVE_UP):
                keys.append(_GIVE_UP * 1000)
                continue
            keys.append((time.monotonic() - pressed) * 1000)
            chat.drain(max(0.0, _KEY_EVERY - (time.monotonic() - pressed)))
        chat.drain(rest)
        chat.end()
        return Result(rate, keys, json.loads(report.read_text()))


def report(*, quick: bool) -> Report:
    """Run at rest and at some rates, and tell."""
    rates, seconds, pause = ((0, 1000), 0.5, 1.2) if quick else ((0, 3000, 20_000), 6.0, 2.5)
    still, *floods = (run(rate, seconds, rest=pause) for rate in rates)
    return Report(_detail([still, *floods]), [_finding(flood, still) for flood in floods])


def _finding(flood: Result, still: Result) -> Finding:
    return Finding(
        f"chat: key to screen while {flood.rate:,} messages/s arrive, p95 ms",
        flood.quantile(0.95),
        {"the chat at rest": still.quantile(0.95)},
        0,
    )


def _detail(results: Sequence[Result]) -> str:
    heads = (
        "arriving",
        "key to screen p50 ms",
        "p95",
        "max",
        "messages",
        "told as skipped",
        "behind p50 / max",
        "looks when the end was not shown",
        "the last one on the screen",
    )
    return table(heads, [_row(each, each.report) for each in results])


def _row(result: Result, told: Mapping[str, float]) -> Sequence[str]:
    return (
        f"{result.rate:,}/s",
        f"{result.quantile(0.5):.0f}",
        f"{result.quantile(0.95):.0f}",
        f"{max(result.keys):.0f}",
        f"{told['sent']:,}",
        f"{told['skipped']:,}",
        f"{told['behind_p50']:,} / {told['behind_max']:,}",
        f"{told['unfollowed']} of {told['looks']}",
        "yes" if told["last_on_screen"] or not told["sent"] else "NO",
    )

"""Latencies from here to a region and from region to region: measured, never guessed. Pure."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations
from math import ceil

from rich.cells import cell_len

from globalchat.client.events import (
    DraftAccepted,
    DraftHeld,
    DraftQueued,
    DraftRefused,
    DraftUnsent,
    DraftWaiting,
    SessionEvent,
    StateChanged,
)
from globalchat.client.messages import Draft
from globalchat.client.state import Phase
from globalchat.ui.model.names import RegionNames
from globalchat.ui.model.text import clip, pad

KEPT = 240
"""The number of latest values kept per path."""

HERE = ""
"""This machine as the start of a path."""

Path = tuple[str, str]
"""Start (an AWS region, or `HERE`) and end (an AWS region)."""

Line = list[tuple[str, str]]
"""Texts with their roles: path, spark, value or muted."""

BARS = "▁▂▃▄▅▆▇█"

_LEAST_FOR_P95 = 20
"""The values from which a 95th percentile differs from the highest one."""

_FIGURES = 26
"""The cells of median and percentile with their headings, and the gap before them."""

_COUNT = 7
"""The cells of the number of values."""


class LatencyStats:
    """Keeps the latest values of each path, in ms.

    From here to a region: from sending a text to its acceptance, unless it, or one before it in its channel,
    had to wait. From region to region: how much later a message arrived here through the second than through
    the first.
    """

    def __init__(self) -> None:
        self._values: dict[Path, deque[int]] = {}
        self._on_the_way: dict[str, Draft] = {}
        self._waiting: dict[str, str] = {}
        self._live = False

    def take(self, event: SessionEvent, now: int) -> None:
        """Learn from an event of the session; `now` is epoch ms."""
        match event:
            case StateChanged(state):
                self._live = state.phase is Phase.LIVE
                if not self._live:
                    self._on_the_way.clear()
            # Neither drafts of an earlier run, nor those behind a waiting one, which would include the wait.
            case DraftQueued(draft) if self._live and 0 <= now - draft.created_at < 1000:
                if draft.channel not in self._waiting.values():
                    self._on_the_way[draft.id] = draft
            case DraftAccepted(draft, region):
                self._waiting.pop(draft.id, None)
                if self._on_the_way.pop(draft.id, None) and now >= draft.created_at:
                    self.note((HERE, region), now - draft.created_at)
            case DraftWaiting(draft):
                self._waiting[draft.id] = draft.channel
                behind = [each.id for each in self._on_the_way.values() if each.channel == draft.channel]
                for each in behind:
                    del self._on_the_way[each]
            case DraftUnsent(draft) | DraftHeld(draft) | DraftRefused(draft):
                self._waiting.pop(draft.id, None)
                self._on_the_way.pop(draft.id, None)

    def pair(self, origin: str, arrivals: Mapping[str, int]) -> None:
        """Learn from a message of the AWS region `origin`; `arrivals` are epoch ms by AWS region."""
        if origin in arrivals:
            for region, at in arrivals.items():
                if region != origin:
                    self.note((origin, region), at - arrivals[origin])

    def note(self, path: Path, milliseconds: int) -> None:
        """Add a value."""
        self._values.setdefault(path, deque(maxlen=KEPT)).append(milliseconds)

    def values(self, path: Path) -> tuple[int, ...]:
        """Return the values of a path, oldest first."""
        return tuple(self._values.get(path, ()))


def paths(names: RegionNames) -> list[Path]:
    """Return all paths: from here to each region, then between any two regions."""
    regions = tuple(names.regions.values())
    return [*((HERE, region) for region in regions), *permutations(regions, 2)]


def percentile(values: tuple[int, ...], percent: float) -> int:
    """Return the nearest-rank percentile of at least one value."""
    return sorted(values)[max(0, ceil(len(values) * percent / 100) - 1)]


def sparkline(values: tuple[int, ...], cells: int, bars: str = BARS) -> str:
    """Return the last `cells` values as bars from zero to their highest."""
    shown = [max(0, value) for value in values[-cells:]] if cells > 0 else []
    highest = max(shown, default=0)
    if not highest:
        return bars[0] * len(shown)
    return "".join(bars[min(len(bars) - 1, value * len(bars) // (highest + 1))] for value in shown)


@dataclass(frozen=True, slots=True)
class _Shape:
    label: int
    spark: int
    has_count: bool


def latency_lines(stats: LatencyStats, names: RegionNames, width: int, region: str | None) -> list[Line]:
    """Return one line per path, at most `width` cells; own messages go to `region` (an alias)."""
    every, wide = paths(names), width >= 60
    labels = [_label(path, names, short=not wide) for path in every]
    label = max(map(cell_len, labels), default=0)
    # As wide as its values, so that label, bars and figures stay together.
    most = max((len(stats.values(path)) for path in every), default=0)
    room = width - label - 2 - _FIGURES - (_COUNT if wide else 0)
    shape = _Shape(label, max(0, min(60, most, room)), wide)
    return [
        _line(stats.values(path), text, shape, _hint(path, names, region), width)
        for path, text in zip(every, labels, strict=True)
    ]


def latency_line(stats: LatencyStats, names: RegionNames, width: int) -> Line:
    """Return the medians of the paths that fit in one line, `–` where nothing was measured."""
    line: Line = []
    for path in paths(names):
        values = stats.values(path)
        median = _ms(percentile(values, 50)).replace(" ", "") if values else "–"
        label = f"{'  ' if line else ''}{_label(path, names, short=True)} "
        width -= cell_len(label) + cell_len(median)
        if width < 0:
            break
        line += [(label, "path"), (median, "value" if values else "muted")]
    return line


def _line(values: tuple[int, ...], label: str, shape: _Shape, hint: str, width: int) -> Line:
    head: Line = [(pad(label, shape.label), "path"), ("  ", "muted")]
    if not values:
        return [*head, (clip(f"no data yet{hint}", max(0, width - shape.label - 2)), "muted")]
    is_enough = len(values) >= _LEAST_FOR_P95
    p95 = _ms(percentile(values, 95)) if is_enough else "–"
    line: Line = [
        *head,
        (sparkline(values, shape.spark).ljust(shape.spark), "spark"),
        ("  p50 ", "muted"),
        (f"{_ms(percentile(values, 50)):>7}", "value"),
        ("  p95 ", "muted"),
        (f"{p95:>7}", "value" if is_enough else "muted"),
    ]
    return [*line, (f"  {len(values):>4}×", "muted")] if shape.has_count else line


def _label(path: Path, names: RegionNames, *, short: bool) -> str:
    start, end = (names.alias_of(each) if each else HERE for each in path)
    if short:
        return f"{names.codes.get(start, 'here')}→{names.codes.get(end, end)}"
    return f"{names.title(start) if start else 'here'} → {names.title(end)}"


def _hint(path: Path, names: RegionNames, region: str | None) -> str:
    """Return a hint on how this path gets its first value."""
    start, end = (names.alias_of(each) if each else HERE for each in path)
    if start:
        return f": needs a message from {names.title(start)}"
    return ": write something" if end == region else f": write something in {names.title(end)}"


def _ms(milliseconds: int) -> str:
    return f"{milliseconds} ms" if milliseconds < 10_000 else f"{milliseconds / 1000:.0f} s"

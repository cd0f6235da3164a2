"""A histogram as lines of a terminal. Pure."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from globalchat.cli.console.milliseconds import NS
from globalchat.measure.histogram import Histogram

ROWS = 12
"""Rows at most."""
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_NARROWEST = 8
_STEPS = [mantissa * 10**power for power in range(19) for mantissa in (1, 2, 5)]
_WIDE_SPREAD = 8
"""From this ratio of largest to smallest on, rows grow in 1-2-5 steps instead of being equally wide."""


def bars(histogram: Histogram, *, width: int, ascii_only: bool) -> list[str]:
    """One line per row of the histogram: its span in ms, a bar, and how many values it holds.

    The largest row fills what the numbers leave of `width` columns. A row that holds anything has a mark.
    """
    if histogram.least is None or histogram.most is None:
        return []
    edges = row_edges(histogram.least, histogram.most)
    counts = _counts(histogram, edges)
    labels = _labels(edges)
    numbers = [f"{count:,}" for count in counts]
    label_width, number_width = max(map(len, labels)), max(map(len, numbers))
    room = max(_NARROWEST, width - label_width - number_width - 5)
    most = max(counts)
    drawn = [_bar(Fraction(count, most) * room, room, ascii_only) for count in counts]
    return [
        f"  {label:>{label_width}} {bar} {number:>{number_width}}"
        for label, bar, number in zip(labels, drawn, numbers, strict=True)
    ]


def row_edges(least: int, most: int) -> list[int]:
    """Round edges (ns) of at most `ROWS` rows from the smallest value to the largest; the last is open."""
    if least > 0 and most / least >= _WIDE_SPREAD:
        return _growing(least, most)
    step = next(step for step in _STEPS if most // step - least // step < ROWS)
    first = least // step * step
    return list(range(first, most // step * step + 2 * step, step))


def _growing(least: int, most: int) -> list[int]:
    edges: list[int] = []
    for mantissas, decades in (((1, 2, 5), 1), ((1, 3), 1), ((1,), 1), ((1,), 2)):
        series = [mantissa * 10**power for power in range(0, 22, decades) for mantissa in mantissas]
        above = next(edge for edge in series if edge > most)
        below = max(edge for edge in series if edge <= least)
        edges = [edge for edge in series if below <= edge <= above]
        if len(edges) <= ROWS + 1:
            break
    return edges


def _counts(histogram: Histogram, edges: Sequence[int]) -> list[int]:
    counts = [0] * (len(edges) - 1)
    row = 0
    for bucket in histogram:
        while row < len(counts) - 1 and bucket.middle >= edges[row + 1]:
            row += 1
        counts[row] += bucket.count
    return counts


def _labels(edges: Sequence[int]) -> list[str]:
    texts = [f"{edge / NS:,.6f}".rstrip("0").rstrip(".") for edge in edges]
    return [f"{low}-{high} ms" for low, high in pairwise(texts)]


def _bar(length: Fraction, room: int, ascii_only: bool) -> str:
    if ascii_only:
        cells = round(length)
        return ("#" * max(cells, 1 if length else 0)).ljust(room)
    eighths = max(round(length * 8), 1 if length else 0)
    return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()).ljust(room)

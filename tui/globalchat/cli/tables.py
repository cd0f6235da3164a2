"""Tables, durations and histograms as lines of plain text, and durations as JSON. Pure."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from globalchat.measure.histogram import QUANTILES, Histogram

NS_PER_MS = 1_000_000
"""Nanoseconds in a millisecond."""
DURATION_HEADS = ("n", *QUANTILES, "max")
"""The column headings of `duration_cells`."""
MAX_ROWS = 12
"""The most rows of a histogram."""

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_NARROWEST = 8
_STEPS = [mantissa * 10**power for power in range(19) for mantissa in (1, 2, 5)]
_WIDE_SPREAD = 8
"""The ratio of largest to smallest value from which rows grow in 1-2-5 steps instead of evenly."""


def columns(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return aligned lines: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (heads, *rows)
    ]


def milliseconds(nanoseconds: int | None) -> str:
    """Format a duration in ms with three significant digits (two decimals at most); a dash for None."""
    if nanoseconds is None:
        return "-"
    value = nanoseconds / NS_PER_MS
    return f"{value:,.{2 if value < 10 else 1 if value < 100 else 0}f}"


def duration_cells(times: Histogram) -> tuple[str, ...]:
    """Return count, quantiles and largest value, in the order of `DURATION_HEADS`."""
    return (
        f"{times.count:,}",
        *(milliseconds(times.quantile(share)) for share in QUANTILES.values()),
        milliseconds(times.maximum),
    )


def durations_document(times: Histogram) -> dict[str, object]:
    """Return the same as JSON, with the smallest value, the mean, and the buckets `[from, to, count]`."""
    return {
        "count": times.count,
        **{f"{name}Ms": _as_ms(times.quantile(share)) for name, share in QUANTILES.items()},
        "minMs": _as_ms(times.minimum),
        "meanMs": None if times.mean is None else round(times.mean / NS_PER_MS, 6),
        "maxMs": _as_ms(times.maximum),
        "histogram": [[_as_ms(each.low), _as_ms(each.high + 1), each.count] for each in times],
    }


def _as_ms(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / NS_PER_MS


def histogram_lines(histogram: Histogram, *, width: int, ascii_only: bool) -> list[str]:
    """Return one line per row of the histogram: its range in ms, a bar, and the number of its values.

    The largest row fills the rest of `width` columns. Every row that is not empty has a mark.
    """
    if histogram.minimum is None or histogram.maximum is None:
        return []
    edges = row_edges(histogram.minimum, histogram.maximum)
    counts = _counts(histogram, edges)
    labels = _labels(edges)
    numbers = [f"{count:,}" for count in counts]
    label_width, number_width = max(map(len, labels)), max(map(len, numbers))
    bar_width = max(_NARROWEST, width - label_width - number_width - 5)
    most = max(counts)
    drawn = [_bar(Fraction(count, most) * bar_width, bar_width, ascii_only) for count in counts]
    return [
        f"  {label:>{label_width}} {bar} {number:>{number_width}}"
        for label, bar, number in zip(labels, drawn, numbers, strict=True)
    ]


def row_edges(minimum: int, maximum: int) -> list[int]:
    """Return round edges (ns) of at most `MAX_ROWS` rows that cover both values; the last is excluded."""
    if minimum > 0 and maximum / minimum >= _WIDE_SPREAD:
        return _growing(minimum, maximum)
    step = next(step for step in _STEPS if maximum // step - minimum // step < MAX_ROWS)
    first = minimum // step * step
    return list(range(first, maximum // step * step + 2 * step, step))


def _growing(minimum: int, maximum: int) -> list[int]:
    edges: list[int] = []
    for mantissas, decades in (((1, 2, 5), 1), ((1, 3), 1), ((1,), 1), ((1,), 2)):
        series = [mantissa * 10**power for power in range(0, 22, decades) for mantissa in mantissas]
        above = next(edge for edge in series if edge > maximum)
        below = max(edge for edge in series if edge <= minimum)
        edges = [edge for edge in series if below <= edge <= above]
        if len(edges) <= MAX_ROWS + 1:
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
    texts = [f"{edge / NS_PER_MS:,.6f}".rstrip("0").rstrip(".") for edge in edges]
    return [f"{low}-{high} ms" for low, high in pairwise(texts)]


def _bar(length: Fraction, bar_width: int, ascii_only: bool) -> str:
    if ascii_only:
        cells = round(length)
        return ("#" * max(cells, 1 if length else 0)).ljust(bar_width)
    eighths = max(round(length * 8), 1 if length else 0)
    return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()).ljust(bar_width)

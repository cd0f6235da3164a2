"""Durations as people and programs read them: milliseconds. Pure."""

from globalchat.measure.histogram import QUANTILES, Histogram

NS = 1_000_000
"""Nanoseconds of a millisecond."""

HEADS = ("n", *QUANTILES, "max")
"""What `row` holds, for the head of a table."""


def spell(nanoseconds: int | None) -> str:
    """Three significant digits, as far as they are behind the point; a dash for nothing."""
    if nanoseconds is None:
        return "-"
    value = nanoseconds / NS
    return f"{value:,.{2 if value < 10 else 1 if value < 100 else 0}f}"


def row(times: Histogram) -> tuple[str, ...]:
    """Count, quantiles and largest value, in the order of `HEADS`."""
    return (
        f"{times.count:,}",
        *(spell(times.quantile(share)) for share in QUANTILES.values()),
        spell(times.most),
    )


def document(times: Histogram) -> dict[str, object]:
    """The same for a program, with the smallest, the mean, and the buckets `[from, to, count]`."""
    return {
        "count": times.count,
        **{f"{name}Ms": _ms(times.quantile(share)) for name, share in QUANTILES.items()},
        "minMs": _ms(times.least),
        "meanMs": None if times.mean is None else round(times.mean / NS, 6),
        "maxMs": _ms(times.most),
        "histogram": [[_ms(each.low), _ms(each.high + 1), each.count] for each in times],
    }


def _ms(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / NS

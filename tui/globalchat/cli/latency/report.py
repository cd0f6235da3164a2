"""What a latency measurement shows. Pure."""

from collections.abc import Sequence

from globalchat.cli.console import milliseconds
from globalchat.cli.console.bars import bars
from globalchat.cli.console.columns import columns
from globalchat.measure.latency.measure import Measured
from globalchat.measure.latency.plan import LatencyPlan
from globalchat.measure.latency.tally import Way

HEADS = ("ms", *milliseconds.HEADS, "lost", "duplicates")


def table(measured: Measured, *, width: int, ascii_only: bool) -> list[str]:
    """A row for each region's acceptance and each way; then a histogram of each way."""
    rows = [
        (f"{each.source} accepts", *milliseconds.row(each.times), "", "")
        for each in measured.result.acceptances
    ]
    rows += [
        (
            _name(each, ascii_only),
            *milliseconds.row(each.times),
            f"{each.lost:,} ({_share(each)})" if each.lost else "0",
            f"{each.duplicates:,}",
        )
        for each in measured.result.ways
    ]
    lines = columns(HEADS, rows)
    for way in measured.result.ways:
        if way.times.count:
            lines += ["", _name(way, ascii_only), *bars(way.times, width=width, ascii_only=ascii_only)]
    return lines


def remarks(measured: Measured, plan: LatencyPlan) -> list[str]:
    """Sentences on what else happened, for standard error."""
    told = [f"{count:,} publishes failed: {reason}" for reason, count in measured.result.failures.items()]
    told += [
        f"{alias}: the socket was lost and opened again {_times(count)}; what came meanwhile counts as lost"
        for alias, count in measured.reopened.items()
        if count
    ]
    if not measured.complete:
        pending = sum(way.pending for way in measured.result.ways)
        sent = sum(each.times.count for each in measured.result.acceptances)
        planned = plan.count * len(plan.sources)
        told.append(
            f"ended early: {sent:,} of {planned:,} messages were accepted, {pending:,} arrivals awaited"
        )
    return told


def document(measured: Measured, plan: LatencyPlan, profile: str) -> dict[str, object]:
    """All of it for a program."""
    return {
        "profile": profile,
        "channel": measured.channel,
        "count": plan.count,
        "rate": plan.rate,
        "size": plan.size,
        "timeoutMs": round(plan.timeout * 1000),
        "complete": measured.complete,
        "accepted": {
            each.source: {**milliseconds.document(each.times), "failed": each.failed}
            for each in measured.result.acceptances
        },
        "ways": [
            {
                "from": way.source,
                "to": way.target,
                **milliseconds.document(way.times),
                "lost": way.lost,
                "pending": way.pending,
                "duplicates": way.duplicates,
            }
            for way in measured.result.ways
        ],
        "failures": dict(measured.result.failures),
        "reconnects": measured.reopened,
    }


def _name(way: Way, ascii_only: bool) -> str:
    if way.source == way.target:
        return f"{way.source} echo"
    return f"{way.source} {'->' if ascii_only else '→'} {way.target}"


def _share(way: Way) -> str:
    return f"{way.lost / (way.lost + way.times.count):.1%}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def all_lost(ways: Sequence[Way]) -> bool:
    """Whether a way brought nothing at all."""
    return any(not way.times.count for way in ways)

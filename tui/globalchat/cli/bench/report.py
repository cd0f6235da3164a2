"""What a load run shows. Pure."""

from globalchat.cli.console import milliseconds
from globalchat.cli.console.bars import bars
from globalchat.cli.console.columns import columns
from globalchat.core.text import plural
from globalchat.measure.load.report import Report

HEADS = ("ms", *milliseconds.HEADS)
SATURATED = 0.85
"""Share of a CPU from which on a process of the run delays what it measures."""


def lines(report: Report, *, width: int, ascii_only: bool) -> list[str]:
    """What was done, what arrived, how long it took, and what it cost in CPU."""
    plan, heard = report.plan, report.heard
    arrow = "->" if ascii_only else "→"
    rows = [
        (f"{source} {arrow} {target}" if source != target else f"{source} echo", *milliseconds.row(times))
        for (source, target), times in sorted(report.ways.items())
    ]
    if len(rows) > 1:
        rows.append(("all deliveries", *milliseconds.row(report.times)))
    rows.append(("accepted after", *milliseconds.row(report.acceptance)))
    rows.append(("published late by", *milliseconds.row(report.lag)))
    facts = [
        ("subscribers", f"{plan.subscribers:,} in {', '.join(plan.regions)} on {', '.join(plan.channels)}"),
        ("generator", _generator(report)),
        ("published", _published(report)),
        ("deliveries", f"{heard.deliveries:,} of {report.expected:,}, {report.rate:,.0f}/s"),
        ("lost" if report.complete else "not arrived", _share(report.missing, report.expected)),
        ("duplicates", _share(heard.duplicates, report.expected)),
        ("order violations", _share(heard.violations, report.expected)),
    ]
    if heard.ended:
        facts.append(("subscriptions ended", f"{heard.ended:,}, what they missed is counted above"))
    facts.append(("CPU per delivery", _cpu(report, ascii_only=ascii_only)))
    drawn = [f"{name:<20} {text}" for name, text in facts]
    drawn += ["", *columns(HEADS, rows)]
    if report.times.count:
        drawn += ["", "all deliveries", *bars(report.times, width=width, ascii_only=ascii_only)]
    return drawn


def remarks(report: Report) -> list[str]:
    """Sentences on what a reader of the figures must know, for standard error."""
    told = [f"{count:,} publishes failed: {reason}" for reason, count in report.failures.items()]
    if report.unsent and report.complete:
        told.append(
            f"{report.unsent:,} messages could not be published in time: the rate was more than could be done"
        )
    if report.busiest >= SATURATED:
        told.append(
            f"a process of the generator took {report.busiest:.0%} of a CPU: the times hold its own delay; "
            "use more --processes, or less load"
        )
    if not report.complete:
        told.append("ended early: what has not arrived may have been on its way")
    return told


def document(report: Report, profile: str) -> dict[str, object]:
    """All of it for a program; times are in milliseconds, CPU in microseconds for a delivery."""
    plan, heard = report.plan, report.heard
    return {
        "profile": profile,
        "complete": report.complete,
        "subscribers": plan.subscribers,
        "regions": list(plan.regions),
        "channels": list(plan.channels),
        "rate": plan.rate,
        "size": plan.size,
        "seconds": plan.seconds,
        "processes": plan.processes,
        "subscriptionsPerSocket": plan.per_socket,
        "published": {
            "due": plan.messages,
            "accepted": report.accepted,
            "failed": sum(report.failures.values()),
            "unsent": report.unsent,
            "failures": dict(report.failures),
        },
        "deliveries": heard.deliveries,
        "expectedDeliveries": report.expected,
        "deliveriesPerSecond": round(report.rate, 3),
        "measuredSeconds": round(report.seconds, 6),
        "lost" if report.complete else "notArrived": report.missing,
        "duplicates": heard.duplicates,
        "orderViolations": heard.violations,
        "subscriptionsEnded": heard.ended,
        "foreignMessages": heard.foreign,
        "latency": milliseconds.document(report.times),
        "ways": [
            {"from": source, "to": target, **milliseconds.document(times)}
            for (source, target), times in sorted(report.ways.items())
        ],
        "acceptance": milliseconds.document(report.acceptance),
        "lag": milliseconds.document(report.lag),
        "cpuPerDeliveryUs": {
            "generator": _microseconds(report.generator_cpu),
            "backend": _microseconds(report.backend_cpu),
        },
        "busiestProcessCpuShare": round(report.busiest, 4),
    }


def _generator(report: Report) -> str:
    plan = report.plan
    shared = "a socket each" if plan.per_socket == 1 else f"{plan.per_socket} subscriptions to a socket"
    processes = plural(plan.processes, "process", "processes")
    return f"{processes} with {shared}, 1 that publishes in {plan.lanes} lanes"


def _published(report: Report) -> str:
    plan = report.plan
    text = f"{report.accepted:,} of {plan.messages:,} messages of {plan.size} characters, {plan.rate:g}/s"
    failed = sum(report.failures.values())
    if failed:
        text += f", {failed:,} failed"
    return f"{text}, {report.unsent:,} not sent" if report.unsent else text


def _share(count: int, whole: int) -> str:
    return f"{count:,} ({count / whole:.3%})" if count and whole else f"{count:,}"


def _cpu(report: Report, *, ascii_only: bool) -> str:
    unit = "us" if ascii_only else "µs"
    told = [
        f"{name} {value * 1e6:.1f} {unit}"
        for name, value in (("generator", report.generator_cpu), ("local cloud", report.backend_cpu))
        if value is not None
    ]
    return ", ".join(told) or "-"


def _microseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1e6, 3)

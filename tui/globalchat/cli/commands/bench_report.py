"""Formats the progress and the result of `globalchat bench`, as text and as JSON. Pure."""

from dataclasses import dataclass

from globalchat.cli.tables import DURATION_HEADS, columns, duration_cells, durations_document, histogram_lines
from globalchat.core.text import plural
from globalchat.measure.load.plan import LoadPlan
from globalchat.measure.load.report import LoadProgress, LoadReport

SATURATED = 0.85
"""The CPU share from which a process of the load test delays what it measures."""


@dataclass(slots=True)
class DeliveryRate:
    """Deliveries a second over about the last second."""

    _since: float = 0.0
    _deliveries: int = 0
    _rate: float = 0.0

    def update(self, progress: LoadProgress) -> float:
        """Return the rate at this moment."""
        passed = progress.elapsed - self._since
        if passed >= 1.0:
            self._rate = (progress.deliveries - self._deliveries) / passed
            self._since, self._deliveries = progress.elapsed, progress.deliveries
        return self._rate


def progress_line(progress: LoadProgress, plan: LoadPlan, rate: float) -> str:
    """Return the progress in one line; `rate` is deliveries a second."""
    if progress.phase == "connecting":
        return f"connecting: {progress.live:,} of {plan.subscribers:,} subscribers"
    if progress.phase == "warming up":
        return f"warming up: {progress.live:,} subscribers are connected"
    parts = [
        f"{progress.phase} {min(progress.elapsed, 10**6):.0f} s of {plan.seconds:g} s",
        f"{progress.accepted:,} accepted",
        f"{progress.deliveries:,} delivered ({rate:,.0f}/s)",
    ]
    for count, what in (
        (progress.failed, "failed"),
        (progress.duplicates, "duplicates"),
        (progress.ended, "subscriptions ended"),
    ):
        if count:
            parts.append(f"{count:,} {what}")
    return ", ".join(parts)


def report_lines(report: LoadReport, *, width: int, ascii_only: bool) -> list[str]:
    """Return lines on the plan, the deliveries, the latencies and the CPU time."""
    plan, stats = report.plan, report.stats
    facts = [
        ("subscribers", f"{plan.subscribers:,} in {', '.join(plan.regions)} on {', '.join(plan.channels)}"),
        ("generator", _generator(plan)),
        ("published", _published(report)),
        ("deliveries", f"{stats.deliveries:,} of {report.expected:,}, {report.rate:,.0f}/s"),
        ("lost" if report.complete else "not arrived", _share(report.missing, report.expected)),
        ("duplicates", _share(stats.duplicates, report.expected)),
        ("order violations", _share(stats.order_violations, report.expected)),
    ]
    if stats.subscriptions_ended:
        ended = f"{stats.subscriptions_ended:,}; what they missed is counted above"
        facts.append(("subscriptions ended", ended))
    facts.append(("CPU per delivery", _cpu(report, ascii_only=ascii_only)))
    lines = [f"{name:<20} {text}" for name, text in facts]
    lines += ["", *_times_table(report, ascii_only=ascii_only)]
    if report.times.count:
        lines += ["", "all deliveries"]
        lines += histogram_lines(report.times, width=width, ascii_only=ascii_only)
    return lines


def _times_table(report: LoadReport, *, ascii_only: bool) -> list[str]:
    arrow = "->" if ascii_only else "→"
    rows = [
        (f"{source} {arrow} {target}" if source != target else f"{source} echo", *duration_cells(times))
        for (source, target), times in sorted(report.routes.items())
    ]
    if len(rows) > 1:
        rows.append(("all deliveries", *duration_cells(report.times)))
    rows.append(("accepted after", *duration_cells(report.acceptance)))
    rows.append(("published late by", *duration_cells(report.lag)))
    return columns(("ms", *DURATION_HEADS), rows)


def remarks(report: LoadReport) -> list[str]:
    """Return remarks on the validity of the figures, for standard error."""
    found = [f"{count:,} publishes failed: {reason}" for reason, count in report.failures.items()]
    if report.unsent and report.complete:
        found.append(
            f"{report.unsent:,} messages could not be published in time: "
            "the rate was too high for this machine or the backend"
        )
    if report.busiest >= SATURATED:
        found.append(
            f"a process of the load test took {report.busiest:.0%} of a CPU, so the times include its delay; "
            "use more --processes, or less load"
        )
    if not report.complete:
        found.append("ended early: what has not arrived may have been on its way")
    return found


def report_document(report: LoadReport, profile: str) -> dict[str, object]:
    """Return everything as JSON; times are in milliseconds, CPU times in microseconds per delivery."""
    plan, stats = report.plan, report.stats
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
        "deliveries": stats.deliveries,
        "expectedDeliveries": report.expected,
        "deliveriesPerSecond": round(report.rate, 3),
        "measuredSeconds": round(report.seconds, 6),
        "lost" if report.complete else "notArrived": report.missing,
        "duplicates": stats.duplicates,
        "orderViolations": stats.order_violations,
        "subscriptionsEnded": stats.subscriptions_ended,
        "foreignMessages": stats.foreign,
        "latency": durations_document(report.times),
        "routes": [
            {"from": source, "to": target, **durations_document(times)}
            for (source, target), times in sorted(report.routes.items())
        ],
        "acceptance": durations_document(report.acceptance),
        "lag": durations_document(report.lag),
        "cpuPerDeliveryUs": {
            "generator": _microseconds(report.generator_cpu),
            "backend": _microseconds(report.backend_cpu),
        },
        "busiestProcessCpuShare": round(report.busiest, 4),
    }


def _generator(plan: LoadPlan) -> str:
    shared = "a socket each" if plan.per_socket == 1 else f"{plan.per_socket} subscriptions to a socket"
    processes = plural(plan.processes, "process", "processes")
    return f"{processes} with {shared}, 1 that publishes over {plural(plan.connections, 'connection')}"


def _published(report: LoadReport) -> str:
    plan = report.plan
    text = f"{report.accepted:,} of {plan.messages:,} messages of {plan.size} characters, {plan.rate:g}/s"
    failed = sum(report.failures.values())
    if failed:
        text += f", {failed:,} failed"
    return f"{text}, {report.unsent:,} not sent" if report.unsent else text


def _share(count: int, whole: int) -> str:
    return f"{count:,} ({count / whole:.3%})" if count and whole else f"{count:,}"


def _cpu(report: LoadReport, *, ascii_only: bool) -> str:
    unit = "us" if ascii_only else "µs"
    parts = [
        f"{name} {value * 1e6:.1f} {unit}"
        for name, value in (("generator", report.generator_cpu), ("local cloud", report.backend_cpu))
        if value is not None
    ]
    return ", ".join(parts) or "-"


def _microseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1e6, 3)

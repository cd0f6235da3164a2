"""The sentences of `publish`: how far it got, and where to go on. Pure."""

from globalchat.client.bulk.publisher import BulkReport


def summary(report: BulkReport, seconds: float) -> str:
    """What came of it."""
    speed = f" in {seconds:.1f} s ({report.accepted / seconds:,.0f}/s)" if seconds > 0 else ""
    return f"{counts(report.accepted, report.refused)}{speed}"


def too_slow(report: BulkReport, seconds: float, rate: float) -> str:
    """What to say if the rate was missed by more than a tenth and a second; nothing if it was kept."""
    sent = report.accepted + report.refused
    if seconds <= max(1.0, 0.1 * sent / rate) + sent / rate:
        return ""
    return f"{rate:g}/s were asked for, {sent / seconds:.1f}/s were reached; --window N sends more at once."


def counts(accepted: int, refused: int) -> str:
    """How many were accepted and how many were not."""
    return f"{accepted:,} accepted" + (f", {refused:,} refused" if refused else "")


def rest(report: BulkReport, noun: str) -> str:
    """What is still to be sent; `noun` is what the numbers count: lines, or messages."""
    spans = report.unsent
    if not spans:
        return ""
    first, last = spans[0]
    if len(spans) == 1 and last is None:
        told = f"resume at {noun} {first}"
    else:
        told = f"not accepted: {_join([_span(first, last, noun) for first, last in spans])}"
    if report.doubtful:
        numbers = _join([str(number) for number in report.doubtful])
        plural = "s" if len(report.doubtful) > 1 else ""
        told += f" ({noun}{plural} {numbers} may have been accepted all the same: no answer came)"
    return told


def ended_early(why: str, report: BulkReport, noun: str) -> str:
    """How far it got, and where to go on."""
    parts = [counts(report.accepted, report.refused), rest(report, noun)]
    return f"{why}: {'; '.join(part for part in parts if part)}."


def _span(first: int, last: int | None, noun: str) -> str:
    if last is None:
        return f"everything from {noun} {first} on"
    return f"{noun} {first}" if first == last else f"{noun}s {first}–{last}"


def _join(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"

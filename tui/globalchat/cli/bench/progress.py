"""What a load run says of itself while it runs. Pure."""

from dataclasses import dataclass

from globalchat.measure.load.plan import LoadPlan
from globalchat.measure.load.report import Progress


@dataclass(slots=True)
class Speedometer:
    """Deliveries a second over the last second or so."""

    _since: float = 0.0
    _deliveries: int = 0
    _rate: float = 0.0

    def read(self, progress: Progress) -> float:
        """The rate as of this moment of the run."""
        passed = progress.elapsed - self._since
        if passed >= 1.0:
            self._rate = (progress.deliveries - self._deliveries) / passed
            self._since, self._deliveries = progress.elapsed, progress.deliveries
        return self._rate


def line(progress: Progress, plan: LoadPlan, rate: float) -> str:
    """One line."""
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
        (progress.failed, "refused"),
        (progress.duplicates, "duplicates"),
        (progress.ended, "subscriptions ended"),
    ):
        if count:
            parts.append(f"{count:,} {what}")
    return ", ".join(parts)

"""How far a backend's clock is from this machine's, learned from own publishes. Pure."""

from collections import deque

SAMPLES = 8
"""Latest publishes kept per region: enough to hold a quick one, few enough to follow a drifting clock."""


class ClockOffset:
    """Estimates, per AWS region, the backend's clock minus ours.

    A publish was stamped (`sent_at`) between our sending it and its answer; taking the middle errs by at most
    half the round trip. The quickest of the latest publishes is believed.
    """

    def __init__(self) -> None:
        self._samples: dict[str, deque[tuple[int, int]]] = {}

    def note(self, region: str, *, sent: int, stamped: int, answered: int) -> None:
        """Learn from one publish (epoch ms): `sent`, `answered` on our clock, `stamped` on the region's."""
        round_trip = answered - sent
        if round_trip < 0:  # our clock stepped back meanwhile
            return
        samples = self._samples.setdefault(region, deque(maxlen=SAMPLES))
        samples.append((round_trip, stamped - (sent + answered) // 2))

    def estimate(self, region: str) -> int | None:
        """The offset in ms, if need be of another region (AWS keeps its clocks together), else None."""
        own = self._samples.get(region)
        known = own or [sample for samples in self._samples.values() for sample in samples]
        return min(known)[1] if known else None

    def transit(self, region: str, *, sent_at: int, received_at: int) -> int | None:
        """How long a message was on its way in ms (never negative), or None while the offset is unknown."""
        offset = self.estimate(region)
        return None if offset is None else max(0, received_at - sent_at + offset)

"""How far a backend's clock is from this machine's, learned from own publishes. Pure."""

from collections import deque

from globalchat.core.clock import is_plausible

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
        if round_trip < 0 or not is_plausible(stamped):  # our clock stepped back, or theirs is no clock
            return
        samples = self._samples.setdefault(region, deque(maxlen=SAMPLES))
        samples.append((round_trip, stamped - (sent + answered) // 2))

    def estimate(self, region: str) -> int | None:
        """The offset in ms, if need be of another region (AWS keeps its clocks together), else None."""
        own = self._samples.get(region)
        known = own or [sample for samples in self._samples.values() for sample in samples]
        return min(known)[1] if known else None

    def transit(self, region: str, *, sent_at: int, received_at: int) -> int | None:
        """Return how long a message was on its way in ms (never negative), or None if that is unknown.

        It is as long as no offset is known, and for a `sent_at` that cannot be true.
        """
        offset = self.estimate(region)
        return None if offset is None or not is_plausible(sent_at) else max(0, received_at - sent_at + offset)

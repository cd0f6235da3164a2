"""Notices that the machine slept: the wall clock went on, the steady one did not. Pure."""

from globalchat.core.clock import MonotonicClock, WallClock


class SleepWatch:
    """Compares two clocks at each look.

    The steady clock stands still while a machine sleeps (Linux, macOS): the difference is the time slept.
    A wall clock that is set ahead looks the same: the price is one needless reconnect.
    """

    def __init__(self, *, clock: WallClock, monotonic: MonotonicClock, threshold: float) -> None:
        """`clock` gives epoch ms, `monotonic` seconds; differences below `threshold` seconds are none."""
        self._clock = clock
        self._monotonic = monotonic
        self._threshold_ms = round(threshold * 1000)
        self._ahead = self._difference()

    def slept_ms(self) -> int:
        """How long the machine slept since the last look, 0 if it did not."""
        ahead = self._difference()
        slept, self._ahead = ahead - self._ahead, ahead
        return slept + 1 if slept >= self._threshold_ms else 0  # rounded up

    def _difference(self) -> int:
        return self._clock() - int(self._monotonic() * 1000)

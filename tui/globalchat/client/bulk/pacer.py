"""A steady rate without drift. Pure: time is passed in."""

CREDIT = 1.0
"""Seconds of lateness that are made up for; after a longer standstill the rest is not sent in a burst."""


class Pacer:
    """Says when each message is due. Times are in seconds of a clock that never steps back."""

    def __init__(self, rate: float | None, *, credit: float = CREDIT) -> None:
        """`rate` is in messages a second; None is as fast as it goes."""
        self._interval = 0.0 if rate is None else 1.0 / rate
        self._credit = credit
        self._due: float | None = None

    def take(self, now: float) -> float:
        """Seconds to wait before the next message, which counts as sent then.

        What is late does not put off those after it, so a message that took long costs no rate.
        """
        due = now if self._due is None else max(self._due, now - self._credit)
        self._due = due + self._interval
        return max(0.0, due - now)

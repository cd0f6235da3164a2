"""How often something may happen: a token bucket, told the time by its caller."""


class RateLimit:
    """Admits `per_second` events a second, and as many at once after a pause; None admits all."""

    def __init__(self, per_second: float | None) -> None:
        self._rate = per_second
        self._most = max(1.0, per_second or 0.0)
        self._tokens = self._most
        self._then: float | None = None

    def admit(self, now: float) -> bool:
        """Tell whether one more event is within the limit at `now` (seconds), and count it if it is."""
        if self._rate is None:
            return True
        if self._then is not None:
            self._tokens = min(self._most, self._tokens + (now - self._then) * self._rate)
        self._then = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

"""Counts and limits the traffic of one API, under the names that CloudWatch uses."""

from collections import Counter
from typing import Literal

CounterName = Literal[
    "ConnectSuccess",
    "ConnectClientError",
    "SubscribeSuccess",
    "SubscribeClientError",
    "UnsubscribeSuccess",
    "UnsubscribeClientError",
    "PublishDataMessageSuccess",
    "PublishDataMessageClientError",
    "PublishDataMessageSize",
    "InvalidationSuccess",
    "SlowReaderDisconnect",
]
"""`SlowReaderDisconnect` is our own: AppSync has no such metric."""

GaugeName = Literal["ActiveConnections", "ActiveSubscriptions"]


class Metrics:
    """Counters and gauges of one API."""

    def __init__(self) -> None:
        self._values: Counter[str] = Counter()

    def count(self, name: CounterName, times: int = 1) -> None:
        """Count an event."""
        self._values[name] += times

    def adjust(self, name: GaugeName, by: int) -> None:
        """Raise or lower a gauge."""
        self._values[name] += by

    def __getitem__(self, name: CounterName | GaugeName) -> int:
        """Return the current value; 0 for a name that was never touched."""
        return self._values[name]

    def snapshot(self) -> dict[str, int]:
        """Return every name that was ever touched with its value."""
        return dict(self._values)


class RateLimit:
    """A token bucket: admits `per_second` events a second, as many at once after a pause; None admits all."""

    def __init__(self, per_second: float | None) -> None:
        self._rate = per_second
        self._capacity = max(1.0, per_second or 0.0)
        self._tokens = self._capacity
        self._last: float | None = None

    def admit(self, now: float) -> bool:
        """Return True if one more event is within the limit at `now` (seconds), and count it if so."""
        if self._rate is None:
            return True
        if self._last is not None:
            self._tokens = min(self._capacity, self._tokens + (now - self._last) * self._rate)
        self._last = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

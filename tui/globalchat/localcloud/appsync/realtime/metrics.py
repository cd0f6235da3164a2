"""Counters and gauges under the names that CloudWatch knows them by."""

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
"""`SlowReaderDisconnect` is our own: AppSync does not tell."""

GaugeName = Literal["ActiveConnections", "ActiveSubscriptions"]


class Metrics:
    """What happened so far, and what is now, of one API."""

    def __init__(self) -> None:
        self._values: Counter[str] = Counter()

    def count(self, name: CounterName, times: int = 1) -> None:
        """Count an event."""
        self._values[name] += times

    def adjust(self, name: GaugeName, by: int) -> None:
        """Raise or lower a gauge."""
        self._values[name] += by

    def __getitem__(self, name: CounterName | GaugeName) -> int:
        """The current value; 0 for what never happened."""
        return self._values[name]

    def snapshot(self) -> dict[str, int]:
        """Every name that was ever touched with its value."""
        return dict(self._values)

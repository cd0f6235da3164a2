"""This machine's wall clock, and instants as the API writes them."""

import time
from datetime import UTC, datetime


def now_ms() -> int:
    """Epoch ms; it may step back or ahead."""
    return time.time_ns() // 1_000_000


def iso_time(epoch_ms: float) -> str:
    """An instant as the API writes it: UTC, milliseconds, Z."""
    moment = datetime.fromtimestamp(epoch_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return moment.replace("+00:00", "Z")

"""This machine's wall clock."""

import time


def now_ms() -> int:
    """Epoch ms; it may step back or ahead."""
    return time.time_ns() // 1_000_000

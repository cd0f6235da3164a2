"""How far this machine's clock is from the backend's, in words. Pure."""

from globalchat.core.clock import short_duration

TOLERANCE_MS = 2000
"""A difference that people do not notice, and that transit times are corrected for."""


def skew_title(milliseconds: int) -> str:
    """Return a difference as the header shows it: `clock 3.2 s slow`."""
    return f"clock {_spell(milliseconds)}"


def skew_sentence(milliseconds: int) -> str:
    """Return a difference as a sentence that says what follows from it."""
    return f"This machine's clock is {_spell(milliseconds)}: other people see other times."


def _spell(milliseconds: int) -> str:
    return f"{short_duration(abs(milliseconds) / 1000)} {'slow' if milliseconds > 0 else 'fast'}"

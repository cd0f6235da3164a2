"""How far this machine's clock is from the backend's, told only when it is certain. Pure."""

from collections import deque

from globalchat.core.clock import short_duration

TOLERANCE_MS = 2000
"""A difference that people do not notice, and that transit times are corrected for."""

_SAMPLES = 8


class ClockSkew:
    """Learns from own publishes: the backend's stamp lies between sending and answer.

    Attributes:
        milliseconds: The backend's clock minus this one's, if it is more than `TOLERANCE_MS` for certain.
    """

    def __init__(self) -> None:
        self._samples: deque[tuple[int, int]] = deque(maxlen=_SAMPLES)

    def note(self, *, sent: int, stamped: int, answered: int) -> None:
        """Learn from one publish (epoch ms): `sent` and `answered` here, `stamped` there."""
        took = answered - sent
        if took >= 0:  # the clock did not step back meanwhile
            self._samples.append((took, stamped - (sent + answered) // 2))

    @property
    def milliseconds(self) -> int | None:
        """The difference, None while it is small or not certain."""
        if not self._samples:
            return None
        took, difference = min(self._samples)
        return difference if abs(difference) - took // 2 > TOLERANCE_MS else None


def skew_title(milliseconds: int) -> str:
    """Return a difference as the header shows it: `clock 3.2 s slow`."""
    return f"clock {_spell(milliseconds)}"


def skew_sentence(milliseconds: int) -> str:
    """Return a difference as a sentence that says what follows from it."""
    return f"This machine's clock is {_spell(milliseconds)}: other people see other times."


def _spell(milliseconds: int) -> str:
    return f"{short_duration(abs(milliseconds) / 1000)} {'slow' if milliseconds > 0 else 'fast'}"

"""How far this machine's clock is from the backend's, told only when it is certain. Pure."""

from collections import deque

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
    """How a difference is called: `clock 3.2 s slow`."""
    seconds = abs(milliseconds) / 1000
    amount = f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.0f} min"
    return f"clock {amount} {'slow' if milliseconds > 0 else 'fast'}"


def skew_sentence(milliseconds: int) -> str:
    """The same for somebody who has not heard of it."""
    _, amount, unit, direction = skew_title(milliseconds).split(" ")
    return f"This machine's clock is {amount} {unit} {direction}: other people see other times."

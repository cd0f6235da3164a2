"""This machine's clocks, instants in the API's format, and parsing and formatting of durations."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeAlias

from globalchat.core.text import plural

WallClock: TypeAlias = Callable[[], int]
"""Returns epoch ms, which jump when the machine's clock is set."""
EpochClock: TypeAlias = Callable[[], float]
"""Returns epoch seconds, which jump when the machine's clock is set."""
MonotonicClock: TypeAlias = Callable[[], float]
"""Returns seconds that never go backwards; only differences are meaningful."""

MINUTE: Final = 60
HOUR: Final = 3_600
DAY: Final = 86_400
"""Seconds."""

SIGNATURE_WINDOW: Final = 300.0
"""Seconds that the time of a signature may be off (SigV4)."""
CLOCK_REMEDY: Final = "Set this machine's clock (turn on network time), then try again."

UNKNOWN_TIME: Final = "--:--:--"
"""Shown in place of a time that cannot be true."""

_TIMES: Final = range(253_402_214_400_000)
"""Epoch ms from 1970 to 9999-12-31 00:00 UTC: in every time zone, each has a four-digit year."""
# Signature expired: 20261130T100000Z is now earlier than 20261130T101500Z (20261130T102000Z - 5 min.)
# Signature not yet current: 20261130T103000Z is still later than 20261130T101000Z (20261130T100500Z + 5 min.)
_STALE: Final = re.compile(
    r"(?i)signature (?:expired|not yet current)(?:: (\w+) is [a-z ]+ than \w+ \((\w+) )?"
)
_UNITS: Final = ((DAY, "day", "d"), (HOUR, "hour", "h"), (MINUTE, "minute", "min"), (1, "second", "s"))
_READ: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART: Final = re.compile("([0-9]+(?:[.][0-9]+)?)(ms|s|m|h|d)")
_WHOLE: Final = re.compile(f"(?:{_PART.pattern})+")


def now_ms() -> int:
    """Return the wall clock's epoch ms."""
    return time.time_ns() // 1_000_000


def is_plausible(epoch_ms: int) -> bool:
    """Return True if an instant is between 1970 and 9999: others are wrong, and no calendar shows them all.

    Any caller who may put events on a bus chooses the times of messages.
    """
    return epoch_ms in _TIMES


def iso_time(epoch_ms: float) -> str:
    """Format an instant as the API does: UTC, milliseconds, Z."""
    moment = datetime.fromtimestamp(epoch_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return moment.replace("+00:00", "Z")


def parse_duration(text: str) -> float:
    """Parse a duration as users type it and return its seconds: `500ms`, `30s`, `5m`, `1h`, `7d`, `1m30s`.

    The result may be 0, or infinite if there are many digits.

    Raises:
        ValueError: it is not a duration.
    """
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"not a duration: {text[:30]!r}")
    return sum(float(number) * _READ[unit] for number, unit in _PART.findall(text))


def format_duration(seconds: float) -> str:
    """Format a duration so that `parse_duration` reads it, with up to ten digits: `200ms`, `1.5s`."""
    return f"{seconds * 1000:.10g}ms" if seconds < 1 else f"{seconds:.10g}s"


def short_duration(seconds: float) -> str:
    """Format a duration with one decimal and a unit's symbol: `500 ms`, `3.2 s`, `90 s`, `5 min`, `2.5 h`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    length, _, sign = _unit(seconds)
    return f"{seconds / length:,.1f}".removesuffix(".0") + f" {sign}"


def duration_in_words(seconds: float) -> str:
    """Format a duration for a sentence: `40 seconds`, `90 minutes`, `3 days`.

    Rounded down, so that at least this much is left until an expiry.
    """
    length, name, _ = _unit(seconds)
    number = int(seconds // length)
    return "less than a second" if number == 0 else plural(number, name)


def skew_sentence(skew: float | None, where: str) -> str:
    """Return a sentence about a clock `skew` seconds ahead of `where` (negative: behind, None: unknown)."""
    if skew is None:
        return f"This machine's clock is too far from that of {where}."
    way = "ahead of" if skew > 0 else "behind"
    return f"This machine's clock is {duration_in_words(abs(skew))} {way} {where}."


def read_stale_signature(text: str) -> tuple[bool, float | None]:
    """Return True if AWS rejected a signature for its time, and how far ahead this machine's clock is then.

    The seconds are None if the message does not contain both times.
    """
    # There is no separate code for this, and SignatureDoesNotMatch has many causes.
    stale = _STALE.search(text)
    if stale is None:
        return False, None
    signed, theirs = (_epoch_of_signature(each) for each in stale.groups())
    return True, None if signed is None or theirs is None else signed - theirs


def _epoch_of_signature(text: str | None) -> float | None:
    try:
        signed = None if text is None else datetime.strptime(text, "%Y%m%dT%H%M%SZ")
    except ValueError:
        return None
    return None if signed is None else signed.replace(tzinfo=UTC).timestamp()


def stopwatch(seconds: float) -> str:
    """Format a running time as `m:ss`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"


def _unit(seconds: float) -> tuple[int, str, str]:
    """Return length, name and symbol of the largest unit that fits twice: fewer would round too much."""
    return next((unit for unit in _UNITS if seconds >= 2 * unit[0]), _UNITS[-1])


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment on both clocks: epoch ms of the wall clock, seconds of the monotonic clock."""

    wall: int
    monotonic: float


class SleepDetector:
    """Detects that the machine slept: the wall clock advanced while the monotonic clock stopped.

    This is so on Linux and macOS. A wall clock that is set ahead looks the same; it costs one needless
    reconnect. Differences below `threshold` seconds are ignored.
    """

    def __init__(self, threshold: float, now: Moment) -> None:
        self._threshold_ms = round(threshold * 1000)
        self._ahead = _lead_of_wall_clock(now)

    def slept_ms(self, now: Moment) -> int:
        """Return how long the machine slept since the last call; 0 if it did not."""
        ahead = _lead_of_wall_clock(now)
        slept, self._ahead = ahead - self._ahead, ahead
        # Rounded up, so that a message that may have been missed counts as missed.
        return slept + 1 if slept >= self._threshold_ms else 0


def _lead_of_wall_clock(now: Moment) -> int:
    return now.wall - int(now.monotonic * 1000)

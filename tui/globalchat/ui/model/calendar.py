"""Formats times and durations for the screen, in one time zone. Pure."""

from datetime import UTC, date, datetime, tzinfo
from functools import cache, lru_cache

from globalchat.client.offset import ROUGH_MS
from globalchat.core.clock import UNKNOWN_TIME, is_plausible, short_duration
from globalchat.core.moments import parse_moment

_LATEST = 253_402_214_400_000
"""The last day of `datetime` in epoch ms, needed because received times may be anything."""


_CLOSE_MS = 120_000
"""Times that are closer than this are shown with their seconds."""


@cache
def _minutes(*, is_12_hours: bool) -> list[str]:
    """Return every minute of a day as a shared string, since each row of a long history has one."""
    minutes = [(hour, minute) for hour in range(24) for minute in range(60)]
    if is_12_hours:
        return [f"{hour % 12 or 12}:{minute:02} {_half(hour)}" for hour, minute in minutes]
    return [f"{hour:02}:{minute:02}" for hour, minute in minutes]


def _half(hour: int) -> str:
    return "AM" if hour < 12 else "PM"


class Calendar:
    """Turns epoch ms into local dates and times.

    `tz` None is the machine's own zone. `time_format` is that of messages, one of `ui.settings.TIME_FORMATS`:
    with its hours all other times are shown as well, except those to the millisecond.

    Attributes:
        time_cells: The most cells of a message's time.
    """

    def __init__(self, tz: tzinfo | None = None, time_format: str = "HH:MM") -> None:
        self._tz = tz
        self._is_12_hours, self._has_seconds = "AM" in time_format, "SS" in time_format
        self.time_cells = len("00:00" + self._has_seconds * ":00" + self._is_12_hours * " AM")
        # Cached, since neighbouring messages share their seconds, and each asks several times.
        self._at_second = lru_cache(1024)(self._compute)

    def at(self, milliseconds: int) -> datetime:
        """Return the local date and time; a value out of range becomes the nearest valid one."""
        inside = min(max(milliseconds, 86_400_000), _LATEST - 86_400_000)
        return self._at_second(inside // 1000).replace(microsecond=inside % 1000 * 1000)

    def day(self, milliseconds: int) -> date:
        """Return the local date."""
        return self._second(milliseconds).date()

    def day_title(self, milliseconds: int) -> str:
        """Return the local date as a heading: `Tuesday 24 November`, or `Unknown date`."""
        if not is_plausible(milliseconds):
            return "Unknown date"
        moment = self.at(milliseconds)
        return f"{moment:%A} {moment.day} {moment:%B}"

    def message_time(self, milliseconds: int) -> str:
        """Return the time of a message in its format, with dashes for a time that cannot be true."""
        return self.second(milliseconds) if self._has_seconds else self.minute(milliseconds)

    def minute(self, milliseconds: int) -> str:
        """Return `HH:MM` or `h:MM AM`, with dashes for a time that cannot be true."""
        if not is_plausible(milliseconds):
            return UNKNOWN_TIME[:5]
        moment = self._second(milliseconds)
        return _minutes(is_12_hours=self._is_12_hours)[moment.hour * 60 + moment.minute]

    def second(self, milliseconds: int) -> str:
        """Return `HH:MM:SS` or `h:MM:SS AM`, with dashes for a time that cannot be true."""
        if not is_plausible(milliseconds):
            return UNKNOWN_TIME
        moment = self._second(milliseconds)
        if self._is_12_hours:
            return f"{moment.hour % 12 or 12}:{moment:%M:%S} {_half(moment.hour)}"
        return f"{moment:%H:%M:%S}"

    def millisecond(self, milliseconds: int) -> str:
        """Return `HH:MM:SS.mmm`, with dashes for a time that cannot be true."""
        if not is_plausible(milliseconds):
            return f"{UNKNOWN_TIME}.---"
        moment = self.at(milliseconds)
        return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03}"

    def span(self, since: int, until: int) -> str:
        """Return two times as `14:02–14:07`; with seconds if they are close, with days if those differ."""
        if until - since < _CLOSE_MS:
            return f"{self.second(since)}–{self.second(until)}"
        if self.day(since) == self.day(until):
            return f"{self.minute(since)}–{self.minute(until)}"
        return f"{self.day_and_minute(since)}–{self.day_and_minute(until)}"

    def short_day(self, milliseconds: int) -> str:
        """Return `24 Nov`, with dashes for a time that cannot be true."""
        if not is_plausible(milliseconds):
            return UNKNOWN_TIME[:5]
        moment = self.at(milliseconds)
        return f"{moment.day} {moment:%b}"

    def day_and_minute(self, milliseconds: int) -> str:
        """Return `24 Nov 12:00`, with dashes for a time that cannot be true."""
        if not is_plausible(milliseconds):
            return UNKNOWN_TIME[:5]
        return f"{self.short_day(milliseconds)} {self.minute(milliseconds)}"

    def parse(self, text: str, now: int) -> int:
        """Return the moment before `now` that a text means (`core.moments`), both in epoch ms.

        Raises:
            NotAMoment: the text is none.
        """
        return parse_moment(text, now, self._tz)

    def full(self, milliseconds: int) -> str:
        """Return date, time to the millisecond and zone in ISO form: `2026-11-24 12:00:01.250+00:00`.

        For a time that cannot be true it is `unknown time`.
        """
        if not is_plausible(milliseconds):
            return "unknown time"
        return self.at(milliseconds).isoformat(" ", "milliseconds")

    def _second(self, milliseconds: int) -> datetime:
        return self._at_second(min(max(milliseconds, 86_400_000), _LATEST - 86_400_000) // 1000)

    def _compute(self, second: int) -> datetime:
        return datetime.fromtimestamp(second, UTC).astimezone(self._tz)


def transit(milliseconds: int | None, error_ms: int = 0) -> str:
    """Format a message's transit time: `+161ms`, `+1.2s`, `+3m`; empty if unknown.

    If it may be wrong by `ROUGH_MS` or more, `~` replaces the sign.
    """
    if milliseconds is None:
        return ""
    value = max(0, milliseconds)
    sign = "~" if error_ms >= ROUGH_MS else "+"
    if value < 1000:
        return f"{sign}{value}ms"
    return f"{sign}{value / 1000:.1f}s" if value < 60_000 else f"{sign}{value // 60_000}m"


def clock_difference(milliseconds: int) -> str:
    """Describe this machine's clock by the region's clock minus this machine's: `3.2 s slow`."""
    return f"{short_duration(abs(milliseconds) / 1000)} {'slow' if milliseconds > 0 else 'fast'}"

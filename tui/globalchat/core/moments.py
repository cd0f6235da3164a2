"""Parses moments of the past as users type them: `2h`, `09:30`, `yesterday 14:00`, `2026-11-28`. Pure."""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from math import isfinite
from typing import Final

from globalchat.core.clock import parse_duration
from globalchat.core.text import sanitize

EXAMPLES: Final = "2h (ago), 09:30, yesterday 14:00 or 2026-11-28 14:00"
"""What can be typed, for sentences and help."""

_LONGEST: Final = 60
"""The most characters of a moment: nothing that has a meaning is longer."""

_TWELVE_HOURS: Final = re.compile("(.* )?([0-9]{1,2}):([0-9:]{2,5}) ?([ap])m")
_CLOCK: Final = re.compile("([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")
_DAY_AND_MONTH: Final = re.compile("([0-9]{1,2}) ([a-z]+)(?: ([0-9]{4}))?")
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS: Final = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_SHORTEST_NAME: Final = 3
"""The fewest letters of the name of a weekday or a month: `mon`, `nov`."""


class NotAMoment(ValueError):
    """A text is not a moment of the past. The message is a sentence without its last full stop."""


def parse_moment(text: str, now: int, tz: tzinfo | None = None) -> int:
    """Return the moment of the past that a text means, in epoch ms.

    It is a duration before `now` (epoch ms): `2h`, `1h30m`, `7d`; a time of day, which is the latest one:
    `9:30`, `09:30:15`, `9:30 pm`; a day with or without a time: `today`, `yesterday 14:00`, `monday`,
    `28 Nov 14:00`, `2026-11-28`, `2026-11-28 14:00`; or an ISO date and time, perhaps with a zone. A day
    without a time begins at midnight. Without a zone the time is that of `tz`, or else this machine's.

    Raises:
        NotAMoment: it has another form, or is not over, or before 1970.
    """
    said = " ".join(text.split())
    shown = sanitize(said, multiline=False)[:30]
    try:
        at = _parse(_in_24_hours(said.casefold()), now, tz) if len(said) <= _LONGEST else None
    except (ValueError, OverflowError, OSError):
        at = None
    if at is None:
        raise NotAMoment(f'"{shown}" is not a time: say {EXAMPLES}')
    if at > now:
        raise NotAMoment(f'"{shown}" is still to come: say {EXAMPLES}')
    if at < 0:
        raise NotAMoment(f'"{shown}" is before 1970: say {EXAMPLES}')
    return at


def _in_24_hours(said: str) -> str:
    """Replace a time with `am` or `pm` at the end of a text by that of 24 hours.

    Raises:
        ValueError: there is no such time.
    """
    found = _TWELVE_HOURS.fullmatch(said)
    if found is None:
        return said
    before, hour, rest, half = found.groups()
    if not 1 <= int(hour) <= 12:
        raise ValueError(said)
    return f"{before or ''}{int(hour) % 12 + 12 * (half == 'p')}:{rest}"


def _parse(said: str, now: int, tz: tzinfo | None) -> int | None:
    """Return the moment; None, ValueError, OverflowError or OSError if there is no such moment."""
    try:
        seconds = parse_duration(said.removesuffix(" ago").replace(" ", ""))
    except ValueError:
        pass
    else:
        return now - round(seconds * 1000) if isfinite(seconds) else None
    here = datetime.fromtimestamp(now / 1000, UTC).astimezone(tz).replace(tzinfo=None)
    day_text, _, last = said.rpartition(" ")
    clock = _CLOCK.fullmatch(last)
    if clock is None:
        day = _day(said, here.date())
        return _iso(said, tz) if day is None else _epoch(datetime(day.year, day.month, day.day), tz)
    hour, minute, second = (int(each or 0) for each in clock.groups())
    day = _day(day_text, here.date()) if day_text else here.date()
    if day is None:
        return _iso(said, tz)
    at = _epoch(datetime(day.year, day.month, day.day, hour, minute, second), tz)
    days = 0 if day_text and _number(day_text, _WEEKDAYS) is None else 7 if day_text else 1
    if days and at > now:
        # By the calendar, as a day on which the clocks change has no 24 hours.
        before = day - timedelta(days=days)
        at = _epoch(datetime(before.year, before.month, before.day, hour, minute, second), tz)
    return at


def _day(said: str, today: date) -> date | None:
    """Return the latest day with that name, today included; None if it is not such a name."""
    if said in ("today", "yesterday"):
        return today - timedelta(days=said == "yesterday")
    if (weekday := _number(said, _WEEKDAYS)) is not None:
        return today - timedelta(days=(today.weekday() - weekday) % 7)
    found = _DAY_AND_MONTH.fullmatch(said)
    month = _number(found[2], _MONTHS) if found is not None else None
    if found is None or month is None:
        return None
    number = int(found[1])
    if found[3] is not None:
        return date(int(found[3]), month + 1, number)
    # 29 February is in one year of four to eight.
    years = (year for year in range(today.year, today.year - 9, -1) if _exists(year, month + 1, number))
    return next((day for year in years if (day := date(year, month + 1, number)) <= today), None)


def _exists(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _number(said: str, names: tuple[str, ...]) -> int | None:
    """Return the place of a name that begins so."""
    if len(said) < _SHORTEST_NAME:
        return None
    return next((place for place, name in enumerate(names) if name.startswith(said)), None)


def _iso(said: str, tz: tzinfo | None) -> int:
    return _epoch(datetime.fromisoformat(said.upper()), tz)


def _epoch(moment: datetime, tz: tzinfo | None) -> int:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=tz) if tz is not None else moment.astimezone()
    return round(moment.timestamp() * 1000)

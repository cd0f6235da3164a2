"""Time zones for `util.time`: the engine knows none."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2100
_STEP: Final = timedelta(days=7)
"""No zone changes its clocks twice within it, but for a handful of oddities before 1970."""


@cache
def transitions(name: str) -> tuple[tuple[int, int], ...] | None:
    """List a zone's offsets in minutes, each with the epoch milliseconds from which on it holds.

    None if there is no such zone on this machine.
    """
    try:
        zone = ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None
    return tuple((int(begin.timestamp()) * 1000, minutes) for begin, minutes in _changes(zone))


def _changes(zone: ZoneInfo) -> Iterator[tuple[datetime, int]]:
    moment = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
    end = datetime(LAST_YEAR, 1, 1, tzinfo=UTC)
    offset = _offset(zone, moment)
    yield moment, offset
    while moment < end:
        following = _offset(zone, moment + _STEP)
        if following != offset:
            yield _find_change(zone, moment, moment + _STEP), following
        moment, offset = moment + _STEP, following


def _find_change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    old = _offset(zone, before)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        if _offset(zone, middle) == old:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def _offset(zone: ZoneInfo, moment: datetime) -> int:
    offset = moment.astimezone(zone).utcoffset()
    return 0 if offset is None else round(offset.total_seconds() / 60)

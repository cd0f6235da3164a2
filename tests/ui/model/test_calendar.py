"""Times of the screen that cannot be true."""

from datetime import UTC, timedelta, timezone

import pytest

from globalchat.ui.model.calendar import Calendar
from globalchat.ui.settings import TIME_FORMATS

FAR = [-(10**30), -62_135_683_140_000, -1, 253_402_214_400_000, 253_402_365_599_000, 10**30]


@pytest.mark.parametrize("hours", [-18, 0, 18])
@pytest.mark.parametrize("at", FAR)
def test_impossible_times_are_unknown_in_every_zone(at: int, hours: int) -> None:
    calendar = Calendar(timezone(timedelta(hours=hours)))
    assert calendar.minute(at) == "--:--"
    assert calendar.second(at) == "--:--:--"
    assert calendar.millisecond(at) == "--:--:--.---"
    assert calendar.full(at) == "unknown time"
    assert calendar.day_title(at) == "Unknown date"
    assert calendar.day(at).year in (1970, 9999)


def test_possible_times_are_shown() -> None:
    assert Calendar(UTC).full(1_795_521_601_250) == "2026-11-24 12:00:01.250+00:00"


@pytest.mark.parametrize(
    ("time_format", "shown", "minute"),
    [
        ("HH:MM", ["00:05", "09:30", "12:00", "23:59"], "09:30"),
        ("HH:MM:SS", ["00:05:09", "09:30:09", "12:00:09", "23:59:09"], "09:30"),
        ("h:MM AM", ["12:05 AM", "9:30 AM", "12:00 PM", "11:59 PM"], "9:30 AM"),
        ("h:MM:SS AM", ["12:05:09 AM", "9:30:09 AM", "12:00:09 PM", "11:59:09 PM"], "9:30 AM"),
    ],
)
def test_times_have_the_format_of_the_settings(time_format: str, shown: list[str], minute: str) -> None:
    assert time_format in TIME_FORMATS
    calendar = Calendar(UTC, time_format)
    midnight = 1_795_478_400_000
    times = [midnight + (each * 60 + 9) * 1000 for each in (5, 570, 720, 1439)]
    assert [calendar.message_time(at) for at in times] == shown
    assert max(map(len, shown)) == calendar.time_cells
    assert calendar.day_and_minute(times[1]) == f"24 Nov {minute}"
    assert calendar.span(times[1], times[2]).startswith(f"{minute}–")
    # What is shown can be typed.
    assert [calendar.parse(each, midnight + 86_400_000 - 1) // 60_000 for each in shown] == [
        at // 60_000 for at in times
    ]
    assert calendar.millisecond(times[1]) == "09:30:09.000"

"""Times of the screen that cannot be true."""

from datetime import UTC, timedelta, timezone

import pytest

from globalchat.ui.model.calendar import Calendar

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

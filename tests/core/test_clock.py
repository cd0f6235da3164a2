from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.core.clock import (
    DAY,
    HOUR,
    Moment,
    SleepDetector,
    duration_in_words,
    format_duration,
    iso_time,
    now_ms,
    parse_duration,
    short_duration,
    stopwatch,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("30s", 30),
        ("5m", 300),
        ("1h", 3600),
        ("7d", 604_800),
        ("1m30s", 90),
        ("0.5s", 0.5),
        ("1h1ms", 3600.001),
        ("0s", 0),
    ],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "30", "s", "-1s", "1 s", "1y", "1s1", "１s", "1e3s", "s1", "1.s", ".5s", "1s\n"]
)
def test_anything_else_is_not_a_duration(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


def test_many_digits_are_no_crash() -> None:
    assert parse_duration("9" * 400 + "h") == float("inf")


@settings(deadline=None)
@given(st.integers(0, 10_000_000_000).map(lambda microseconds: microseconds / 1e6))
def test_what_is_formatted_is_read_again(seconds: float) -> None:
    assert round(parse_duration(format_duration(seconds)), 6) == seconds


@settings(deadline=None)
@given(st.text())
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert parse_duration(text) >= 0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.5, "500 ms"),
        (1, "1 s"),
        (1.5, "1.5 s"),
        (3.24, "3.2 s"),
        (90, "90 s"),
        (119.96, "120 s"),
        (300, "5 min"),
        (3600, "60 min"),
        (2 * HOUR, "2 h"),
        (5400 * 2, "3 h"),
        (36 * HOUR, "36 h"),
        (2 * DAY, "2 d"),
        (365 * DAY, "365 d"),
        (10_000 * DAY, "10,000 d"),
    ],
)
def test_a_short_duration(seconds: float, text: str) -> None:
    assert short_duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "less than a second"),
        (0.9, "less than a second"),
        (1, "1 second"),
        (119.9, "119 seconds"),
        (120, "2 minutes"),
        (2 * HOUR - 1, "119 minutes"),
        (2 * HOUR, "2 hours"),
        (2 * DAY - 1, "47 hours"),
        (2 * DAY, "2 days"),
        (3 * DAY - 1, "2 days"),
        (4000 * DAY, "4,000 days"),
    ],
)
def test_a_duration_in_words(seconds: float, text: str) -> None:
    assert duration_in_words(seconds) == text


def test_a_running_time() -> None:
    shown = [stopwatch(seconds) for seconds in (0, 9.9, 60, 754.9, 3601)]
    assert shown == ["0:00", "0:09", "1:00", "12:34", "60:01"]


def test_an_instant_has_milliseconds_and_a_z() -> None:
    assert iso_time(0) == "1970-01-01T00:00:00.000Z"
    assert iso_time(1_700_000_000_123) == "2023-11-14T22:13:20.123Z"
    assert iso_time(now_ms()) > "2020"


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(-100_000, 100_000), st.floats(0, 60)), max_size=30))
def test_sleep_is_what_the_wall_clock_ran_ahead_since_the_last_look(steps: list[tuple[int, float]]) -> None:
    now = Moment(1_000_000_000, 50.0)
    detector = SleepDetector(5.0, now)
    for ahead, passed in steps:
        now = Moment(now.wall + round(passed * 1000) + ahead, now.monotonic + passed)
        slept = detector.slept_ms(now)
        if ahead > 5010:
            assert abs(slept - ahead) <= 2
        elif ahead < 4990:
            assert slept == 0
        assert detector.slept_ms(now) == 0

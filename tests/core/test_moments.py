"""Moments as users type them: every form, days on which the clocks change, and whatever else is typed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from globalchat.core.moments import NotAMoment, parse_moment

SYDNEY = ZoneInfo("Australia/Sydney")
NEW_YORK = ZoneInfo("America/New_York")
ZONES = (UTC, SYDNEY, NEW_YORK, ZoneInfo("Asia/Kathmandu"))


def epoch(text: str, zone: ZoneInfo | None = SYDNEY) -> int:
    """Epoch ms of an ISO date and time in a zone."""
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


NOW = epoch("2026-11-30 11:00")
"""A Monday."""


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2h", "2026-11-30 09:00"),
        ("2h ago", "2026-11-30 09:00"),
        ("1h 30m", "2026-11-30 09:30"),
        ("7d", "2026-11-23 11:00"),
        ("9:30", "2026-11-30 09:30"),
        ("11:00", "2026-11-30 11:00"),
        ("11:01", "2026-11-29 11:01"),
        ("10:59:59", "2026-11-30 10:59:59"),
        ("9:30 pm", "2026-11-29 21:30"),
        ("12:05:09AM", "2026-11-30 00:05:09"),
        ("24 Nov 12:00 PM", "2026-11-24 12:00"),
        ("today", "2026-11-30"),
        ("today 9:30", "2026-11-30 09:30"),
        ("yesterday", "2026-11-29"),
        ("  Yesterday   14:00 ", "2026-11-29 14:00"),
        ("monday", "2026-11-30"),
        ("Mon 14:00", "2026-11-23 14:00"),
        ("sunday 14:00", "2026-11-29 14:00"),
        ("tue", "2026-11-24"),
        ("24 Nov 12:00", "2026-11-24 12:00"),
        ("28 november", "2026-11-28"),
        ("24 dec", "2025-12-24"),
        ("29 feb", "2024-02-29"),
        ("1 may 2025 8:00", "2025-05-01 08:00"),
        ("2026-11-28", "2026-11-28"),
        ("2026-11-28 14:00", "2026-11-28 14:00"),
        ("2026-11-28T14:00:05", "2026-11-28 14:00:05"),
        ("2026-11-28T03:00Z", "2026-11-28 14:00"),
        ("2026-11-28 03:00+00:00", "2026-11-28 14:00"),
    ],
)
def test_every_form_means_a_moment(text: str, moment: str) -> None:
    assert parse_moment(text, NOW, SYDNEY) == epoch(moment)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("soon", '"soon" is not a time: say 2h (ago), 09:30, yesterday 14:00 or 2026-11-28 14:00'),
        ("", '"" is not a time'),
        ("25:00", '"25:00" is not a time'),
        ("13:00 pm", '"13:00 pm" is not a time'),
        ("0:30 am", '"0:30 am" is not a time'),
        ("30 feb", '"30 feb" is not a time'),
        ("ma", '"ma" is not a time'),
        ("9" * 400 + "h", f'"{"9" * 30}" is not a time'),
        ("today 11:01", "is still to come"),
        ("2026-12-01", "is still to come"),
        ("9999-12-31", "is still to come"),
        ("1969-12-31", "is before 1970"),
        ("99999d", "is before 1970"),
        ("\x1b[31m", "is not a time"),
    ],
)
def test_what_is_no_moment_of_the_past_is_refused_in_a_sentence_with_examples(text: str, said: str) -> None:
    with pytest.raises(NotAMoment) as caught:
        parse_moment(text, NOW, SYDNEY)
    assert said in str(caught.value)
    assert "say 2h (ago), 09:30" in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_a_day_on_which_the_clocks_change_is_a_day() -> None:
    # Clocks go back on 1 November in New York: the day has 25 hours.
    now = epoch("2026-11-01 20:00", NEW_YORK)
    assert parse_moment("21:00", now, NEW_YORK) == epoch("2026-10-31 21:00", NEW_YORK)
    assert parse_moment("yesterday 21:00", now, NEW_YORK) == epoch("2026-10-31 21:00", NEW_YORK)
    assert parse_moment("21:00", now + 86_400_000, NEW_YORK) == epoch("2026-11-01 21:00", NEW_YORK)


@given(now=st.integers(0, 4_000_000_000_000), ago=st.integers(0, 86_399_000), zone=st.sampled_from(ZONES))
def test_a_time_of_day_is_the_latest_one(now: int, ago: int, zone: ZoneInfo) -> None:
    meant = max(0, now - ago) // 60_000 * 60_000
    shown = datetime.fromtimestamp(meant / 1000, UTC).astimezone(zone)
    try:
        found = parse_moment(f"{shown:%H:%M}", now, zone)
    except NotAMoment:  # the day before the first of all days
        assert now < 2 * 86_400_000
        return
    assert found <= now
    # An hour that occurs twice, or not at all, may be meant as the other one.
    assert abs(found - meant) in (0, 3_600_000) or found >= now - 90_000_000
    assert parse_moment(shown.isoformat(), now, zone) == meant


@given(st.text(max_size=70), st.integers(0, 4_000_000_000_000), st.sampled_from(ZONES))
def test_whatever_is_typed_is_a_past_moment_or_refused(text: str, now: int, zone: ZoneInfo) -> None:
    refused = ""
    try:
        assert 0 <= parse_moment(text, now, zone) <= now
    except NotAMoment as error:
        refused = str(error)
    assert len(refused) < 200


def test_without_a_zone_it_is_this_machines() -> None:
    today = datetime.fromtimestamp(NOW / 1000).astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    assert parse_moment("today", NOW) == round(today.timestamp() * 1000)
    assert parse_moment("yesterday", NOW) == round((today - timedelta(days=1)).timestamp() * 1000)

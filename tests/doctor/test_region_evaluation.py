"""Where a clock or a key is no longer fine."""

import pytest

from globalchat.core.check_result import CheckStatus
from globalchat.core.clock import DAY
from globalchat.doctor.region import evaluate_clock, evaluate_key

NOW = 1_000_000.0
REFUSED = "It is wrong."


@pytest.mark.parametrize(
    ("skew", "status"),
    [
        (None, CheckStatus.SKIPPED),
        (0.0, CheckStatus.OK),
        (-10.0, CheckStatus.OK),
        (11.0, CheckStatus.WARNING),
        (-300.0, CheckStatus.WARNING),
        (301.0, CheckStatus.FAILED),
    ],
)
def test_the_clock(skew: float | None, status: CheckStatus) -> None:
    result = evaluate_clock(skew)
    assert result.status is status
    assert (result.remedy is not None) == (status in (CheckStatus.WARNING, CheckStatus.FAILED))


@pytest.mark.parametrize(
    ("refusal", "days", "status", "words"),
    [
        (None, None, CheckStatus.OK, "does not say until when"),
        (None, 300, CheckStatus.OK, "valid for another 300 days"),
        (None, 14, CheckStatus.OK, "14 days"),
        (None, 13, CheckStatus.WARNING, "expires in 13 days"),
        (None, 1, CheckStatus.WARNING, "expires in 24 hours."),
        (None, -3, CheckStatus.OK, "though the profile says"),
        (REFUSED, -3, CheckStatus.FAILED, "expired 3 days ago"),
        (REFUSED, 300, CheckStatus.FAILED, "It is wrong."),
        (REFUSED, None, CheckStatus.FAILED, "It is wrong."),
    ],
)
def test_the_key(refusal: str | None, days: int | None, status: CheckStatus, words: str) -> None:
    expires = None if days is None else int(NOW) + days * DAY
    result = evaluate_key(refusal, expires, NOW, "Get another.")
    assert result.status is status
    assert words in result.text
    if status is CheckStatus.FAILED:
        assert result.remedy == "Get another."


def test_the_last_day_of_a_key_is_shown_in_hours() -> None:
    assert evaluate_key(None, int(NOW) + 7_300, NOW, "x").text == "accepted, but it expires in 2 hours."
    assert evaluate_key(None, int(NOW) + 60, NOW, "x").text == "accepted, but it expires in 60 seconds."
    assert evaluate_key(REFUSED, int(NOW) - 3_600, NOW, "x").text == "The API key expired 60 minutes ago."

"""The API key that a stack makes: when it ends, and what its later generations are called."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

import pytest

from globalchat_infra import stack_key
from tests.infra.helpers.synthesised_templates import resources, templates_of


@pytest.mark.parametrize(
    ("today", "expiry"),
    [
        (date(2026, 1, 1), datetime(2026, 12, 1, tzinfo=UTC)),
        (date(2026, 1, 31), datetime(2026, 12, 1, tzinfo=UTC)),
        (date(2026, 2, 1), datetime(2027, 1, 1, tzinfo=UTC)),
        (date(2024, 2, 29), datetime(2025, 1, 1, tzinfo=UTC)),
        (date(2026, 12, 31), datetime(2027, 11, 1, tzinfo=UTC)),
    ],
)
def test_a_key_expires_on_the_first_of_a_month_within_a_year(today: date, expiry: datetime) -> None:
    assert stack_key.expiry(today) == expiry.timestamp()
    assert 300 < (expiry.date() - today).days < 365


@pytest.mark.infra
def test_a_later_generation_is_another_resource_of_that_region_alone(
    synthesised: Mapping[str, Mapping[str, str]],
) -> None:
    made = templates_of(synthesised["another key"])
    (later,) = resources(made["globalchat-oregon-api"], "AWS::AppSync::ApiKey")
    (first,) = resources(made["globalchat-sydney-api"], "AWS::AppSync::ApiKey")
    assert later == stack_key.logical_id(2) == "ApiKey2"
    assert (stack_key.generation_of(first), stack_key.generation_of(later)) == (0, 2)

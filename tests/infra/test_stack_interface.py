"""The API key that a stack makes: when it ends, and what its later generations are called."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

import pytest

from globalchat_infra import stack_interface
from tests.infra.helpers.synthesised_templates import templates_of


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
    assert stack_interface.key_expiry(today) == expiry.timestamp()
    assert 300 < (expiry.date() - today).days < 365


@pytest.mark.infra
def test_a_template_makes_the_key_of_one_generation_whose_end_it_never_moves_by_itself(
    synthesised: Mapping[str, Mapping[str, str]],
) -> None:
    """CloudFormation keeps the previous values of parameters, whatever updates the stack, and whenever."""
    for name, template in templates_of(synthesised["default"]).items():
        if not name.endswith("-api"):
            assert "Parameters" not in template
            continue
        assert template["Parameters"].keys() == {
            stack_interface.GENERATION,
            stack_interface.EXPIRES,
            stack_interface.HISTORY_SINCE,
        }
        # The deployer gives the time: a default of the day would change every template every day.
        assert template["Parameters"][stack_interface.HISTORY_SINCE]["Default"] == "[0,0]"
        assert template["Parameters"][stack_interface.GENERATION]["AllowedValues"] == ["0", "1"]
        keys = {
            logical: resource
            for logical, resource in template["Resources"].items()
            if resource["Type"] == "AWS::AppSync::ApiKey"
        }
        assert len(keys) == 2
        assert stack_interface.LATER_KEY in keys
        equal = [template["Conditions"][each["Condition"]]["Fn::Equals"] for each in keys.values()]
        assert equal == [
            [{"Ref": stack_interface.GENERATION}, "0"],
            [{"Ref": stack_interface.GENERATION}, "1"],
        ]
        for key in keys.values():
            assert key["Properties"].keys() == {"ApiId", "Description", "Expires"}
            assert key["Properties"]["Expires"] == {"Ref": stack_interface.EXPIRES}
            assert key["Properties"]["Description"] == "Default API Key created by CDK"


def test_a_generation_is_raised_together_with_the_end_of_the_new_key() -> None:
    first = stack_interface.next_generation({}, 100)
    assert first == {"KeyGeneration": "1", "KeyExpires": "100"}
    assert stack_interface.next_generation(first, 200) == {"KeyGeneration": "0", "KeyExpires": "200"}

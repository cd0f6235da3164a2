"""Which key is used, what a rotation does to the others, and what a deployment may not undo."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from globalchat.core.errors import UserError
from globalchat_infra import stack_key
from globalchat_infra.deployer import keys
from globalchat_infra.deployer.aws import Aws
from globalchat_infra.deployer.keys import ApiKey
from tests.infra.helpers.moto_account import END, NOW, REGION

DAY = 86_400


@given(st.datetimes(datetime(2026, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)))
def test_a_key_lasts_for_most_of_a_year_and_no_longer(moment: datetime) -> None:
    end = keys.key_expiry(moment.timestamp())
    assert 300 * DAY < end - moment.timestamp() <= 365 * DAY


def test_the_days_left_are_whole_and_negative_once_expired() -> None:
    assert keys.days_left(int(NOW) + 10 * DAY - 1, NOW) == 9
    assert keys.days_left(int(NOW) - 1, NOW) == -1


def test_a_key_is_not_shown() -> None:
    assert "da2-secret" not in repr(ApiKey("da2-secret", END, ""))


def test_the_key_that_lasts_longest_is_used_unless_expired_or_replaced() -> None:
    old = ApiKey("da2-a", END + DAY, "")
    new = ApiKey("da2-b", END, f"globalchat keys rotate: replaces {old.fingerprint}")
    foreign = ApiKey("da2-c", END - DAY, "somebody's")
    expired = ApiKey("da2-d", int(NOW) - 1, "")
    assert keys.choose([expired, old, foreign], NOW) == old
    assert keys.choose([expired, old, new, foreign], NOW) == new
    assert keys.choose([expired], NOW) is None


@pytest.fixture
def api(cloud: str) -> str:
    """An API with one key, as a stack leaves it."""
    aws = Aws()
    made = aws.call("appsync", REGION, "create_graphql_api", name="a", authenticationType="API_KEY")
    api_id: str = made["graphqlApi"]["apiId"]
    description = stack_key.DESCRIPTION
    aws.call("appsync", REGION, "create_api_key", apiId=api_id, expires=END, description=description)
    return api_id


def listed(api: str) -> dict[str, int]:
    return {each.fingerprint: each.expires for each in keys.list_keys(Aws(), REGION, api)}


def test_a_rotation_makes_a_new_key_and_lets_the_old_one_end_later(api: str) -> None:
    aws = Aws()
    old = keys.current(aws, REGION, api, NOW)
    new = keys.rotate(aws, REGION, api, now=NOW, grace_days=7)
    assert keys.current(aws, REGION, api, NOW).key == new.key
    assert listed(api) == {old.fingerprint: int(NOW) + 7 * DAY, new.fingerprint: END}


def test_a_rotation_never_lengthens_a_key(api: str) -> None:
    aws = Aws()
    old = keys.current(aws, REGION, api, NOW)
    end = int(NOW) + 3 * DAY
    aws.call("appsync", REGION, "update_api_key", apiId=api, id=old.key, expires=end)
    keys.rotate(aws, REGION, api, now=NOW, grace_days=30)
    assert listed(api)[old.fingerprint] == end


def test_a_deployment_does_not_bring_back_what_was_replaced(api: str) -> None:
    aws = Aws()
    first = keys.current(aws, REGION, api, NOW)
    second = keys.rotate(aws, REGION, api, now=NOW, grace_days=1)
    third = keys.rotate(aws, REGION, api, now=NOW, grace_days=1)
    # AppSync deletes the second some time after its end; then an update of the stack renews the first.
    aws.call("appsync", REGION, "delete_api_key", apiId=api, id=second.key)
    later = NOW + 20 * DAY
    aws.call("appsync", REGION, "update_api_key", apiId=api, id=first.key, expires=keys.key_expiry(later))

    keys.settle(aws, REGION, api, later)

    assert keys.current(aws, REGION, api, later).key == third.key
    assert listed(api) == {
        first.fingerprint: int(later) + keys.SHORTEST,
        third.fingerprint: keys.key_expiry(later),
    }


def test_a_deployment_leaves_other_peoples_keys_alone(api: str) -> None:
    aws = Aws()
    theirs = aws.call("appsync", REGION, "create_api_key", apiId=api, description="theirs", expires=END - DAY)
    keys.rotate(aws, REGION, api, now=NOW, grace_days=1)
    keys.settle(aws, REGION, api, NOW)
    print_of_theirs = ApiKey(theirs["apiKey"]["id"], 0, "").fingerprint
    assert listed(api)[print_of_theirs] == END - DAY


def test_too_many_keys_are_one_sentence(api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "MOST_KEYS", 1)
    with pytest.raises(UserError, match="has 1 keys, the most that AppSync allows"):
        keys.rotate(Aws(), REGION, api, now=NOW, grace_days=7)


def test_no_valid_key_names_the_command(api: str) -> None:
    with pytest.raises(UserError) as failed:
        keys.current(Aws(), REGION, api, END + 1)
    assert "globalchat keys rotate" in (failed.value.remedy or "")

"""Which key is used, what a rotation does to the others, and what a deployment may not undo."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from globalchat.client.profiles import RegionEndpoint
from globalchat.core.errors import UsageError, UserError
from globalchat_infra import stack_interface
from globalchat_infra.deployer import api_keys, stacks
from globalchat_infra.deployer.api_keys import ApiKey
from globalchat_infra.deployer.aws import Aws, Denied
from globalchat_infra.deployer.stacks import DeployedStack
from tests.infra.helpers.moto_account import ACCOUNT, END, NOW, REGION
from tests.infra.helpers.small_stacks import stand

DAY = 86_400


@given(st.datetimes(datetime(2026, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)))
def test_a_key_lasts_for_most_of_a_year_and_no_longer(moment: datetime) -> None:
    end = api_keys.key_expiry(moment.timestamp())
    assert 300 * DAY < end - moment.timestamp() <= 365 * DAY


def test_the_days_left_are_whole_and_negative_once_expired() -> None:
    assert api_keys.days_left(int(NOW) + 10 * DAY - 1, NOW) == 9
    assert api_keys.days_left(int(NOW) - 1, NOW) == -1


def test_a_key_is_not_shown() -> None:
    assert "da2-secret" not in repr(ApiKey("da2-secret", END, ""))


def test_the_key_that_lasts_longest_is_used_unless_expired_or_replaced() -> None:
    old = ApiKey("da2-a", END + DAY, "")
    new = ApiKey("da2-b", END, f"globalchat keys rotate: replaces {old.fingerprint}")
    foreign = ApiKey("da2-c", END - DAY, "made by hand")
    expired = ApiKey("da2-d", int(NOW) - 1, "")
    assert api_keys.choose([expired, old, foreign], NOW) == old
    assert api_keys.choose([expired, old, new, foreign], NOW) == new
    assert api_keys.choose([expired], NOW) is None


@pytest.fixture
def api(cloud: str) -> str:
    """An API with one key, as a stack leaves it."""
    aws = Aws()
    made = aws.call("appsync", REGION, "create_graphql_api", name="a", authenticationType="API_KEY")
    api_id: str = made["graphqlApi"]["apiId"]
    description = stack_interface.KEY_DESCRIPTION
    aws.call("appsync", REGION, "create_api_key", apiId=api_id, expires=END, description=description)
    return api_id


def listed(api: str) -> dict[str, int]:
    return {each.fingerprint: each.expires for each in api_keys.list_keys(Aws(), REGION, api)}


def rotate(api: str, grace_days: int) -> api_keys.Rotation:
    aws = Aws()
    rotation = api_keys.rotate(aws, REGION, api, now=NOW)
    assert rotation.old is not None
    api_keys.retire(aws, REGION, api, rotation.old, now=NOW, grace_days=grace_days)
    return rotation


def test_a_rotation_makes_a_new_key_and_lets_the_old_one_end_later(api: str) -> None:
    old = api_keys.current(Aws(), REGION, api, NOW)
    new = rotate(api, 7).new
    assert api_keys.current(Aws(), REGION, api, NOW).key == new.key
    assert listed(api) == {old.fingerprint: int(NOW) + 7 * DAY, new.fingerprint: END}


def test_without_grace_the_old_key_is_gone(api: str) -> None:
    new = rotate(api, 0).new
    assert listed(api) == {new.fingerprint: END}


def test_a_rotation_never_lengthens_a_key(api: str) -> None:
    aws = Aws()
    old = api_keys.current(aws, REGION, api, NOW)
    end = int(NOW) + 3 * DAY
    aws.call("appsync", REGION, "update_api_key", apiId=api, id=old.key, expires=end)
    assert api_keys.retire(aws, REGION, api, replace(old, expires=end), now=NOW, grace_days=30) == end
    assert listed(api)[old.fingerprint] == end


def test_what_was_replaced_stays_replaced_once_the_key_that_named_it_is_gone(api: str) -> None:
    first = api_keys.current(Aws(), REGION, api, NOW)
    second = rotate(api, 7).new
    third = rotate(api, 7).new
    api_keys.revoke(Aws(), REGION, api, second)
    found = api_keys.list_keys(Aws(), REGION, api)
    assert api_keys.retired(found) == {first.fingerprint, second.fingerprint}
    assert api_keys.current(Aws(), REGION, api, NOW).key == third.key


def test_a_description_names_no_more_keys_than_it_can_hold(api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_keys, "MOST_NAMED", 2)
    replaced = [rotate(api, days).old for days in (5, 6, 7)]
    (description,) = (
        each.description
        for each in api_keys.list_keys(Aws(), REGION, api)
        if each.key == api_keys.current(Aws(), REGION, api, NOW).key
    )
    # The one that it replaces, and of the others the one that lasts longest.
    names = [each.fingerprint for each in reversed(replaced[1:]) if each is not None]
    assert description == f"globalchat keys rotate: replaces {' '.join(names)}"


def test_the_next_key_of_the_stack_does_not_take_the_place_of_a_rotation_s(api: str) -> None:
    """It was given to no one, even if it lasts longer."""
    new = rotate(api, 0).new
    of_stack = ApiKey("da2-stack", END + 40 * DAY, stack_interface.KEY_DESCRIPTION)
    assert api_keys.choose([of_stack, new], NOW) == new
    assert api_keys.choose([of_stack, replace(new, expires=int(NOW))], NOW) == of_stack


def test_a_deployment_renews_the_key_in_use_and_no_other(api: str) -> None:
    aws = Aws()
    theirs = aws.call("appsync", REGION, "create_api_key", apiId=api, description="theirs", expires=END - DAY)
    rotation = rotate(api, 7)
    later = NOW + 40 * DAY
    api_keys.renew(aws, REGION, api, later)
    assert rotation.old is not None
    assert listed(api) == {
        ApiKey(theirs["apiKey"]["id"], 0, "").fingerprint: END - DAY,
        rotation.old.fingerprint: int(NOW) + 7 * DAY,
        rotation.new.fingerprint: api_keys.key_expiry(later),
    }


def test_too_many_keys_are_one_sentence(api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_keys, "MOST_KEYS", 1)
    with pytest.raises(UserError, match="has 1 keys, the most that AppSync allows"):
        api_keys.rotate(Aws(), REGION, api, now=NOW)


def endpoint_of(api: str, alias: str = "oregon") -> RegionEndpoint:
    bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/small-bus"
    return RegionEndpoint(alias, REGION, "https://a/b", "wss://a/b", api, bus, "da2-key")


def test_the_keys_of_an_api_are_its_owner_s_alone(api: str) -> None:
    aws = Aws()
    with pytest.raises(
        UsageError, match=r'the API of oregon in us-west-2, "a" \(no tags\): it is left alone'
    ):
        api_keys.check_owner(aws, "small", endpoint_of(api))
    arn = f"arn:aws:appsync:{REGION}:{ACCOUNT}:apis/{api}"
    own = {"project": "globalchat", "deployment": "small", "alias": "oregon"}
    aws.call("appsync", REGION, "tag_resource", resourceArn=arn, tags=own)
    api_keys.check_owner(aws, "small", endpoint_of(api))
    for prefix, alias in (("other", "oregon"), ("small", "sydney")):
        with pytest.raises(UsageError, match="deployment=small, alias=oregon"):
            api_keys.check_owner(aws, prefix, endpoint_of(api, alias))
    with pytest.raises(UsageError, match="does not say which deployment"):
        api_keys.check_owner(aws, None, endpoint_of(api))
    with pytest.raises(UserError, match=r"The API of oregon in us-west-2 is gone\."):
        api_keys.check_owner(aws, "small", endpoint_of("gone"))


def test_no_valid_key_names_the_command(api: str) -> None:
    with pytest.raises(UserError) as failed:
        api_keys.current(Aws(), REGION, api, END + 1)
    assert "globalchat keys rotate" in (failed.value.remedy or "")


RAISED = {"globalchat-oregon-api": {"KeyGeneration": "1", "KeyExpires": str(END)}}


@pytest.fixture
def existing(cloud: str) -> list[DeployedStack]:
    stand({"oregon": REGION})
    return stacks.find(Aws(), "globalchat", {"oregon": REGION})


def key_of(existing: list[DeployedStack]) -> tuple[str, api_keys.ApiKey]:
    api_id = existing[0].outputs["apiId"]
    (key,) = api_keys.list_keys(Aws(), REGION, api_id)
    return api_id, key


def test_a_key_that_is_in_use_stays(existing: list[DeployedStack]) -> None:
    assert api_keys.find_replacements(Aws(), existing, NOW) == api_keys.KeyReplacements()


def test_a_key_that_appsync_deleted_gets_a_successor(existing: list[DeployedStack]) -> None:
    api_id, key = key_of(existing)
    api_keys.revoke(Aws(), REGION, api_id, key)
    raised = api_keys.find_replacements(Aws(), existing, NOW)
    assert raised.parameters == RAISED
    assert raised.notes == ("oregon: the key of the stack is gone; the stack makes another",)


def test_a_key_that_was_replaced_is_deleted_by_the_next_update(existing: list[DeployedStack]) -> None:
    api_id, key = key_of(existing)
    api_keys.rotate(Aws(), REGION, api_id, now=NOW)
    raised = api_keys.find_replacements(Aws(), existing, NOW)
    assert raised.parameters == RAISED
    assert f"({key.fingerprint}) was replaced, and ends with this deployment" in raised.notes[0]
    # The next generation is made from the first resource again.
    later = [replace(each, parameters=RAISED["globalchat-oregon-api"]) for each in existing]
    raised = api_keys.find_replacements(Aws(), later, NOW)
    assert raised.parameters["globalchat-oregon-api"]["KeyGeneration"] == "0"


def test_a_key_that_has_expired_is_replaced_and_not_renewed(existing: list[DeployedStack]) -> None:
    """A key that was let expire by hand may have had a reason to."""
    raised = api_keys.find_replacements(Aws(), existing, END + 1)
    assert list(raised.parameters) == ["globalchat-oregon-api"]
    assert "has expired" in raised.notes[0]


class WithoutKeys(Aws):
    """Credentials that may deploy, and not list keys."""

    def call(self, service: str, region: str, operation: str, **arguments: object) -> dict[str, Any]:
        if service == "appsync":
            raise Denied("These credentials may not do this: appsync:ListApiKeys.")
        return super().call(service, region, operation, **arguments)


def test_what_may_not_be_asked_is_left_alone_and_said(existing: list[DeployedStack]) -> None:
    raised = api_keys.find_replacements(WithoutKeys(), existing, NOW)
    assert raised.parameters == {}
    assert raised.notes == (
        "oregon: whether its key was replaced is not known, it is left alone: "
        "These credentials may not do this: appsync:ListApiKeys.",
    )

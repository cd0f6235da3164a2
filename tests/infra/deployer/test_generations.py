"""When a stack gets another key of its own."""

from dataclasses import replace
from typing import Any

import pytest

from globalchat_infra.deployer import generations, keys, stacks
from globalchat_infra.deployer.aws import Aws, Denied
from globalchat_infra.deployer.stacks import DeployedStack
from tests.infra.helpers.moto_account import END, NOW, REGION
from tests.infra.helpers.small_stacks import stand

RAISED = {"globalchat-oregon-api": {"KeyGeneration": "1", "KeyExpires": str(END)}}


@pytest.fixture
def standing(cloud: str) -> list[DeployedStack]:
    stand({"oregon": REGION})
    return stacks.find(Aws(), "globalchat", {"oregon": REGION})


def key_of(standing: list[DeployedStack]) -> tuple[str, keys.ApiKey]:
    api_id = standing[0].outputs["apiId"]
    (key,) = keys.list_keys(Aws(), REGION, api_id)
    return api_id, key


def test_a_key_that_is_in_use_stays(standing: list[DeployedStack]) -> None:
    assert generations.raised(Aws(), standing, NOW) == generations.Raised()


def test_a_key_that_appsync_deleted_gets_a_successor(standing: list[DeployedStack]) -> None:
    api_id, key = key_of(standing)
    keys.revoke(Aws(), REGION, api_id, key)
    raised = generations.raised(Aws(), standing, NOW)
    assert raised.parameters == RAISED
    assert raised.notes == ("oregon: the key of the stack is gone; the stack makes another",)


def test_a_key_that_was_replaced_is_deleted_by_the_next_update(standing: list[DeployedStack]) -> None:
    api_id, key = key_of(standing)
    keys.rotate(Aws(), REGION, api_id, now=NOW)
    raised = generations.raised(Aws(), standing, NOW)
    assert raised.parameters == RAISED
    assert f"({key.fingerprint}) was replaced, and ends with this deployment" in raised.notes[0]
    # The next generation is made from the first resource again.
    later = [replace(each, parameters=RAISED["globalchat-oregon-api"]) for each in standing]
    raised = generations.raised(Aws(), later, NOW)
    assert raised.parameters["globalchat-oregon-api"]["KeyGeneration"] == "0"


def test_a_key_that_has_expired_is_replaced_and_not_renewed(standing: list[DeployedStack]) -> None:
    """Whoever let it expire by hand may have had a reason."""
    raised = generations.raised(Aws(), standing, END + 1)
    assert list(raised.parameters) == ["globalchat-oregon-api"]
    assert "has expired" in raised.notes[0]


class WithoutKeys(Aws):
    """Credentials that may deploy, and not list keys."""

    def call(self, service: str, region: str, operation: str, **arguments: object) -> dict[str, Any]:
        if service == "appsync":
            raise Denied("These credentials may not do this: appsync:ListApiKeys.")
        return super().call(service, region, operation, **arguments)


def test_what_may_not_be_asked_is_left_alone_and_said(standing: list[DeployedStack]) -> None:
    raised = generations.raised(WithoutKeys(), standing, NOW)
    assert raised.parameters == {}
    assert raised.notes == (
        "oregon: whether its key was replaced is not known, it is left alone: "
        "These credentials may not do this: appsync:ListApiKeys.",
    )

"""Options change the context of `cdk.json`, and a wrong one is told before anything is done."""

import json
from typing import Any

import pytest

from globalchat.core.errors import ExitCode, UserError
from globalchat.core.resources import resource
from globalchat_infra.deployer import settings, stacks
from globalchat_infra.deployer.settings import Changes

REGIONS = {"oregon": "us-west-2", "sydney": "ap-southeast-2"}


def changed(changes: Changes) -> dict[str, Any]:
    content = settings.change(json.loads(resource("cdk.json").read_text(encoding="utf-8")), changes)
    found: dict[str, Any] = content["context"]["globalchat"]
    return found


def test_without_options_all_is_as_in_the_file() -> None:
    content = json.loads(resource("cdk.json").read_text(encoding="utf-8"))
    assert settings.change(content, Changes()) == content


def test_options_take_the_place_of_what_the_file_says() -> None:
    found = changed(Changes("mine", ["sydney", "tokyo=ap-northeast-1"], ["one", "two"], {"message": 500}))
    assert found["prefix"] == "mine"
    assert found["regions"] == {"sydney": "ap-southeast-2", "tokyo": "ap-northeast-1"}
    assert found["channels"] == ["one", "two"]
    assert found["limits"] == {"message": 500, "sender": 32, "id": 64}


def test_regions_are_named_by_alias_or_by_aws() -> None:
    assert settings.choose_regions(REGIONS, ["ap-southeast-2", "oregon"]) == {
        "sydney": "ap-southeast-2",
        "oregon": "us-west-2",
    }


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (Changes(regions=["atlantis"]), "it has: oregon"),
        (Changes(regions=["a=atlantis-1"]), "not an AWS region"),
        (Changes(regions=["a=us-east-1", "a=us-east-2"]), 'The alias "a" is given to two regions'),
        (Changes(prefix="Mine!"), "The prefix"),
        (Changes(channels=["Ä"]), "The channel"),
        (Changes(limits={"message": 0}), 'The limit "message"'),
        (Changes(limits={"length": 9}), "unknown key"),
    ],
)
def test_a_wrong_option_is_one_sentence(changes: Changes, told: str) -> None:
    with pytest.raises(UserError, match=told) as failed:
        changed(changes)
    assert failed.value.exit_code is ExitCode.USAGE


def test_a_single_region_has_no_relay() -> None:
    content = json.loads(resource("cdk.json").read_text(encoding="utf-8"))
    alone = settings.config_of(settings.change(content, Changes(regions=["sydney"])))
    assert stacks.expected(alone) == ["globalchat-sydney-api"]
    assert stacks.expected(settings.config_of(content)) == [
        "globalchat-oregon-api",
        "globalchat-sydney-api",
        "globalchat-oregon-relay",
        "globalchat-sydney-relay",
    ]

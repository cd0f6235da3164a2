"""A deployment is found in whatever region it is, by a machine that knows nothing of it."""

from typing import Any

import pytest

from globalchat.client import profiles
from globalchat.core.errors import Unreachable, UserError
from globalchat_infra.config import load
from globalchat_infra.deployer import discovery
from globalchat_infra.deployer.aws import Aws, Denied
from globalchat_infra.deployer.deployment import prepare
from globalchat_infra.deployer.plan import Changes, DeployRequest
from tests.infra.helpers.assembled_deployment import RecordingPrompter, content
from tests.infra.helpers.moto_account import ACCOUNT, User
from tests.infra.helpers.small_stacks import stand

REGIONS = {"oregon": "us-west-2", "sydney": "ap-southeast-2", "tokyo": "ap-northeast-1"}
ELSEWHERE = {"tokyo": "ap-northeast-1", "paris": "eu-west-3"}


def names(aws: Aws) -> list[str]:
    found = discovery.discover(aws, "globalchat", load().regions.items()).stacks
    return [stack.name for stack in found]


def test_one_stack_leads_to_all_others(cloud: str) -> None:
    stand(REGIONS)
    found = discovery.discover(Aws(), "globalchat", [("oregon", "us-west-2")])
    assert found.regions == found.mesh == REGIONS
    assert [stack.part for stack in found.stacks] == ["api"] * 3 + ["relay"] * 3
    assert found.settings["options"] == ["regions"]


def test_roles_lead_to_regions_that_the_file_does_not_know(cloud: str) -> None:
    stand(ELSEWHERE, roles=True)
    stand({"lima": "sa-east-1"}, prefix="globalchat-two", roles=True)
    found = discovery.discover(Aws(), "globalchat", load().regions.items())
    assert found.regions == ELSEWHERE


class Deaf(Aws):
    """Does not reach one region, and may not ask IAM."""

    def call(self, service: str, region: str, operation: str, **arguments: object) -> dict[str, Any]:
        if service == "iam":
            raise Denied("Not allowed.")
        if region == "ap-southeast-2":
            raise Unreachable("AWS did not answer.")
        return super().call(service, region, operation, **arguments)


def test_a_region_that_is_down_is_named_and_the_others_are_found(cloud: str) -> None:
    stand(REGIONS)
    found = discovery.discover(Deaf(), "globalchat", [("oregon", "us-west-2")])
    assert list(found.regions) == ["oregon", "tokyo"]
    assert list(found.unreachable) == ["ap-southeast-2"]
    assert found.mesh == REGIONS


def test_without_the_region_that_is_down_the_others_are_deployed(cloud: str) -> None:
    stand({"oregon": "us-west-2", "sydney": "ap-southeast-2"})
    printed = RecordingPrompter()
    request = DeployRequest(content(), Changes(regions=["oregon"]))
    plan = prepare(request, Deaf(), printed.prompter, account=ACCOUNT)
    assert plan.config.regions == {"oregon": "us-west-2"}
    assert "warning: AWS did not answer. Whether the deployment has stacks there is not known." in printed
    with pytest.raises(UserError, match="AWS did not answer"):
        prepare(
            DeployRequest(content(), Changes(regions=["oregon", "sydney"])),
            Deaf(),
            printed.prompter,
            account=ACCOUNT,
        )


@pytest.mark.parametrize(
    ("words", "region"),
    [
        ([], "us-west-2"),
        (["sydney"], "ap-southeast-2"),
        (["tokyo", "paris=eu-west-3"], "eu-west-3"),
        (["eu-west-1"], "eu-west-1"),
    ],
)
def test_who_asks_is_asked_in_a_region_that_is_meant(words: list[str], region: str) -> None:
    assert DeployRequest(content(), Changes(regions=words)).first_region == region


def test_before_anything_is_done_a_person_is_asked_once(cloud: str) -> None:
    yes, no = RecordingPrompter(), RecordingPrompter(answer=False)
    prepare(DeployRequest(content()), Aws(), yes.prompter)
    with pytest.raises(UserError, match="Nothing was deployed"):
        prepare(DeployRequest(content()), Aws(), no.prompter)
    for printed in (yes, no):
        assert [line for line in printed if line.endswith("?")] == [printed[-1]]
        assert printed[-1].startswith('Deploy "globalchat" to oregon (us-west-2), sydney (ap-southeast-2) of')


def test_what_will_be_deleted_is_in_the_question_even_if_the_account_was_named(cloud: str) -> None:
    stand({"oregon": "us-west-2", "sydney": "ap-southeast-2"})
    printed = RecordingPrompter(answer=False)
    request = DeployRequest(content(), Changes(regions=["sydney"]), prune=True)
    with pytest.raises(UserError, match="Nothing was deployed"):
        prepare(request, Aws(), printed.prompter, account=ACCOUNT)
    assert printed[-1].endswith(
        ", and delete globalchat-sydney-relay, globalchat-oregon-api, globalchat-oregon-relay?"
    )


def test_refresh_finds_every_region_by_itself(cloud: str, user: User) -> None:
    stand(REGIONS)
    ran = user.run("outputs", "--refresh")
    assert ran.exit_code == 0, ran.output
    made = profiles.load("default", user.home / "config")
    assert {alias: each.region for alias, each in made.regions.items()} == REGIONS


def test_destroy_takes_every_region_even_those_that_the_file_does_not_know(cloud: str, user: User) -> None:
    stand({**REGIONS, **ELSEWHERE})
    ran = user.run("destroy", "--yes")
    assert ran.exit_code == 0, ran.output
    assert "Nothing is left." in ran.output
    for region in {**REGIONS, **ELSEWHERE}.values():
        assert Aws().call("cloudformation", region, "describe_stacks")["Stacks"] == []


def test_a_region_goes_only_once_the_others_no_longer_relay_to_it(cloud: str, user: User) -> None:
    stand(REGIONS)
    ran = user.run("destroy", "--yes", "--regions", "tokyo")
    assert ran.exit_code == 2
    assert "oregon, sydney would go on relaying to what is deleted." in ran.output
    assert "`globalchat deploy --regions oregon,sydney --prune`" in ran.output
    assert len(names(Aws())) == 6


def test_a_region_that_is_left_alone_loses_its_relay(cloud: str, user: User) -> None:
    stand({"oregon": "us-west-2", "sydney": "ap-southeast-2"})
    ran = user.run("destroy", "--yes", "--regions", "sydney")
    assert ran.exit_code == 0, ran.output
    assert names(Aws()) == ["globalchat-oregon-api"]


def test_the_profile_says_which_deployment_is_meant(cloud: str, user: User) -> None:
    stand(ELSEWHERE, prefix="mine")
    first = user.run("outputs", "--refresh", "--stack-prefix", "mine", "--regions", "tokyo=ap-northeast-1")
    assert first.exit_code == 0, first.output
    ran = user.run("destroy", "--yes")
    assert ran.exit_code == 0, ran.output
    message = (
        'the profile "default" is of the deployment "mine"; for "globalchat" give --stack-prefix globalchat'
    )
    assert message in ran.output
    assert "deleting mine-paris-relay" in ran.output
    assert profiles.names(user.home / "config") == []

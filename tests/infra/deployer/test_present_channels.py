"""What a deployment does about channels that an administrator has changed since the last one."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from globalchat.core.errors import UserError
from globalchat_infra.config import parse
from globalchat_infra.deployer import api_channels
from globalchat_infra.deployer.api_channels import ApiPlace
from globalchat_infra.deployer.aws import Aws, Denied
from globalchat_infra.deployer.deployment import Deployer
from globalchat_infra.deployer.discovery import ExistingDeployment
from globalchat_infra.deployer.plan import DeployRequest, make_plan
from globalchat_infra.deployer.stacks import DeployedStack
from globalchat_infra.stack_interface import dump_settings
from tests.infra.helpers.assembled_deployment import RecordingPrompter, content

CONFIG = parse(content()["context"]["globalchat"])
LISTED = ",".join(CONFIG.channels)
PLACES = {alias: ApiPlace(alias, region, f"api-{alias}") for alias, region in CONFIG.regions.items()}
STACKS = [
    DeployedStack(
        f"globalchat-{alias}-{part}",
        alias,
        region,
        part,
        "CREATE_COMPLETE",
        "",
        {"settings": dump_settings(CONFIG), "apiId": f"api-{alias}"} if part == "api" else {},
        {"project": "globalchat", "deployment": "globalchat", "alias": alias},
        datetime(2026, 1, 1, tzinfo=UTC),
    )
    for part in ("api", "relay")
    for alias, region in CONFIG.regions.items()
]


class ApisOnly(Aws):
    """Has the variables of two APIs, and their stacks; `denied` is a region without permission."""

    def __init__(self, oregon: str = LISTED, sydney: str = LISTED, *, denied: str | None = None) -> None:
        super().__init__()
        self.channels = {"us-west-2": oregon, "ap-southeast-2": sydney}
        self.puts: list[str] = []
        self._denied = denied

    def call(self, service: str, region: str, operation: str, **arguments: object) -> dict[str, Any]:
        if service == "cloudformation":
            return {"Stacks": [self._described(str(arguments["StackName"]))]}
        if region == self._denied:
            raise Denied("These credentials may not do this.")
        if operation.startswith("put"):
            variables: Any = arguments["environmentVariables"]
            assert variables["REGION"] == region
            self.channels[region] = variables["CHANNELS"]
            self.puts.append(region)
        return {"environmentVariables": {"REGION": region, "CHANNELS": self.channels[region]}}

    def with_short_timeouts(self) -> Aws:
        return self

    def _described(self, name: str) -> dict[str, Any]:
        stack = next(each for each in STACKS if each.name == name)
        return {
            "StackStatus": stack.status,
            "CreationTime": stack.changed,
            "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
            "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in stack.outputs.items()],
        }


def existing(aws: Aws) -> ExistingDeployment:
    return ExistingDeployment(STACKS, channels=api_channels.present(aws, STACKS))


def test_channels_as_they_were_deployed_are_not_changed() -> None:
    found = api_channels.present(ApisOnly(), STACKS)
    assert (found.all, found.are_changed, found.unknown) == (CONFIG.channels, False, [])


def test_one_region_with_others_makes_a_change() -> None:
    found = api_channels.present(ApisOnly(sydney="cars,ops"), STACKS)
    assert (found.all, found.are_changed) == ((*CONFIG.channels, "ops"), True)


def test_a_region_that_may_not_be_asked_is_said_and_keeps_what_was_deployed() -> None:
    before = existing(ApisOnly(sydney="cars,ops", denied="ap-southeast-2"))
    [said] = before.channels.unknown
    assert said.startswith("sydney (ap-southeast-2): whether its channels were changed is not known. These ")
    assert make_plan(DeployRequest(content()), before).config.channels == CONFIG.channels


@pytest.mark.parametrize("changed", ["cars,ops", LISTED])
def test_only_regions_that_still_have_what_they_had_are_settled(changed: str) -> None:
    before = api_channels.present(ApisOnly("cars,old", "cars,old"), STACKS)
    aws, notes = ApisOnly("cars,old", changed), list[str]()
    api_channels.settle(aws, PLACES.values(), CONFIG.channels, before, notes.append)
    assert aws.puts == ["us-west-2"]
    assert aws.channels == {"us-west-2": LISTED, "ap-southeast-2": changed}
    meanwhile = "warning: someone changed the channels of sydney (ap-southeast-2) meanwhile: cars, ops. "
    assert [note.startswith(meanwhile) for note in notes] == ([True] if "ops" in changed else [])


@pytest.mark.parametrize("before", [LISTED, ""])
def test_a_region_without_channels_gets_those_of_its_deployment(before: str) -> None:
    aws, notes = ApisOnly(sydney=""), list[str]()
    had = api_channels.present(ApisOnly(sydney=before), STACKS)
    api_channels.settle(aws, PLACES.values(), CONFIG.channels, had, notes.append)
    assert (aws.puts, aws.channels["ap-southeast-2"]) == (["ap-southeast-2"], LISTED)
    assert "sydney (ap-southeast-2) had lost its channels, and has them again." in notes[0]


@pytest.mark.parametrize(
    ("after", "restored"),
    [
        (LISTED, True),  # rolled back
        ("cars,ops", False),  # not reached
        ("cars,theirs", False),  # changed meanwhile
    ],
)
def test_a_deployment_that_fails_puts_back_channels_that_its_rollback_undid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: str, restored: bool
) -> None:
    aws, printed = ApisOnly("cars,ops", "cars,ops"), RecordingPrompter()
    plan = make_plan(DeployRequest(content()), existing(aws))

    def roll_back(*_: object) -> None:
        aws.channels["ap-southeast-2"] = after
        raise UserError("Sydney failed.")

    monkeypatch.setattr(Deployer, "_parameters", lambda _: {})
    monkeypatch.setattr(Deployer, "_update_all", roll_back)
    with pytest.raises(UserError, match=r"Sydney failed\."):
        Deployer(plan, tmp_path, aws).run(printed.prompter)
    assert aws.puts == (["ap-southeast-2"] if restored else [])
    assert aws.channels == {"us-west-2": "cars,ops", "ap-southeast-2": "cars,ops" if restored else after}
    assert ("the rollback undid its channels; put back: cars, ops" in " ".join(printed)) == restored


def test_where_it_cannot_put_them_back_it_says_so_beside_the_failure() -> None:
    before, notes = api_channels.present(ApisOnly("cars,ops", "cars,ops"), STACKS), list[str]()
    aws = ApisOnly("cars,ops", LISTED, denied="ap-southeast-2")
    api_channels.restore(aws, before, CONFIG.channels, notes.append)
    assert notes == [
        "warning: sydney (ap-southeast-2) had cars, ops; whether it has them still: "
        "These credentials may not do this."
    ]


def test_a_change_between_the_question_and_the_deployment_stops_it(tmp_path: Path) -> None:
    plan = make_plan(DeployRequest(content()), existing(ApisOnly()))
    aws = ApisOnly(sydney=f"{LISTED},ops")
    with pytest.raises(UserError, match=r"The channels were changed meanwhile: sydney .* has cars, .*, ops"):
        Deployer(plan, tmp_path, aws).run(RecordingPrompter().prompter)
    assert aws.puts == []
    again = replace(plan, existing=existing(aws))
    with pytest.raises(UserError, match="The channels were changed meanwhile"):
        Deployer(again, tmp_path, ApisOnly()).run(RecordingPrompter().prompter)


def test_a_region_that_answers_only_after_the_question_keeps_its_channels_as_well(tmp_path: Path) -> None:
    plan = make_plan(DeployRequest(content()), existing(ApisOnly(denied="ap-southeast-2")))
    aws = ApisOnly(sydney=f"{LISTED},ops")
    with pytest.raises(UserError, match=r"The channels were changed meanwhile: sydney .* has cars, .*, ops"):
        Deployer(plan, tmp_path, aws).run(RecordingPrompter().prompter)
    Deployer(plan, tmp_path, ApisOnly())._check_channels()


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (
            Denied("Not allowed."),
            "warning: whether all regions have the same channels is not known. Not allowed.",
        ),
        (UserError("AppSync is down."), None),
    ],
)
def test_a_deployment_that_may_not_look_at_its_channels_is_complete(
    tmp_path: Path, failure: UserError, said: str | None
) -> None:
    """And one that cannot is not said to be without fault."""

    class Failing(ApisOnly):
        def call(self, service: str, region: str, operation: str, **arguments: object) -> dict[str, Any]:
            if service == "appsync":
                raise failure
            return super().call(service, region, operation, **arguments)

    plan, printed = make_plan(DeployRequest(content()), existing(ApisOnly())), RecordingPrompter()
    deployer = Deployer(plan, tmp_path, Failing())
    if said is not None:
        deployer._settle_channels(printed.append)
        assert printed == [said]
    else:
        with pytest.raises(UserError, match=r"Every stack is complete, but .* AppSync is down\."):
            deployer._settle_channels(printed.append)

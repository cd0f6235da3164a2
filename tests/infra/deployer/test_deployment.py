"""The real CDK command line deploys our real stacks to moto, in both regions."""

import errno
import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from globalchat.client import profiles
from globalchat.client.profiles import Profile, RegionEndpoint
from globalchat.core.errors import UserError
from globalchat_infra.deployer import keys, stacks
from globalchat_infra.deployer.aws import Aws
from globalchat_infra.deployer.deployment import Deployment
from globalchat_infra.deployer.plan import Plan, Wish
from globalchat_infra.deployer.standing import find
from tests.infra.helpers.assembled_deployment import Assembled, Heard, content
from tests.infra.helpers.moto_account import ACCOUNT, NOW, User
from tests.infra.helpers.small_stacks import stand

pytestmark = pytest.mark.infra

REGIONS = {"oregon": "us-west-2", "sydney": "ap-southeast-2"}
PEERS = {"us-west-2": "ap-southeast-2", "ap-southeast-2": "us-west-2"}


@pytest.fixture
def world(cloud: str, equipped: User, templates: Path) -> Assembled:
    return Assembled(equipped, templates)


def resource(resources: Mapping[str, Any], kind: str) -> dict[str, Any]:
    properties: dict[str, Any] = next(each for each in resources.values() if each["Type"] == kind)[
        "Properties"
    ]
    return properties


def assert_whole(aws: Aws) -> None:
    """Every resource that matters is there: moto may report success falsely."""
    for alias, region in REGIONS.items():
        (api,) = aws.call("appsync", region, "list_graphql_apis")["graphqlApis"]
        assert api["name"] == f"globalchat-{alias}"
        assert len(keys.list_keys(aws, region, api["apiId"])) == 1
        bus = f"arn:aws:events:{region}:{ACCOUNT}:event-bus/globalchat-bus"
        rules = aws.call("events", region, "list_rules", EventBusName="globalchat-bus")["Rules"]
        rules.sort(key=lambda rule: str(rule["Name"]))
        assert [rule["Name"] for rule in rules] == ["globalchat-broadcast", "globalchat-relay-1"]
        broadcast, relay = (
            aws.call("events", region, "list_targets_by_rule", Rule=rule["Name"], EventBusName=bus)["Targets"]
            for rule in rules
        )
        assert [target["InputPath"] for target in broadcast] == ["$.detail"]
        assert broadcast[0]["Arn"].startswith(f"arn:aws:appsync:{region}:{ACCOUNT}:endpoints/graphql-api/")
        assert "publishFromBus" in broadcast[0]["AppSyncParameters"]["GraphQLOperation"]
        peer = f"arn:aws:events:{PEERS[region]}:{ACCOUNT}:event-bus/globalchat-bus"
        assert [target["Arn"] for target in relay] == [peer]
        for target in (*broadcast, *relay):
            assert target["DeadLetterConfig"]["Arn"].endswith("-dlq")
            assert target["RoleArn"].startswith(f"arn:aws:iam::{ACCOUNT}:role/globalchat.{alias}.")
        policy = json.loads(aws.call("events", region, "describe_event_bus", Name="globalchat-bus")["Policy"])
        (statement,) = policy["Statement"]
        assert (statement["Principal"], statement["Resource"]) == (
            {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            bus,
        )
        queues = aws.call("sqs", region, "list_queues")["QueueUrls"]
        assert sorted(url.rsplit("/", 1)[-1] for url in queues) == [
            "globalchat-broadcast-dlq",
            "globalchat-relay-dlq",
        ]
        assert aws.call("cloudwatch", region, "describe_alarms")["MetricAlarms"]
        (group,) = aws.call("logs", region, "describe_log_groups")["logGroups"]
        assert group["logGroupName"] == f"/aws/appsync/apis/{api['apiId']}"
    roles = {each["RoleName"] for each in aws.call("iam", "us-west-2", "list_roles")["Roles"]}
    assert roles == {
        f"globalchat.{alias}.{role}"
        for alias in REGIONS
        for role in ("broadcast", "publish", "relay", "logs")
    }


def channels_of(aws: Aws, alias: str) -> str:
    """The channels that a stack gives to its API."""
    name = f"globalchat-{alias}-api"
    template = aws.call("cloudformation", REGIONS[alias], "get_template", StackName=name)["TemplateBody"]
    (channels,) = re.findall("CHANNELS: (.*)", template)
    return str(channels)


def test_from_nothing_over_an_update_to_a_profile_and_back_by_the_command(
    cloud: str, equipped: User, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    ran = equipped.run("deploy", "--yes", "--no-proof", "--channels", "tech,music")

    assert ran.exit_code == 0, ran.output
    aws = Aws()
    assert_whole(aws)
    made = profiles.load("default", equipped.home / "config")
    assert list(made.regions) == list(REGIONS)
    for endpoint in made.regions.values():
        (api,) = aws.call("appsync", endpoint.region, "list_graphql_apis")["graphqlApis"]
        (key,) = keys.list_keys(aws, endpoint.region, api["apiId"])
        assert (endpoint.api_id, endpoint.api_key) == (api["apiId"], key.key)
        assert endpoint.api_key_expires == key.expires
        assert endpoint.graphql_url.endswith(f"appsync-api.{endpoint.region}.amazonaws.com/graphql")
        assert endpoint.api_key not in ran.output
        assert channels_of(aws, endpoint.alias) == "tech,music"
    assert f"account {ACCOUNT}; first deployment" in ran.output
    assert "globalchat-sydney-relay: done" in ran.output
    assert ran.output.rstrip().endswith("Done. Next: globalchat oregon")

    synthesised = equipped.cache / "deploy" / "globalchat" / "cdk.out"
    copied = Path(shutil.copytree(synthesised, tmp_path / "assembly"))
    an_update_changes_what_differs_and_nothing_else(Assembled(equipped, copied), capfd)
    one_region_less_and_then_none(equipped, aws)


def an_update_changes_what_differs_and_nothing_else(
    world: Assembled, capfd: pytest.CaptureFixture[str]
) -> None:
    first = world.prepare(Heard()).profile("default", now=NOW)

    def calm(resources: dict[str, Any]) -> None:
        resource(resources, "AWS::Events::Rule")["Description"] = "Changed."

    world.edit("globalchat-sydney-api", calm)
    heard = Heard()
    capfd.readouterr()
    assert world.prepare(heard).diff(heard.person) == 0
    shown = capfd.readouterr()
    assert "Changed." in shown.out + shown.err
    assert "Number of stacks with differences: 1" in shown.out + shown.err
    deployment, heard = world.deploy()
    assert any("update" in line for line in heard)
    assert any(line.endswith("globalchat-sydney-api: done") for line in heard)
    assert sum(line.endswith(": unchanged") for line in heard) == 3
    assert deployment.profile("default", now=NOW) == first
    rule = Aws().call(
        "events",
        "ap-southeast-2",
        "describe_rule",
        Name="globalchat-broadcast",
        EventBusName="globalchat-bus",
    )
    assert rule["Description"] == "Changed."
    assert_whole(Aws())


def one_region_less_and_then_none(equipped: User, aws: Aws) -> None:
    refused = equipped.run("destroy")
    assert refused.exit_code == 1
    assert "give --yes" in refused.output
    assert_whole(aws)

    # Another machine, which knows nothing of the first command.
    shutil.rmtree(equipped.home / "config")
    half = equipped.run("deploy", "--yes", "--no-proof", "--regions", "oregon", "--prune")
    assert half.exit_code == 0, half.output
    for told in (
        "changes regions: oregon us-west-2, sydney ap-southeast-2 → oregon us-west-2",
        "kept as it stands: channels",
        "will be deleted: globalchat-oregon-relay, globalchat-sydney-api, globalchat-sydney-relay",
    ):
        assert told in half.output
    assert channels_of(aws, "oregon") == "tech,music"
    assert [stack.name for stack in find(aws, "globalchat", REGIONS.items()).stacks] == [
        "globalchat-oregon-api"
    ]
    assert list(profiles.load("default", equipped.home / "config").regions) == ["oregon"]

    gone = equipped.run("destroy", "--yes")
    assert gone.exit_code == 0, gone.output
    assert "Nothing is left." in gone.output
    assert profiles.names(equipped.home / "config") == []
    for region in REGIONS.values():
        assert aws.call("appsync", region, "list_graphql_apis")["graphqlApis"] == []
        assert [bus["Name"] for bus in aws.call("events", region, "list_event_buses")["EventBuses"]] == [
            "default"
        ]
        assert "QueueUrls" not in aws.call("sqs", region, "list_queues")
        assert aws.call("logs", region, "describe_log_groups")["logGroups"] == []
        assert aws.call("cloudwatch", region, "describe_alarms")["MetricAlarms"] == []
    assert aws.call("iam", "us-west-2", "list_roles")["Roles"] == []


def test_a_profile_that_cannot_be_written_is_told_with_what_stands(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = RegionEndpoint("oregon", "us-west-2", "https://a/b", "wss://a/b", "id", "bus", "key")
    plan = Plan(content(), Wish(content()))
    monkeypatch.setattr("globalchat_infra.deployer.deployment.prepare", lambda *_, **__: plan)
    monkeypatch.setattr(Deployment, "run", lambda *_: None)
    monkeypatch.setattr(Deployment, "profile", lambda _, name, **__: Profile(name, {"oregon": endpoint}))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    ran = user.run("deploy", "--yes", "--no-proof")
    assert ran.exit_code == 1
    assert "The deployment stands, but The profile file" in ran.output
    assert "No space left on device" in ran.output
    assert "Then run `globalchat outputs --refresh`." in ran.output


def test_a_region_that_fails_is_told_with_what_stands(world: Assembled) -> None:
    def spoil(resources: dict[str, Any]) -> None:
        resource(resources, "AWS::AppSync::GraphQLSchema")["Definition"] = "type Query {"

    world.edit("globalchat-sydney-api", spoil)
    with pytest.raises(UserError) as failed:
        world.deploy()

    assert "globalchat-sydney-api" in str(failed.value)
    assert "Schema Creation Status is FAILED" in str(failed.value)
    assert "Complete: globalchat-oregon-api." in str(failed.value)
    assert "run the same `globalchat deploy`" in (failed.value.remedy or "")
    found = {stack.name: stack.stands for stack in stacks.find(Aws(), "globalchat", REGIONS)}
    assert found == {"globalchat-oregon-api": True, "globalchat-sydney-api": False}


def test_the_cdks_word_alone_is_not_believed(world: Assembled) -> None:
    stand(REGIONS)
    deployment, aws = world.prepare(Heard()), Aws()
    deployment._see_that_all_stand()
    aws.call("cloudformation", "us-west-2", "delete_stack", StackName="globalchat-oregon-relay")
    with pytest.raises(UserError, match="globalchat-oregon-relay is not complete"):
        deployment._see_that_all_stand()


def test_an_update_renames_the_roles_of_an_earlier_version(world: Assembled) -> None:
    """Roles were named with hyphens, which collide; a role of another name is another role."""
    current = {file.name: file.read_text(encoding="utf-8") for file in world.templates.iterdir()}
    for name, text in current.items():
        earlier = re.sub(r'"globalchat\.(oregon|sydney)\.(\w+)"', r'"globalchat-\1-\2"', text)
        (world.templates / name).write_text(earlier, encoding="utf-8")
    world.deploy()
    assert {role.count(".") for role in role_names()} == {0}

    for name, text in current.items():
        (world.templates / name).write_text(text, encoding="utf-8")
    _, heard = world.deploy()
    assert sum(line.endswith(": done") for line in heard) == 4
    assert_whole(Aws())


def role_names() -> set[str]:
    return {each["RoleName"] for each in Aws().call("iam", "us-west-2", "list_roles")["Roles"]}

"""The real CDK command line deploys our real stacks to moto, in both regions."""

import errno
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from globalchat.client import profiles
from globalchat.client.profiles import Profile, RegionEndpoint
from globalchat.core.errors import UserError
from globalchat.core.resources import TEMPLATES_WITHOUT_HISTORY
from globalchat.localcloud.iam import matches
from globalchat_infra import stack_interface
from globalchat_infra.deploy_policy import CDK_CALLS
from globalchat_infra.deployer import api_keys, cdk, stacks
from globalchat_infra.deployer.aws import Aws, Denied
from globalchat_infra.deployer.deployment import Deployer
from globalchat_infra.deployer.discovery import discover
from globalchat_infra.deployer.plan import DeployRequest, Plan, make_plan
from tests.infra.helpers.assembled_deployment import Assembled, RecordingPrompter, content
from tests.infra.helpers.aws_front import AwsFront, Call, Reply, Rule, failure
from tests.infra.helpers.moto_account import ACCOUNT, NOW, User
from tests.infra.helpers.small_stacks import make_stack, stand, stored, tags
from tests.paths import ROOT

pytestmark = pytest.mark.infra

REGIONS = {"oregon": "us-west-2", "sydney": "ap-southeast-2"}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/cloudformation"
"""A role for CloudFormation."""
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
        assert len(api_keys.list_keys(aws, region, api["apiId"])) == 1
        bus = f"arn:aws:events:{region}:{ACCOUNT}:event-bus/globalchat-bus"
        rules = aws.call("events", region, "list_rules", EventBusName="globalchat-bus")["Rules"]
        rules.sort(key=lambda rule: str(rule["Name"]))
        assert [rule["Name"] for rule in rules] == [
            f"globalchat-{name}" for name in ("broadcast", "malformed", "relay-1")
        ]
        broadcast, malformed, relay = (
            aws.call("events", region, "list_targets_by_rule", Rule=rule["Name"], EventBusName=bus)["Targets"]
            for rule in rules
        )
        assert [target["InputPath"] for target in broadcast] == ["$.detail"]
        assert broadcast[0]["Arn"].startswith(f"arn:aws:appsync:{region}:{ACCOUNT}:endpoints/graphql-api/")
        assert "publishFromBus" in broadcast[0]["AppSyncParameters"]["GraphQLOperation"]
        peer = f"arn:aws:events:{PEERS[region]}:{ACCOUNT}:event-bus/globalchat-bus"
        assert [target["Arn"] for target in relay] == [peer]
        queue = f"arn:aws:sqs:{region}:{ACCOUNT}:globalchat-malformed-dlq"
        assert [target["Arn"] for target in malformed] == [queue]
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
            "globalchat-malformed-dlq",
            "globalchat-relay-dlq",
        ]
        assert aws.call("cloudwatch", region, "describe_alarms")["MetricAlarms"]
        (group,) = aws.call("logs", region, "describe_log_groups")["logGroups"]
        assert group["logGroupName"] == f"/aws/appsync/apis/{api['apiId']}"
    roles = {each["RoleName"] for each in aws.call("iam", "us-west-2", "list_roles")["Roles"]}
    assert roles == {
        f"globalchat.{alias}.{role}"
        for alias in REGIONS
        for role in ("broadcast", "history-read", "history-write", "logs", "publish", "relay")
    }


def channels_of(aws: Aws, alias: str) -> str:
    """The channels that a stack gives to its API."""
    name = f"globalchat-{alias}-api"
    template = aws.call("cloudformation", REGIONS[alias], "get_template", StackName=name)["TemplateBody"]
    (channels,) = re.findall("CHANNELS: (.*)", template)
    return str(channels)


def allowed_stacks() -> str:
    policy = json.loads((ROOT / "docs" / "deploy-policy.json").read_text(encoding="utf-8"))
    pattern: str = next(each for each in policy["Statement"] if each["Sid"] == "Cloudformation")["Resource"]
    return pattern


def deny_other_stacks(pattern: str) -> Rule:
    """Refuse the calls of CloudFormation that the policy does not allow, as IAM does."""

    def rule(call: Call) -> Reply | None:
        if call.service != "cloudformation" or "StackName" not in call.form:
            return None
        name = call.form["StackName"]
        arn = name if ":" in name else f"arn:aws:cloudformation:us-west-2:{ACCOUNT}:stack/{name}/any"
        if matches(pattern, arn):
            return None
        said = f"User is not authorized to perform: cloudformation:{call.action} on resource: {arn}"
        return failure("cloudformation", "AccessDenied", said, status=403)

    return rule


def test_from_nothing_over_an_update_to_a_profile_and_back_by_the_command(
    front: AwsFront,
    equipped: User,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    aws_settings: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    """And the CDK's command line calls what `docs/deploy-policy.json` allows, and nothing else.

    It also looks for the stack of a bootstrapped account, and goes on without it.
    """
    front.rules.insert(0, deny_other_stacks(allowed_stacks()))
    # As in a container: what the CDK and jsii write must lie below GLOBALCHAT_HOME.
    aws_settings.setenv("HOME", os.devnull)
    ran = equipped.run("deploy", "--yes", "--no-proof", "--channels", "tech,music")

    assert ran.exit_code == 0, ran.output
    assert f"the endpoint is {front.url}, not AWS's (set by AWS_ENDPOINT_URL)" in ran.output
    assert ran.output.count("IAM: makes the role globalchat.") == 12
    assert ran.output.index("IAM: makes the role") < ran.output.index('Deploy "globalchat" to ')
    assert ran.output.index("AWS was not asked about the templates") < ran.output.index("Deploy ")
    aws = Aws()
    assert_whole(aws)
    made = profiles.load("default", equipped.home / "config")
    assert list(made.regions) == list(REGIONS)
    for endpoint in made.regions.values():
        (api,) = aws.call("appsync", endpoint.region, "list_graphql_apis")["graphqlApis"]
        (key,) = api_keys.list_keys(aws, endpoint.region, api["apiId"])
        assert (endpoint.api_id, endpoint.api_key) == (api["apiId"], key.key)
        assert endpoint.api_key_expires == key.expires
        assert endpoint.graphql_url.endswith(f"appsync-api.{endpoint.region}.amazonaws.com/graphql")
        assert endpoint.api_key not in ran.output
        assert channels_of(aws, endpoint.alias) == "tech,music"
    assert f"account {ACCOUNT}; first deployment" in ran.output
    assert "globalchat-sydney-relay: done" in ran.output
    assert ran.output.rstrip().endswith("Done. Open the chat with `globalchat oregon`.")

    request.getfixturevalue("warm_app")
    synthesised = equipped.cache / "deploy" / "globalchat" / "cdk.out"
    copied = Path(shutil.copytree(synthesised, tmp_path / "assembly"))
    an_update_changes_what_differs_and_nothing_else(Assembled(equipped, copied), front, capfd)
    the_cdk_called_what_the_policy_allows(front)
    one_region_less_and_then_none(equipped, aws)


def an_update_changes_what_differs_and_nothing_else(
    world: Assembled, front: AwsFront, capfd: pytest.CaptureFixture[str]
) -> None:
    first = world.prepare(RecordingPrompter()).profile("default", print)

    def calm(resources: dict[str, Any]) -> None:
        resource(resources, "AWS::Events::Rule")["Description"] = "Changed."

    world.edit("globalchat-sydney-api", calm)
    printed = RecordingPrompter()
    capfd.readouterr()
    assert world.prepare(printed).diff(printed.prompter) == 0
    shown = capfd.readouterr()
    assert "Changed." in shown.out + shown.err
    assert "Number of stacks with differences: 1" in shown.out + shown.err
    assert not [call for call in front.calls if "RoleARN" in call.form]
    before, printed = len(front.calls), RecordingPrompter()
    deployment = replace(world.prepare(printed), role=ROLE)
    deployment.run(printed.prompter)
    changing = [call for call in front.calls[before:] if call.action == "CreateChangeSet"]
    assert {call.form.get("RoleARN") for call in changing} == {ROLE}
    assert any("update" in line for line in printed)
    assert any(line.endswith("globalchat-sydney-api: done") for line in printed)
    assert sum(line.endswith(": unchanged") for line in printed) == 3
    assert deployment.profile("default", print) == first
    rule = Aws().call(
        "events",
        "ap-southeast-2",
        "describe_rule",
        Name="globalchat-broadcast",
        EventBusName="globalchat-bus",
    )
    assert rule["Description"] == "Changed."
    assert_whole(Aws())


def the_cdk_called_what_the_policy_allows(front: AwsFront) -> None:
    of_cdk = [call for call in front.calls if "botocore" not in call.headers.get("User-Agent", "").lower()]
    called = {f"{call.service}:{call.action}" for call in of_cdk} - {"sts:GetCallerIdentity"}
    assert called == {action for action, why in CDK_CALLS.items() if not why}
    assert {call.form.get("StackName") for call in of_cdk} >= {"CDKToolkit"}


def one_region_less_and_then_none(equipped: User, aws: Aws) -> None:
    refused = equipped.run("destroy")
    assert refused.exit_code == 1
    assert "give --yes" in refused.output
    assert_whole(aws)

    added = equipped.run("channels", "add", "ops")
    assert added.exit_code == 0, added.output
    # Another machine, which knows nothing of the first command.
    shutil.rmtree(equipped.home / "config")
    half = equipped.run("deploy", "--yes", "--no-proof", "--regions", "oregon", "--prune")
    assert half.exit_code == 0, half.output
    for message in (
        "changes regions: oregon us-west-2, sydney ap-southeast-2 → oregon us-west-2",
        "channels kept: tech, music, ops (cdk.json names cars, robots, tech, music, media; ",
        "will be deleted: globalchat-oregon-relay, globalchat-sydney-api, globalchat-sydney-relay",
    ):
        assert message in half.output
    assert channels_of(aws, "oregon") == "tech,music,ops"
    assert [stack.name for stack in discover(aws, "globalchat", REGIONS.items()).stacks] == [
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


def test_a_profile_that_cannot_be_written_is_reported_with_what_is_complete(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = RegionEndpoint("oregon", "us-west-2", "https://a/b", "wss://a/b", "id", "bus", "key")
    plan = Plan(content(), DeployRequest(content()))
    monkeypatch.setattr("globalchat_infra.deployer.deployment.prepare", lambda *_, **__: plan)
    monkeypatch.setattr(Deployer, "run", lambda *_: None)
    monkeypatch.setattr(Deployer, "profile", lambda _, name, *__: Profile(name, {"oregon": endpoint}))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    ran = user.run("deploy", "--yes", "--no-proof")
    assert ran.exit_code == 1
    assert "The deployment is complete. The profile file" in ran.output
    assert "No space left on device" in ran.output
    assert "Then run `globalchat outputs --refresh`." in ran.output


class WithoutKeys(Aws):
    """Credentials that may deploy, and not list API keys."""

    def call(self, service: str, region: str, operation: str, **arguments: object) -> dict[str, Any]:
        if operation == "list_api_keys":
            raise Denied(f"These credentials may not do this in {region}: appsync:ListApiKeys.")
        return super().call(service, region, operation, **arguments)


def test_keys_that_cannot_be_read_are_reported_with_what_is_complete_and_what_to_run(
    cloud: str, user: User
) -> None:
    stand(REGIONS)
    plan = make_plan(DeployRequest(content()), discover(Aws(), "globalchat", REGIONS.items()))
    printed: list[str] = []
    with pytest.raises(UserError) as failed:
        Deployer(plan, user.cache, WithoutKeys()).profile("default", printed.append)
    assert str(failed.value).startswith(
        "The deployment is complete in oregon (us-west-2), sydney (ap-southeast-2), "
        "but the profile could not be written. The stack globalchat-oregon-api exists, with https://"
    )
    assert failed.value.remedy == (
        "Run `globalchat outputs --refresh` with credentials that may call appsync:ListApiKeys."
    )
    assert [line.partition(".")[0] for line in printed] == [
        f"warning: {alias}: its key could not be renewed, and keeps its end" for alias in REGIONS
    ]


def test_a_region_that_fails_is_reported_with_what_is_complete(world: Assembled) -> None:
    def spoil(resources: dict[str, Any]) -> None:
        resource(resources, "AWS::AppSync::GraphQLSchema")["Definition"] = "type Query {"

    world.edit("globalchat-sydney-api", spoil)
    with pytest.raises(UserError) as failed:
        world.deploy()

    assert "globalchat-sydney-api" in str(failed.value)
    assert "Schema Creation Status is FAILED" in str(failed.value)
    assert "Complete: globalchat-oregon-api." in str(failed.value)
    assert "run the same `globalchat deploy`" in (failed.value.remedy or "")
    found = {stack.name: stack.is_complete for stack in stacks.find(Aws(), "globalchat", REGIONS)}
    assert found == {"globalchat-oregon-api": True, "globalchat-sydney-api": False}


def test_an_exit_code_of_the_cdk_proves_no_deployment(world: Assembled) -> None:
    stand(REGIONS)
    deployment, aws = world.prepare(RecordingPrompter()), Aws()
    deployment._check_complete()
    aws.call("cloudformation", "us-west-2", "delete_stack", StackName="globalchat-oregon-relay")
    with pytest.raises(UserError, match="globalchat-oregon-relay is not complete"):
        deployment._check_complete()


def earlier(present: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a template as of an earlier version: hyphens in names of roles, one key that it renews."""
    text = re.sub(r'"globalchat\.oregon\.(\w+)"', r'"globalchat-oregon-\1"', json.dumps(present))
    template: dict[str, Any] = json.loads(text)
    expires = template.pop("Parameters")[stack_interface.EXPIRES]["Default"]
    del template["Conditions"], template["Resources"][stack_interface.LATER_KEY]
    key = next(each for each in template["Resources"].values() if each["Type"] == "AWS::AppSync::ApiKey")
    del key["Condition"]
    key["Properties"]["Expires"] = expires
    return template


def test_an_update_of_an_earlier_version_renames_its_roles_and_ends_what_was_replaced(
    world: Assembled,
) -> None:
    """And neither that update nor a later one lets a replaced key live again, by whatever command."""
    world = world.of_one_region("oregon", REGIONS["oregon"])
    # Not by the CDK: how the earlier version was deployed does not matter.
    body = earlier(stored(TEMPLATES_WITHOUT_HISTORY, "globalchat-oregon-api"))
    make_stack("globalchat-oregon-api", REGIONS["oregon"], body, tags=tags("globalchat", "oregon"))
    assert role_names() == {f"globalchat-oregon-{role}" for role in ("publish", "broadcast", "logs")}
    ((old, _),) = keys_of_oregon().items()

    deployment, _ = world.deploy()
    roles = ("publish", "broadcast", "logs", "history-read", "history-write")
    assert role_names() == {f"globalchat.oregon.{role}" for role in roles}
    assert list(keys_of_oregon()) == [old]

    api_id = deployment.profile("default", print).regions["oregon"].api_id
    rotation = api_keys.rotate(Aws(), REGIONS["oregon"], api_id, now=NOW)
    assert rotation.old is not None
    end = api_keys.retire(Aws(), REGIONS["oregon"], api_id, rotation.old, now=NOW, grace_days=1)
    update_by_hand(world, days=31, by_cdk=False)
    assert keys_of_oregon() == {old: end, rotation.new.fingerprint: rotation.new.expires}

    deployment, printed = world.deploy()
    message = f"oregon: the key of the stack ({old}) was replaced, and ends with this deployment"
    assert any(line.startswith(message) for line in printed)
    after = keys_of_oregon()
    assert len(after) == 2
    assert old not in after
    assert deployment.profile("default", print).regions["oregon"].api_key == rotation.new.key
    update_by_hand(world, days=62)
    assert keys_of_oregon() == after


def keys_of_oregon() -> dict[str, int]:
    """Return the ends of Oregon's keys by their fingerprints."""
    (api,) = Aws().call("appsync", REGIONS["oregon"], "list_graphql_apis")["graphqlApis"]
    return {
        each.fingerprint: each.expires for each in api_keys.list_keys(Aws(), REGIONS["oregon"], api["apiId"])
    }


def update_by_hand(world: Assembled, *, days: int, by_cdk: bool = True) -> None:
    """Update the stack of Oregon's API as of a later day, by `cdk deploy` or as a console does."""
    file = world.templates / "globalchat-oregon-api.template.json"
    template = json.loads(file.read_text(encoding="utf-8"))
    template["Parameters"][stack_interface.EXPIRES]["Default"] = api_keys.key_expiry(NOW + days * 86_400)
    # So that there is something to update.
    template["Description"] = f"As of {days} days later."
    file.write_text(json.dumps(template), encoding="utf-8")
    if not by_cdk:
        named = {"StackName": "globalchat-oregon-api", "TemplateBody": json.dumps(template)}
        Aws().call("cloudformation", REGIONS["oregon"], "update_stack", **named)
        return
    ran = subprocess.run(
        [
            *("node", str(cdk.cli_folder(world.user.cache) / cdk.CLI)),
            *("deploy", "globalchat-oregon-api", "--exclusively"),
            *("--require-approval", "never", "--app", str(world.templates), "--no-version-reporting"),
        ],
        cwd=world.templates,
        check=False,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert "globalchat-oregon-api (no changes)" not in ran.stderr + ran.stdout


def role_names() -> set[str]:
    return {each["RoleName"] for each in Aws().call("iam", "us-west-2", "list_roles")["Roles"]}

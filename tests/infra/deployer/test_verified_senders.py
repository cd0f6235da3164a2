"""A deployment loses its API key, and gets one again: the real CDK command line against moto."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from globalchat.client import profiles
from globalchat.core.resources import TEMPLATES, TEMPLATES_VERIFIED
from globalchat_infra import stack_interface
from globalchat_infra.config import Senders, load
from globalchat_infra.deployer import api_keys
from globalchat_infra.deployer.aws import Account, Aws
from globalchat_infra.deployer.discovery import ExistingDeployment
from globalchat_infra.deployer.plan import Changes, DeployRequest, Plan, make_plan
from globalchat_infra.deployer.preflight import confirm
from globalchat_infra.deployer.stacks import DeployedStack
from tests.infra.helpers.assembled_deployment import RecordingPrompter, content
from tests.infra.helpers.aws_front import AwsFront
from tests.infra.helpers.moto_account import User
from tests.infra.helpers.small_stacks import make_stack, stored, tags

pytestmark = [pytest.mark.infra, pytest.mark.usefixtures("warm_app")]

OREGON = "us-west-2"


REGIONS = {"oregon": OREGON, "sydney": "ap-southeast-2"}


def changes_of(front: AwsFront, start: int, alias: str) -> list[tuple[bool, bool, bool]]:
    """Return of each change set of an API whether it has the mode of the key, its directive, and a key."""
    made = [call.form for call in front.calls[start:] if call.action == "CreateChangeSet"]
    bodies = [form["TemplateBody"] for form in made if form["StackName"] == f"globalchat-{alias}-api"]
    return [
        (
            "AuthenticationType: API_KEY" in body,
            "@aws_api_key" in body,
            "AWS::AppSync::ApiKey" in body,
        )
        for body in bodies
    ]


def api_of(aws: Aws, alias: str) -> dict[str, Any]:
    (api,) = aws.call("appsync", REGIONS[alias], "list_graphql_apis")["graphqlApis"]
    return dict(api)


def keys_of(aws: Aws, alias: str) -> list[str]:
    found = api_keys.list_keys(aws, REGIONS[alias], api_of(aws, alias)["apiId"])
    return [each.key for each in found]


def test_senders_become_verified_and_anyone_again(front: AwsFront, equipped: User) -> None:
    """Begins as after a second update that failed in Sydney: Oregon's key has gone, and gets none back."""
    # Not by the CDK: how they were deployed does not matter.
    for folder, alias in ((TEMPLATES_VERIFIED, "oregon"), (TEMPLATES, "sydney")):
        name = f"globalchat-{alias}-api"
        make_stack(name, REGIONS[alias], stored(folder, name), tags=tags("globalchat", alias))
    aws = Aws()
    before = equipped.run("outputs", "--refresh")
    assert before.exit_code == 0, before.output
    (key,) = keys_of(aws, "sydney")
    assert profiles.load("default", equipped.home / "config").resolve("sydney").api_key == key
    file = equipped.home / "config" / "profiles" / "default.json"

    usual = ("deploy", "--yes", "--no-proof")
    start = len(front.calls)
    closed = equipped.run(*usual, "--senders", "verified")
    assert closed.exit_code == 0, closed.output
    assert "changes senders: anyone → verified" in closed.output
    assert "will be deleted: the API keys of sydney." in closed.output
    # The schema ends to use the mode before the API ends to have it.
    assert changes_of(front, start, "sydney") == [(True, False, True), (False, False, False)]
    assert changes_of(front, start, "oregon") == [(False, False, False)]
    saved = json.loads(file.read_text(encoding="utf-8"))["regions"]
    for alias in REGIONS:
        assert api_of(aws, alias)["authenticationType"] == "AWS_IAM"
        assert not api_of(aws, alias).get("additionalAuthenticationProviders")
        assert keys_of(aws, alias) == []
        assert saved[alias]["auth"] == "iam"
        assert "apiKey" not in saved[alias]
    assert key not in file.read_text(encoding="utf-8")

    shown = equipped.run("outputs", "--json", "--show-key")
    assert json.loads(shown.output)["sydney"]["auth"] == "iam"
    assert "apiKey" not in json.loads(shown.output)["sydney"]
    for command in (("list",), ("rotate",), ("revoke", "--replaced")):
        refused = equipped.run("keys", *command)
        assert refused.exit_code == 2, refused.output
        assert 'The deployment of the profile "default" has no API keys' in refused.output

    document = json.loads(file.read_text(encoding="utf-8"))
    document["regions"]["oregon"]["awsProfile"] = "team"
    file.write_text(json.dumps(document), encoding="utf-8")
    start = len(front.calls)
    kept = equipped.run(*usual)
    assert kept.exit_code == 0, kept.output
    assert "kept as deployed: " in kept.output
    for alias in REGIONS:
        assert changes_of(front, start, alias) in ([], [(False, False, False)])
    assert profiles.load("default", equipped.home / "config").resolve("oregon").aws_profile == "team"

    start = len(front.calls)
    opened = equipped.run(*usual, "--senders", "anyone")
    assert opened.exit_code == 0, opened.output
    assert "oregon, sydney will have an API key" in opened.output
    for alias in REGIONS:
        assert changes_of(front, start, alias) == [(True, True, True)]
        (made,) = keys_of(aws, alias)
        assert made != key
        assert profiles.load("default", equipped.home / "config").resolve(alias).api_key == made


def planned(senders: Senders, before: Senders, **parameters: str) -> Plan:
    settings = replace(load(), regions={"oregon": OREGON}, senders=before, options=("senders",))
    stack = DeployedStack(
        name="globalchat-oregon-api",
        alias="oregon",
        region=OREGON,
        part="api",
        status="UPDATE_COMPLETE",
        reason="",
        outputs={stack_interface.SETTINGS_OUTPUT: stack_interface.dump_settings(settings)},
        tags={"project": "globalchat", "deployment": "globalchat", "alias": "oregon"},
        changed=datetime(2026, 1, 1, tzinfo=UTC),
        parameters={stack_interface.HISTORY_SINCE: "[0,0]", **parameters},
    )
    request = DeployRequest(content(), Changes(regions=["oregon"], extras={"senders": senders}))
    return make_plan(request, ExistingDeployment(stacks=[stack]))


def test_an_interrupted_closing_goes_on() -> None:
    # The first update is through: the settings are new, the key is still there.
    plan = planned("verified", "verified", **{stack_interface.GENERATION: "0"})
    assert [each.alias for each in plan.takes_key_away] == ["oregon"]
    assert plan.needs_confirmation
    assert not planned("verified", "verified").takes_key_away
    assert not planned("verified", "verified").needs_confirmation


def test_the_question_names_the_keys_that_go() -> None:
    printed = RecordingPrompter()
    plan = planned("verified", "anyone", **{stack_interface.GENERATION: "0"})
    owner = Account("123456789012", "arn:aws:iam::123456789012:user/ana")
    confirm(plan, owner, printed.prompter.confirm)
    assert printed[0].endswith(", and delete the API key of oregon?")


def test_a_key_is_announced_where_there_was_none() -> None:
    assert [each.alias for each in planned("anyone", "verified").makes_key] == ["oregon"]
    assert planned("anyone", "verified").needs_confirmation
    assert not planned("anyone", "anyone", **{stack_interface.GENERATION: "0"}).makes_key

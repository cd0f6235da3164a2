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
from tests.infra.helpers.small_stacks import make_stack, tags

pytestmark = [pytest.mark.infra, pytest.mark.usefixtures("warm_app")]

OREGON = "us-west-2"


def changes_of(front: AwsFront, start: int) -> list[tuple[bool, bool, bool]]:
    """Return of each change set since a call whether it has the mode of the key, its directive, and a key."""
    bodies = [call.form["TemplateBody"] for call in front.calls[start:] if call.action == "CreateChangeSet"]
    return [
        (
            "AuthenticationType: API_KEY" in body,
            "@aws_api_key" in body,
            "AWS::AppSync::ApiKey" in body,
        )
        for body in bodies
    ]


def api_of(aws: Aws) -> dict[str, Any]:
    (api,) = aws.call("appsync", OREGON, "list_graphql_apis")["graphqlApis"]
    return dict(api)


def test_senders_become_verified_and_anyone_again(front: AwsFront, equipped: User) -> None:
    usual = ("deploy", "--yes", "--no-proof", "--regions", "oregon")
    first = equipped.run(*usual)
    assert first.exit_code == 0, first.output
    aws = Aws()
    (key,) = api_keys.list_keys(aws, OREGON, api_of(aws)["apiId"])

    start = len(front.calls)
    closed = equipped.run(*usual, "--senders", "verified")
    assert closed.exit_code == 0, closed.output
    assert "changes senders: anyone → verified" in closed.output
    assert "will be deleted: the API keys of oregon." in closed.output
    # The schema ends to use the mode before the API ends to have it.
    assert changes_of(front, start) == [(True, False, True), (False, False, False)]
    assert api_of(aws)["authenticationType"] == "AWS_IAM"
    assert not api_of(aws).get("additionalAuthenticationProviders")
    assert api_keys.list_keys(aws, OREGON, api_of(aws)["apiId"]) == []
    file = equipped.home / "config" / "profiles" / "default.json"
    saved = json.loads(file.read_text(encoding="utf-8"))["regions"]["oregon"]
    assert saved["auth"] == "iam"
    assert key.key not in file.read_text(encoding="utf-8")
    assert "apiKey" not in saved

    shown = equipped.run("outputs", "--json", "--show-key")
    assert json.loads(shown.output)["oregon"]["auth"] == "iam"
    assert "apiKey" not in json.loads(shown.output)["oregon"]
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
    assert changes_of(front, start) in ([], [(False, False, False)])
    assert profiles.load("default", equipped.home / "config").resolve("oregon").aws_profile == "team"

    start = len(front.calls)
    opened = equipped.run(*usual, "--senders", "anyone")
    assert opened.exit_code == 0, opened.output
    assert "oregon will have an API key" in opened.output
    assert changes_of(front, start) == [(True, True, True)]
    (made,) = api_keys.list_keys(aws, OREGON, api_of(aws)["apiId"])
    assert made.key != key.key
    assert profiles.load("default", equipped.home / "config").resolve("oregon").api_key == made.key


def test_an_api_without_a_key_gets_none_when_the_other_region_is_closed_later(
    front: AwsFront, equipped: User
) -> None:
    """As after a second update that failed in Sydney."""
    for folder, alias, region in (
        (TEMPLATES_VERIFIED, "oregon", OREGON),
        (TEMPLATES, "sydney", "ap-southeast-2"),
    ):
        name = f"globalchat-{alias}-api"
        body = json.loads((folder / f"{name}.template.json").read_text(encoding="utf-8"))
        make_stack(name, region, body, tags=tags("globalchat", alias))
    start = len(front.calls)
    ran = equipped.run("deploy", "--yes", "--no-proof", "--senders", "verified")
    assert ran.exit_code == 0, ran.output
    assert "will be deleted: the API keys of sydney." in ran.output
    made = [call.form for call in front.calls[start:] if call.action == "CreateChangeSet"]
    of_sydney = [form for form in made if form["StackName"] == "globalchat-sydney-api"]
    assert [("AWS::AppSync::ApiKey" in form["TemplateBody"]) for form in of_sydney] == [True, False]
    others = [form for form in made if form["StackName"] != "globalchat-sydney-api"]
    assert not any("AWS::AppSync::ApiKey" in form["TemplateBody"] for form in others)


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

"""What the CDK's command line calls of AWS is what `docs/deploy-policy.json` says that it calls."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from globalchat.localcloud.iam import matches
from globalchat_infra.deploy_policy import CDK_CALLS
from tests.infra.helpers.assembled_deployment import Assembled, RecordingPrompter
from tests.infra.helpers.aws_front import AwsFront, Call, Reply, Rule, failure
from tests.infra.helpers.moto_account import ACCOUNT, User
from tests.paths import ROOT

pytestmark = pytest.mark.infra

ROLE = f"arn:aws:iam::{ACCOUNT}:role/cloudformation"


def keep_dead_letters_for_a_while(resources: dict[str, Any]) -> None:
    for each in resources.values():
        if each["Type"] == "AWS::SQS::Queue":
            each["Properties"]["MessageRetentionPeriod"] = 1000


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


def test_deploy_diff_and_update_need_what_the_policy_allows(
    front: AwsFront, equipped: User, templates: Path
) -> None:
    """The CDK also looks for the stack of a bootstrapped account, and goes on without it."""
    front.rules.insert(0, deny_other_stacks(allowed_stacks()))
    world = Assembled(equipped, templates).of_one_region("oregon", "us-west-2")
    deployment, _ = world.deploy()
    world.edit("globalchat-oregon-api", keep_dead_letters_for_a_while)
    assert deployment.diff(RecordingPrompter().prompter) == 0
    assert not [call for call in front.calls if "RoleARN" in call.form]
    before = len(front.calls)
    replace(world.prepare(RecordingPrompter()), role=ROLE).run(RecordingPrompter().prompter)
    changing = [call for call in front.calls[before:] if call.action == "CreateChangeSet"]
    assert {call.form.get("RoleARN") for call in changing} == {ROLE}

    of_cdk = [call for call in front.calls if "botocore" not in call.headers.get("User-Agent", "").lower()]
    called = {f"{call.service}:{call.action}" for call in of_cdk} - {"sts:GetCallerIdentity"}
    assert called == {action for action, why in CDK_CALLS.items() if not why}
    assert {call.form.get("StackName") for call in of_cdk} >= {"CDKToolkit"}

"""What a deployment changes in IAM is said before the question."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from globalchat.core.errors import UserError
from globalchat.core.resources import TEMPLATES
from globalchat_infra.deployer import cdk, iam_changes, preflight
from globalchat_infra.deployer.aws import Aws, Denied
from globalchat_infra.deployer.discovery import discover
from globalchat_infra.deployer.plan import DeployRequest, make_plan
from globalchat_infra.deployer.stacks import find
from tests.infra.helpers.assembled_deployment import content
from tests.infra.helpers.aws_front import AwsFront
from tests.infra.helpers.moto_account import REGION, User
from tests.infra.helpers.small_stacks import stand

pytestmark = pytest.mark.infra


def role(name: str = "app.role", service: str = "events.amazonaws.com", **others: object) -> dict[str, Any]:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
    properties = {"RoleName": name, "AssumeRolePolicyDocument": {"Statement": [trust]}, **others}
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def allow(action: str | list[str], resource: object = "*", **others: object) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **others}


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    document = {"Statement": list(statements)}
    return {"Type": "AWS::IAM::Policy", "Properties": {"Roles": [{"Ref": "R"}], "PolicyDocument": document}}


def template(a_role: dict[str, Any], *statements: dict[str, Any]) -> dict[str, Any]:
    return {"Resources": {"R": a_role, "P": policy(*statements), "Q": {"Type": "AWS::SQS::Queue"}}}


BUS = {"Fn::GetAtt": ["Bus", "Arn"]}
PUT = allow("events:PutEvents", BUS)


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ([template(role(), PUT)], [template(role(), PUT)], []),
        (
            [],
            [template(role(), PUT)],
            ["IAM: makes the role app.role, for events.amazonaws.com: events:PutEvents on ${Bus.Arn}"],
        ),
        ([template(role(), PUT)], [], ["IAM: deletes the role app.role"]),
        (
            [template(role(), PUT)],
            [template(role(), allow(["events:PutEvents", "sqs:*"], BUS))],
            ["IAM: changes the role app.role: adds sqs:* on ${Bus.Arn}"],
        ),
        (
            [template(role(), PUT)],
            [template(role(), allow("events:PutEvents", {"Fn::Join": ["", ["arn:", {"Ref": "X"}]]}))],
            [
                "IAM: changes the role app.role: adds events:PutEvents on arn:${X}; "
                "removes events:PutEvents on ${Bus.Arn}"
            ],
        ),
        (
            [template(role(), PUT)],
            [template(role(service="lambda.amazonaws.com"), PUT)],
            [
                "IAM: changes the role app.role: from now on also for lambda.amazonaws.com; "
                "no longer for events.amazonaws.com"
            ],
        ),
        (
            [template(role(), PUT)],
            [
                template(
                    role(ManagedPolicyArns=["arn:aws:iam::aws:policy/Admin"], PermissionsBoundary="b"), PUT
                )
            ],
            [
                "IAM: changes the role app.role: adds the managed policy arn:aws:iam::aws:policy/Admin; "
                "adds the permissions boundary b"
            ],
        ),
        (
            [template(role(), PUT)],
            [template(role(), {**PUT, "Condition": {"Bool": {"a": 1}}})],
            [
                'IAM: changes the role app.role: adds events:PutEvents on ${Bus.Arn} if {"Bool": {"a": 1}}; '
                "removes events:PutEvents on ${Bus.Arn}"
            ],
        ),
        (
            [template(role(), PUT)],
            [template(role(), PUT, {"Effect": "Deny", "NotAction": "s3:Get", "Resource": "*"})],
            ["IAM: changes the role app.role: adds never all but s3:Get on *"],
        ),
    ],
)
def test_lines(before: list[dict[str, Any]], after: list[dict[str, Any]], lines: list[str]) -> None:
    assert list(iam_changes.lines(before, after)) == lines


def test_every_role_of_the_real_templates_is_named_with_one_service_and_what_it_may_do() -> None:
    lines = list(iam_changes.lines([], iam_changes.read(TEMPLATES)))
    assert len(lines) == 12
    assert (
        "IAM: makes the role globalchat.oregon.relay, for events.amazonaws.com: events:PutEvents on "
        "arn:${AWS::Partition}:events:ap-southeast-2:${AWS::AccountId}:event-bus/globalchat-bus" in lines
    )
    assert not [
        line for line in lines if "nothing" in line or "no one" in line or "{" in line.replace("${", "")
    ]


REGIONS = {"oregon": "us-west-2", "sydney": "ap-southeast-2"}


def test_deployed_templates_are_read_as_json_or_yaml(cloud: str) -> None:
    aws = Aws()
    stand(REGIONS, roles=True)
    found = find(aws, "globalchat", REGIONS)
    deployed = iam_changes.deployed(aws, found)
    assert list(iam_changes.lines(deployed, [])) == [
        "IAM: deletes the role globalchat.oregon.publish",
        "IAM: deletes the role globalchat.sydney.publish",
    ]
    arguments = {
        "StackName": "globalchat-oregon-api",
        "TemplateBody": yaml.safe_dump(json.loads(json.dumps(deployed[0]))),
    }
    assert isinstance(deployed[0]["Resources"], dict)
    aws.call("cloudformation", "us-west-2", "update_stack", **arguments)
    again = iam_changes.deployed(aws, [each for each in found if each.name == "globalchat-oregon-api"])
    assert json.loads(json.dumps(again[0])) == json.loads(json.dumps(deployed[0]))


class EmptyTemplates(iam_changes.Synthesis):
    """Makes a template without resources."""

    def templates(self, content: Mapping[str, Any]) -> list[iam_changes.Template]:
        return [{"Resources": {}}]


def test_what_may_not_be_read_is_a_warning(front: AwsFront) -> None:
    stand(REGIONS)
    aws = Aws()
    found = find(aws, "globalchat", REGIONS)
    front.refuse(
        "AccessDenied", "not authorized to perform: cloudformation:GetTemplate", action="GetTemplate"
    )
    with pytest.raises(Denied):
        iam_changes.deployed(aws, found)
    plan = make_plan(DeployRequest(content()), discover(aws, "globalchat", REGIONS.items()))
    *_, warning = preflight.run(aws, plan, aws.account(REGION), synthesis=EmptyTemplates(Path()))
    assert str(warning).startswith("warning: what changes in IAM is not known: ")
    assert "cloudformation:GetTemplate" in str(warning)


def test_the_templates_are_made_once_and_as_the_cdk_makes_them(
    equipped: User, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    assembly = iam_changes.Synthesis(equipped.cache)
    made = assembly.templates(content())
    request.getfixturevalue("warm_app")
    # Other tests take them from there.
    assert iam_changes.Synthesis(equipped.cache).templates(content()) == made
    assert assembly.app is not None
    assert (Path(assembly.app) / "manifest.json").is_file()
    assert list(iam_changes.lines(iam_changes.read(TEMPLATES), made)) == []
    monkeypatch.setattr(cdk, "app_command", lambda: "false")
    again = iam_changes.Synthesis(equipped.cache)
    assert again.templates(content()) == ()
    assert again.app is None
    with pytest.raises(UserError, match="the templates could not be made"):
        iam_changes.compare(Aws(), (), [], [])

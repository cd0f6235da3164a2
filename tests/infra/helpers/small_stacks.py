"""Stacks in moto that a deployment is found by."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from globalchat_infra import stack_interface
from globalchat_infra.config import parse
from globalchat_infra.deployer.aws import Aws
from tests.infra.helpers.assembled_deployment import content
from tests.infra.helpers.moto_account import ACCOUNT, END

API_ID = {"Fn::GetAtt": ["Api", "ApiId"]}


def tags(prefix: str, alias: str, **others: str) -> list[dict[str, str]]:
    """Return the tags of a deployment as AWS takes them."""
    pairs = {"project": "globalchat", "deployment": prefix, "alias": alias, **others}
    return [{"Key": key, "Value": value} for key, value in pairs.items()]


def stored(folder: Path, name: str) -> dict[str, Any]:
    """Return the template of a stack in a stored assembly, whose keys end as if it was made today."""
    template: dict[str, Any] = json.loads((folder / f"{name}.template.json").read_text(encoding="utf-8"))
    if expires := template["Parameters"].get(stack_interface.EXPIRES):
        expires["Default"] = END
    return template


def make_stack(
    name: str, region: str, body: Mapping[str, Any] | None = None, *, tags: list[dict[str, str]]
) -> None:
    """Make a stack, by default with one queue."""
    body = body or {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}
    Aws().call(
        "cloudformation", region, "create_stack", StackName=name, TemplateBody=json.dumps(body), Tags=tags
    )


def stand(regions: Mapping[str, str], *, prefix: str = "globalchat", roles: bool = False) -> None:
    """Stacks as small as they may be, which tell of one another."""
    context = {**content()["context"]["globalchat"], "regions": dict(regions), "options": ["regions"]}
    for alias, region in regions.items():
        key = {"Type": "AWS::AppSync::ApiKey", "Properties": {"ApiId": API_ID, "Expires": END}}
        role = {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": f"{prefix}.{alias}.publish",
                "AssumeRolePolicyDocument": {},
                "Tags": tags(prefix, alias, region=region),
            },
        }
        outputs = {
            "settings": stack_interface.dump_settings(parse(context)),
            "apiId": API_ID,
            "graphqlUrl": {"Fn::GetAtt": ["Api", "GraphQLUrl"]},
            "realtimeUrl": {"Fn::GetAtt": ["Api", "RealtimeUrl"]},
            "eventBus": f"arn:aws:events:{region}:{ACCOUNT}:event-bus/{prefix}-bus",
        }
        api: dict[str, Any] = {
            "Type": "AWS::AppSync::GraphQLApi",
            "Properties": {
                "Name": "a",
                "AuthenticationType": "API_KEY",
                "LogConfig": {},
                "Tags": tags(prefix, alias),
            },
        }
        bodies = {
            "api": {
                "Resources": {"Api": api, "Key": key, **({"Role": role} if roles else {})},
                "Outputs": {name: {"Value": value} for name, value in outputs.items()},
            },
            "relay": {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}},
        }
        for part, body in bodies.items():
            make_stack(f"{prefix}-{alias}-{part}", region, body, tags=tags(prefix, alias))

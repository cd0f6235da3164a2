"""Generates `docs/deploy-policy.json`, the minimum permissions of a deployer.

Run as `python -m globalchat_infra.deploy_policy`. CloudFormation acts with the rights of its caller. The
calls it makes for a resource are listed in AWS's schema of the resource's type (`handlers`), which is part of
cfn-lint. The calls of the deployer itself and of the CDK command line are added; those for features
that the templates do not use are left out (`NOT_USED`).
"""

import ast
import importlib.util
import json
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from globalchat.core.errors import UserError
from globalchat.core.resources import checkout
from globalchat_infra import names
from globalchat_infra.config import Config, load
from globalchat_infra.deployer.preflight import QUOTAS
from globalchat_infra.toolchain import run_tool

LARGEST = 6_144
"""The most characters of a managed policy without white space (IAM user guide, "IAM and AWS STS quotas")."""
DEPLOYER = Path(__file__).parent / "deployer"
HANDLERS = ("create", "read", "update", "delete")
"""The handlers that CloudFormation uses for a stack's resource; `list` is for inventories of an account."""

CDK_CALLS = {
    "cloudformation:CreateChangeSet": "",
    "cloudformation:DeleteChangeSet": "",
    "cloudformation:DescribeChangeSet": "",
    "cloudformation:DescribeEvents": "why a change set did not pass CloudFormation's validation",
    "cloudformation:DescribeStackEvents": "",
    "cloudformation:DescribeStacks": "",
    "cloudformation:ExecuteChangeSet": "",
    "cloudformation:GetTemplate": "",
}
"""The calls of the pinned command line in `deploy` and `diff`.

The value says why, for calls made only after an error; a test records the others.
Source of the exception: `paginatedDescribeEvents` in aws-cdk's `lib/index.js`.
"""

NOT_USED = {
    "dynamodb:*Item": "messages are stored and read by the API, as roles of its own",
    "dynamodb:*Replica": "each region has a table of its own",
    "dynamodb:DeleteResourcePolicy": "the roles of the API have the permissions",
    "dynamodb:DescribeImport": "the table begins empty",
    "dynamodb:DisableKinesisStreamingDestination": "the table has no stream",
    "dynamodb:EnableKinesisStreamingDestination": "the table has no stream",
    "dynamodb:ImportTable": "the table begins empty",
    "dynamodb:PutResourcePolicy": "the roles of the API have the permissions",
    "dynamodb:Query": "messages are stored and read by the API, as roles of its own",
    "dynamodb:Scan": "messages are stored and read by the API, as roles of its own",
    "dynamodb:UpdateContinuousBackups": "no backup keeps messages for longer than the days of the history",
    "dynamodb:UpdateContributorInsights": "the table has no insights",
    "dynamodb:UpdateKinesisStreamingDestination": "the table has no stream",
    "iam:CreateServiceLinkedRole": "the table has no replica",
    "kinesis:*": "the table has no stream",
    "kms:*": "no customer key encrypts anything",
    "s3:*": "schema, code and logs lie in no bucket",
    "firehose:*": "no log group has a delivery",
    "payments:*": "no rule of the web ACL is bought",
    "amplify:*": "the web ACL protects an AppSync API alone",
    "apigateway:*": "the web ACL protects an AppSync API alone",
    "apprunner:*": "the web ACL protects an AppSync API alone",
    "bedrock-agentcore:*": "the web ACL protects an AppSync API alone",
    "cognito-idp:*": "the web ACL protects an AppSync API alone",
    "ec2:*VerifiedAccess*": "the web ACL protects an AppSync API alone",
    "elasticloadbalancing:*": "the web ACL protects an AppSync API alone",
    "wafv2:*PermissionPolicy": "no rule group is shared",
    "iam:*GroupPolicy": "policies are those of roles",
    "iam:*UserPolicy": "policies are those of roles",
    "iam:AttachRolePolicy": "no role has a managed policy",
    "iam:DetachRolePolicy": "no role has a managed policy",
    "iam:DeleteRolePermissionsBoundary": "a boundary that was asked for stays",
    "iam:SimulatePrincipalPolicy": "it reads what any principal may do; without it one warning is left out",
    "logs:*LogStream*": "AppSync writes its log, as a role of its own",
    "logs:PutLogEvents": "AppSync writes its log, as a role of its own",
    "logs:AssociateKmsKey": "no customer key encrypts anything",
    "logs:DisassociateKmsKey": "no customer key encrypts anything",
    "logs:*LogDelivery": "no log group has a delivery",
    "logs:DeleteDataProtectionPolicy": "no log group has a data protection policy",
    "logs:PutDataProtectionPolicy": "no log group has a data protection policy",
    "logs:DeleteIndexPolicy": "no log group has an index policy",
    "logs:PutIndexPolicy": "no log group has an index policy",
    "logs:DeleteResourcePolicy": "no other service writes to a log group",
    "logs:PutResourcePolicy": "no other service writes to a log group",
    "logs:PutBearerTokenAuthentication": "logs are written with signatures",
    "logs:PutLogGroupDeletionProtection": "a log group goes with its stack",
    "sns:PutDataProtectionPolicy": "the topic has no data protection policy",
    "sts:GetCallerIdentity": "IAM lets everyone call it",
}
"""Actions of handlers and of the deployer that the policy leaves out, each with the reason."""

ON_EVERYTHING = {
    "appsync:*": "the ids of APIs are random, and most actions take no resource",
    "cloudformation:ListStacks": "it takes no resource",
    "cloudwatch:DescribeAlarms": "composite alarms, which share the names, are shown to this scope alone",
    "ec2:DescribeRegions": "it takes no resource",
    "events:ListEventBuses": "it takes no resource",
    "events:ListRules": "it takes no resource",
    "events:PutPermission": "it takes no resource",
    "events:RemovePermission": "it takes no resource",
    "iam:ListRoles": "it takes no resource",
    "logs:DescribeIndexPolicies": "it takes no resource",
    "logs:DescribeLogGroups": "it takes no resource",
    "logs:DescribeResourcePolicies": "it takes no resource",
    "sns:GetSubscriptionAttributes": "it takes no resource",
    "sns:SetSubscriptionAttributes": "it takes no resource",
    "sns:Unsubscribe": "it takes no resource",
    "wafv2:ListWebACLs": "it takes no resource",
}
"""Actions that are allowed on all resources, each with the reason.

Source: Service authorization reference; of DescribeAlarms the API reference.
"""
PASSED_TO = ["appsync.amazonaws.com", "events.amazonaws.com"]
"""The services that take the roles of a deployment."""

Statement = dict[str, Any]


def resources(prefix: str) -> Mapping[str, Sequence[str]]:
    """Return the ARN patterns of a deployment's resources, by service, in every account and region."""
    bus = names.bus(prefix)
    return {
        "cloudformation": [f"arn:aws:cloudformation:*:*:stack/{prefix}-*/*"],
        "cloudwatch": [
            f"arn:aws:cloudwatch:*:*:alarm:{prefix}-*",
            f"arn:aws:cloudwatch::*:dashboard/{names.dashboard(prefix, '*')}",
        ],
        "dynamodb": [f"arn:aws:dynamodb:*:*:table/{prefix}-*"],
        "events": [f"arn:aws:events:*:*:event-bus/{bus}", f"arn:aws:events:*:*:rule/{bus}/{prefix}-*"],
        "iam": [f"arn:aws:iam::*:role/{prefix}.*"],
        "logs": [f"arn:aws:logs:*:*:log-group:{names.log_group('*')}"],
        "sns": [f"arn:aws:sns:*:*:{names.topic(prefix)}"],
        "sqs": [f"arn:aws:sqs:*:*:{prefix}-*"],
        "wafv2": [f"arn:aws:wafv2:*:*:regional/webacl/{prefix}-*/*", "arn:aws:appsync:*:*:apis/*"],
    }


def policy(actions: Collection[str], prefix: str) -> Mapping[str, Any]:
    """Return the policy that allows these actions on a deployment's resources.

    Raises:
        UserError: `resources` lacks a service.
    """
    patterns = resources(prefix)
    everywhere = [each for each in actions if reason(each, ON_EVERYTHING)]
    named: dict[str, list[str]] = {}
    for each in sorted(set(actions).difference(everywhere, ["iam:PassRole"])):
        named.setdefault(each.partition(":")[0], []).append(each)
    if unknown := sorted(named.keys() - patterns.keys()):
        raise UserError(f"There are no ARN patterns for {', '.join(unknown)}: add them to `resources`.")
    statements = [_allow(service, of_service, patterns[service]) for service, of_service in named.items()]
    # A separate statement, because only this action has the condition.
    if "iam:PassRole" in actions:
        passing = _allow("passRole", ["iam:PassRole"], patterns["iam"])
        statements.append({**passing, "Condition": {"StringEquals": {"iam:PassedToService": PASSED_TO}}})
    return {
        "Version": "2012-10-17",
        "Statement": [*statements, _allow("onEverything", sorted(everywhere), ["*"])],
    }


def _allow(sid: str, actions: Sequence[str], patterns: Sequence[str]) -> Statement:
    return {
        "Sid": sid[0].upper() + sid[1:],
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": patterns[0] if len(patterns) == 1 else list(patterns),
    }


def reason(action: str, table: Mapping[str, str]) -> str | None:
    """Return the reason that a table of patterns gives for an action; None if it has none."""
    return next((why for pattern, why in table.items() if fnmatchcase(action, pattern)), None)


def needed(types: Iterable[str]) -> set[str]:
    """Return the actions that a deployer needs for resources of these types."""
    found = {action for each in types for action in handler_actions(each)}
    found |= deployer_actions() | CDK_CALLS.keys()
    return {action for action in found if reason(action, NOT_USED) is None}


def handler_actions(resource_type: str, handlers: Sequence[str] = HANDLERS) -> set[str]:
    """Return the calls of CloudFormation's handlers for a resource of a type, from AWS's schema of the type.

    Raises:
        UserError: cfn-lint is missing, or does not know the type.
    """
    spec = importlib.util.find_spec("cfnlint")
    if spec is None or spec.origin is None:
        raise UserError("cfn-lint is missing: run `make lint`, which installs it.")
    schemas = Path(spec.origin).parent / "data" / "schemas"
    # One region's index is enough, since a type has the same schema in all.
    by_type = json.loads((schemas / "providers" / "us-west-2.json").read_text(encoding="utf-8"))
    if resource_type not in by_type:
        raise UserError(f"cfn-lint has no schema of {resource_type}: install a later one.")
    file = schemas / "resources" / f"{by_type[resource_type]}.json"
    described = json.loads(file.read_text(encoding="utf-8"))["handlers"]
    listed = [action for each in handlers for action in described.get(each, {}).get("permissions", ())]
    return set(listed)


_CALLING = ("call", "pages", "call_within", "_existing")
_OPERATION = re.compile(r"[a-z]+(_[a-z]+)+")


ON_MESSAGES = ("purge.py", "repair.py")
"""Modules whose calls delete or send messages: who deploys needs no permission for that."""


def deployer_actions() -> set[str]:
    """Return the actions of AWS that the deployer's own code calls, without those on messages."""
    files = [file for file in DEPLOYER.glob("*.py") if file.name not in ON_MESSAGES]
    made = {call for file in files for call in calls(file.read_text(encoding="utf-8"))}
    made |= {(service, operation) for service, operation, *_ in QUOTAS}
    return {f"{service}:{action(operation)}" for service, operation in made}


def calls(source: str) -> Iterator[tuple[str, str]]:
    """Yield the service and operation of each AWS call in Python source."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in _CALLING:
            words = [each.value for each in node.args if isinstance(each, ast.Constant)]
            texts = [word for word in words if isinstance(word, str)]
            if operations := [text for text in texts if _OPERATION.fullmatch(text)]:
                yield texts[0], operations[0]


def action(operation: str) -> str:
    """Return the name of a botocore operation in policies."""
    return "".join(word.title() for word in operation.split("_")).replace("Acl", "ACL")


def resource_types(files: Mapping[str, str]) -> set[str]:
    """Return the types of all resources in the templates of an assembly (file name → text)."""
    templates = [json.loads(text) for name, text in files.items() if name.endswith(".template.json")]
    return {resource["Type"] for template in templates for resource in template["Resources"].values()}


def with_every_option(config: Config) -> Config:
    """Return the configuration with every option turned on."""
    return replace(
        config,
        history_days=config.history_days or 7,
        alarm_email="ops@example.com",
        dashboard=True,
        waf_rate=2000,
    )


def write(files: Mapping[str, str], prefix: str) -> str:
    """Return the policy for the templates of an assembly as the text of a JSON file.

    Raises:
        UserError: it is larger than a managed policy may be.
    """
    made = policy(needed(resource_types(files)), prefix)
    if (size := len(json.dumps(made, separators=(",", ":")))) > LARGEST:
        raise UserError(f"The policy has {size:,} characters, more than the {LARGEST:,} of a managed policy.")
    return json.dumps(made, indent=2) + "\n"


def write_to_docs() -> None:
    """Write the policy for the project's `cdk.json` with every option to the checkout's `docs`.

    Raises:
        UserError: there is no checkout, or the templates cannot be made.
    """
    from globalchat_infra.snapshot import synthesise

    folder = checkout()
    if folder is None:
        raise UserError("This is not a checkout: docs/deploy-policy.json is a file of the repository.")
    config = with_every_option(load())
    text = write(synthesise(config), config.prefix)
    (folder / "docs" / "deploy-policy.json").write_text(text, encoding="utf-8")


def main() -> int:
    """Write the policy, and return the exit code."""
    return run_tool(write_to_docs)


if __name__ == "__main__":
    sys.exit(main())

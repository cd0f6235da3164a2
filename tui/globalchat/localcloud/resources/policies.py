"""IAM policy documents, and the resource types of AWS::IAM that hold them.

Elements that `globalchat.localcloud.iam` cannot evaluate are refused by name.
"""

import re
from collections.abc import Mapping
from typing import Literal

from globalchat.localcloud.definition import JSON, Statement
from globalchat.localcloud.iam import CONDITION_KEYS, OPERATORS, unique_id
from globalchat.localcloud.problems import Invalid, Unsupported
from globalchat.localcloud.resources.property_schema import (
    Properties,
    PropertySchema,
    ResourceIdentity,
    ResourceType,
    ResourceValues,
    list_of,
    name,
    only,
    optional_text,
    text,
)

PolicyKind = Literal["trust", "identity", "resource"]

_STATEMENT_KEYS: Mapping[PolicyKind, frozenset[str]] = {
    "trust": frozenset({"Sid", "Effect", "Action", "Principal", "Condition"}),
    "identity": frozenset({"Sid", "Effect", "Action", "Resource", "Condition"}),
    "resource": frozenset({"Sid", "Effect", "Action", "Resource", "Principal", "Condition"}),
}


_LOG_POLICY = "policy/service-role/AWSAppSyncPushToCloudWatchLogs"


def trust_policy(value: JSON, path: str) -> None:
    """Check a role's trust policy."""
    parse(value, path, "trust")


def identity_policy(value: JSON, path: str) -> None:
    """Check a role's policy."""
    parse(value, path, "identity")


def resource_policy(value: JSON, path: str) -> None:
    """Check the policy of a queue or a bus."""
    parse(value, path, "resource")


def parse(value: JSON, path: str, kind: PolicyKind) -> tuple[Statement, ...]:
    """Parse a policy document.

    Raises:
        Invalid: malformed, or an element is not emulated (`NotAction`, a condition operator, …).
    """
    if not isinstance(value, dict) or "Statement" not in value:
        raise Invalid(f"property {path} is not a policy document")
    if value.get("Version") != "2012-10-17":
        raise Unsupported(
            f"property {path} has a policy version other than 2012-10-17, which is not emulated"
        )
    for key in value:
        if key not in ("Version", "Id", "Statement"):
            raise Unsupported(f"property {path}.{key} is not emulated")
    statements = value["Statement"]
    if not isinstance(statements, list):
        statements = [statements]
    if not statements:
        raise Invalid(f"property {path}.Statement is empty")
    return tuple(
        _statement(item, f"{path}.Statement[{index}]", kind) for index, item in enumerate(statements)
    )


def _statement(value: JSON, path: str, kind: PolicyKind) -> Statement:
    if not isinstance(value, dict):
        raise Invalid(f"property {path} is not an object")
    for key in value:
        if key not in _STATEMENT_KEYS[kind]:
            raise Unsupported(f"property {path}.{key} is not emulated")
    effect = value.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise Invalid(f"property {path}.Effect is neither Allow nor Deny")
    return Statement(
        effect="Allow" if effect == "Allow" else "Deny",
        actions=_actions(value.get("Action"), f"{path}.Action"),
        resources=() if kind == "trust" else _resources(value.get("Resource"), f"{path}.Resource"),
        principals=() if kind == "identity" else _principals(value.get("Principal"), f"{path}.Principal"),
        conditions=_conditions(value["Condition"], f"{path}.Condition") if "Condition" in value else None,
    )


def _actions(value: JSON, path: str) -> tuple[str, ...]:
    actions = _texts(value, path)
    for action in actions:
        if action != "*" and not re.fullmatch(r"[A-Za-z0-9-]+:[A-Za-z0-9*?]+", action):
            raise Invalid(f"property {path} has {action}, which is not an action")
    return actions


def _resources(value: JSON, path: str) -> tuple[str, ...]:
    resources = _texts(value, path)
    for resource in resources:
        if "${" in resource:
            raise Unsupported(f"property {path} has a policy variable, which is not emulated")
    return resources


def _principals(value: JSON, path: str) -> tuple[str, ...]:
    if value == "*":
        return ("*",)
    if not isinstance(value, dict) or not value:
        raise Invalid(f"property {path} names no principal")
    principals: list[str] = []
    for kind, names in value.items():
        if kind not in ("Service", "AWS"):
            raise Unsupported(f"property {path}.{kind} is not emulated")
        principals.extend(_texts(names, f"{path}.{kind}"))
    return tuple(principals)


def _conditions(value: JSON, path: str) -> dict[str, dict[str, tuple[str, ...]]]:
    if not isinstance(value, dict):
        raise Invalid(f"property {path} is not an object")
    conditions: dict[str, dict[str, tuple[str, ...]]] = {}
    for operator, keys in value.items():
        if operator not in OPERATORS:
            raise Unsupported(f"property {path}: the condition operator {operator} is not emulated")
        if not isinstance(keys, dict):
            raise Invalid(f"property {path}.{operator} is not an object")
        for key in keys:
            if key.lower() not in CONDITION_KEYS:
                raise Unsupported(f"property {path}: the condition key {key} is not emulated")
        conditions[operator] = {
            key: _texts(_spelled(wanted), f"{path}.{operator}.{key}") for key, wanted in keys.items()
        }
    return conditions


def _texts(value: JSON, path: str) -> tuple[str, ...]:
    """Return one string, or a list of them, as a tuple."""
    items = value if isinstance(value, list) else [value]
    if not items:
        raise Invalid(f"property {path} is empty")
    strings = tuple(item for item in items if isinstance(item, str))
    if len(strings) != len(items):
        raise Invalid(f"property {path} is missing or not a string or a list of strings")
    return strings


def _spelled(value: JSON) -> JSON:
    """Return a boolean as text: `aws:SecureTransport: false` means the same as `"false"`."""
    return str(value).lower() if isinstance(value, bool) else value


def managed_policy(value: JSON, path: str) -> None:
    """Accept only the policy that lets AppSync write logs; without local logs it grants nothing."""
    if not isinstance(value, str) or not value.endswith(_LOG_POLICY):
        raise Unsupported(f"property {path} names the managed policy {value}, which is not emulated")


def _role(identity: ResourceIdentity, properties: Properties) -> ResourceValues:
    own = optional_text(properties, "RoleName") or identity.generated_name(64)
    arn = identity.arn("iam", f"role/{own}", region="")
    return ResourceValues(own, {"Arn": arn, "RoleId": unique_id("AROA", arn)})


ROLE = ResourceType(
    name="AWS::IAM::Role",
    schema=PropertySchema(
        required={"AssumeRolePolicyDocument": trust_policy},
        optional={
            "RoleName": name(r"[\w+=,.@-]", 64),
            "Path": only("/"),
            "Policies": list_of(
                PropertySchema(required={"PolicyName": text, "PolicyDocument": identity_policy})
            ),
            "ManagedPolicyArns": list_of(managed_policy),
        },
        ignored={
            "Description": "shown by AWS alone",
            "MaxSessionDuration": "no session is handed out",
            "Tags": "nothing reads them",
        },
    ),
    values=_role,
)

POLICY = ResourceType(
    name="AWS::IAM::Policy",
    schema=PropertySchema(
        required={"PolicyName": text, "PolicyDocument": identity_policy, "Roles": list_of(text, minimum=1)},
    ),
    values=lambda identity, _: ResourceValues(identity.generated_name(128), {}),
)

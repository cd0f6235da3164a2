"""Synthesised templates as plain data, and the few questions that tests ask of them."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar

import pytest

from globalchat.core.files import locked
from globalchat_infra.config import Config, load
from globalchat_infra.snapshot import synthesise

Resource: TypeAlias = dict[str, Any]
Templates: TypeAlias = Mapping[str, dict[str, Any]]
"""Stack name → template."""

T = TypeVar("T")

SUFFIX = ".template.json"


def templates_of(files: Mapping[str, str]) -> Templates:
    return {
        name.removesuffix(SUFFIX): json.loads(text) for name, text in files.items() if name.endswith(SUFFIX)
    }


def configurations() -> Mapping[str, Config]:
    """The deployments that tests look at."""
    default = load()
    seven = ["us-west-2", "us-east-1", "us-east-2", "eu-west-1", "eu-west-2", "eu-west-3", "ap-southeast-2"]
    return {
        "default": default,
        "everything": replace(
            default,
            prefix="p" * 20,
            regions={"o" * 20: "us-west-2", "s" * 20: "ap-southeast-2", "i" * 20: "eu-west-1"},
            channels=tuple(f"{n:050}" for n in range(10)),
            alarm_email=f"{'o' * 64}@{'x' * 63}.example.com",
            dashboard=True,
            waf_rate=2000,
        ),
        "every option": replace(default, alarm_email="ops@example.com", dashboard=True, waf_rate=2000),
        "seven regions": replace(default, regions={name: name for name in seven}),
        "one region": replace(default, regions={"oregon": "us-west-2"}),
        "without history": replace(default, history_days=0),
        "verified senders": replace(default, senders="verified"),
        "before verified senders": replace(default, senders="verified", with_key_mode=True),
        "one account": replace(default, account="111122223333"),
    }


def assemblies(folders: pytest.TempPathFactory) -> Mapping[str, Mapping[str, str]]:
    """The cloud assembly of each of the configurations: file name → text.

    The first process of a test run that asks makes them for all, as loading the CDK takes over a second.
    """
    root = folders.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    made = root / "assemblies.json"
    with locked(root / "assemblies.lock"):
        if not made.exists():
            written = {name: synthesise(config) for name, config in configurations().items()}
            made.write_text(json.dumps(written), encoding="utf-8")
    loaded: dict[str, dict[str, str]] = json.loads(made.read_text(encoding="utf-8"))
    return loaded


def resources(template: Mapping[str, Any], type_name: str) -> dict[str, Resource]:
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == type_name
    }


def only(template: Mapping[str, Any], type_name: str) -> Resource:
    (resource,) = resources(template, type_name).values()
    return resource


def text(value: str | dict[str, Any]) -> str:
    """An intrinsic function as one readable text: `arn:${AWS::Partition}:…`, `${Logical.Attribute}`."""
    if isinstance(value, str):
        return value
    if "Ref" in value:
        return f"${{{value['Ref']}}}"
    if "Fn::GetAtt" in value:
        return f"${{{'.'.join(value['Fn::GetAtt'])}}}"
    if "Fn::Sub" in value:
        substituted = value["Fn::Sub"]
        written, variables = (substituted, {}) if isinstance(substituted, str) else substituted
        for name, variable in variables.items():
            written = written.replace(f"${{{name}}}", text(variable))
        return str(written)
    separator, parts = value["Fn::Join"]
    return str(separator).join(text(part) for part in parts)


def logical(template: Mapping[str, Any], type_name: str) -> str:
    """The logical id of the only resource of a type."""
    (name,) = resources(template, type_name)
    return name


def permissions(template: Mapping[str, Any], role: str) -> list[tuple[str, str]]:
    """Every (action, resource) that a role's policies allow; the role by the end of its physical name."""
    (logical,) = (
        name
        for name, properties in resources(template, "AWS::IAM::Role").items()
        if properties["RoleName"].endswith(role)
    )
    policies = resources(template, "AWS::IAM::Policy").values()
    attached = [policy for policy in policies if {"Ref": logical} in policy["Roles"]]
    return sorted(
        (action, text(resource))
        for policy in attached
        for statement in policy["PolicyDocument"]["Statement"]
        for action in _many(statement["Action"])
        for resource in _many(statement["Resource"])
        if statement["Effect"] == "Allow"
    )


def targets(template: Mapping[str, Any]) -> Iterator[Resource]:
    for rule in resources(template, "AWS::Events::Rule").values():
        yield from rule["Targets"]


def rule_of(template: Mapping[str, Any], part: str) -> Resource:
    """The rule whose name ends with a part, such as `broadcast`."""
    (found,) = (
        rule
        for rule in resources(template, "AWS::Events::Rule").values()
        if rule["Name"].endswith(f"-{part}")
    )
    return found


def _many(value: T | list[T]) -> list[T]:
    return value if isinstance(value, list) else [value]

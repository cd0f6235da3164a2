"""Synthesised templates as plain data, and the few questions that tests ask of them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias, TypeVar

from infra.config import Config
from infra.snapshot import synthesise

Resource: TypeAlias = dict[str, Any]
Templates: TypeAlias = Mapping[str, dict[str, Any]]
"""Stack name → template."""

T = TypeVar("T")

SUFFIX = ".template.json"


def templates_of(files: Mapping[str, str]) -> Templates:
    return {
        name.removesuffix(SUFFIX): json.loads(text) for name, text in files.items() if name.endswith(SUFFIX)
    }


def synthesise_templates(config: Config) -> Templates:
    return templates_of(synthesise(config))


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


def _many(value: T | list[T]) -> list[T]:
    return value if isinstance(value, list) else [value]

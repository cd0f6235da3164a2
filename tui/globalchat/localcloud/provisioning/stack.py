"""Resolves one stack: resources in the order of their references, then outputs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from globalchat.localcloud.assembly import Stack, alias_of
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.errors import Refusal, TemplateError
from globalchat.localcloud.intrinsics import (
    NO_VALUE,
    PSEUDO_PARAMETERS,
    NoValue,
    Resolved,
    references,
    resolve,
)
from globalchat.localcloud.provisioning.conditions import conditions
from globalchat.localcloud.provisioning.parameters import Parameters, parameters
from globalchat.localcloud.provisioning.resource import Resource, error_at
from globalchat.localcloud.resources.registry import TYPES
from globalchat.localcloud.resources.resource_type import Identity, ResourceType, Values

_SECTIONS = frozenset(
    {
        *("AWSTemplateFormatVersion", "Conditions", "Description", "Metadata"),
        *("Outputs", "Parameters", "Resources", "Rules"),
    }
)

# Attributes of any resource. Update and deletion policies speak of later deployments; there are none here.
_RESOURCE_KEYS = frozenset(
    {"Type", "Properties", "Condition", "DependsOn", "Metadata", "DeletionPolicy", "UpdateReplacePolicy"}
)


@dataclass(frozen=True, slots=True)
class ResolvedStack:
    """A stack's resources and outputs; `alias` is what its template calls the region, if it does."""

    stack: Stack
    alias: str | None
    resources: tuple[Resource, ...]
    outputs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Scope:
    """The names of one template; resources appear in it as they are resolved."""

    pseudo: Mapping[str, Resolved]
    parameters: Parameters
    values: dict[str, Values] = field(default_factory=dict)

    def ref(self, name: str) -> Resolved:
        if name in self.pseudo:
            return self.pseudo[name]
        if name in self.parameters:
            return self.parameters.value(name)
        return self._values(name).ref

    def attribute(self, name: str, attribute: str) -> JSON:
        attributes = self._values(name).attributes
        if attribute not in attributes:
            known = f"known are {', '.join(attributes)}" if attributes else "it has none"
            raise Refusal(f"the attribute {attribute} of {name} is not emulated ({known})")
        return attributes[attribute]

    def _values(self, name: str) -> Values:
        if name not in self.values:
            raise Refusal(f"refers to {name}, which the template does not define")
        return self.values[name]


def resolve_stack(stack: Stack, *, account: str, base_url: str) -> ResolvedStack:
    """Resolve every resource and output of a stack.

    Raises:
        TemplateError: a section, type, property, value or function that is not emulated; a dangling or
            circular reference.
    """
    for section in stack.template:
        if section not in _SECTIONS:
            raise TemplateError(f"template {stack.template_file}: the section {section} is not emulated.")
    definitions = _definitions(stack)
    scope = _Scope(_pseudo_parameters(stack, account), parameters(stack))
    absent = _absent(stack, definitions, conditions(stack, scope))
    resources = []
    for logical_id in _order(stack, definitions):
        if logical_id in absent:
            continue
        identity = Identity(stack.name, logical_id, stack.region, account, base_url)
        resource = _resolve_resource(stack, identity, definitions[logical_id], scope)
        scope.values[logical_id] = resource.values
        resources.append(resource)
    return ResolvedStack(stack, alias_of(stack), tuple(resources), _outputs(stack, scope))


def _pseudo_parameters(stack: Stack, account: str) -> Mapping[str, Resolved]:
    stack_id = f"arn:aws:cloudformation:{stack.region}:{account}:stack/{stack.name}/local"
    values: dict[str, Resolved] = {
        "AWS::AccountId": account,
        "AWS::NoValue": NO_VALUE,
        "AWS::Partition": "aws",
        "AWS::Region": stack.region,
        "AWS::StackId": stack_id,
        "AWS::StackName": stack.name,
        "AWS::URLSuffix": "amazonaws.com",
    }
    assert values.keys() == PSEUDO_PARAMETERS
    return values


def _definitions(stack: Stack) -> Mapping[str, Mapping[str, JSON]]:
    section = stack.template.get("Resources")
    if not isinstance(section, dict):
        raise TemplateError(f"template {stack.template_file}: the section Resources is missing or no object.")
    definitions: dict[str, Mapping[str, JSON]] = {}
    for logical_id, definition in section.items():
        if not isinstance(definition, dict) or not isinstance(definition.get("Type"), str):
            raise error_at(stack.template_file, logical_id, "the Type is missing")
        if definition["Type"] not in TYPES:
            raise error_at(stack.template_file, logical_id, f"the type {definition['Type']} is not emulated")
        for key in definition:
            if key not in _RESOURCE_KEYS:
                raise error_at(stack.template_file, logical_id, f"the attribute {key} is not emulated")
        definitions[logical_id] = definition
    return definitions


def _absent(
    stack: Stack, definitions: Mapping[str, Mapping[str, JSON]], holds: Mapping[str, bool]
) -> frozenset[str]:
    """Return the resources that there are not, by their conditions."""
    conditional = {name: each["Condition"] for name, each in definitions.items() if "Condition" in each}
    for logical_id, condition in conditional.items():
        if not isinstance(condition, str) or condition not in holds:
            problem = f"refers to the condition {condition}, which the template does not define"
            raise error_at(stack.template_file, logical_id, problem)
    return frozenset(name for name, condition in conditional.items() if not holds[str(condition)])


def _order(stack: Stack, definitions: Mapping[str, Mapping[str, JSON]]) -> list[str]:
    """Logical ids, each after those that it refers to. Dangling references are left for later."""
    graph: dict[str, list[str]] = {}
    for logical_id, definition in definitions.items():
        needed = list(references(definition.get("Properties")))
        graph[logical_id] = [name for name in needed if name in definitions]
        for name in _depends_on(definition):
            if not isinstance(name, str) or name not in definitions:
                problem = f"DependsOn names {name}, which the template does not define"
                raise error_at(stack.template_file, logical_id, problem)
            graph[logical_id].append(name)
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        cycle = " -> ".join(reversed(error.args[1]))
        raise TemplateError(
            f"template {stack.template_file}: the resources {cycle} refer to each other in a circle."
        ) from None


def _depends_on(definition: Mapping[str, JSON]) -> list[JSON]:
    value = definition.get("DependsOn", [])
    return value if isinstance(value, list) else [value]


def _resolve_resource(
    stack: Stack, identity: Identity, definition: Mapping[str, JSON], scope: _Scope
) -> Resource:
    kind = TYPES[str(definition["Type"])]
    properties = _resolve_properties(stack, identity, kind, definition.get("Properties", {}), scope)
    try:
        kind.shape(properties, "")
    except Refusal as refusal:
        raise error_at(stack.template_file, identity.logical_id, f"{kind.name} {refusal.reason}") from None
    return Resource(stack.template_file, identity, kind, properties, kind.values(identity, properties))


def _resolve_properties(
    stack: Stack, identity: Identity, kind: ResourceType, properties: JSON, scope: _Scope
) -> dict[str, JSON]:
    if not isinstance(properties, dict):
        raise error_at(stack.template_file, identity.logical_id, "the Properties are not an object")
    resolved: dict[str, JSON] = {}
    for name, value in properties.items():
        try:
            result = resolve(value, scope)
        except Refusal as refusal:
            raise error_at(
                stack.template_file, identity.logical_id, f"{kind.name} property {name}: {refusal.reason}"
            ) from None
        if not isinstance(result, NoValue):
            resolved[name] = result
    return resolved


def _outputs(stack: Stack, scope: _Scope) -> dict[str, str]:
    section = stack.template.get("Outputs", {})
    if not isinstance(section, dict):
        raise TemplateError(f"template {stack.template_file}: the section Outputs is no object.")
    outputs: dict[str, str] = {}
    for name, output in section.items():
        place = f"template {stack.template_file}: output {name}"
        if not isinstance(output, dict) or "Value" not in output or "Condition" in output:
            raise TemplateError(f"{place}: only an output with a Value and no Condition is emulated.")
        try:
            value = resolve(output["Value"], scope)
        except Refusal as refusal:
            raise TemplateError(f"{place}: {refusal.reason}.") from None
        if not isinstance(value, str):
            raise TemplateError(f"{place}: the Value is not a string.")
        outputs[name] = value
    return outputs

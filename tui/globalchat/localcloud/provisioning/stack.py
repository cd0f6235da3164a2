"""Resolves one stack: parameters, resources in the order of their references, outputs.

Parameters have their defaults, since there are no other values. The CDK's usual synthesizer adds one that
nothing refers to, `BootstrapVersion`, and a rule that checks it.
"""

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import TypeAlias

from globalchat.localcloud.definition import JSON
from globalchat.localcloud.problems import Defect, Invalid, Problems, TemplateError, Unresolved, Unsupported
from globalchat.localcloud.provisioning.assembly import Stack, alias_of
from globalchat.localcloud.provisioning.intrinsics import (
    NO_VALUE,
    PSEUDO_PARAMETERS,
    NoValue,
    Resolved,
    conditions,
    references,
    resolve,
)
from globalchat.localcloud.resources import TYPES, appsync
from globalchat.localcloud.resources.property_schema import (
    Properties,
    ResourceIdentity,
    ResourceType,
    ResourceValues,
)

BOOTSTRAP_RULE = "CheckBootstrapVersion"
_SECTIONS = frozenset(
    {
        *("AWSTemplateFormatVersion", "Conditions", "Description", "Metadata"),
        *("Outputs", "Parameters", "Resources", "Rules"),
    }
)
# Attributes of any resource. Update and deletion policies concern later deployments, which do not exist here.
_RESOURCE_KEYS = frozenset(
    {"Type", "Properties", "Condition", "DependsOn", "Metadata", "DeletionPolicy", "UpdateReplacePolicy"}
)


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of a stack, with its checked properties and the values of references to it."""

    template_file: str
    identity: ResourceIdentity
    type: ResourceType
    properties: Properties
    values: ResourceValues

    @property
    def arn(self) -> str:
        """The `Arn` attribute, of types that have one."""
        return self.values.attributes["Arn"]

    def error(self, *problems: Defect | str) -> TemplateError:
        """Return an error about this resource; a problem starts with `property …` if one is to blame."""
        found = Invalid(*problems).within(f"{self.type.name} ")
        return error_at(self.template_file, self.identity.logical_id, *found)


def error_at(template_file: str, logical_id: str, *problems: Defect | str) -> TemplateError:
    """Return an error that names template and resource."""
    return TemplateError(
        *Invalid(*problems).within(f"template {template_file}: resource {logical_id}: ", ".")
    )


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of one template, by name."""

    section: Mapping[str, Mapping[str, JSON]]

    def __contains__(self, name: str) -> bool:
        return name in self.section

    def value(self, name: str) -> JSON:
        """Return the default; raise Invalid if there is none, or if it only refers to a stored value."""
        parameter = self.section[name]
        kind = parameter.get("Type")
        if kind not in ("String", "Number", "CommaDelimitedList"):
            raise Unsupported(f"refers to the parameter {name} of the type {kind}, which is not emulated")
        default = parameter.get("Default")
        if not isinstance(default, str | int | float) or isinstance(default, bool):
            raise Invalid(f"refers to the parameter {name}, which has no default")
        if kind == "CommaDelimitedList":
            return [item.strip() for item in str(default).split(",")]
        # CloudFormation passes numbers on as text, too.
        return str(default)


def parameters(stack: Stack, problems: Problems) -> Parameters:
    """Parse the section Parameters; refuse a section Rules with anything but the CDK's check.

    Raises:
        TemplateError: a section is not an object of objects.
    """
    for rule in _section(stack, "Rules"):
        if rule != BOOTSTRAP_RULE:
            problem = f"template {stack.template_file}: the rule {rule} is not emulated."
            problems.add(TemplateError(Defect(problem, is_gap=True)))
    return Parameters(_section(stack, "Parameters"))


def _section(stack: Stack, name: str) -> dict[str, Mapping[str, JSON]]:
    section = stack.template.get(name, {})
    if not isinstance(section, dict):
        raise TemplateError(f"template {stack.template_file}: the section {name} is not an object.")
    found: dict[str, Mapping[str, JSON]] = {}
    for key, value in section.items():
        if not isinstance(value, dict):
            raise TemplateError(f"template {stack.template_file}: {name}.{key} is not an object.")
        found[key] = value
    return found


@dataclass(frozen=True, slots=True)
class ResolvedStack:
    """A stack's resources and outputs.

    `alias` is its template's name of the region, if there is one. `failed_types` are the types of resources
    with a problem, which are not among `resources`: a missing name may belong to one of these.
    """

    stack: Stack
    alias: str | None
    resources: tuple[Resource, ...]
    outputs: Mapping[str, str]
    failed_types: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Scope:
    """The names of one template; resources appear in it as they are resolved.

    `failed` are resources with a problem: references to them are neither resolved nor reported again.
    """

    pseudo: Mapping[str, Resolved]
    parameters: Parameters
    values: dict[str, ResourceValues] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)

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
            raise Unsupported(f"the attribute {attribute} of {name} is not emulated ({known})")
        return attributes[attribute]

    def _values(self, name: str) -> ResourceValues:
        if name in self.failed:
            raise Unresolved
        if name not in self.values:
            raise Invalid(f"refers to {name}, which the template does not define")
        return self.values[name]


CodeCheck: TypeAlias = Callable[[str, str], None]
"""Checks the code of a resolver, with the name of its file; raises `Invalid`."""


def resolve_stack(
    stack: Stack, problems: Problems, *, account: str, base_url: str, check_code: CodeCheck | None = None
) -> ResolvedStack | None:
    """Resolve every resource and output of a stack; `check_code` also checks the resolvers' code.

    Problems are all sections, types, properties, values and functions that are not emulated, and all dangling
    or circular references. Return None if the template's outline is too damaged to look for more problems.
    """
    template = f"template {stack.template_file}"
    for section in stack.template:
        if section not in _SECTIONS:
            problem = f"{template}: the section {section} is not emulated."
            problems.add(TemplateError(Defect(problem, is_gap=True)))
    try:
        return _resolve(stack, account, base_url, check_code, problems)
    except TemplateError as error:
        problems.add(error)
        return None


def _resolve(
    stack: Stack, account: str, base_url: str, check_code: CodeCheck | None, problems: Problems
) -> ResolvedStack:
    definitions, failed = _definitions(stack, problems)
    scope = _Scope(_pseudo_parameters(stack, account), parameters(stack, problems), failed=failed)
    absent = _absent(stack, definitions, conditions(stack, scope, problems), problems)
    resources = []
    for logical_id in _order(stack, definitions, failed, problems):
        if logical_id in absent:
            continue
        identity = ResourceIdentity(stack.name, logical_id, stack.region, account, base_url)
        resource = _resolve_resource(stack, identity, definitions[logical_id], scope, check_code, problems)
        if resource is None:
            failed.add(logical_id)
        else:
            scope.values[logical_id] = resource.values
            resources.append(resource)
    alias = None
    with problems.collected():
        alias = alias_of(stack)
    outputs = _outputs(stack, scope, problems)
    section = stack.template["Resources"]
    assert isinstance(section, dict), "its resources were read"
    types = (own.get("Type") if isinstance(own := section[name], dict) else None for name in failed)
    return ResolvedStack(stack, alias, tuple(resources), outputs, frozenset(map(str, types)))


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


_Definitions: TypeAlias = "Mapping[str, Mapping[str, JSON]]"


def _definitions(stack: Stack, problems: Problems) -> tuple[_Definitions, set[str]]:
    """Return the valid resource definitions by logical id, and the ids of the others."""
    section = stack.template.get("Resources")
    if not isinstance(section, dict):
        raise TemplateError(
            f"template {stack.template_file}: the section Resources is missing or not an object."
        )
    definitions: dict[str, Mapping[str, JSON]] = {}
    failed: set[str] = set()
    for logical_id, definition in section.items():
        found = list(_definition_problems(definition))
        if isinstance(definition, dict) and not found:
            definitions[logical_id] = definition
            continue
        failed.add(logical_id)
        problems.add(error_at(stack.template_file, logical_id, *found))
    return definitions, failed


def _definition_problems(definition: JSON) -> Iterator[Defect]:
    """Find problems that make a resource definition unreadable."""
    if not isinstance(definition, dict) or not isinstance(definition.get("Type"), str):
        yield Defect("the Type is missing")
        return
    if definition["Type"] not in TYPES:
        yield Defect(f"the type {definition['Type']} is not emulated", is_gap=True)
    for key in definition:
        if key not in _RESOURCE_KEYS:
            yield Defect(f"the attribute {key} is not emulated", is_gap=True)


def _absent(
    stack: Stack, definitions: _Definitions, holds: Mapping[str, bool], problems: Problems
) -> frozenset[str]:
    """Return the resources that conditions leave out."""
    absent = set()
    for logical_id, definition in definitions.items():
        if "Condition" not in definition:
            continue
        condition = definition["Condition"]
        if not isinstance(condition, str) or condition not in holds:
            problem = f"refers to the condition {condition}, which the template does not define"
            problems.add(error_at(stack.template_file, logical_id, problem))
        elif not holds[condition]:
            absent.add(logical_id)
    return frozenset(absent)


def _order(stack: Stack, definitions: _Definitions, failed: Set[str], problems: Problems) -> list[str]:
    """Sort the logical ids, each after those that it refers to. Dangling references are handled later."""
    graph: dict[str, list[str]] = {}
    for logical_id, definition in definitions.items():
        needed = list(references(definition.get("Properties")))
        graph[logical_id] = [name for name in needed if name in definitions]
        for name in _depends_on(definition):
            if isinstance(name, str) and name in definitions:
                graph[logical_id].append(name)
            elif not isinstance(name, str) or name not in failed:
                problem = f"DependsOn names {name}, which the template does not define"
                problems.add(error_at(stack.template_file, logical_id, problem))
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
    stack: Stack,
    identity: ResourceIdentity,
    definition: Mapping[str, JSON],
    scope: _Scope,
    check_code: CodeCheck | None,
    problems: Problems,
) -> Resource | None:
    """Resolve a resource; return None if it, or one that it refers to, has a problem."""
    kind = TYPES[str(definition["Type"])]
    defects: list[Defect] = []
    properties, unresolved = _resolve_properties(definition.get("Properties", {}), scope, defects)
    if properties is not None:
        try:
            kind.schema(properties, "", unresolved)
            if check_code is not None and kind is appsync.RESOLVER and "Code" in properties:
                check_code(str(properties["Code"]), appsync.file_name(properties))
        except Invalid as error:
            defects += error.defects
    if defects:
        found = Invalid(*defects).within(f"{kind.name} ")
        problems.add(error_at(stack.template_file, identity.logical_id, *found))
    if properties is None or defects or unresolved:
        return None
    return Resource(stack.template_file, identity, kind, properties, kind.values(identity, properties))


def _resolve_properties(
    properties: JSON, scope: _Scope, defects: list[Defect]
) -> tuple[dict[str, JSON] | None, set[str]]:
    """Return the properties that can be resolved, and the names of those that cannot."""
    if not isinstance(properties, dict):
        defects.append(Defect("has Properties that are not an object"))
        return None, set()
    resolved: dict[str, JSON] = {}
    unresolved: set[str] = set()
    for name, value in properties.items():
        try:
            result = resolve(value, scope)
        except Invalid as error:
            defects += error.within(f"property {name}: ")
            unresolved.add(name)  # It is present, so it is not reported as missing, too.
            continue
        if not isinstance(result, NoValue):
            resolved[name] = result
    return resolved, unresolved


def _outputs(stack: Stack, scope: _Scope, problems: Problems) -> dict[str, str]:
    section = stack.template.get("Outputs", {})
    if not isinstance(section, dict):
        raise TemplateError(f"template {stack.template_file}: the section Outputs is not an object.")
    outputs: dict[str, str] = {}
    for name, output in section.items():
        try:
            outputs[name] = _output(output, scope)
        except Unresolved:
            continue
        except Invalid as error:
            place = f"template {stack.template_file}: output {name}: "
            problems.add(TemplateError(*error.within(place, ".")))
    return outputs


def _output(output: JSON, scope: _Scope) -> str:
    if not isinstance(output, dict) or "Value" not in output or "Condition" in output:
        raise Unsupported("only an output with a Value and no Condition is emulated")
    value = resolve(output["Value"], scope)
    if not isinstance(value, str):
        raise Invalid("the Value is not a string")
    return value

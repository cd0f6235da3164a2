"""Builds buses and rules, and checks the references of rule targets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from globalchat.localcloud.definition import Api, EventBus, Queue, Role, Rule, RuleTarget, TargetRetryPolicy
from globalchat.localcloud.problems import Defect, Problems
from globalchat.localcloud.provisioning.stack import Resource
from globalchat.localcloud.resources import appsync, buses_and_queues, policies
from globalchat.localcloud.resources.property_schema import (
    Properties,
    ResourceType,
    as_integer,
    object_of,
    objects_of,
    optional_text,
    text_of,
)

_INPUTS = ("Input", "InputPath", "InputTransformer")


@dataclass(frozen=True, slots=True)
class RuleReferences:
    """The resources to which a region's rules may refer.

    Buses of all regions, the region's own APIs and queues, all roles. Everything is found by its ARN, an API
    by its endpoint's ARN. `failed` are types of resources with a
    problem: a missing resource may be one of them, and is not reported again.
    """

    buses: frozenset[str]
    roles: Mapping[str, Role]
    failed: frozenset[str]
    apis: Mapping[str, Api] = field(default_factory=dict)
    queues: Mapping[str, Queue] = field(default_factory=dict)

    def lacks(self, kind: ResourceType, arn: str) -> bool:
        """Return True if certainly no resource of a type has this ARN."""
        known = {
            buses_and_queues.EVENT_BUS.name: self.buses,
            buses_and_queues.QUEUE.name: self.queues.keys(),
            appsync.GRAPHQL_API.name: self.apis.keys(),
            policies.ROLE.name: self.roles.keys(),
        }
        return arn not in known[kind.name] and kind.name not in self.failed


def buses(resources: Sequence[Resource], problems: Problems) -> tuple[EventBus, ...]:
    """Build the buses of one region; two of one name are a problem."""
    found: dict[str, EventBus] = {}
    for resource in resources:
        if resource.type is buses_and_queues.EVENT_BUS:
            if resource.arn in found:
                problem = f"property Name: the region has another bus {resource.values.ref}"
                problems.add(resource.error(problem))
            found[resource.arn] = EventBus(resource.arn, resource.values.ref)
    return tuple(found.values())


def rules(resources: Sequence[Resource], known: RuleReferences, problems: Problems) -> tuple[Rule, ...]:
    """Build the rules of one region.

    Problems are an unknown bus, target, role or queue, and a target that AWS would refuse.
    """
    found: dict[str, Rule] = {}
    for resource in resources:
        if resource.type is not buses_and_queues.RULE:
            continue
        if resource.arn in found:
            problem = f"property Name: the bus has another rule {found[resource.arn].name}"
            problems.add(resource.error(problem))
            continue
        with problems.collected():
            found[resource.arn] = _rule(resource, known, problems)
    return tuple(found.values())


def _rule(resource: Resource, known: RuleReferences, problems: Problems) -> Rule:
    name = text_of(resource.properties, "EventBusName")
    bus_arn = name if name.startswith("arn:") else resource.identity.arn("events", f"event-bus/{name}")
    # A rule and its bus are in one region; buses of other regions are known here only as targets.
    own_region = bus_arn.split(":")[3:4] == [resource.identity.region]
    if known.lacks(buses_and_queues.EVENT_BUS, bus_arn) or not own_region:
        raise resource.error(f"property EventBusName names {name}, which no template of its region defines")
    targets = objects_of(resource.properties, "Targets")
    ids = [target["Id"] for target in targets]
    if len(set(map(str, ids))) != len(ids):
        raise resource.error("property Targets has two targets of one Id")
    found: list[RuleTarget] = []
    for index, target in enumerate(targets):
        with problems.collected():
            found.append(_target(resource, f"Targets[{index}]", target, bus_arn, known))
    return Rule(
        arn=resource.arn,
        # CloudFormation's reference to a rule on a custom bus is `BUS|RULE`.
        name=resource.values.ref.rpartition("|")[2],
        bus_arn=bus_arn,
        pattern=object_of(resource.properties, "EventPattern"),
        targets=tuple(found),
        enabled=resource.properties.get("State") != "DISABLED",
    )


def _target(rule: Resource, path: str, target: Properties, bus_arn: str, known: RuleReferences) -> RuleTarget:
    arn = text_of(target, "Arn")
    operation = optional_text(object_of(target, "AppSyncParameters"), "GraphQLOperation")
    if ":endpoints/graphql-api/" in arn:
        _check_api_target(rule, path, known, arn, operation)
    elif ":event-bus/" in arn:
        _check_bus_target(rule, path, target, bus_arn, known)
    elif ":sqs:" in arn:
        _check_queue_target(rule, path, target, known)
    else:
        problem = f"property {path}.Arn names {arn}; only AppSync endpoints, buses and queues are emulated"
        raise rule.error(Defect(problem, is_gap=True))
    inputs = [name for name in _INPUTS if name in target]
    if len(inputs) > 1:
        raise rule.error(f"property {path} has both {' and '.join(inputs)}; AWS takes one")
    return RuleTarget(
        id=text_of(target, "Id"),
        arn=arn,
        role_arn=None if ":sqs:" in arn else _role(rule, path, target, known),
        dead_letter_arn=_dead_letters(rule, path, target, known),
        retry=_retry(object_of(target, "RetryPolicy")),
        graphql_operation=operation,
        input=optional_text(target, "Input"),
        input_path=optional_text(target, "InputPath"),
        transformer=buses_and_queues.transformer_of(target["InputTransformer"])
        if "InputTransformer" in target
        else None,
    )


def _check_api_target(
    rule: Resource, path: str, known: RuleReferences, arn: str, operation: str | None
) -> None:
    if known.lacks(appsync.GRAPHQL_API, arn):
        raise rule.error(f"property {path}.Arn names {arn}, the endpoint of no API of its region")
    api = known.apis.get(arn)
    if api is not None and "AWS_IAM" not in api.modes:
        # PutTargets refuses it: the target signs its calls (EventBridge user guide, AppSync targets).
        raise rule.error(f"property {path}.Arn names the API {api.name}, which lacks the mode AWS_IAM")
    if operation is None:
        raise rule.error(f"property {path}.AppSyncParameters is missing")


def _check_bus_target(
    rule: Resource, path: str, target: Properties, bus_arn: str, known: RuleReferences
) -> None:
    """Check a bus target.

    A RetryPolicy is accepted: the API reference allows it for every target, although PutTargets refuses it
    in one report.
    """
    arn = text_of(target, "Arn")
    if known.lacks(buses_and_queues.EVENT_BUS, arn):
        raise rule.error(f"property {path}.Arn names the bus {arn}, which no template defines")
    if arn == bus_arn:
        raise rule.error(f"property {path}.Arn names the rule's own bus; AWS refuses that")
    for name in (*_INPUTS, "AppSyncParameters"):
        if name in target:
            raise rule.error(f"property {path}.{name} has no place at a bus target; AWS refuses it")


def _check_queue_target(rule: Resource, path: str, target: Properties, known: RuleReferences) -> None:
    """Check that a target queue's policy admits the rule, since EventBridge uses no role for SQS."""
    arn = text_of(target, "Arn")
    if known.lacks(buses_and_queues.QUEUE, arn):
        raise rule.error(f"property {path}.Arn names {arn}, which is not a queue of the rule's own region")
    for name in ("RoleArn", "AppSyncParameters"):
        if name in target:
            raise rule.error(f"property {path}.{name} has no place at a queue target")
    for name in _INPUTS:
        if name in target:
            problem = f"property {path}.{name} at a queue target is not emulated"
            raise rule.error(Defect(problem, is_gap=True))


def _role(rule: Resource, path: str, target: Properties, known: RuleReferences) -> str:
    arn = optional_text(target, "RoleArn")
    if arn is None:
        raise rule.error(f"property {path}.RoleArn is missing")
    if known.lacks(policies.ROLE, arn):
        raise rule.error(f"property {path}.RoleArn names {arn}, which no template defines")
    return arn


def _dead_letters(rule: Resource, path: str, target: Properties, known: RuleReferences) -> str | None:
    arn = optional_text(object_of(target, "DeadLetterConfig"), "Arn")
    if arn is not None and known.lacks(buses_and_queues.QUEUE, arn):
        raise rule.error(
            f"property {path}.DeadLetterConfig names {arn}, which is not a queue of the rule's own region"
        )
    return arn


def _retry(policy: Properties) -> TargetRetryPolicy:
    default = TargetRetryPolicy()
    attempts = as_integer(policy.get("MaximumRetryAttempts"))
    age = as_integer(policy.get("MaximumEventAgeInSeconds"))
    return TargetRetryPolicy(
        maximum_attempts=default.maximum_attempts if attempts is None else attempts,
        maximum_age_seconds=default.maximum_age_seconds if age is None else age,
    )

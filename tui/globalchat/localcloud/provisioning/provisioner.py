"""Makes the definition of a cloud from an assembly of templates, as CloudFormation does on AWS.

All stacks are resolved first, then references between them are looked up: roles and buses in all regions, the
rest in its own.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace

from globalchat.localcloud.definition import (
    CloudDefinition,
    EventBus,
    KeyAttribute,
    Queue,
    RegionDefinition,
    Role,
    Statement,
    Table,
)
from globalchat.localcloud.problems import Problems, TemplateError
from globalchat.localcloud.provisioning.apis import ApiReferences, apis
from globalchat.localcloud.provisioning.assembly import CloudAssembly
from globalchat.localcloud.provisioning.rules import RuleReferences, buses, rules
from globalchat.localcloud.provisioning.stack import CodeCheck, ResolvedStack, Resource, resolve_stack
from globalchat.localcloud.resources import buses_and_queues, dynamodb, policies
from globalchat.localcloud.resources.policies import parse
from globalchat.localcloud.resources.property_schema import (
    object_of,
    objects_of,
    optional_text,
    text_of,
    texts_of,
)

ACCOUNT = "000000000000"


def provision(
    assembly: CloudAssembly, *, urls: Mapping[str, str], check_code: CodeCheck | None = None
) -> CloudDefinition:
    """Resolve all stacks and check what they refer to.

    Args:
        assembly: the stacks.
        urls: where each AWS region listens, such as `{"us-west-2": "http://127.0.0.1:5001"}`.
        check_code: checks the code of each resolver, so that its problems are shown with the rest.

    Raises:
        TemplateError: something that is not emulated, dangling, or that AWS would refuse at deployment.
        ValueError: `urls` lacks a region of the assembly.
    """
    missing = {stack.region for stack in assembly.stacks} - urls.keys()
    if missing:
        raise ValueError(f"no URL for {', '.join(sorted(missing))}")
    problems = Problems()
    by_region = _resolved(assembly, urls, check_code, problems)
    resolved = [stack for stacks in by_region.values() for stack in stacks]
    if len(resolved) < len(assembly.stacks):
        problems.check()  # Without a complete stack, most names could not be resolved.
    failed = frozenset(name for stack in resolved for name in stack.failed_types)
    all_roles = roles(_resources(resolved), failed, problems)
    # Rules name buses of other regions: all are needed before the first rule.
    own_buses = {region: buses(_resources(stacks), problems) for region, stacks in by_region.items()}
    all_buses = frozenset(bus.arn for found in own_buses.values() for bus in found)
    own_tables = {region: tables(_resources(stacks), problems) for region, stacks in by_region.items()}
    all_tables = frozenset(each.arn for each in _of(_resources(resolved), dynamodb.TABLE.name))
    regions = []
    for region, stacks in by_region.items():
        with problems.collected():
            references = RuleReferences(buses=all_buses, roles=all_roles, failed=failed)
            known = ApiReferences(all_roles, all_tables, failed)
            found = _region(region, stacks, own_buses[region], known, references, problems)
            regions.append(replace(found, tables=own_tables[region]))
    problems.check()
    _check_aliases(regions)
    return CloudDefinition(regions=tuple(regions), roles=all_roles)


def _resolved(
    assembly: CloudAssembly, urls: Mapping[str, str], check_code: CodeCheck | None, problems: Problems
) -> dict[str, list[ResolvedStack]]:
    """Resolve all stacks, by region, except those whose outline is invalid."""
    by_region: dict[str, list[ResolvedStack]] = {}
    for stack in assembly.stacks:
        resolved = resolve_stack(
            stack, problems, account=ACCOUNT, base_url=urls[stack.region], check_code=check_code
        )
        if resolved is not None:
            by_region.setdefault(stack.region, []).append(resolved)
    return by_region


def _region(
    region: str,
    stacks: Sequence[ResolvedStack],
    own_buses: tuple[EventBus, ...],
    known: ApiReferences,
    references: RuleReferences,
    problems: Problems,
) -> RegionDefinition:
    resources = _resources(stacks)
    own_apis = apis(resources, known, problems)
    own_queues = queues(resources, references.failed, problems)
    of_rules = replace(
        references,
        apis={api.endpoint_arn: api for api in own_apis},
        queues={queue.arn: queue for queue in own_queues},
    )
    return RegionDefinition(
        region=region,
        alias=_alias(region, stacks),
        account=ACCOUNT,
        apis=own_apis,
        buses=own_buses,
        rules=rules(resources, of_rules, problems),
        queues=own_queues,
        outputs=_outputs(stacks),
    )


def _resources(stacks: Sequence[ResolvedStack]) -> list[Resource]:
    return [resource for stack in stacks for resource in stack.resources]


def _alias(region: str, stacks: Sequence[ResolvedStack]) -> str:
    aliases = {stack.alias: stack for stack in stacks if stack.alias is not None}
    if len(aliases) > 1:
        template = list(aliases.values())[-1].stack.template_file
        raise TemplateError(
            f"template {template}: Metadata.globalchat.alias: {region} is called {' and '.join(aliases)}."
        )
    return next(iter(aliases), region)


def _outputs(stacks: Sequence[ResolvedStack]) -> dict[str, str]:
    outputs: dict[str, str] = {}
    for stack in stacks:
        for name, value in stack.outputs.items():
            if outputs.setdefault(name, value) != value:
                raise TemplateError(
                    f"template {stack.stack.template_file}: output {name}: another stack of "
                    f"{stack.stack.region} has an output of that name with another value."
                )
    return outputs


def _check_aliases(regions: Sequence[RegionDefinition]) -> None:
    seen: dict[str, str] = {}
    for region in regions:
        other = seen.setdefault(region.alias, region.region)
        if other != region.region:
            raise TemplateError(f"The alias {region.alias} is used for both {other} and {region.region}.")


def roles(resources: Sequence[Resource], failed: Set[str], problems: Problems) -> dict[str, Role]:
    """Build all roles by ARN, with their own policies and those attached by AWS::IAM::Policy.

    Two roles of one name and a policy for a role that does not exist are problems. `failed` are types of
    resources with a problem: a missing role may be one of them.
    """
    own = {resource.values.ref: resource for resource in _unique(resources, policies.ROLE.name, problems)}
    statements: dict[str, list[Statement]] = {
        name: [
            statement
            for policy in objects_of(role.properties, "Policies")
            for statement in parse(policy["PolicyDocument"], "PolicyDocument", "identity")
        ]
        for name, role in own.items()
    }
    for policy in _of(resources, policies.POLICY.name):
        for name in texts_of(policy.properties, "Roles"):
            if name not in statements:
                if policies.ROLE.name not in failed:
                    problem = f"property Roles names {name}, which no template defines"
                    problems.add(policy.error(problem))
                continue
            statements[name] += parse(policy.properties["PolicyDocument"], "PolicyDocument", "identity")
    return {
        role.arn: Role(
            arn=role.arn,
            trust=parse(role.properties["AssumeRolePolicyDocument"], "AssumeRolePolicyDocument", "trust"),
            statements=tuple(statements[name]),
        )
        for name, role in own.items()
    }


def queues(resources: Sequence[Resource], failed: Set[str], problems: Problems) -> tuple[Queue, ...]:
    """Build the queues of one region, each with the statements of its policies.

    Two queues of one name and a policy for a queue that does not exist are problems.
    """
    own = {
        resource.values.ref: resource
        for resource in _unique(resources, buses_and_queues.QUEUE.name, problems)
    }
    statements: dict[str, list[Statement]] = {url: [] for url in own}
    for policy in _of(resources, buses_and_queues.QUEUE_POLICY.name):
        for url in texts_of(policy.properties, "Queues"):
            if url not in statements:
                if buses_and_queues.QUEUE.name not in failed:
                    problem = f"property Queues names {url}, which no template of its region defines"
                    problems.add(policy.error(problem))
                continue
            statements[url] += parse(policy.properties["PolicyDocument"], "PolicyDocument", "resource")
    return tuple(
        Queue(queue.arn, queue.values.attributes["QueueName"], tuple(statements[url]))
        for url, queue in own.items()
    )


def tables(resources: Sequence[Resource], problems: Problems) -> tuple[Table, ...]:
    """Return the tables of one region.

    Two tables of one name, and keys that do not fit the attribute definitions, are problems.
    """
    found = []
    for resource in _unique(resources, dynamodb.TABLE.name, problems):
        with problems.collected():
            found.append(_table(resource))
    return tuple(found)


def _table(resource: Resource) -> Table:
    types = {
        text_of(each, "AttributeName"): text_of(each, "AttributeType")
        for each in objects_of(resource.properties, "AttributeDefinitions")
    }
    key_schema = objects_of(resource.properties, "KeySchema")
    if [each["KeyType"] for each in key_schema] != ["HASH", "RANGE"][: len(key_schema)]:
        raise resource.error("property KeySchema is not a HASH key, and perhaps a RANGE key after it")
    names = [text_of(each, "AttributeName") for each in key_schema]
    if set(names) != types.keys() or len(set(names)) < len(names):
        raise resource.error("property AttributeDefinitions does not define exactly the key attributes")
    keys = [KeyAttribute(name, "S" if types[name] == "S" else "N") for name in names]
    ttl = object_of(resource.properties, "TimeToLiveSpecification")
    if ttl.get("Enabled") is True and "AttributeName" not in ttl:
        raise resource.error("property TimeToLiveSpecification.AttributeName is missing")
    return Table(
        arn=resource.arn,
        name=resource.values.ref,
        partition_key=keys[0],
        sort_key=keys[1] if len(keys) > 1 else None,
        ttl_attribute=optional_text(ttl, "AttributeName") if ttl.get("Enabled") is True else None,
        is_protected=resource.properties.get("DeletionProtectionEnabled") is True,
    )


def _of(resources: Iterable[Resource], type_name: str) -> list[Resource]:
    return [resource for resource in resources if resource.type.name == type_name]


def _unique(resources: Iterable[Resource], type_name: str, problems: Problems) -> Iterable[Resource]:
    """Return the resources of a type; two with one ARN are a problem, as the second deployment would fail."""
    found: dict[str, Resource] = {}
    for resource in _of(resources, type_name):
        if resource.arn in found:
            other = found[resource.arn].identity.logical_id
            problems.add(resource.error(f"has the name of {other}: {resource.arn}"))
        found[resource.arn] = resource
    return found.values()

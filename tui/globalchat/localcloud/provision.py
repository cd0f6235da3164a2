"""From an assembly of templates to a deployment: what CloudFormation does, without the cloud."""

from collections.abc import Mapping, Sequence

from globalchat.localcloud.assembly import Assembly
from globalchat.localcloud.definition import Bus, Deployment, RegionDefinition, Role
from globalchat.localcloud.errors import Problems, TemplateError
from globalchat.localcloud.provisioning.apis import apis
from globalchat.localcloud.provisioning.identities import queues, roles
from globalchat.localcloud.provisioning.resource import Resource
from globalchat.localcloud.provisioning.rules import Surroundings, buses, rules
from globalchat.localcloud.provisioning.stack import CodeCheck, ResolvedStack, resolve_stack

ACCOUNT = "000000000000"


def provision(
    assembly: Assembly, *, urls: Mapping[str, str], check_code: CodeCheck | None = None
) -> Deployment:
    """Resolve all stacks and check what they refer to.

    Args:
        assembly: the stacks.
        urls: where each AWS region listens, such as `{"us-west-2": "http://127.0.0.1:5001"}`.
        check_code: reads the code of each resolver, so that what is wrong with it is shown with the rest.

    Raises:
        TemplateError: something that is not emulated, dangling, or that AWS would refuse at deployment.
        ValueError: `urls` lacks a region of the assembly.
    """
    missing = {stack.region for stack in assembly.stacks} - urls.keys()
    if missing:
        raise ValueError(f"no URL for {', '.join(sorted(missing))}")
    by_region = _resolved(assembly, urls, check_code)
    problems = Problems()
    all_roles = roles(
        [resource for stacks in by_region.values() for resource in _resources(stacks)], problems
    )
    own_buses = {region: buses(_resources(stacks), problems) for region, stacks in by_region.items()}
    all_buses = frozenset(bus.arn for found in own_buses.values() for bus in found)
    regions = []
    for region, stacks in by_region.items():
        with problems.collected():
            regions.append(_region(region, stacks, own_buses[region], all_roles, all_buses, problems))
    problems.check()
    _check_aliases(regions)
    return Deployment(regions=tuple(regions), roles=all_roles)


def _resolved(
    assembly: Assembly, urls: Mapping[str, str], check_code: CodeCheck | None
) -> dict[str, list[ResolvedStack]]:
    """Resolve all stacks, by region.

    Raises:
        TemplateError: what is wrong with any of them.
    """
    by_region: dict[str, list[ResolvedStack]] = {}
    problems = Problems()
    for stack in assembly.stacks:
        with problems.collected():
            resolved = resolve_stack(
                stack, account=ACCOUNT, base_url=urls[stack.region], check_code=check_code
            )
            by_region.setdefault(stack.region, []).append(resolved)
    problems.check()
    return by_region


def _region(
    region: str,
    stacks: Sequence[ResolvedStack],
    own_buses: tuple[Bus, ...],
    all_roles: Mapping[str, Role],
    all_buses: frozenset[str],
    problems: Problems,
) -> RegionDefinition:
    resources = _resources(stacks)
    own_apis = apis(resources, all_roles, problems)
    own_queues = queues(resources, problems)
    around = Surroundings(
        buses=all_buses,
        apis={api.endpoint_arn: api for api in own_apis},
        queues={queue.arn: queue for queue in own_queues},
        roles=all_roles,
    )
    return RegionDefinition(
        region=region,
        alias=_alias(region, stacks),
        account=ACCOUNT,
        apis=own_apis,
        buses=own_buses,
        rules=rules(resources, around, problems),
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
            raise TemplateError(f"The alias {region.alias} stands for both {other} and {region.region}.")

"""From deployed stacks to a profile: endpoints are outputs of the stacks, keys are asked of AppSync."""

from collections.abc import Iterable, Mapping

from globalchat.client.profiles import Profile, RegionEndpoint
from globalchat.core.errors import UserError
from globalchat_infra.deployer import keys, obstacles, stacks
from globalchat_infra.deployer.aws import Aws, Denied
from globalchat_infra.deployer.stacks import DeployedStack

FIELDS = ("graphqlUrl", "realtimeUrl", "apiId", "eventBus")


def find(aws: Aws, prefix: str, regions: Mapping[str, str]) -> list[DeployedStack]:
    """The Api stacks of a deployment, of those of `regions` (alias to AWS region) that stand.

    Raises:
        UserError: none stands, or one of the names belongs to others.
    """
    standing = stacks.find(aws, prefix, regions)
    obstacles.refuse_foreign(prefix, standing, "nothing was read of it")
    found = [stack for stack in standing if stack.part == "api" and stack.outputs]
    if not found:
        raise UserError(
            f'There is no deployment "{prefix}" in {", ".join(regions.values())}.',
            remedy="Make one with `globalchat deploy`.",
        )
    return found


def read_profile(aws: Aws, name: str, made: Iterable[DeployedStack], *, now: float) -> Profile:
    """The profile that Api stacks tell of.

    Raises:
        UserError: an output is missing, or an API has no valid key, or it cannot be read.
    """
    return Profile(name, {stack.alias: _endpoint(aws, stack, now) for stack in made})


def _endpoint(aws: Aws, stack: DeployedStack, now: float) -> RegionEndpoint:
    for name in FIELDS:
        if not stack.outputs.get(name):
            raise UserError(
                f'The stack {stack.name} has no output "{name}".', remedy="Run `globalchat deploy` again."
            )
    api_id = stack.outputs["apiId"]
    try:
        key = keys.current(aws, stack.region, api_id, now)
    except Denied as error:
        raise UserError(
            f"The stack {stack.name} stands, with {stack.outputs['graphqlUrl']}, "
            f"but its API key cannot be read. {error}",
            remedy="Run `globalchat outputs --refresh` with credentials that may call appsync:ListApiKeys.",
        ) from None
    return RegionEndpoint(
        alias=stack.alias,
        region=stack.region,
        graphql_url=stack.outputs["graphqlUrl"],
        realtime_url=stack.outputs["realtimeUrl"],
        api_id=api_id,
        event_bus=stack.outputs["eventBus"],
        api_key=key.key,
        api_key_expires=key.expires,
    )

"""`globalchat unsubscribe`: an administrator ends a channel's subscriptions."""

import click

from globalchat.cli import profiles
from globalchat.cli.arguments import options
from globalchat.cli.console.output import json_line, narrate, write_lines
from globalchat.cli.failure import exit_code, sentence
from globalchat.client.credentials import Credentials
from globalchat.client.profiles import LOCAL, Profile, RegionEndpoint
from globalchat.core.errors import ExitCode, UserError


@click.command("unsubscribe")
@click.argument("channel")
@options.aws_profile
@options.as_json
@options.profile
def command(channel: str, aws_profile: str | None, as_json: bool, profile: str | None) -> int:
    """End every subscription to CHANNEL, in every region; needs AWS credentials.

    The local cloud has its own administrator, who is used for it.

    \b
    Examples:
      globalchat unsubscribe tech
      globalchat unsubscribe tech --profile default --aws-profile work
    """  # noqa: D301 - \b is what click leaves a block alone for
    chosen = profiles.choose(profile)
    import asyncio

    from globalchat.client.credentials import default_chain

    if chosen == LOCAL:
        from globalchat.cli import local_cloud

        state = local_cloud.join(narrate)
        loaded, credentials = local_cloud.profile(state), local_cloud.administrator(state)
    else:
        loaded, credentials = profiles.load(chosen, note=narrate), default_chain(aws_profile)
    return asyncio.run(_end_in_every_region(loaded, channel, credentials, as_json=as_json))


async def _end_in_every_region(
    profile: Profile, channel: str, credentials: Credentials, *, as_json: bool
) -> ExitCode:
    """Call every region, whatever the others answer, and tell what each said; the worst is the result."""
    import asyncio

    from globalchat.client.api import Api

    async def call(endpoint: RegionEndpoint) -> str | UserError:
        try:
            async with Api(endpoint, credentials=credentials) as api:
                return await api.unsubscribe(channel)
        except UserError as error:
            return error

    async with asyncio.TaskGroup() as tasks:
        calls = {each: tasks.create_task(call(each)) for each in profile.regions.values()}
    codes = [ExitCode.DONE]
    for endpoint, answer in calls.items():
        match answer.result():
            case UserError() as error:
                narrate(f"globalchat: {endpoint.alias}: {sentence(error)}")
                codes.append(exit_code(error))
            case name if as_json:
                write_lines([json_line({"region": endpoint.region, "name": name})])
            case name:
                narrate(f"{endpoint.alias}: the subscriptions to {name} were ended")
    return max(codes)

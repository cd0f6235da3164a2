"""`globalchat unsubscribe`: an administrator ends a channel's subscriptions."""

import click

from globalchat.cli import profiles
from globalchat.cli.arguments import options
from globalchat.cli.arguments.command import Command
from globalchat.cli.console.output import json_line, narrate, write_lines
from globalchat.client.profiles import LOCAL, Profile, RegionEndpoint
from globalchat.core.credentials import Credentials
from globalchat.core.errors import ExitCode, UserError

HELP = """End every subscription to CHANNEL, in every region; needs AWS credentials.

The local cloud has its own administrator, who is used for it.

\b
Examples:
  globalchat unsubscribe tech
  globalchat unsubscribe tech --profile default --aws-profile work
"""


@click.command("unsubscribe", cls=Command, help=HELP)
@click.argument("channel")
@options.aws_profile
@options.as_json
@options.profile
def command(channel: str, aws_profile: str | None, as_json: bool, profile: str | None) -> int:
    """Run `globalchat unsubscribe`."""
    chosen = profiles.choose(profile)
    import asyncio

    if chosen == LOCAL:
        from globalchat.cli import local_cloud

        state = local_cloud.join(narrate)
        loaded, credentials = local_cloud.profile(state), local_cloud.administrator(state)
    else:
        from globalchat.cli.deployment.principal import administrator

        loaded = profiles.load(chosen, note=narrate)
        credentials = administrator(loaded, aws_profile)
    return asyncio.run(_end_in_every_region(loaded, channel, credentials, as_json=as_json))


async def _end_in_every_region(
    profile: Profile, channel: str, credentials: Credentials, *, as_json: bool
) -> ExitCode:
    """Call every region, whatever the others answer, and report each; return the worst exit code."""
    import asyncio

    from globalchat.client.api import RegionApi

    async def call(endpoint: RegionEndpoint) -> tuple[ExitCode, str]:
        """Return DONE and the name of the channel, or another code and the sentence of the error."""
        try:
            async with RegionApi(endpoint, credentials=credentials) as api:
                return ExitCode.DONE, await api.unsubscribe(channel)
        except UserError as error:
            return error.exit_code, error.sentence

    async with asyncio.TaskGroup() as tasks:
        calls = {each: tasks.create_task(call(each)) for each in profile.regions.values()}
    answers = {endpoint: task.result() for endpoint, task in calls.items()}
    for endpoint, (code, text) in answers.items():
        if code is not ExitCode.DONE:
            narrate(f"globalchat: {endpoint.alias}: {text}")
        elif as_json:
            write_lines([json_line({"region": endpoint.region, "name": text})])
        else:
            narrate(f"{endpoint.alias}: the subscriptions to {text} were ended")
    return max((code for code, _ in answers.values()), default=ExitCode.DONE)

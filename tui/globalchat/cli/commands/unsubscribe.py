"""`globalchat unsubscribe`: an administrator ends a channel's subscriptions."""

from collections.abc import Mapping
from dataclasses import dataclass

import click

from globalchat.cli import options, profiles
from globalchat.cli.command import CliCommand
from globalchat.cli.options import argument, parameters, shared
from globalchat.cli.output import echo_err, json_line, write_lines
from globalchat.client.profiles import LOCAL, Profile, RegionEndpoint
from globalchat.core.credentials import Credentials
from globalchat.core.errors import ExitCode, Reason, Refused, UserError

HELP = """End every subscription to CHANNEL, in every region; needs AWS credentials.

For the local cloud, its own administrator is used.

\b
Examples:
  globalchat unsubscribe tech
  globalchat unsubscribe tech --profile default --aws-profile work
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsubscribeOptions:
    """The command line of `unsubscribe`."""

    channel: str = argument("channel")
    aws_profile: str | None = shared(options.aws_profile)
    as_json: bool = shared(options.as_json)
    profile: str | None = shared(options.profile)


@click.command("unsubscribe", cls=CliCommand, help=HELP)
@parameters(UnsubscribeOptions)
def command(given: UnsubscribeOptions) -> int:
    """Run `globalchat unsubscribe`."""
    import asyncio

    chosen = profiles.choose(given.profile)
    if chosen == LOCAL:
        from globalchat.cli import local_cloud

        # The user's AWS credentials are meaningless there.
        state = local_cloud.join(echo_err)
        loaded, credentials = local_cloud.profile(state), local_cloud.administrator(state)
    else:
        from globalchat.cli.aws_deployment import administrator

        loaded = profiles.load(chosen, note=echo_err)
        credentials = administrator(loaded, given.aws_profile)
    return asyncio.run(_end_in_every_region(loaded, given.channel, credentials, as_json=given.as_json))


async def _end_in_every_region(
    profile: Profile, channel: str, credentials: Credentials, *, as_json: bool
) -> ExitCode:
    """End the subscriptions everywhere, and print each result; return the worst exit code."""
    code = ExitCode.DONE
    ended = await end_subscriptions(profile, channel, credentials, must_exist=True)
    for endpoint, failure in ended.items():
        if failure is not None:
            echo_err(f"globalchat: {endpoint.alias}: {failure.reason.error().sentence}")
            code = max(code, failure.reason.exit_code)
        elif as_json:
            write_lines([json_line({"region": endpoint.region, "name": channel})])
        else:
            echo_err(f"{endpoint.alias}: the subscriptions to {channel} were ended")
    return code


@dataclass(frozen=True, slots=True)
class NotEnded:
    """Why a region has not ended subscriptions; `is_unknown` if it refused because it has no such channel."""

    reason: Reason
    is_unknown: bool = False


async def end_subscriptions(
    profile: Profile, channel: str, credentials: Credentials, *, must_exist: bool = False
) -> Mapping[RegionEndpoint, NotEnded | None]:
    """Call every region, whatever the others answer; return the failure of each, or None.

    With `must_exist` nothing is ended where there is no such channel, or not any more.
    """
    import asyncio

    from globalchat.client.api import RegionApi
    from globalchat.client.response_errors import UNKNOWN_CHANNEL

    async def call(endpoint: RegionEndpoint) -> NotEnded | None:
        try:
            if must_exist:
                await _check_channel(endpoint, channel)
            async with RegionApi(endpoint, credentials=credentials) as api:
                await api.unsubscribe(channel)
        except UserError as error:
            is_unknown = isinstance(error, Refused) and error.error_type == UNKNOWN_CHANNEL
            return NotEnded(error.reason, is_unknown)
        return None

    # All at once, and all of them: a region that is down must not prevent the others.
    async with asyncio.TaskGroup() as tasks:
        calls = {each: tasks.create_task(call(each)) for each in profile.regions.values()}
    return {endpoint: task.result() for endpoint, task in calls.items()}


async def _check_channel(endpoint: RegionEndpoint, channel: str) -> None:
    """Check that a region has a channel: its `unsubscribe` also takes one that was removed.

    Raises:
        Refused: it lists others only.
    """
    from globalchat.client.api import RegionApi
    from globalchat.client.response_errors import unknown_channel_error

    try:
        # As everyone: the administrator's policy may allow nothing but to unsubscribe.
        async with RegionApi(endpoint) as api:
            backend = await api.describe()
    except UserError:
        return  # The key may have expired, which does not concern the administrator.
    if channel not in backend.channels and not backend.left_out:
        raise unknown_channel_error(channel, backend.channels)

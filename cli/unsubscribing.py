"""Ends a channel's subscriptions in every region of a profile."""

import asyncio

from cli.console.output import json_line, narrate, write_lines
from cli.failure import ExitCode, exit_code, sentence
from client.api import Api
from client.credentials import Credentials
from client.errors import ClientError
from client.profiles import Profile, RegionEndpoint


async def unsubscribe(
    profile: Profile, channel: str, credentials: Credentials, *, as_json: bool = False
) -> ExitCode:
    """Call every region, whatever the others answer; the worst outcome is the result."""

    async def call(endpoint: RegionEndpoint) -> ExitCode:
        try:
            async with Api(endpoint, credentials=credentials) as api:
                name = await api.unsubscribe(channel)
        except ClientError as error:
            narrate(f"globalchat: {endpoint.alias}: {sentence(error)}")
            return exit_code(error)
        if as_json:
            write_lines([json_line({"region": endpoint.region, "name": name})])
        else:
            narrate(f"{endpoint.alias}: the subscriptions to {name} were ended")
        return ExitCode.DONE

    async with asyncio.TaskGroup() as tasks:
        calls = [tasks.create_task(call(endpoint)) for endpoint in profile.regions.values()]
    return max(each.result() for each in calls)

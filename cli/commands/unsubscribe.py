"""`globalchat unsubscribe`: an administrator ends a channel's subscriptions."""

import asyncio

import click

from cli import local_cloud, options, profiles
from cli.output import narrate
from client.profiles import LOCAL


@click.command("unsubscribe")
@click.argument("channel")
@click.option("--aws-profile", metavar="NAME", help="AWS's own profile that signs the calls.")
@options.profile
def command(channel: str, aws_profile: str | None, profile: str | None) -> int:
    """End every subscription to CHANNEL, in every region; needs AWS credentials.

    The local cloud has its own administrator, who is used for it.
    """
    chosen = profiles.choose(profile)
    from cli.unsubscribing import unsubscribe
    from client.credentials import default_chain

    if chosen == LOCAL:
        state = local_cloud.join(narrate)
        return asyncio.run(unsubscribe(local_cloud.profile(state), channel, local_cloud.administrator(state)))
    return asyncio.run(unsubscribe(profiles.load(chosen, note=narrate), channel, default_chain(aws_profile)))

"""`globalchat unsubscribe`: an administrator ends a channel's subscriptions."""

import asyncio

import click

from cli import profiles
from cli.arguments import options
from cli.console.output import narrate
from client.profiles import LOCAL


@click.command("unsubscribe")
@click.argument("channel")
@click.option("--aws-profile", metavar="NAME", help="AWS's own profile that signs the calls.")
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
    from cli.unsubscribing import unsubscribe
    from client.credentials import default_chain

    if chosen == LOCAL:
        from cli import local_cloud

        state = local_cloud.join(narrate)
        loaded, credentials = local_cloud.profile(state), local_cloud.administrator(state)
    else:
        loaded, credentials = profiles.load(chosen, note=narrate), default_chain(aws_profile)
    return asyncio.run(unsubscribe(loaded, channel, credentials, as_json=as_json))

"""`globalchat subscribe`: follow channels without the chat."""

import asyncio

import click

from cli import options, profiles
from cli.output import narrate


@click.command("subscribe")
@click.argument("channels", nargs=-1, required=True, metavar="CHANNEL...")
@options.region
@options.as_json
@options.profile
def command(channels: tuple[str, ...], region: str | None, as_json: bool, profile: str | None) -> int:
    """Follow channels until interrupted, through outages of the region.

    Ends by itself when the backend has refused or ended every one of them.
    """
    loaded = profiles.load(profiles.choose(profile), note=narrate)
    from cli.following import follow

    return asyncio.run(follow(loaded, region, tuple(dict.fromkeys(channels)), as_json=as_json))

"""`globalchat local up`: the local cloud in the background."""

import click

from globalchat.cli import local_cloud
from globalchat.cli.arguments.command import Command
from globalchat.cli.console.output import narrate

HELP = """Start the local cloud in the background, or join the one that runs.

It ends by itself 10 minutes after its last connection has closed.

\b
Examples:
  globalchat local up
"""


@click.command("up", cls=Command, help=HELP)
def command() -> int:
    """Run `globalchat local up`."""
    state = local_cloud.join(narrate)
    for region in state.regions:
        narrate(f"{region.alias} ({region.region}) at {region.graphql_url}")
    narrate(f"The local cloud runs (process {state.pid}). End it with `globalchat local down`.")
    return 0

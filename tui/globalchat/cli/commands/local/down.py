"""`globalchat local down`: end the local cloud."""

import click

from globalchat.cli import local_cloud
from globalchat.cli.arguments.command import Command
from globalchat.cli.console.output import narrate

HELP = """End the local cloud, if one runs, and wait until it has. One that does not react is killed.

\b
Examples:
  globalchat local down
"""


@click.command("down", cls=Command, help=HELP)
def command() -> int:
    """Run `globalchat local down`."""
    from globalchat.localcloud.process import launch

    ended = launch.end(local_cloud.folder(), note=narrate)
    narrate("The local cloud has ended." if ended else "No local cloud runs.")
    return 0

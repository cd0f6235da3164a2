"""`globalchat publish`: one message, or one per line of standard input."""

import asyncio
import sys

import click

from cli import options, profiles
from cli.output import narrate


@click.command("publish")
@click.argument("channel")
@click.argument("text", metavar="TEXT|-")
@options.region
@options.name
@options.as_json
@options.profile
def command(
    channel: str, text: str, region: str | None, name: str | None, as_json: bool, profile: str | None
) -> int:
    """Publish TEXT, or with - one message per line of standard input.

    A text that starts with - goes after --, as in: globalchat publish tech -- -40 degrees
    """
    loaded = profiles.load(profiles.choose(profile), note=narrate)
    from cli.lines import Line, read_lines
    from cli.publishing import Publisher

    lines = read_lines(sys.stdin.buffer) if text == "-" else [Line.of_argument(text)]
    with asyncio.Runner() as runner:
        publisher = Publisher(runner, channel, options.sender(name), as_json=as_json)
        return publisher.publish(loaded, region, lines)

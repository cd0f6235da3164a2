"""`globalchat subscribe`: follow channels without the chat."""

import sys
from functools import partial

import click
from click.shell_completion import CompletionItem

from globalchat.cli import profiles
from globalchat.cli.arguments import options
from globalchat.cli.arguments.command import Command
from globalchat.cli.arguments.duration import Duration
from globalchat.cli.console.output import narrate
from globalchat.cli.console.screen import is_terminal
from globalchat.cli.regions import ALL, is_all


def _regions(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from globalchat.cli.arguments.completion import matching, regions

    return matching(lambda ctx: (*regions(ctx), (ALL, "each of them at once")), ctx, incomplete)


HELP = """Follow channels through outages, one message a line, until interrupted.

Line breaks and controls in what others sent are made visible, so that each message stays one line; --json
escapes them, --raw does neither. A time that cannot be true is shown as --:--:--, in JSON as null.

Connections, retries and gaps (spans in which messages may have been missed) are told on standard error.
With --region all each message comes once per region, and "via" tells which region brought it.

It ends with 0 after --count messages, after --for, on SIGTERM, or when nobody reads its output any more;
with 1 if --for or SIGTERM came before --count was reached, or if the backend has refused or ended every
channel; with 3 if no region could be reached.

\b
Examples:
  globalchat subscribe tech music
  globalchat subscribe tech --json | jq -r .message
  globalchat subscribe tech --raw --count 1
  globalchat subscribe tech --region all --for 30s
  globalchat subscribe cars robots tech --json >> log.ndjson
"""


@click.command("subscribe", cls=Command, help=HELP)
@click.argument("channels", nargs=-1, required=True, metavar="CHANNEL...")
@click.option(
    "--region",
    metavar="REGION",
    shell_complete=_regions,
    help="Alias, AWS region, auto, or all of them at once: all. [default: the profile's first]",
)
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after N messages.")
@click.option("--for", "seconds", type=Duration(), metavar="TIME", help="End after 500ms, 30s, 5m or 1h.")
@click.option(
    "--raw",
    is_flag=True,
    help="Only the texts, exactly as they were sent, line breaks and controls included.",
)
@click.option("--force", is_flag=True, help="Let --raw write to a terminal, which may obey what others sent.")
@options.as_json
@options.profile
def command(
    channels: tuple[str, ...],
    region: str | None,
    count: int | None,
    seconds: float | None,
    raw: bool,
    force: bool,
    as_json: bool,
    profile: str | None,
) -> int:
    """Run `globalchat subscribe`."""
    if raw and as_json:
        raise click.UsageError("--raw and --json exclude each other.")
    if raw and not force and is_terminal(sys.stdout):
        raise click.UsageError(
            "--raw would let others' messages drive this terminal. Send it into a pipe or a file, "
            "or say --force."
        )
    loaded = profiles.load(profiles.choose(profile), note=narrate)
    import asyncio

    from globalchat.cli.console.streams import Output
    from globalchat.cli.following import lines
    from globalchat.cli.following.run import Request, follow

    output = Output.standard()
    tags = tuple(loaded.regions) if is_all(region) else ()
    show = partial(lines.as_text, tags=tags)
    request = Request(
        channels=tuple(dict.fromkeys(channels)),
        show=lines.as_json if as_json else lines.as_raw if raw else show,
        is_raw=raw,
        count=count,
        seconds=seconds,
    )
    return asyncio.run(follow(loaded, region, request, output))

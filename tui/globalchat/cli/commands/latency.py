"""`globalchat latency`: how long messages take, within a region and between regions."""

import click

from globalchat.cli import profiles
from globalchat.cli.arguments import options
from globalchat.cli.arguments.command import Command
from globalchat.cli.arguments.duration import Duration, at_most
from globalchat.cli.arguments.number import Number
from globalchat.cli.console.output import narrate
from globalchat.cli.console.screen import ascii_only as ascii_option
from globalchat.cli.console.screen import wants_ascii
from globalchat.client.profiles import Profile
from globalchat.core.errors import UsageError
from globalchat.measure.latency.plan import LatencyPlan

HELP = """Measure how long a message takes: to be accepted, to come back, to reach the other region.

Publishes and arrivals are timed here, by one steady clock: the clocks of the regions do not matter.
A message that is accepted and does not arrive within the timeout is lost. People who follow the channel
see the messages. Ctrl-C ends early and shows what was measured. Exits 1 if a region got nothing at all.

\b
Examples:
  globalchat latency --from oregon --to sydney
  globalchat latency --matrix --count 200 --rate 20
  globalchat latency --json | jq '.ways[] | {from, to, p99Ms}'
"""


@click.command("latency", cls=Command, help=HELP)
@click.option("--from", "source", metavar="REGION", help="Where to publish. [default: the profile's first]")
@click.option("--to", "target", metavar="REGION", help="Where to await it. [default: every other region]")
@click.option("--matrix", is_flag=True, help="From every region to every region.")
@click.option(
    "--count", default=50, show_default=True, type=click.IntRange(1, 100_000), help="Messages from a region."
)
@click.option(
    "--rate",
    default=10.0,
    show_default=True,
    type=Number(0.01, 500),
    help="Messages a second from a region.",
)
@click.option("--channel", metavar="C", help="The channel to measure in. [default: the backend's first]")
@click.option(
    "--size",
    default=100,
    show_default=True,
    type=click.IntRange(1, 100_000),
    help="Characters of a message.",
)
@click.option(
    "--timeout",
    default="10s",
    show_default=True,
    metavar="TIME",
    type=Duration(),
    callback=at_most(600),
    help="After this a message is lost.",
)
@click.option(
    "--warmup",
    default=3,
    show_default=True,
    type=click.IntRange(0, 1000),
    help="Messages before all that are not counted.",
)
@ascii_option
@options.as_json
@options.profile
def command(
    source: str | None,
    target: str | None,
    matrix: bool,
    count: int,
    rate: float,
    channel: str | None,
    size: int,
    timeout: float,
    warmup: int,
    ascii_only: bool,
    as_json: bool,
    profile: str | None,
) -> int:
    """Run `globalchat latency`."""
    if matrix and (source or target):
        raise click.UsageError("--matrix is about every region: it takes no --from and no --to.")
    loaded = profiles.load(profiles.choose(profile), note=narrate)
    sources, targets = _ends(loaded, source, target, matrix=matrix)
    plan = LatencyPlan(sources, targets, channel, count, rate, size, timeout, warmup)
    import asyncio

    from globalchat.cli.latency.run import run

    return asyncio.run(run(loaded, plan, as_json=as_json, ascii_only=wants_ascii(ascii_only)))


def _ends(
    profile: Profile, source: str | None, target: str | None, *, matrix: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Aliases to publish in, and to await in."""
    everywhere = tuple(profile.regions)
    if matrix:
        return everywhere, everywhere
    start = profile.resolve(source).alias if source else everywhere[0]
    if target:
        return (start,), (profile.resolve(target).alias,)
    others = tuple(each for each in everywhere if each != start)
    if not others and source is None:
        raise UsageError(
            f'Profile "{profile.name}" has one region only.', remedy=f"Measure its echo with: --to {start}"
        )
    return (start,), others

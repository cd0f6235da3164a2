"""`globalchat bench`: many subscribers, a rate of messages, and an exact account of what arrived."""

import math

import click

from globalchat.cli import profiles
from globalchat.cli.arguments import options
from globalchat.cli.arguments.command import Command
from globalchat.cli.arguments.duration import Duration, at_most
from globalchat.cli.arguments.number import Number
from globalchat.cli.console.output import narrate
from globalchat.cli.console.screen import ascii_only as ascii_option
from globalchat.cli.console.screen import wants_ascii
from globalchat.cli.regions import ALL
from globalchat.client.profiles import LOCAL
from globalchat.measure.load.plan import LoadPlan

HELP = """Put a deployment under load, and count what arrives: every message at every subscriber.

A delivery is timed from the begin of its publish to its arrival, both on this machine by one steady
clock. An order violation is a message that arrives after one of the same region and channel that was
published when it had long been accepted. People who follow the channels see the messages. On AWS it
costs money: an estimate is shown and must be confirmed. Ctrl-C ends early and shows what was measured.
Exits 1 if nothing was delivered.

\b
Examples:
  globalchat bench --subscribers 1000 --rate 5 --for 30s
  globalchat bench --subscribers 10000 --rate 1 --processes 2 --profile local
  globalchat bench --regions sydney --channels tech,cars --size 1000 --json
  globalchat bench --profile default --subscribers 200 --yes --max-cost 1
"""


@click.command("bench", cls=Command, help=HELP)
@click.option(
    "--subscribers",
    default=100,
    show_default=True,
    type=click.IntRange(1, 100_000),
    help="Over all regions and channels.",
)
@click.option(
    "--rate",
    default=10.0,
    show_default=True,
    type=Number(0.01, 5_000),
    help="Messages a second, over all regions and channels.",
)
@click.option(
    "--size",
    default=100,
    show_default=True,
    type=click.IntRange(64, 100_000),
    help="Characters of a message.",
)
@click.option(
    "--for",
    "seconds",
    default="10s",
    show_default=True,
    metavar="TIME",
    type=Duration(),
    callback=at_most(3600),
    help="How long to publish.",
)
@click.option("--regions", metavar="A,B", default=ALL, show_default=True, help="Names of some.")
@click.option("--channels", metavar="C,D", help="[default: the backend's first]")
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    help="With subscribers; one more publishes. [default: one per CPU, fewer for few]",
)
@click.option(
    "--per-socket",
    default=1,
    show_default=True,
    type=click.IntRange(1, 100),
    help="Subscriptions that share a socket.",
)
@click.option(
    "--connect-rate",
    default=1000.0,
    show_default=True,
    type=Number(1, 2000),
    help="Sockets opened a second; AWS takes 2,000.",
)
@click.option(
    "--drain",
    default="10s",
    show_default=True,
    metavar="TIME",
    type=Duration(),
    callback=at_most(600),
    help="After this, what has not arrived is lost.",
)
@click.option("--yes", is_flag=True, help="Do not ask what a run on AWS may cost.")
@click.option(
    "--max-cost",
    default=5.0,
    show_default=True,
    type=Number(0, 10_000),
    metavar="USD",
    help="Refuse a run on AWS that costs more.",
)
@ascii_option
@options.as_json
@options.profile
def command(
    subscribers: int,
    rate: float,
    size: int,
    seconds: float,
    regions: str,
    channels: str | None,
    processes: int | None,
    per_socket: int,
    connect_rate: float,
    drain: float,
    yes: bool,
    max_cost: float,
    ascii_only: bool,
    as_json: bool,
    profile: str | None,
) -> int:
    """Run `globalchat bench`."""
    import asyncio

    from globalchat.cli.bench import cloud_process
    from globalchat.cli.bench.plan import channels_of, check, processes_for, regions_of
    from globalchat.cli.bench.run import bench, confirm, is_remote

    check(subscribers, rate * seconds, processes or 1)
    name = profiles.choose(profile)
    sockets = math.ceil(subscribers / per_socket)
    if name == LOCAL:
        cloud_process.make_room(sockets)
    loaded = profiles.load(name, note=narrate)
    plan = LoadPlan(
        subscribers=subscribers,
        rate=rate,
        size=size,
        seconds=seconds,
        regions=regions_of(loaded, regions),
        channels=asyncio.run(channels_of(loaded, channels)),
        processes=processes or processes_for(subscribers),
        per_socket=per_socket,
        connect_rate=connect_rate,
        drain=drain,
    )
    if is_remote(loaded) and not confirm(loaded, plan, yes=yes, most=max_cost):
        narrate("Nothing was run.")
        return 1
    pid = cloud_process.found(sockets) if name == LOCAL else None
    return asyncio.run(
        bench(
            loaded,
            plan,
            server_cpu=cloud_process.cpu_clock(pid) if pid else lambda: None,
            as_json=as_json,
            ascii_only=wants_ascii(ascii_only),
        )
    )

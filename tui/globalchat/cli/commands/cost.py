"""`globalchat cost`: what a deployment costs in a month, from the dated price table."""

import sys
from collections.abc import Mapping
from decimal import Decimal

import click

from globalchat.cli import profiles
from globalchat.cli.arguments import options
from globalchat.cli.arguments.command import Command
from globalchat.cli.arguments.number import Number
from globalchat.cli.console.output import json_line, write_lines
from globalchat.cli.console.screen import is_terminal, width
from globalchat.cli.cost.report import document, table
from globalchat.core.errors import UsageError
from globalchat_infra import config, prices
from globalchat_infra.cost import Extras, Traffic, estimate
from globalchat_infra.regions import choose

HELP = """Estimate a month's cost per region and service, and which quota breaks first at which load.

It asks AWS nothing; prices are as old as they say.

\b
Examples:
  globalchat cost --clients 100 --messages-per-second 1
  globalchat cost --clients 5 --messages-per-second 0.1 --regions oregon,sydney,eu-west-1
  globalchat cost --clients 100 --messages-per-second 1 --json | jq .usd
  globalchat cost --clients 100 --messages-per-second 1 --json | jq '.regions[].quotas[0]'
"""


@click.command("cost", cls=Command, help=HELP)
@click.option(
    "--clients", required=True, type=click.IntRange(0, 10**9), help="All clients, connected all month."
)
@click.option(
    "--messages-per-second",
    "rate",
    required=True,
    type=Number(0, 10**9),
    help="All published messages, over all regions.",
)
@click.option(
    "--size", default=100, show_default=True, type=click.IntRange(1, 200_000), help="Bytes of a text."
)
@click.option(
    "--regions",
    metavar="A,B",
    help="Aliases, alias=region or AWS regions. [default: those of the profile, else of cdk.json]",
)
@options.as_json
@options.profile
def command(
    clients: int, rate: float, size: int, regions: str | None, as_json: bool, profile: str | None
) -> int:
    """Run `globalchat cost`."""
    deployed = config.load()
    chosen = _regions(regions, profiles.region_names(profile) if profile else deployed.regions)
    traffic = Traffic(clients, Decimal(str(rate)), size)
    extras = Extras(dashboard=deployed.dashboard, firewall=deployed.waf_rate is not None)
    lines = estimate(traffic, list(chosen.values()), prices.load(), extras)
    if as_json:
        write_lines([json_line(document(traffic, chosen, lines))])
    else:
        write_lines(table(traffic, chosen, lines, width=width() if is_terminal(sys.stdout) else None))
    return 0


def _regions(given: str | None, known: Mapping[str, str]) -> Mapping[str, str]:
    """Name → AWS region of what was asked for, else of all that is deployed."""
    if given is None:
        return known
    try:
        return choose(given.split(","), known)
    except UsageError as error:
        raise click.BadParameter(str(error), param_hint="--regions") from error

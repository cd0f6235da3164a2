"""`globalchat cost`: what a deployment costs in a month, from the dated price table."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import click

from cli import profiles
from cli.arguments import options
from cli.arguments.number import Number
from cli.console.output import json_line, write_lines
from cli.failure import UsageFailure
from infra import config, prices
from infra.cost import ASSUMPTIONS, DAYS, Extras, Line, Traffic, estimate
from infra.regions import choose

CENT = Decimal("0.01")
COLUMNS = "{:<12} {:<30} {:>18} {:>22} {:>14}"


@click.command("cost")
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
    help="Aliases or AWS regions. [default: those of the profile, else of cdk.json]",
)
@options.as_json
@options.profile
def command(
    clients: int, rate: float, size: int, regions: str | None, as_json: bool, profile: str | None
) -> int:
    """Estimate a month's cost per region and service. It asks AWS nothing; prices are as old as they say.

    \b
    Examples:
      globalchat cost --clients 100 --messages-per-second 1
      globalchat cost --clients 5 --messages-per-second 0.1 --regions oregon,sydney,eu-west-1
      globalchat cost --clients 100 --messages-per-second 1 --json | jq .usd
    """  # noqa: D301 - \b is what click leaves a block alone for
    try:
        deployed = config.load()
    except config.ConfigError as error:
        raise UsageFailure(str(error)) from error
    chosen = _regions(regions, profiles.region_names(profile) if profile else deployed.regions)
    traffic = Traffic(clients, Decimal(str(rate)), size)
    extras = Extras(dashboard=deployed.dashboard, firewall=deployed.waf_rate is not None)
    lines = estimate(traffic, list(chosen.values()), prices.load(), extras)
    if as_json:
        write_lines([json_line(_document(traffic, chosen, lines))])
    else:
        write_lines(_table(chosen, lines))
    return 0


def _regions(given: str | None, known: Mapping[str, str]) -> Mapping[str, str]:
    """Name → AWS region of what was asked for, else of all that is deployed."""
    if given is None:
        return known
    try:
        return choose(given.split(","), known)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--regions") from error


def _table(regions: Mapping[str, str], lines: Sequence[Line]) -> list[str]:
    rows: list[str] = []
    for alias, region in regions.items():
        rows.append(alias if alias == region else f"{alias} ({region})")
        own = [line for line in lines if line.region == region]
        rows.extend("  " + _row(line) for line in own)
        rows.extend(["  " + COLUMNS.format("", "", "", "subtotal", _dollars(_sum(own))), ""])
    rows.append(f"A month of {DAYS} days: USD {_dollars(_sum(lines))}")
    rows.append("")
    rows.extend(ASSUMPTIONS)
    dates = sorted({line.price.date.isoformat() for line in lines})
    rows.append(
        f"Prices as of {' to '.join(dates)}; those with a ? are UNVERIFIED. Sources: infra/prices.csv."
    )
    return rows


def _row(line: Line) -> str:
    price = line.price
    rate = f"{price.usd} / {_quantity(Decimal(price.per))}" if price.per > 1 else f"{price.usd}"
    mark = " ?" if price.status == "UNVERIFIED" else "  "
    amount = _dollars(line.usd)
    return COLUMNS.format(price.service, price.unit, _quantity(line.quantity), rate + mark, amount)


def _quantity(value: Decimal) -> str:
    return f"{value:,.0f}" if value == value.to_integral_value() or value >= 1000 else f"{value:,.3f}"


def _dollars(value: Decimal) -> str:
    return f"{value.quantize(CENT):,}"


def _sum(lines: Sequence[Line]) -> Decimal:
    return sum((line.usd for line in lines), Decimal(0))


def _document(traffic: Traffic, regions: Mapping[str, str], lines: Sequence[Line]) -> dict[str, object]:
    by_region = {
        alias: [line for line in lines if line.region == region] for alias, region in regions.items()
    }
    return {
        "currency": "USD",
        "days": DAYS,
        "clients": traffic.clients,
        "messagesPerSecond": float(traffic.messages_per_second),
        "size": traffic.size,
        "usd": _rounded(_sum(lines)),
        "regions": {
            alias: {
                "region": regions[alias],
                "usd": _rounded(_sum(own)),
                "lines": [_line_document(line) for line in own],
            }
            for alias, own in by_region.items()
        },
        "assumptions": list(ASSUMPTIONS),
    }


def _line_document(line: Line) -> dict[str, object]:
    price = line.price
    return {
        "service": price.service,
        "item": price.item,
        "unit": price.unit,
        "quantity": float(line.quantity),
        "price": float(price.usd),
        "per": price.per,
        "usd": _rounded(line.usd),
        "source": price.source,
        "date": price.date.isoformat(),
        "status": price.status,
    }


def _rounded(value: Decimal) -> float:
    return float(round(value, 6))

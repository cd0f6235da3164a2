"""`globalchat cost`: what a deployment costs in a month, from the dated price table."""

import sys
import textwrap
from collections.abc import Mapping, Sequence
from decimal import Decimal

import click

from cli import profiles
from cli.arguments import options
from cli.arguments.number import Number
from cli.console.output import json_line, write_lines
from cli.console.screen import is_terminal, width
from cli.failure import UsageFailure
from infra import config, prices
from infra.cost import ASSUMPTIONS, DAYS, Extras, Line, Traffic, estimate
from infra.regions import choose

CENT = Decimal("0.01")


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
    rows = [_row(line) for line in lines]
    totals = {region: _dollars(_sum(_of(region, lines))) for region in regions.values()}
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    widths[-1] = max(widths[-1], *map(len, totals.values()))
    end = sum(widths) + len(widths) - 1
    told: list[str] = []
    for alias, region in regions.items():
        told.append(alias if alias == region else f"{alias} ({region})")
        own = [row for row, line in zip(rows, lines, strict=True) if line.region == region]
        told += [f"  {_aligned(row, widths)}" for row in own]
        told += [f"  {f'subtotal  {totals[region]:>{widths[-1]}}':>{end}}", ""]
    told += [f"A month of {DAYS} days: USD {_dollars(_sum(lines))}", ""]
    dates = sorted({line.price.date.isoformat() for line in lines})
    source = f"Prices as of {' to '.join(dates)}; those with a ? are UNVERIFIED. Sources: infra/prices.csv."
    for sentence in (*ASSUMPTIONS, source):
        told += textwrap.wrap(sentence, width()) if is_terminal(sys.stdout) else [sentence]
    return told


def _row(line: Line) -> tuple[str, ...]:
    price = line.price
    rate = f"{price.usd}/{_quantity(Decimal(price.per))}" if price.per > 1 else f"{price.usd}"
    mark = " ?" if price.status == "UNVERIFIED" else "  "
    return price.service, price.unit, _quantity(line.quantity), rate + mark, _dollars(line.usd)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    """Names to the left, numbers to the right."""
    cells = zip(row, widths, strict=True)
    return " ".join(
        f"{cell:<{wide}}" if place < 2 else f"{cell:>{wide}}" for place, (cell, wide) in enumerate(cells)
    )


def _of(region: str, lines: Sequence[Line]) -> list[Line]:
    return [line for line in lines if line.region == region]


def _quantity(value: Decimal) -> str:
    return f"{value:,.0f}" if value == value.to_integral_value() or value >= 1000 else f"{value:,.3f}"


def _dollars(value: Decimal) -> str:
    return f"{value.quantize(CENT):,}"


def _sum(lines: Sequence[Line]) -> Decimal:
    return sum((line.usd for line in lines), Decimal(0))


def _document(traffic: Traffic, regions: Mapping[str, str], lines: Sequence[Line]) -> dict[str, object]:
    by_region = {alias: _of(region, lines) for alias, region in regions.items()}
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

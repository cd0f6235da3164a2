"""`globalchat cost`: estimate what a deployment costs in a month, from the dated price table."""

import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import click

from globalchat.cli import options, profiles
from globalchat.cli.command import CliCommand
from globalchat.cli.options import Number, option, parameters, shared
from globalchat.cli.output import is_terminal, json_line, width, write_lines
from globalchat.core.errors import ExitCode, UsageError
from globalchat_infra import config
from globalchat_infra.cost import (
    ASSUMPTIONS,
    DAYS,
    CostLine,
    Extras,
    Traffic,
    clients_of,
    estimate,
    load_prices,
)
from globalchat_infra.quotas import ASSUMPTION, Use, reconnect_seconds, uses

CENT = Decimal("0.01")

HELP = """Estimate the monthly cost per region and service, and which quota is reached first at which load.

Makes no call to AWS; prices have the date that is shown.

\b
Examples:
  globalchat cost --clients 100 --messages-per-second 1
  globalchat cost --clients 5 --messages-per-second 0.1 --regions oregon,sydney,eu-west-1
  globalchat cost --clients 100 --messages-per-second 1 --json | jq .usd
  globalchat cost --clients 100 --messages-per-second 1 --json | jq '.regions[].quotas[0]'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostOptions:
    """The command line of `cost`."""

    clients: int = option(
        "--clients", required=True, type=click.IntRange(0, 10**9), help="All clients, connected all month."
    )
    rate: float = option(
        "--messages-per-second",
        "rate",
        required=True,
        type=Number(0, 10**9),
        help="All published messages, over all regions.",
    )
    size: int = option("--size", default=100, type=click.IntRange(1, 200_000), help="Bytes of a text.")
    regions: str | None = option(
        "--regions",
        metavar="A,B",
        help="Aliases, alias=region or AWS regions. [default: those of the profile, else of cdk.json]",
    )
    history_days: int | None = option(
        "--history-days",
        type=click.IntRange(0, 366),
        metavar="N",
        help="The number of days for which messages are stored. [default: as cdk.json says]",
    )
    as_json: bool = shared(options.as_json)
    profile: str | None = shared(options.profile)


@click.command("cost", cls=CliCommand, help=HELP)
@parameters(CostOptions)
def command(given: CostOptions) -> int:
    """Run `globalchat cost`."""
    deployed = config.load()
    known = profiles.region_names(given.profile) if given.profile else deployed.regions
    chosen = _regions(given.regions, known)
    # Converted by way of the text, so that 0.1 is exact.
    traffic = Traffic(given.clients, Decimal(str(given.rate)), given.size)
    days = deployed.history_days if given.history_days is None else given.history_days
    extras = Extras(dashboard=deployed.dashboard, firewall=deployed.waf_rate is not None, history_days=days)
    lines = estimate(traffic, list(chosen.values()), load_prices(), extras)
    if given.as_json:
        write_lines([json_line(cost_document(traffic, chosen, lines, history=days > 0))])
    else:
        # In a file or pipe, sentences are not wrapped.
        columns = width() if is_terminal(sys.stdout) else None
        write_lines(cost_table(traffic, chosen, lines, history=days > 0, width=columns))
    return ExitCode.DONE


def _regions(given: str | None, known: Mapping[str, str]) -> Mapping[str, str]:
    """Map the names of the given regions, or of all known ones, to AWS regions."""
    if given is None:
        return known
    try:
        return config.aws_regions_of(given.split(","), known)
    except UsageError as error:
        raise click.BadParameter(str(error), param_hint="--regions") from error


def cost_table(
    traffic: Traffic,
    regions: Mapping[str, str],
    lines: Sequence[CostLine],
    *,
    history: bool,
    width: int | None,
) -> list[str]:
    """Return the bill by region (name to AWS region), the first quotas, and the assumptions.

    `history` says whether messages are stored. Sentences are wrapped at `width`.
    """
    rows = [_row(line) for line in lines]
    totals = {region: _dollars(_sum(_of(region, lines))) for region in regions.values()}
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    # A subtotal may be wider than its parts.
    widths[-1] = max(widths[-1], *map(len, totals.values()))
    end = sum(widths) + len(widths) - 1
    shown: list[str] = []
    for alias, region in regions.items():
        shown.append(alias if alias == region else f"{alias} ({region})")
        own = [row for row, line in zip(rows, lines, strict=True) if line.region == region]
        shown += [f"  {_aligned(row, widths)}" for row in own]
        shown += [f"  {f'subtotal  {totals[region]:>{widths[-1]}}':>{end}}", ""]
    shown += [
        f"A month of {DAYS} days: USD {_dollars(_sum(lines))}",
        "",
        *_first_quotas(traffic, regions, history=history),
        "",
    ]
    dates = sorted({line.price.date.isoformat() for line in lines})
    source = (
        f"Prices as of {' to '.join(dates)}; those with a ? are UNVERIFIED. "
        "Sources: infra/globalchat_infra/prices.csv."
    )
    for sentence in (*ASSUMPTIONS, ASSUMPTION, source):
        shown += [sentence] if width is None else textwrap.wrap(sentence, width)
    return shown


def cost_document(
    traffic: Traffic, regions: Mapping[str, str], lines: Sequence[CostLine], *, history: bool
) -> dict[str, object]:
    """Return everything as JSON; `history` is True if messages are stored."""
    by_region = {alias: _of(region, lines) for alias, region in regions.items()}
    quotas = uses(traffic, list(regions.values()), history=history)
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
                "quotas": [_use_document(use) for use in quotas[regions[alias]]],
                "reconnectSeconds": _rounded(reconnect_seconds(clients_of(traffic, place, len(regions)))),
            }
            for place, (alias, own) in enumerate(by_region.items())
        },
        "assumptions": [*ASSUMPTIONS, ASSUMPTION],
    }


def _first_quotas(traffic: Traffic, regions: Mapping[str, str], *, history: bool) -> Iterator[str]:
    """Yield for each region the first quota that more messages would reach, and at which load."""
    found = uses(traffic, list(regions.values()), history=history)
    yield "The quota that breaks first, with these clients"
    for alias, region in regions.items():
        first = found[region][0]
        assert first.breaks_at is not None, "each message is an inbound one"
        yield f"  {alias}: {first.service} {first.quota}, {first.limit:,} a second"
        share = 100 * first.used / first.limit
        load = (
            f"at {_rate(first.breaks_at)} messages a second in all"
            if first.breaks_at
            else "by these clients alone"
        )
        yield f"    {load}; used now: {_percent(share)}"


def _rate(value: Decimal) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _percent(share: Decimal) -> str:
    return f"{share:,.0f} %" if share >= 10 or not share else f"{max(share, CENT):.2f} %"


def _use_document(use: Use) -> dict[str, object]:
    return {
        "service": use.service,
        "quota": use.quota,
        "limitPerSecond": use.limit,
        "usedPerSecond": _rounded(use.used),
        "breaksAtMessagesPerSecond": None if use.breaks_at is None else _rounded(use.breaks_at),
    }


def _row(line: CostLine) -> tuple[str, ...]:
    price = line.price
    rate = f"{price.usd}/{_quantity(Decimal(price.per))}" if price.per > 1 else f"{price.usd}"
    mark = " ?" if price.status == "UNVERIFIED" else "  "
    return price.service, price.unit, _quantity(line.quantity), rate + mark, _dollars(line.usd)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    """Align names to the left and numbers to the right."""
    cells = zip(row, widths, strict=True)
    return " ".join(
        f"{cell:<{wide}}" if place < 2 else f"{cell:>{wide}}" for place, (cell, wide) in enumerate(cells)
    )


def _of(region: str, lines: Sequence[CostLine]) -> list[CostLine]:
    return [line for line in lines if line.region == region]


def _quantity(value: Decimal) -> str:
    return f"{value:,.0f}" if value == value.to_integral_value() or value >= 1000 else f"{value:,.3f}"


def _dollars(value: Decimal) -> str:
    return f"{value.quantize(CENT):,}"


def _sum(lines: Sequence[CostLine]) -> Decimal:
    return sum((line.usd for line in lines), Decimal(0))


def _line_document(line: CostLine) -> dict[str, object]:
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

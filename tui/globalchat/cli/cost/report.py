"""What an estimate shows. Pure."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from globalchat_infra.cost import ASSUMPTIONS, DAYS, Line, Traffic, clients_of
from globalchat_infra.quotas import ASSUMPTION, Use, reconnect_seconds, uses

CENT = Decimal("0.01")


def table(
    traffic: Traffic, regions: Mapping[str, str], lines: Sequence[Line], *, width: int | None
) -> list[str]:
    """Return the bill by region (name to AWS region), the first quotas, and what both rest on.

    Sentences are wrapped at `width`.
    """
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
    told += [f"A month of {DAYS} days: USD {_dollars(_sum(lines))}", "", *_first_quotas(traffic, regions), ""]
    dates = sorted({line.price.date.isoformat() for line in lines})
    source = (
        f"Prices as of {' to '.join(dates)}; those with a ? are UNVERIFIED. "
        "Sources: infra/globalchat_infra/prices.csv."
    )
    for sentence in (*ASSUMPTIONS, ASSUMPTION, source):
        told += [sentence] if width is None else textwrap.wrap(sentence, width)
    return told


def document(traffic: Traffic, regions: Mapping[str, str], lines: Sequence[Line]) -> dict[str, object]:
    """All of it for a program."""
    by_region = {alias: _of(region, lines) for alias, region in regions.items()}
    quotas = uses(traffic, list(regions.values()))
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


def _first_quotas(traffic: Traffic, regions: Mapping[str, str]) -> Iterator[str]:
    """Yield for each region the quota that more messages meet first, and at which load."""
    found = uses(traffic, list(regions.values()))
    yield "The quota that breaks first, with these clients"
    for alias, region in regions.items():
        first = found[region][0]
        assert first.breaks_at is not None, "each message is an inbound one"
        yield f"  {alias}: {first.service} {first.quota}, {first.limit:,} a second"
        share = 100 * first.used / first.limit
        yield f"    at {first.breaks_at:,.0f} messages a second in all; used now: {_percent(share)}"


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

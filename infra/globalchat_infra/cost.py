"""Estimates the monthly cost of a deployment from the dated price table. Loads no AWS library."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from globalchat.core.clock import DAY
from globalchat_infra.names import API_ALARMS, TARGETS_PER_RULE

Status = Literal["official", "third party", "UNVERIFIED"]
EVERYWHERE = "*"
"""Used as a region: all regions without a line of their own."""

DAYS = 30
SECONDS = DAYS * DAY
MINUTES = DAYS * 1_440
ENVELOPE = 400
"""Bytes that are sent with a text: id, names, times, and the JSON around them. An estimate."""
UPDATE = 5 * 1024
"""Bytes that AppSync counts as one real-time update."""
EVENT = 64 * 1024
"""Bytes that EventBridge counts as one event."""
LOG = 1_500
"""Bytes that AppSync logs for an operation without an error. An estimate, not measured on AWS.

Headers and contexts are left out (`excludeVerboseContent`). About ten lines remain: start and end of request
and tracing (50 bytes each), the document (300), the summaries of parsing, validation, execution
and request (200 to 300 each). CloudWatch adds 26 bytes per line (CloudWatch Logs API, `PutLogEvents`).
"""
GIGABYTE = 10**9
WRITE_UNIT = 1024
"""Bytes that DynamoDB counts as one write."""
READ_UNIT = 4_096
"""Bytes that DynamoDB counts as one consistent read."""
COMPARISON_SECONDS = 225
"""Mean time between two readings of a channel by a connected client: `history_interval`, with its jitter."""
COMPARED_SECONDS = COMPARISON_SECONDS + 90
"""The time that such a reading covers: since the last one, and `fill_margin` before."""
PAGE = 100
"""Messages of a page, the least that a reading takes: `page_size`."""
ITEM_OVERHEAD = 100
"""Bytes that DynamoDB stores for an item besides its attributes (its guide, CapacityUnitCalculations)."""
RESOLVER_METRICS = 3
"""Errors, requests and latency of the only measured resolver; there is no cache to count."""

ASSUMPTIONS = (
    f"A month has {DAYS} days; the rates hold day and night.",
    "Clients and messages are spread evenly over the regions; every client stays connected and "
    "receives every message.",
    f"A message is its text and {ENVELOPE} bytes around it; an operation logs {LOG:,} bytes.",
    f"With history, every client compares one channel with it every {COMPARISON_SECONDS} seconds.",
    "Not counted: free tiers, taxes, connecting and subscribing again, filling gaps, messages that fail, "
    "idle queues, metrics of a log with errors, e-mails of alarms.",
)


@dataclass(frozen=True, slots=True)
class Price:
    """A price of `usd` US dollars (before tax) per `per` units of an item in a region."""

    service: str
    item: str
    region: str
    usd: Decimal
    per: int
    unit: str
    source: str
    date: date
    status: Status


@dataclass(frozen=True, slots=True)
class Prices:
    """All prices by service, item and region."""

    table: Mapping[tuple[str, str, str], Price]

    def of(self, service: str, item: str, region: str) -> Price:
        """Return the price in a region, or the general one; raise KeyError for an unknown item."""
        own = self.table.get((service, item, region))
        return own or self.table[service, item, EVERYWHERE]


@dataclass(frozen=True, slots=True)
class Traffic:
    """The number of clients, the messages a second, and the bytes of a message's text."""

    clients: int
    messages_per_second: Decimal
    size: int


@dataclass(frozen=True, slots=True)
class Extras:
    """The options of a deployment that have costs of their own."""

    dashboard: bool = False
    firewall: bool = False
    history_days: int = 0


@dataclass(frozen=True, slots=True)
class CostLine:
    """A monthly quantity at a price."""

    region: str
    quantity: Decimal
    price: Price

    @property
    def usd(self) -> Decimal:
        """US dollars a month, not rounded."""
        return self.quantity * self.price.usd / self.price.per


def estimate(traffic: Traffic, regions: Sequence[str], prices: Prices, extras: Extras) -> list[CostLine]:
    """Return the lines of the bill, region by region, in the order of `regions` (AWS names, at least one)."""
    lines: list[CostLine] = []
    for position, region in enumerate(regions):
        clients = clients_of(traffic, position, len(regions))
        for service, item, quantity in _quantities(traffic, clients, len(regions), extras):
            lines.append(CostLine(region, quantity, prices.of(service, item, region)))
    return lines


def clients_of(traffic: Traffic, position: int, regions: int) -> int:
    """Return the number of clients in a region; the first regions take the remainder."""
    return (traffic.clients + regions - 1 - position) // regions


def message_size(traffic: Traffic) -> int:
    """Return the bytes of a message: its text and its envelope."""
    return traffic.size + ENVELOPE


def compared_messages(traffic: Traffic) -> Decimal:
    """Return how many messages a client reads to compare a channel with its history.

    It reads backwards from the end, a page at least: few messages need no fewer reads.
    """
    return max(Decimal(PAGE), traffic.messages_per_second * COMPARED_SECONDS)


def units(size: int, unit: int) -> int:
    """Return the number of units that a size is counted as."""
    return -(-size // unit)


def alarm_count(regions: int, *, history: bool = False) -> int:
    """Return the number of a region's alarms: of its API, its history, and the relay's queue and rules."""
    rules = -(-(regions - 1) // TARGETS_PER_RULE)
    return len(API_ALARMS) + history + (1 + 2 * rules if rules else 0)


def _quantities(
    traffic: Traffic, clients: int, regions: int, extras: Extras
) -> Iterator[tuple[str, str, Decimal]]:
    """Yield the services, items and monthly quantities of one region."""
    messages = traffic.messages_per_second * SECONDS
    own = messages / regions
    size = message_size(traffic)
    compared = compared_messages(traffic)
    comparisons = Decimal(clients * SECONDS) / COMPARISON_SECONDS if extras.history_days else Decimal(0)
    pages = comparisons * (compared / PAGE).to_integral_value(ROUND_CEILING)
    # Published here, delivered from the bus wherever it was published, and read from the history.
    operations = own + messages + pages
    deliveries = messages * clients
    relayed = own * (regions - 1)
    yield "AppSync", "operation", operations
    yield "AppSync", "update", deliveries * units(size, UPDATE)
    yield "AppSync", "connection", Decimal(clients * MINUTES)
    yield "EventBridge", "event", own * units(size, EVENT)
    yield "EventBridge", "relay", relayed * units(size, EVENT)
    yield "Transfer", "between regions", relayed * size / GIGABYTE
    # The publisher gets the message back as the answer.
    yield "Transfer", "internet", (deliveries + own) * size / GIGABYTE
    yield "CloudWatch", "log", operations * LOG / GIGABYTE
    yield "CloudWatch", "alarm", Decimal(alarm_count(regions, history=extras.history_days > 0))
    yield "CloudWatch", "metric", Decimal(RESOLVER_METRICS)
    if extras.history_days:
        # Every region stores every message; expired ones are deleted at no charge.
        yield "DynamoDB", "write", messages * units(size + ITEM_OVERHEAD, WRITE_UNIT)
        yield "DynamoDB", "read", comparisons * compared * (size + ITEM_OVERHEAD) / READ_UNIT
        kept = traffic.messages_per_second * DAY * extras.history_days
        yield "DynamoDB", "storage", kept * (size + ITEM_OVERHEAD) / GIGABYTE
    if extras.dashboard:
        yield "CloudWatch", "dashboard", Decimal(1)
    if extras.firewall:
        yield "WAF", "acl", Decimal(1)
        yield "WAF", "rule", Decimal(1)
        yield "WAF", "request", operations


@cache
def load_prices() -> Prices:
    """Read `prices.csv`: AWS's prices, their sources, and how certain they are."""
    with Path(__file__).with_name("prices.csv").open(encoding="utf-8", newline="") as file:
        prices = [_price(row) for row in csv.DictReader(file, strict=True)]
    return Prices({(price.service, price.item, price.region): price for price in prices})


def _price(row: Mapping[str, str]) -> Price:
    (status,) = (known for known in get_args(Status) if known == row["status"])
    return Price(
        service=row["service"],
        item=row["item"],
        region=row["region"],
        usd=Decimal(row["usd"]),
        per=int(row["per"]),
        unit=row["unit"],
        source=row["source"],
        date=date.fromisoformat(row["date"]),
        status=status,
    )

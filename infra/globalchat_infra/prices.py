"""The dated price table `prices.csv`: what AWS charges, where that was read, and how sure it is."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Literal, get_args

Status = Literal["official", "third party", "UNVERIFIED"]
EVERYWHERE = "*"
"""In place of a region: every region that has no line of its own."""


@dataclass(frozen=True, slots=True)
class Price:
    """`usd` US dollars (before tax) for every `per` units of an item in a region."""

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
        """The price in a region, else the one for everywhere; raises KeyError for an unknown item."""
        own = self.table.get((service, item, region))
        return own or self.table[service, item, EVERYWHERE]


@cache
def load() -> Prices:
    """Read the table that the package carries."""
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

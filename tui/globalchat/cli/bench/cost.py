"""What a load run costs on AWS, from the dated price table. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from globalchat.measure.load.plan import LoadPlan
from globalchat_infra.cost import MINUTES, SECONDS, Extras, Traffic, estimate
from globalchat_infra.prices import Prices

CENT = Decimal("0.01")
_STANDING = ("alarm", "dashboard", "acl", "rule")
"""Items that are paid for the deployment, run or no run."""


@dataclass(frozen=True, slots=True)
class Cost:
    """US dollars for everything, and what most of it is for: item and dollars, dearest first."""

    usd: Decimal
    items: tuple[tuple[str, Decimal], ...]


def cost(plan: LoadPlan, regions: Sequence[str], prices: Prices) -> Cost:
    """The estimate; `regions` are the AWS regions of the whole deployment: each relays to every other."""
    messages = plan.messages + len(plan.places)
    rate = Decimal(messages) / Decimal(str(plan.seconds))
    share = Decimal(str(plan.seconds)) / SECONDS
    minutes = math.ceil((plan.subscribers / plan.connect_rate + plan.seconds + plan.drain) / 60) + 1
    sockets = math.ceil(plan.subscribers / plan.per_socket)
    # The estimate has every client receive every message; here it is those of its channel.
    received = Decimal(1) / len(plan.channels)
    totals: dict[str, Decimal] = {}
    for line in estimate(Traffic(plan.subscribers, rate, plan.size), regions, prices, Extras()):
        item = line.price.item
        if item in _STANDING:
            continue
        if item == "connection":
            usd = line.usd / MINUTES * minutes * sockets / max(1, plan.subscribers)
        else:
            usd = line.usd * share * (received if item in ("update", "internet") else 1)
        name = f"{line.price.service} {item}"
        totals[name] = totals.get(name, Decimal(0)) + usd
    items = sorted(totals.items(), key=lambda each: -each[1])
    return Cost(sum(totals.values(), Decimal(0)), tuple(items))


def dollars(usd: Decimal) -> str:
    """Rounded up to the cent."""
    return f"USD {usd.quantize(CENT, rounding='ROUND_UP'):,}"

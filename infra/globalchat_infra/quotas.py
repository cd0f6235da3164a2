"""Computes which of AWS's quotas a load reaches first in each region. Pure; loads no AWS library.

The numbers are AWS's defaults, read in 2026-11 in "AWS AppSync endpoints and quotas" (AWS General Reference)
and "Amazon EventBridge quotas" (its user guide). An account may have others; Service Quotas shows and raises
them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from globalchat_infra.cost import (
    COMPARED_SECONDS,
    COMPARISON_SECONDS,
    ITEM_OVERHEAD,
    PAGE,
    READ_UNIT,
    UPDATE,
    WRITE_UNIT,
    Traffic,
    clients_of,
    compared_messages,
    message_size,
    units,
)

OTHERS = "*"
"""Used as a region: all regions that are not named."""

REQUEST_TOKENS: Mapping[str, int] = {"us-west-2": 10_000, "ap-southeast-2": 10_000, OTHERS: 5_000}
"""Request tokens a second. AppSync gives 5,000 or 10,000, by region; the lower one where it was not read."""
INBOUND = 10_000
"""Messages a second that mutations may send to the subscriptions of an API."""
OUTBOUND = 1_000_000
"""Messages a second that an API may send to its subscribers, in units of 5 KB."""
CONNECTIONS = 2_000
"""Connections a second that an API accepts."""
PUT_EVENTS: Mapping[str, int] = {
    **dict.fromkeys(("us-east-1", "us-west-2", "eu-west-1"), 10_000),
    **dict.fromkeys(("us-east-2", "eu-central-1", "eu-south-2"), 2_400),
    **dict.fromkeys(("us-west-1", "ap-northeast-1", "ap-southeast-1", "ap-southeast-2", "eu-west-2"), 1_200),
    **dict.fromkeys(("ap-east-1", "ap-northeast-2", "ap-south-1", "ca-central-1", "eu-north-1"), 600),
    **dict.fromkeys(("eu-west-3", "sa-east-1"), 600),
    OTHERS: 400,
}
"""Calls of PutEvents a second."""
INVOCATIONS: Mapping[str, int] = {
    **dict.fromkeys(("us-east-1", "us-west-2", "eu-west-1"), 18_750),
    **dict.fromkeys(("us-east-2", "eu-central-1", "eu-south-2"), 4_500),
    **dict.fromkeys(("us-west-1", "ap-northeast-1", "ap-southeast-1", "ap-southeast-2", "eu-west-2"), 2_250),
    **dict.fromkeys(("ap-east-1", "ap-northeast-2", "ap-south-1", "ca-central-1", "eu-north-1"), 1_100),
    **dict.fromkeys(("eu-west-3", "sa-east-1"), 1_100),
    OTHERS: 750,
}
"""Deliveries of rules to targets a second."""

WRITES_OF_A_CHANNEL = 1_000
"""Writes of 1 KB a second that DynamoDB accepts for one partition key, a channel (its developer guide)."""
READS_OF_A_CHANNEL = 3_000
"""Consistent reads of 4 KB a second, of the same."""

ASSUMPTION = (
    "Quotas are AWS's defaults. A request is taken to use one token; events that other buses relay to a bus "
    "are not counted as calls of PutEvents; all messages are taken to be of one channel, whose history every "
    f"client reads every {COMPARISON_SECONDS} seconds."
)


@dataclass(frozen=True, slots=True)
class Use:
    """A region's use of a quota.

    Attributes:
        limit: What AWS allows a second.
        used: What the load needs a second.
        breaks_at: Messages a second, over all regions, at which the limit is reached with the same clients.
            None if messages do not count, such as outbound ones without clients; 0 if the clients alone
            reach it.
    """

    region: str
    service: str
    quota: str
    limit: int
    used: Decimal
    breaks_at: Decimal | None


def uses(traffic: Traffic, regions: Sequence[str], *, history: bool = False) -> dict[str, list[Use]]:
    """Return for each region the quotas that messages use, the one that is reached first at the head.

    `history` says whether messages are stored.
    """
    found: dict[str, list[Use]] = {}
    for position, region in enumerate(regions):
        clients = clients_of(traffic, position, len(regions))
        each = [
            Use(
                region=region,
                service=service,
                quota=quota,
                limit=limit,
                used=traffic.messages_per_second * per_message,
                breaks_at=limit / per_message if per_message else None,
            )
            for service, quota, limit, per_message in [
                *_per_message(traffic, region, clients, len(regions)),
                *(_of_history(traffic) if history else ()),
            ]
        ]
        if history:
            each.append(_reads(traffic, region, clients))
        found[region] = sorted(each, key=lambda use: (use.breaks_at is None, use.breaks_at or 0))
    return found


def reconnect_seconds(clients: int) -> Decimal:
    """Return the seconds until all clients of a region are connected again after an outage."""
    return Decimal(clients) / CONNECTIONS


def _per_message(
    traffic: Traffic, region: str, clients: int, regions: int
) -> Iterator[tuple[str, str, int, Decimal]]:
    """Yield service, quota, limit, and the average use by one message published in any region."""
    own = Decimal(1) / regions
    # One operation publishes, in one region; one in every region delivers to the subscriptions.
    yield "AppSync", "request tokens", _of(REQUEST_TOKENS, region), own + 1
    yield "AppSync", "inbound messages", INBOUND, Decimal(1)
    yield "AppSync", "outbound messages", OUTBOUND, Decimal(clients * units(message_size(traffic), UPDATE))
    yield "EventBridge", "PutEvents", _of(PUT_EVENTS, region), own
    # The broadcast of every message, and the relay of the region's own messages to each other region.
    yield "EventBridge", "invocations", _of(INVOCATIONS, region), 1 + own * (regions - 1)


def _of_history(traffic: Traffic) -> Iterator[tuple[str, str, int, Decimal]]:
    """Yield the same as `_per_message` for the table that stores the messages."""
    writes = units(message_size(traffic) + ITEM_OVERHEAD, WRITE_UNIT)
    yield "DynamoDB", "writes of a channel", WRITES_OF_A_CHANNEL, Decimal(writes)


def _reads(traffic: Traffic, region: str, clients: int) -> Use:
    """Return the use of a channel's reads by the clients that compare it with what they received."""
    per_message = Decimal(message_size(traffic) + ITEM_OVERHEAD) / READ_UNIT
    a_second = Decimal(clients) / COMPARISON_SECONDS
    most = READS_OF_A_CHANNEL / (a_second * per_message) if clients else None
    return Use(
        region=region,
        service="DynamoDB",
        quota="reads of a channel",
        limit=READS_OF_A_CHANNEL,
        used=a_second * per_message * compared_messages(traffic),
        breaks_at=None if most is None else most / COMPARED_SECONDS if most >= PAGE else Decimal(0),
    )


def _of(limits: Mapping[str, int], region: str) -> int:
    return limits.get(region, limits[OTHERS])

"""Deletes the history of a channel in one region: reads its keys in pages, and deletes them in batches.

DynamoDB has no call that deletes a partition. What is deleted stays deleted, so another purge finishes one
that ended half-way.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from globalchat.core.aws_errors import Busy
from globalchat_infra import names
from globalchat_infra.deployer.aws import Aws, CallFailed
from globalchat_infra.deployer.resources import ABSENT, check_ours
from globalchat_infra.names import PhysicalName

BATCH = 25
"""How many items one call deletes at most (DynamoDB API reference, BatchWriteItem)."""
COUNTED_PAGES = 20
"""How many pages of 1 MB are counted before the question; each costs 128 read units."""
WRITES_A_SECOND = 500
"""The write units of a purge: half of what DynamoDB has for a channel, whose messages go on arriving."""
_FIRST_PAUSE = 0.1
"""Seconds before what DynamoDB did not process is sent again; see `Aws.pauses`."""

Key: TypeAlias = Mapping[str, Mapping[str, str]]
"""The key of an item, as DynamoDB's API writes it."""


@dataclass(frozen=True, slots=True)
class ChannelHistory:
    """What is to be deleted: the items of a channel in a region's table.

    `before` is the cursor before which they arrived; None is all of them.
    """

    region: str
    table: str
    channel: str
    before: str | None = None


@dataclass(frozen=True, slots=True)
class ItemCount:
    """The number of items that were counted; `is_complete` is False if there are more."""

    number: int
    is_complete: bool

    def __str__(self) -> str:
        """Return it for a sentence."""
        if self.is_complete:
            return f"about {self.number:,} item{'' if self.number == 1 else 's'}"
        return f"more than {self.number:,} items"


def check_table(aws: Aws, prefix: str, alias: str, region: str) -> None:
    """Check that the table of a region's history, if there is one, belongs to this deployment by its tags.

    Raises:
        UserError: its tags may not be read.
        UsageError: it belongs to others.
    """
    check_ours(aws, PhysicalName(names.TABLE, names.history(prefix, alias), region), prefix, alias)


def count(aws: Aws, history: ChannelHistory) -> ItemCount | None:
    """Count the items, up to `COUNTED_PAGES`; return None if the region has no table.

    Raises:
        UserError: the table may not be read.
    """
    number = 0
    try:
        # DynamoDB has no cheaper count: it reads the items and bills for them, although it returns only their
        # number.
        for place, page in enumerate(_pages(aws, history, None, Select="COUNT")):
            number += page["Count"]
            if place + 1 == COUNTED_PAGES:
                return ItemCount(number, is_complete="LastEvaluatedKey" not in page)
    except CallFailed as error:
        if error.code in ABSENT:
            return None
        raise
    return ItemCount(number, is_complete=True)


def purge(aws: Aws, history: ChannelHistory, on_deleted: Callable[[int], None]) -> None:
    """Delete all items that are there at the start; what arrives meanwhile stays.

    Args:
        aws: the calls of AWS.
        history: what to delete.
        on_deleted: called with the number of items of each batch once they are deleted.

    Raises:
        UserError: a call is refused, or DynamoDB stays too busy. What was deleted stays deleted.
    """
    # A fixed end: in a busy channel the purge would otherwise follow new messages forever.
    last = _last_arrival(aws, history)
    if last is None:
        return
    for page in _pages(aws, history, last, ConsistentRead=True, **_KEYS_ALONE):
        keys: Sequence[Key] = page["Items"]
        for start in range(0, len(keys), BATCH):
            _delete(aws, history, keys[start : start + BATCH], on_deleted)


_NAME = {"#name": "name"}
"""It is a reserved word of DynamoDB."""
_KEYS_ALONE: Mapping[str, Any] = {"ProjectionExpression": "#name, arrival"}


def _last_arrival(aws: Aws, history: ChannelHistory) -> str | None:
    """Return the arrival of the newest item that is to be deleted."""
    page = aws.call(
        "dynamodb",
        history.region,
        "query",
        **_query(history, None),
        **_KEYS_ALONE,
        ConsistentRead=True,
        ScanIndexForward=False,
        Limit=1,
    )
    return page["Items"][0]["arrival"]["S"] if page["Items"] else None


def _pages(
    aws: Aws, history: ChannelHistory, last: str | None, **more: object
) -> Iterator[Mapping[str, Any]]:
    start: dict[str, object] = {}
    while True:
        page = aws.call("dynamodb", history.region, "query", **_query(history, last), **more, **start)
        yield page
        if "LastEvaluatedKey" not in page:
            return
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _query(history: ChannelHistory, last: str | None) -> Mapping[str, Any]:
    """Return the query of a channel's items up to a last arrival, else of those before the wanted moment."""
    values, condition = {":name": {"S": history.channel}}, "#name = :name"
    # The last arrival was found below `before` already, so it is the tighter limit.
    if last is not None:
        values[":edge"], condition = {"S": last}, f"{condition} AND arrival <= :edge"
    elif history.before is not None:
        values[":edge"], condition = {"S": history.before}, f"{condition} AND arrival < :edge"
    return {
        "TableName": history.table,
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": _NAME,
        "ExpressionAttributeValues": values,
    }


def _write(aws: Aws, history: ChannelHistory, requests: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Write a batch, and wait for as long as it may take at `WRITES_A_SECOND`."""
    # The local cloud, which imitates AWS, reports no capacity.
    measured = {} if aws.endpoint_url else {"ReturnConsumedCapacity": "TOTAL"}
    began, items = aws.clock(), {history.table: requests}
    answer = aws.call("dynamodb", history.region, "batch_write_item", RequestItems=items, **measured)
    units = sum(each["CapacityUnits"] for each in answer.get("ConsumedCapacity", ()))
    # By the units that were consumed, since a long message takes several.
    if (pause := units / WRITES_A_SECOND - (aws.clock() - began)) > 0:
        aws.pause(pause)
    return answer


def _delete(
    aws: Aws, history: ChannelHistory, keys: Sequence[Key], on_deleted: Callable[[int], None]
) -> None:
    """Delete the items of a batch; what DynamoDB does not process is sent again after a pause."""
    wanted: Sequence[Mapping[str, Any]] = [{"DeleteRequest": {"Key": key}} for key in keys]
    progress, pauses = aws.clock(), aws.pauses(_FIRST_PAUSE)
    while wanted:
        answer = _write(aws, history, wanted)
        left = answer.get("UnprocessedItems", {}).get(history.table, [])
        if done := len(wanted) - len(left):
            on_deleted(done)
            progress, pauses = aws.clock(), aws.pauses(_FIRST_PAUSE)
        # DynamoDB answers 200 even if it has not processed all of a batch (API reference, BatchWriteItem).
        wanted = left
        if not wanted:
            return
        if aws.clock() - progress > aws.busy_seconds:
            raise Busy(
                f"DynamoDB in {history.region} does not process the deletions.",
                code="UnprocessedItems",
                remedy="Wait a minute, then run the same command again: it deletes the rest.",
                throttled=True,
            )
        aws.pause(next(pauses))

"""The operations on tables: PutItem, Query, BatchWriteItem and DescribeTable, without permissions.

Source: DynamoDB API reference; error messages are as conformance suites have recorded them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from globalchat.core.clock import EpochClock
from globalchat.localcloud.definition import JSON, Table
from globalchat.localcloud.dynamodb.conditions import holds, paths_of, project
from globalchat.localcloud.dynamodb.expressions import (
    Condition,
    Path,
    Placeholders,
    parse_condition,
    parse_projection,
)
from globalchat.localcloud.dynamodb.items import (
    MAX_ITEM_BYTES,
    DynamoDBError,
    Item,
    Value,
    invalid,
    item_size,
    text_in,
)
from globalchat.localcloud.dynamodb.keys import (
    Key,
    KeyRange,
    key_alone,
    key_attributes,
    key_of_item,
    key_range,
)
from globalchat.localcloud.dynamodb.store import ItemStore, StoredItem

PAGE_BYTES: Final = 1024 * 1024
MAX_WRITES: Final = 25
"""Writes of one BatchWriteItem."""
# Not at once, so that queries that rely on TTL alone show here that they do not leave out expired items.
DELETION_DELAY: Final = 600.0
"""Seconds for which an expired item still exists; on AWS it may be days."""
DELETIONS: Final = 500
"""The most expired items that one operation deletes, so that it stays quick."""
_DELETION_INTERVAL: Final = 60.0
# As on AWS, which takes such a time for a mistake in the item (developer guide, TTL).
_OLDEST_EXPIRY: Final = 5 * 365 * 86_400.0
"""An item that expired more than this many seconds ago is never deleted."""

_SELECTS: Final = ("SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES")


class ConditionFailed(DynamoDBError):
    """The condition of a PutItem does not hold; the item with its key, if any, is not replaced."""

    def __init__(self) -> None:
        super().__init__("ConditionalCheckFailedException", "The conditional request failed")


@dataclass(frozen=True, slots=True)
class PutRequest:
    """A PutItem: an item, already checked, and perhaps a condition on the one that it replaces."""

    item: Item
    condition: str | None = None
    names: Mapping[str, str] | None = None
    values: Mapping[str, Value] | None = None


@dataclass(frozen=True, slots=True)
class QueryRequest:
    """A Query: expressions as texts, values already checked. `start` is the key after which it begins."""

    key_condition: str
    filter: str | None = None
    projection: str | None = None
    names: Mapping[str, str] | None = None
    values: Mapping[str, Value] | None = None
    limit: int | None = None
    start: Item | None = None
    forward: bool = True
    select: str | None = None


@dataclass(frozen=True, slots=True)
class QueryPage:
    """The result of a Query; `last_key` is the last key of the page, None at the end."""

    items: Sequence[Item]
    count: int
    scanned_count: int
    last_key: Item | None


@dataclass(frozen=True, slots=True)
class Write:
    """One write of a BatchWriteItem: an item to put, or the key of an item to delete."""

    table: Table
    kind: Literal["put", "delete"]
    document: Item


class Tables:
    """The tables of a deployment.

    Args:
        definitions: all tables of all regions.
        store: the store of the items.
        clock: the time by which items expire, in epoch seconds.
    """

    def __init__(self, definitions: Iterable[Table], store: ItemStore, clock: EpochClock) -> None:
        self._definitions = {table.arn: table for table in definitions}
        self._store = store
        self._clock = clock
        self._created_at = clock()
        self._next_deletion = self._created_at

    def find(self, arn: str) -> Table:
        """Return the table of an ARN.

        Raises:
            DynamoDBError: there is none.
        """
        table = self._definitions.get(arn)
        if table is None:
            raise DynamoDBError("ResourceNotFoundException", "Requested resource not found")
        return table

    def put(self, arn: str, request: PutRequest) -> None:
        """Put an item.

        Raises:
            ConditionFailed: the condition does not hold.
            DynamoDBError: there is no such table, or it does not take the item or the condition.
        """
        new = _measured(request.item)
        placeholders = Placeholders(request.names, request.values)
        condition = _optional_condition(request.condition, placeholders, "ConditionExpression")
        placeholders.check_use()
        table = self.find(arn)
        key = key_of_item(table, request.item)
        if condition is not None:
            stored = self._store.get(_table_id(table), key)
            if not holds(condition, stored or {}):
                raise ConditionFailed
        self._put(table, key, new)
        # Not in a task of its own: a cloud without use does no work.
        self._delete_expired()

    def commit(self) -> None:
        """Commit the writes so far.

        Raises:
            DynamoDBError: SQLite fails; they are lost.
        """
        self._store.commit()

    def get(self, arn: str, item: Item) -> Item | None:
        """Return the stored item with the key of another one."""
        table = self.find(arn)
        return self._store.get(_table_id(table), key_of_item(table, item))

    def write_batch(self, writes: Sequence[Write]) -> None:
        """Make up to 25 puts and deletes.

        Raises:
            DynamoDBError: a table refuses one of them, or two are for the same item; then none is made.
        """
        checked = [
            (write.table, key_of_item(write.table, write.document), _measured(write.document))
            if write.kind == "put"
            else (write.table, key_alone(write.table, write.document), None)
            for write in writes
        ]
        if len({(table.arn, key) for table, key, _ in checked}) < len(checked):
            raise invalid("Provided list of item keys contains duplicates")
        # All keys and items are valid here: only SQLite itself can still fail.
        with self._store.transaction():
            for table, key, new in checked:
                if new is None:
                    self._store.delete(_table_id(table), key)
                else:
                    self._put(table, key, new)

    def query(self, arn: str, request: QueryRequest) -> QueryPage:
        """Read a page of a partition: up to the limit or 1 MB, before the filter.

        Raises:
            DynamoDBError: there is no such table, or the request is malformed.
        """
        placeholders = Placeholders(request.names, request.values)
        condition = parse_condition(request.key_condition, placeholders, "KeyConditionExpression")
        chosen = _optional_condition(request.filter, placeholders, "FilterExpression")
        paths = None if request.projection is None else parse_projection(request.projection, placeholders)
        placeholders.check_use()
        _check_limit_and_select(request)
        # As on AWS, the request is checked before the table, and the key condition after it.
        table = self.find(arn)
        keys = key_range(table, condition)
        _check_filter(table, chosen)
        start = _start(table, keys, request.start)
        self._delete_expired()
        return self._page(table, keys, request, start, chosen, paths)

    def describe(self, table: Table) -> JSON:
        """Return the `Table` of DescribeTable's response; the counts are current."""
        count, size = self._store.totals(_table_id(table))
        attributes = key_attributes(table)
        kinds = ("HASH", "RANGE")
        return {
            "AttributeDefinitions": [
                {"AttributeName": each.name, "AttributeType": each.type} for each in attributes
            ],
            "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
            "CreationDateTime": self._created_at,
            "DeletionProtectionEnabled": table.is_protected,
            "ItemCount": count,
            "KeySchema": [
                {"AttributeName": each.name, "KeyType": kind}
                for each, kind in zip(attributes, kinds, strict=False)
            ],
            "TableArn": table.arn,
            "TableName": table.name,
            "TableSizeBytes": size,
            "TableStatus": "ACTIVE",
        }

    def _put(self, table: Table, key: Key, new: StoredItem) -> None:
        self._store.put(_table_id(table), key, new, _expiry(table, new.item))

    def _page(
        self,
        table: Table,
        keys: KeyRange,
        request: QueryRequest,
        start: Key | None,
        chosen: Condition | None,
        paths: Sequence[Path] | None,
    ) -> QueryPage:
        items: list[Item] = []
        scanned = size = 0
        last: Item | None = None
        for stored in self._store.read(_table_id(table), keys, after=start, forward=request.forward):
            # The item that would pass the limit begins the next page; a single one always fits.
            if scanned and size + stored.size > PAGE_BYTES:
                break
            scanned, size, last = scanned + 1, size + stored.size, stored.item
            if chosen is None or holds(chosen, stored.item):
                items.append(stored.item if paths is None else project(stored.item, paths))
            # DynamoDB does not check whether more follows: a full page always has a last key.
            if scanned == request.limit:
                break
        else:
            last = None
        return QueryPage(
            items=[] if request.select == "COUNT" else items,
            count=len(items),
            scanned_count=scanned,
            last_key=None if last is None else {each.name: last[each.name] for each in key_attributes(table)},
        )

    def _delete_expired(self) -> None:
        """Delete items that expired some time ago, at most once a minute.

        Many are deleted over several operations.
        """
        now = self._clock()
        if now < self._next_deletion:
            return
        deleted = 0
        for table in self._definitions.values():
            if table.ttl_attribute is not None:
                deleted += self._store.delete_expired(
                    _table_id(table),
                    first=now - _OLDEST_EXPIRY,
                    last=now - DELETION_DELAY,
                    limit=DELETIONS - deleted,
                )
        if deleted < DELETIONS:
            self._next_deletion = now + _DELETION_INTERVAL


def _measured(item: Item) -> StoredItem:
    """Return an item with its size.

    Raises:
        DynamoDBError: it is too large.
    """
    size = item_size(item)
    if size > MAX_ITEM_BYTES:
        raise invalid("Item size has exceeded the maximum allowed size")
    return StoredItem(item, size)


def _table_id(table: Table) -> str:
    """Return the table's id in the store, which changes with its key."""
    # CloudFormation replaces a table whose key changes by an empty one.
    keys = "".join(f" {each.name}:{each.type}" for each in key_attributes(table))
    return table.arn + keys


def _optional_condition(text: str | None, placeholders: Placeholders, kind: str) -> Condition | None:
    return None if text is None else parse_condition(text, placeholders, kind)


def _expiry(table: Table, item: Item) -> int | None:
    """Return the epoch second in an item's TTL attribute; only a number counts."""
    value = item.get(table.ttl_attribute or "")
    if value is None or "N" not in value:
        return None
    text = text_in(value)
    seconds = int(text) if text.isdecimal() else int(Decimal(text))
    # An integer of SQLite has 64 bits; nothing expires so late.
    return seconds if 0 <= seconds < 2**62 else None


def _check_limit_and_select(request: QueryRequest) -> None:
    if request.limit is not None and request.limit < 1:
        raise invalid(
            "1 validation error detected: Value at 'Limit' failed to satisfy constraint: "
            "Member must have value greater than or equal to 1"
        )
    select = request.select
    if select is None:
        return
    if select not in _SELECTS:
        raise invalid(
            f"1 validation error detected: Value '{select[:100]}' at 'select' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(_SELECTS)}]"
        )
    if select == "ALL_PROJECTED_ATTRIBUTES":
        raise invalid(
            "One or more parameter values were invalid: "
            "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"
        )
    if select == "SPECIFIC_ATTRIBUTES" and request.projection is None:
        raise invalid(
            "1 validation error detected: Must specify the AttributesToGet or ProjectionExpression "
            "when choosing to get SPECIFIC_ATTRIBUTES"
        )
    if select != "SPECIFIC_ATTRIBUTES" and request.projection is not None:
        raise invalid(f"Cannot specify the ProjectionExpression when choosing to get {select}")


def _check_filter(table: Table, chosen: Condition | None) -> None:
    names = {each.name for each in key_attributes(table)}
    for path in () if chosen is None else paths_of(chosen):
        if path.parts[0] in names:
            raise invalid(
                "Filter Expression can only contain non-primary key attributes: "
                f"Primary key attribute: {path.parts[0]}"
            )


def _start(table: Table, keys: KeyRange, document: Item | None) -> Key | None:
    """Parse the key after which a query begins.

    Raises:
        DynamoDBError: it is not a key of the table, or outside of the queried range.
    """
    if document is None:
        return None
    try:
        start = key_alone(table, document)
    except DynamoDBError:
        raise invalid("The provided starting key is invalid") from None
    if start.partition != keys.partition:
        raise invalid("The provided starting key is outside query boundaries based on provided conditions")
    if not keys.includes(start):
        raise invalid("The provided starting key does not match the range key predicate")
    return start

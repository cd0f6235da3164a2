"""Keys: the schema of a table's primary key, and the range of sort keys in a key condition. Pure.

Source: DynamoDB developer guide, "Key condition expressions"; error messages are recorded from AWS.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from globalchat.localcloud.definition import KeyAttribute, Table
from globalchat.localcloud.dynamodb.expressions import (
    Between,
    ComparisonNode,
    Condition,
    Function,
    In,
    Junction,
    Literal,
    Not,
    Operand,
    Path,
)
from globalchat.localcloud.dynamodb.items import Item, Value, invalid, key_bytes, text_in, type_of

MAX_PARTITION_BYTES: Final = 2048
MAX_SORT_BYTES: Final = 1024

_MIRRORED: Final = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Key:
    """A primary key as it is stored: bytes in DynamoDB's order; `sort` is empty without a sort key."""

    partition: bytes
    sort: bytes = b""


@dataclass(frozen=True, slots=True)
class KeyRange:
    """The keys of one partition from `low` to `high`.

    None is unbounded, and each bound may be included or not.
    """

    partition: bytes
    low: bytes | None = None
    high: bytes | None = None
    with_low: bool = True
    with_high: bool = True

    def includes(self, key: Key) -> bool:
        """Return True if a key lies in the range."""
        if key.partition != self.partition:
            return False
        above = self.low is None or key.sort > self.low or (self.with_low and key.sort == self.low)
        below = self.high is None or key.sort < self.high or (self.with_high and key.sort == self.high)
        return above and below


@dataclass(frozen=True, slots=True)
class _KeyTest:
    """One condition on one key attribute: an operator and its values."""

    operator: str
    values: tuple[Value, ...]


def key_attributes(table: Table) -> tuple[KeyAttribute, ...]:
    """Return the partition key and, if the table has one, the sort key."""
    return (table.partition_key,) if table.sort_key is None else (table.partition_key, table.sort_key)


def key_of_item(table: Table, item: Item) -> Key:
    """Return the key of an item that will be put.

    Raises:
        DynamoDBError: a key attribute is missing, of another type, empty or too long.
    """
    for attribute in key_attributes(table):
        value = item.get(attribute.name)
        if value is None:
            raise invalid(
                f"One or more parameter values were invalid: Missing the key {attribute.name} in the item"
            )
        if attribute.type not in value:
            raise invalid(
                f"One or more parameter values were invalid: Type mismatch for key {attribute.name} "
                f"expected: {attribute.type} actual: {type_of(value)}"
            )
    return _key(table, item)


def key_alone(table: Table, document: Item) -> Key:
    """Return the key in a document that contains only the key of an item.

    Raises:
        DynamoDBError: it is not just the attributes of the table's key.
    """
    wanted = {attribute.name: attribute.type for attribute in key_attributes(table)}
    if {name: type_of(value) for name, value in document.items()} != wanted:
        raise invalid("The provided key element does not match the schema")
    return _key(table, document)


def _key(table: Table, item: Item) -> Key:
    parts = []
    for attribute, limit in zip(key_attributes(table), (MAX_PARTITION_BYTES, MAX_SORT_BYTES), strict=False):
        value = item[attribute.name]
        if not text_in(value):
            raise invalid(
                "One or more parameter values are not valid. The AttributeValue for a key attribute "
                f"cannot contain an empty string value. Key: {attribute.name}"
            )
        part = key_bytes(value)
        if attribute.type == "S" and len(part) > limit:
            raise invalid(
                "One or more parameter values were invalid: "
                + (
                    # The missing space is in AWS's message.
                    f"Size of hashkey has exceeded the maximum size limit of{limit} bytes"
                    if attribute == table.partition_key
                    else f"Aggregated size of all range keys has exceeded the size limit of {limit} bytes"
                )
            )
        parts.append(part)
    return Key(*parts)


def key_range(table: Table, condition: Condition) -> KeyRange:
    """Parse a key condition.

    Raises:
        DynamoDBError: it is not an equality of the partition key and at most one test of the sort key.
    """
    tests: dict[str, _KeyTest] = {}
    for name, test in _tests(condition):
        if name in tests:
            raise invalid("KeyConditionExpressions must only contain one condition per key")
        tests[name] = test
    if len(tests) > 2:
        raise invalid("Conditions can be of length 1 or 2 only")
    attributes = key_attributes(table)
    for attribute in attributes[: len(tests)]:
        if attribute.name not in tests:
            raise invalid(f"Query condition missed key schema element: {attribute.name}")
    if len(tests) > len(attributes) or tests[table.partition_key.name].operator != "=":
        raise invalid("Query key condition not supported")
    for attribute in attributes[: len(tests)]:
        _check_values(attribute, tests[attribute.name])
    partition = key_bytes(tests[table.partition_key.name].values[0])
    if table.sort_key is None or table.sort_key.name not in tests:
        return KeyRange(partition)
    return _range(partition, tests[table.sort_key.name])


def _check_values(attribute: KeyAttribute, test: _KeyTest) -> None:
    for value in test.values:
        if type_of(value) != attribute.type or (test.operator == "begins_with" and attribute.type != "S"):
            raise invalid(
                "One or more parameter values were invalid: "
                "Condition parameter type does not match schema type"
            )
        if not text_in(value):
            raise invalid(
                "One or more parameter values are not valid. The AttributeValue for a key attribute "
                f"cannot contain an empty string value. Key: {attribute.name}"
            )


def _range(partition: bytes, test: _KeyTest) -> KeyRange:
    low = key_bytes(test.values[0])
    match test.operator:
        case "=":
            return KeyRange(partition, low, low)
        case "<" | "<=":
            return KeyRange(partition, high=low, with_high=test.operator == "<=")
        case ">" | ">=":
            return KeyRange(partition, low, with_low=test.operator == ">=")
        case "BETWEEN":
            return KeyRange(partition, low, key_bytes(test.values[1]))
    # UTF-8 has no byte 255: every text with this prefix is below the prefix followed by 255.
    return KeyRange(partition, low, low + b"\xff", with_high=False)


def _tests(condition: Condition) -> Iterator[tuple[str, _KeyTest]]:
    """Yield the tests of a key condition by their attributes."""
    match condition:
        case Junction("AND", conditions):
            for each in conditions:
                yield from _tests(each)
        case Junction("OR") | Not() | In() | ComparisonNode("<>"):
            raise invalid(f"Invalid operator used in KeyConditionExpression: {_operator(condition)}")
        case Function(name, operands):
            if name != "begins_with":
                raise invalid(f"Invalid operator used in KeyConditionExpression: {name}")
            yield _test(name, operands)
        case Between(operand, low, high):
            yield _test("BETWEEN", (operand, low, high))
        case ComparisonNode(operator, left, right):
            # `:value < name` is `name > :value`.
            if isinstance(left, Path):
                yield _test(operator, (left, right))
            else:
                yield _test(_MIRRORED[operator], (right, left))


def _operator(condition: Condition) -> str:
    match condition:
        case Junction():
            return condition.operator
        case ComparisonNode():
            return condition.operator
        case Not():
            return "NOT"
    return "IN"


def _test(operator: str, operands: tuple[Operand, ...]) -> tuple[str, _KeyTest]:
    if any(isinstance(operand, Function) for operand in operands):
        raise invalid("KeyConditionExpressions cannot contain nested operations")
    paths = [operand for operand in operands if isinstance(operand, Path)]
    values = tuple(operand.value for operand in operands if isinstance(operand, Literal))
    if not paths:
        raise invalid("Invalid condition in KeyConditionExpression: No key attribute specified")
    if len(paths) > 1:
        raise invalid(
            "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition"
        )
    if not isinstance(operands[0], Path):
        raise invalid(
            f"Invalid condition in KeyConditionExpression: {operator} operator must have the key attribute "
            "as its first operand"
        )
    name, *nested = paths[0].parts
    if nested:
        raise invalid("KeyConditionExpressions cannot have conditions on nested attributes")
    return str(name), _KeyTest(operator, values)

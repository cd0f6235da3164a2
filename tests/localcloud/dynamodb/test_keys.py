"""Key conditions: what they ask for, and what is refused, as recorded from AWS."""

import pytest

from globalchat.localcloud.definition import KeyAttribute, Table
from globalchat.localcloud.dynamodb.expressions import Placeholders, parse_condition
from globalchat.localcloud.dynamodb.items import DynamoDBError, Item, Value
from globalchat.localcloud.dynamodb.keys import Key, KeyRange, key_alone, key_of_item, key_range
from tests.localcloud.helpers.naive_table import NUMBER_TABLE, TEXT_TABLE

ALONE = Table("arn:aws:dynamodb:r:a:table/t", "t", KeyAttribute("topic", "S"))
VALUES: dict[str, Value] = {
    ":t": {"S": "tea"}, ":a": {"S": "a"}, ":b": {"S": "b"}, ":n": {"N": "1"}, ":empty": {"S": ""}
}  # fmt: skip


def read(text: str, table: Table = TEXT_TABLE) -> KeyRange:
    placeholders = Placeholders({"#t": "topic"}, VALUES)
    return key_range(table, parse_condition(text, placeholders, "KeyConditionExpression"))


def refusal(text: str, table: Table = TEXT_TABLE) -> str:
    with pytest.raises(DynamoDBError) as caught:
        read(text, table)
    return caught.value.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("topic = :t", KeyRange(b"tea")),
        ("#t = :t", KeyRange(b"tea")),
        (":t = topic", KeyRange(b"tea")),
        ("topic = :t AND place = :a", KeyRange(b"tea", b"a", b"a")),
        ("place > :a AND topic = :t", KeyRange(b"tea", b"a", with_low=False)),
        ("topic = :t AND :a < place", KeyRange(b"tea", b"a", with_low=False)),
        ("(topic = :t) AND (place >= :a)", KeyRange(b"tea", b"a")),
        ("topic = :t AND place < :a", KeyRange(b"tea", high=b"a", with_high=False)),
        ("topic = :t AND place <= :a", KeyRange(b"tea", high=b"a")),
        ("topic = :t AND place BETWEEN :a AND :b", KeyRange(b"tea", b"a", b"b")),
        ("topic = :t AND begins_with(place, :a)", KeyRange(b"tea", b"a", b"a\xff", with_high=False)),
    ],
)
def test_a_key_condition_is_a_range_of_one_partition(text: str, expected: KeyRange) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("place = :a", "Query condition missed key schema element: topic"),
        ("extra = :a", "Query condition missed key schema element: topic"),
        ("topic = :t AND extra = :a", "Query condition missed key schema element: place"),
        ("topic > :t", "Query key condition not supported"),
        ("begins_with(topic, :t)", "Query key condition not supported"),
        ("topic = :t AND topic = :t", "KeyConditionExpressions must only contain one condition per key"),
        ("topic = :t AND place = :a AND extra = :b", "Conditions can be of length 1 or 2 only"),
        ("topic = :t OR place = :a", "Invalid operator used in KeyConditionExpression: OR"),
        ("NOT topic = :t", "Invalid operator used in KeyConditionExpression: NOT"),
        ("topic <> :t", "Invalid operator used in KeyConditionExpression: <>"),
        ("topic IN (:t, :a)", "Invalid operator used in KeyConditionExpression: IN"),
        ("attribute_exists(topic)", "Invalid operator used in KeyConditionExpression: attribute_exists"),
        ("contains(topic, :t)", "Invalid operator used in KeyConditionExpression: contains"),
        ("size(topic) = :n", "KeyConditionExpressions cannot contain nested operations"),
        ("topic.x = :t", "KeyConditionExpressions cannot have conditions on nested attributes"),
        (
            "topic = place",
            "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition",
        ),
        (":t = :a", "Invalid condition in KeyConditionExpression: No key attribute specified"),
        (
            "topic = :t AND :a BETWEEN place AND :b",
            "Invalid condition in KeyConditionExpression: "
            "BETWEEN operator must have the key attribute as its first operand",
        ),
        (
            "begins_with(:a, place)",
            "Invalid condition in KeyConditionExpression: "
            "begins_with operator must have the key attribute as its first operand",
        ),
        (
            "topic = :t AND place = :n",
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        ),
        (
            "topic = :empty",
            "One or more parameter values are not valid. "
            "The AttributeValue for a key attribute cannot contain an empty string value. Key: topic",
        ),
    ],
)
def test_refusals_are_in_dynamodbs_words(text: str, message: str) -> None:
    assert refusal(text) == message


def test_the_type_of_the_sort_key_counts() -> None:
    assert read("topic = :t AND place > :n", NUMBER_TABLE).low == Key(b"", b"\x02\x821").sort
    assert "does not match schema type" in refusal("topic = :t AND place > :a", NUMBER_TABLE)
    assert "does not match schema type" in refusal("topic = :t AND begins_with(place, :a)", NUMBER_TABLE)


def test_a_table_without_sort_key_takes_one_condition() -> None:
    assert read("topic = :t", ALONE) == KeyRange(b"tea")
    assert refusal("topic = :t AND place = :a", ALONE) == "Query key condition not supported"


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (
            {"place": {"S": "a"}},
            "One or more parameter values were invalid: Missing the key topic in the item",
        ),
        (
            {"topic": {"N": "1"}, "place": {"S": "a"}},
            "One or more parameter values were invalid: Type mismatch for key topic expected: S actual: N",
        ),
        (
            {"topic": {"S": "t"}, "place": {"S": ""}},
            "One or more parameter values are not valid. "
            "The AttributeValue for a key attribute cannot contain an empty string value. Key: place",
        ),
        (
            {"topic": {"S": "é" * 1025}, "place": {"S": "a"}},
            "One or more parameter values were invalid: "
            "Size of hashkey has exceeded the maximum size limit of2048 bytes",
        ),
        (
            {"topic": {"S": "t"}, "place": {"S": "a" * 1025}},
            "One or more parameter values were invalid: "
            "Aggregated size of all range keys has exceeded the size limit of 1024 bytes",
        ),
    ],
)
def test_the_key_of_an_item_is_checked(item: Item, message: str) -> None:
    with pytest.raises(DynamoDBError) as caught:
        key_of_item(TEXT_TABLE, item)
    assert caught.value.message == message


@pytest.mark.parametrize(
    "document",
    [{}, {"topic": {"S": "t"}}, {"topic": {"S": "t"}, "place": {"N": "1"}},
     {"topic": {"S": "t"}, "place": {"S": "a"}, "more": {"S": "b"}}],
)  # fmt: skip
def test_a_key_alone_is_just_the_key(document: Item) -> None:
    with pytest.raises(DynamoDBError, match="The provided key element does not match the schema"):
        key_alone(TEXT_TABLE, document)


def test_a_range_includes_its_bounds_or_not() -> None:
    bounded = KeyRange(b"t", b"a", b"c", with_low=False)
    assert [bounded.includes(Key(b"t", sort)) for sort in (b"a", b"b", b"c", b"d")] == [
        False, True, True, False,
    ]  # fmt: skip
    assert not bounded.includes(Key(b"u", b"b"))

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.localcloud.definition import KeyAttribute, Table
from globalchat.localcloud.dynamodb.items import MAX_ITEM_BYTES, DynamoDBError, Item, Value, item_size
from globalchat.localcloud.dynamodb.store import ItemStore
from globalchat.localcloud.dynamodb.tables import (
    DELETION_DELAY,
    DELETIONS,
    PAGE_BYTES,
    ConditionFailed,
    PutRequest,
    QueryPage,
    QueryRequest,
    Tables,
    Write,
)
from tests.localcloud.helpers.naive_table import NUMBER_TABLE, TEXT_TABLE, NaiveTable, SortTest

NOW = 1_700_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store() -> Iterator[ItemStore]:
    with closing(ItemStore(None)) as opened:
        yield opened


@pytest.fixture
def tables(store: ItemStore) -> Tables:
    return Tables([TEXT_TABLE], store, Clock())


def note(place: str, topic: str = "tea", **more: Value) -> Item:
    return {"topic": {"S": topic}, "place": {"S": place}, **more}


def put(tables: Tables, *items: Item) -> None:
    for item in items:
        tables.put(TEXT_TABLE.arn, PutRequest(item))


def query(tables: Tables, condition: str = "topic = :t", **more: object) -> QueryPage:
    values: dict[str, Value] = {":t": {"S": "tea"}, **more.pop("values", {})}  # type: ignore[dict-item]
    request = QueryRequest(condition, values=values)
    return tables.query(TEXT_TABLE.arn, replace(request, **more))  # type: ignore[arg-type]


def places(page: QueryPage) -> list[str]:
    return [str(item["place"]["S"]) for item in page.items]


def test_what_is_put_is_found_in_order_and_another_with_its_key_replaces_it(tables: Tables) -> None:
    put(tables, note("b"), note("a", text={"S": "old"}), note("c", "coffee"), note("a", text={"S": "new"}))
    page = query(tables)
    assert page.items == [note("a", text={"S": "new"}), note("b")]
    assert (page.count, page.scanned_count, page.last_key) == (2, 2, None)
    assert places(query(tables, forward=False)) == ["b", "a"]


def test_a_page_ends_at_the_limit_and_the_next_begins_after_it(tables: Tables) -> None:
    put(tables, *(note(place) for place in "abcd"))
    first = query(tables, limit=3)
    assert (places(first), first.last_key) == (["a", "b", "c"], note("c"))
    last = query(tables, limit=3, start=first.last_key)
    assert (places(last), last.last_key) == (["d"], None)


def test_a_page_that_is_full_at_the_end_says_so_and_the_next_is_empty(tables: Tables) -> None:
    """DynamoDB does not look further than the limit."""
    put(tables, note("a"), note("b"))
    page = query(tables, limit=2)
    assert page.last_key == note("b")
    assert query(tables, start=page.last_key) == QueryPage([], 0, 0, None)


def test_the_limit_counts_what_is_read_and_the_filter_comes_after_it(tables: Tables) -> None:
    put(tables, *(note(place, chars={"N": str(index)}) for index, place in enumerate("abcd")))
    page = query(tables, filter="chars > :one", values={":one": {"N": "1"}}, limit=3)
    assert (places(page), page.count, page.scanned_count, page.last_key) == (["c"], 1, 3, note("c"))


def test_a_page_holds_at_most_one_megabyte(tables: Tables) -> None:
    item = note("x", text={"S": "x" * 300_000})
    put(tables, *(item | {"place": {"S": place}} for place in "abcd"))
    page = query(tables, projection="place")
    assert places(page) == ["a", "b", "c"]
    assert 3 * item_size(item) <= PAGE_BYTES < 4 * item_size(item)
    assert places(query(tables, start=page.last_key)) == ["d"]


def test_what_a_filter_drops_counts_for_the_megabyte(tables: Tables) -> None:
    put(tables, *(note(place, text={"S": "x" * 300_000}) for place in "abcd"))
    page = query(tables, filter="attribute_exists(extra)")
    assert (page.items, page.scanned_count, page.last_key) == ([], 3, note("c"))


def test_a_projection_and_a_count(tables: Tables) -> None:
    put(tables, note("a", text={"S": "x"}, more={"M": {"k": {"S": "v"}, "l": {"S": "w"}}}))
    page = query(tables, projection="#p, more.k", names={"#p": "place"})
    assert page.items == [{"place": {"S": "a"}, "more": {"M": {"k": {"S": "v"}}}}]
    page = query(tables, select="COUNT")
    assert (page.items, page.count) == ([], 1)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"limit": 0}, "Value at 'Limit' failed to satisfy constraint"),
        ({"select": "SOME"}, "Value 'SOME' at 'select' failed to satisfy constraint"),
        ({"select": "ALL_PROJECTED_ATTRIBUTES"}, "can be used only when Querying using an IndexName"),
        ({"select": "SPECIFIC_ATTRIBUTES"}, "Must specify the AttributesToGet or ProjectionExpression"),
        ({"select": "COUNT", "projection": "place"}, "Cannot specify the ProjectionExpression"),
        ({"filter": "place = :t"}, "Filter Expression can only contain non-primary key attributes"),
        ({"filter": "size(topic) > :n", "values": {":n": {"N": "1"}}}, "Primary key attribute: topic"),
        ({"values": {":n": {"N": "1"}}}, "ExpressionAttributeValues unused in expressions: keys: {:n}"),
        ({"names": {"#n": "x"}}, "ExpressionAttributeNames unused in expressions: keys: {#n}"),
        ({"start": {"bad": {"S": "p"}}}, "The provided starting key is invalid"),
        ({"start": note("a", "coffee")}, "The provided starting key is outside query boundaries"),
    ],
)
def test_what_a_query_refuses(tables: Tables, more: dict[str, object], message: str) -> None:
    with pytest.raises(DynamoDBError) as caught:
        query(tables, "topic = :t", **more)
    assert caught.value.code == "ValidationException"
    assert message in caught.value.message


def test_a_starting_key_has_to_meet_the_key_condition(tables: Tables) -> None:
    with pytest.raises(
        DynamoDBError, match="The provided starting key does not match the range key predicate"
    ):
        query(tables, "topic = :t AND place > :a", values={":a": {"S": "b"}}, start=note("a"))


def test_a_table_that_there_is_not(tables: Tables) -> None:
    with pytest.raises(DynamoDBError, match="Requested resource not found") as caught:
        tables.query("arn:aws:dynamodb:us-west-2:000000000000:table/other", QueryRequest("a = b"))
    assert caught.value.code == "ResourceNotFoundException"


def test_a_condition_looks_at_the_item_that_is_there(tables: Tables) -> None:
    absent = PutRequest(note("a", text={"S": "first"}), "attribute_not_exists(topic)")
    tables.put(TEXT_TABLE.arn, absent)
    with pytest.raises(ConditionFailed, match="The conditional request failed"):
        tables.put(TEXT_TABLE.arn, absent)
    same = PutRequest(note("a", text={"S": "second"}), "#x = :old", {"#x": "text"}, {":old": {"S": "first"}})
    tables.put(TEXT_TABLE.arn, same)
    assert query(tables).items == [note("a", text={"S": "second"})]


def test_a_batch_puts_and_deletes_all_or_nothing(tables: Tables) -> None:
    put(tables, note("a"), note("b"))
    tables.write_batch([Write(TEXT_TABLE, "delete", note("a")), Write(TEXT_TABLE, "put", note("c"))])
    tables.write_batch([Write(TEXT_TABLE, "delete", note("never there"))])
    assert places(query(tables)) == ["b", "c"]
    with pytest.raises(DynamoDBError, match="Missing the key topic"):
        tables.write_batch([Write(TEXT_TABLE, "delete", note("b")), Write(TEXT_TABLE, "put", {})])
    with pytest.raises(DynamoDBError, match="Provided list of item keys contains duplicates"):
        tables.write_batch([Write(TEXT_TABLE, "delete", note("b")), Write(TEXT_TABLE, "put", note("b"))])
    assert places(query(tables)) == ["b", "c"]


def test_a_table_is_described(tables: Tables) -> None:
    put(tables, note("a"), note("b"))
    described = tables.describe(TEXT_TABLE)
    assert isinstance(described, dict)
    assert described["ItemCount"] == 2
    assert described["TableSizeBytes"] == 2 * item_size(note("a"))
    assert described["KeySchema"] == [
        {"AttributeName": "topic", "KeyType": "HASH"},
        {"AttributeName": "place", "KeyType": "RANGE"},
    ]
    json.dumps(described)


def test_an_expired_item_is_there_for_some_minutes_and_then_deleted(store: ItemStore) -> None:
    clock = Clock()
    tables = Tables([TEXT_TABLE], store, clock)
    put(
        tables,
        note("expired", expires={"N": str(NOW + 10)}),
        note("later", expires={"N": str(NOW + 10_000)}),
        note("text", expires={"S": str(NOW)}),
        note("long ago", expires={"N": "1000"}),
        note("without"),
    )
    clock.now = NOW + 10 + DELETION_DELAY / 2
    assert "expired" in places(query(tables))
    clock.now = NOW + 10 + DELETION_DELAY + 60
    query(tables)
    assert places(query(tables)) == ["later", "long ago", "text", "without"]


def test_many_expired_items_are_deleted_by_several_operations(store: ItemStore) -> None:
    clock = Clock()
    tables = Tables([TEXT_TABLE], store, clock)
    count = DELETIONS * 2 + 1
    put(tables, *(note(f"{number:05}", expires={"N": str(NOW)}) for number in range(count)))
    clock.now = NOW + DELETION_DELAY + 60
    left = [query(tables, select="COUNT").count for _ in range(4)]
    assert left == [count - DELETIONS, count - 2 * DELETIONS, 0, 0]


def test_a_table_without_ttl_keeps_everything(store: ItemStore) -> None:
    clock = Clock()
    tables = Tables([replace(TEXT_TABLE, ttl_attribute=None)], store, clock)
    put(tables, note("expired", expires={"N": str(NOW)}))
    clock.now = NOW + 10 * DELETION_DELAY
    assert places(query(tables)) == ["expired"]


def test_a_table_with_another_key_has_other_items(store: ItemStore, tables: Tables) -> None:
    """CloudFormation replaces a table whose key changes."""
    put(tables, note("a"))
    changed = replace(TEXT_TABLE, sort_key=KeyAttribute("other", "S"))
    assert query(Tables([changed], store, Clock())).items == []
    assert places(query(Tables([TEXT_TABLE], store, Clock()))) == ["a"]


TEXTS = st.text(st.sampled_from("ab\x00\x7fé\uffff\U0001f600"), min_size=1, max_size=4)
NUMBERS = st.sampled_from(("0", "1", "-1", "1.5", "-1.5", "10", "100", "-12", "0.1", "-0.1", "99", "101"))


def test_an_item_has_at_most_400_kb(tables: Tables) -> None:
    fits = note("a", text={"S": ""})
    fits["text"] = {"S": "x" * (MAX_ITEM_BYTES - item_size(fits))}
    too_large = fits | {"b": {"BOOL": True}}
    put(tables, fits)
    with pytest.raises(DynamoDBError, match="Item size has exceeded the maximum allowed size"):
        put(tables, too_large)
    with pytest.raises(DynamoDBError, match="Item size has exceeded the maximum allowed size"):
        tables.write_batch([Write(TEXT_TABLE, "put", note("b")), Write(TEXT_TABLE, "put", too_large)])
    assert query(tables).items == [fits]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_queries_and_pages_agree_with_a_naive_model(data: st.DataObject) -> None:
    table = data.draw(st.sampled_from((TEXT_TABLE, NUMBER_TABLE)))
    kind, sorts = ("S", TEXTS) if table is TEXT_TABLE else ("N", NUMBERS)
    with closing(ItemStore(None)) as store:
        tables, naive = Tables([table], store, Clock()), NaiveTable()
        for topic, sort in data.draw(st.lists(st.tuples(st.sampled_from("xy"), sorts), max_size=12)):
            item: Item = {"topic": {"S": topic}, "place": {kind: sort}}
            tables.put(table.arn, PutRequest(item))
            naive.put(item)
        test = data.draw(st.none() | _tests(kind, sorts))
        forward, limit = data.draw(st.booleans()), data.draw(st.integers(1, 5))
        found = _all_pages(tables, table, test, forward=forward, limit=limit)
    assert found == naive.select("x", test, forward=forward)


def _tests(kind: str, sorts: st.SearchStrategy[str]) -> st.SearchStrategy[SortTest]:
    value: st.SearchStrategy[Value] = sorts.map(lambda text: {kind: text})
    operators = ("=", "<", "<=", ">", ">=", *(("begins_with",) if kind == "S" else ()))
    single = st.builds(lambda operator, one: SortTest(operator, (one,)), st.sampled_from(operators), value)
    ordered = st.tuples(value, value).map(_ordered)
    return single | st.builds(lambda both: SortTest("BETWEEN", both), ordered)


def _ordered(both: tuple[Value, Value]) -> tuple[Value, Value]:
    one, other = both
    return both if SortTest("<=", (other,)).holds(one) else (other, one)


def _all_pages(
    tables: Tables, table: Table, test: SortTest | None, *, forward: bool, limit: int
) -> Sequence[Item]:
    values: dict[str, Value] = {":t": {"S": "x"}}
    condition = "topic = :t"
    if test is not None:
        condition += f" AND {test.expression}"
        values |= dict(zip((":a", ":b"), test.values, strict=False))
    request = QueryRequest(condition, values=values, limit=limit, forward=forward)
    items: list[Item] = []
    while True:
        page = tables.query(table.arn, request)
        assert page.scanned_count == page.count <= limit
        items += page.items
        if page.last_key is None:
            return items
        request = replace(request, start=page.last_key)

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.localcloud.definition import JSON
from globalchat.localcloud.dynamodb.items import (
    DynamoDBError,
    Value,
    equal,
    item_size,
    key_bytes,
    number_text,
    order,
    plain,
    read_value,
)

NUMBERS = st.builds(
    lambda digits, exponent, sign: f"{sign}{digits}E{exponent}",
    st.integers(0, 10**38 - 1),
    st.integers(-130, 87),
    st.sampled_from(("", "-")),
)


@pytest.mark.parametrize(
    "value",
    [
        {"S": ""},
        {"S": "ünï"},
        {"N": "12.5"},
        {"BOOL": False},
        {"NULL": True},
        {"L": [{"S": "a"}, {"L": []}]},
        {"M": {"a": {"M": {}}}},
        {"SS": ["a", ""]},
        {"NS": ["1", "2"]},
    ],
)
def test_a_value_of_each_type_stays_as_it_is(value: JSON) -> None:
    assert read_value(value) == value


@pytest.mark.parametrize(
    ("value", "code", "message"),
    [
        ({}, "ValidationException", "Supplied AttributeValue is empty"),
        ({"X": "a"}, "ValidationException", "Supplied AttributeValue is empty"),
        ({"S": "a", "N": "1"}, "ValidationException", "more than one datatypes set"),
        ({"B": "YQ=="}, "ValidationException", "does not emulate the attribute type B"),
        ({"BS": ["YQ=="]}, "ValidationException", "does not emulate the attribute type BS"),
        ({"NULL": False}, "ValidationException", "Null attribute value types must have the value of true"),
        ({"SS": []}, "ValidationException", "An string set  may not be empty"),
        ({"NS": []}, "ValidationException", "An number set  may not be empty"),
        ({"SS": ["a", "a"]}, "ValidationException", "Input collection [a, a] contains duplicates"),
        ({"NS": ["1", "1.0"]}, "ValidationException", "contains duplicates"),
        ({"N": ""}, "ValidationException", "The parameter cannot be converted to a numeric value"),
        ({"N": "0x1"}, "ValidationException", "cannot be converted to a numeric value: 0x1"),
        ({"N": "١"}, "ValidationException", "cannot be converted to a numeric value"),
        ({"N": "Infinity"}, "ValidationException", "cannot be converted to a numeric value"),
        ({"N": "1" * 39}, "ValidationException", "more than 38 significant digits"),
        ({"N": "1" * 5000}, "ValidationException", "more than 38 significant digits"),
        ({"N": "1E126"}, "ValidationException", "Number overflow"),
        ({"N": "1E999999999"}, "ValidationException", "Number overflow"),
        ({"N": "1E-131"}, "ValidationException", "Number underflow"),
        ({"N": "-1E-999999999"}, "ValidationException", "Number underflow"),
        ({"N": 1}, "SerializationException", "type N"),
        ({"S": 1}, "SerializationException", "type S"),
        ({"S": "\ud800"}, "SerializationException", "Unicode"),
        ({"BOOL": "true"}, "SerializationException", "type BOOL"),
        ({"SS": [1]}, "SerializationException", "string set"),
        ("a", "SerializationException", "map of one type"),
    ],
)
def test_what_dynamodb_refuses(value: JSON, code: str, message: str) -> None:
    with pytest.raises(DynamoDBError) as caught:
        read_value(value)
    assert caught.value.code == code
    assert message in caught.value.message


def test_values_are_nested_up_to_32_levels() -> None:
    value: JSON = {"S": "a"}
    for _ in range(32):
        value = {"L": [value]}
    assert read_value(value) == value
    with pytest.raises(DynamoDBError, match="Nesting Levels have exceeded supported limits"):
        read_value({"M": {"a": value}})


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "é"}, 2),
        ({"N": "0"}, 1),
        ({"N": "-12.5"}, 4),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["ab", "c"]}, 3),
        ({"NS": ["1", "100"]}, 4),
        ({"L": [{"S": "ab"}]}, 6),
        ({"M": {"k": {"S": "ab"}}}, 7),
    ],
)
def test_sizes_follow_the_documented_rules(value: Value, size: int) -> None:
    assert item_size({"a": value}) == 1 + size


@pytest.mark.parametrize(
    ("text", "written"),
    [("1.50", "1.5"), ("-0", "0"), ("0.000", "0"), ("1E3", "1000"), ("+5", "5"), (".5", "0.5"), ("5.", "5")],
)
def test_numbers_are_written_as_dynamodb_returns_them(text: str, written: str) -> None:
    assert number_text(text) == written


@settings(deadline=None)
@given(NUMBERS)
def test_numbers_keep_their_value(text: str) -> None:
    try:
        written = number_text(text)
    except DynamoDBError:
        number = Decimal(text)
        assert number.adjusted() > 125 or number.adjusted() < -130
    else:
        assert Decimal(written) == Decimal(text)
        assert "E" not in written
        assert number_text(written) == written


def numbers_of_any_form() -> st.SearchStrategy[Value]:
    return NUMBERS.filter(lambda text: -130 <= Decimal(text).adjusted() <= 125).map(
        lambda text: {"N": number_text(text)}
    )


@settings(deadline=None)
@given(numbers_of_any_form(), numbers_of_any_form())
def test_the_bytes_of_numbers_are_in_the_order_of_the_numbers(one: Value, other: Value) -> None:
    compared = order(one, other)
    mine, theirs = key_bytes(one), key_bytes(other)
    assert (mine > theirs) - (mine < theirs) == compared
    assert (mine == theirs) == equal(one, other)


@settings(deadline=None)
@given(st.text(), st.text())
def test_the_bytes_of_strings_are_in_the_order_of_utf8(one: str, other: str) -> None:
    compared = order({"S": one}, {"S": other})
    assert compared == (one.encode() > other.encode()) - (one.encode() < other.encode())
    assert (key_bytes({"S": one}) < key_bytes({"S": other})) == (compared == -1)


def test_values_of_different_types_have_no_order() -> None:
    assert order({"S": "1"}, {"N": "1"}) is None
    assert order({"BOOL": True}, {"BOOL": False}) is None
    assert not equal({"S": "1"}, {"N": "1"})


def test_sets_are_equal_in_any_order_and_lists_are_not() -> None:
    assert equal({"SS": ["a", "b"]}, {"SS": ["b", "a"]})
    assert not equal({"L": [{"S": "a"}, {"S": "b"}]}, {"L": [{"S": "b"}, {"S": "a"}]})
    assert equal({"M": {"a": {"NS": ["1", "2"]}}}, {"M": {"a": {"NS": ["2", "1"]}}})
    assert not equal({"M": {"a": {"N": "1"}}}, {"M": {"b": {"N": "1"}}})


def test_a_resolver_sees_plain_values() -> None:
    value: Value = {
        "M": {
            "text": {"S": "a"},
            "whole": {"N": "25"},
            "broken": {"N": "67.8"},
            "yes": {"BOOL": True},
            "nothing": {"NULL": True},
            "list": {"L": [{"N": "1"}, {"S": "b"}]},
            "texts": {"SS": ["a", "b"]},
            "numbers": {"NS": ["1", "2.5"]},
        }
    }
    assert plain(value) == {
        "text": "a",
        "whole": 25,
        "broken": 67.8,
        "yes": True,
        "nothing": None,
        "list": [1, "b"],
        "texts": ["a", "b"],
        "numbers": [1, 2.5],
    }

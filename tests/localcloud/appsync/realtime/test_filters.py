from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.localcloud.appsync.model import FilterRule
from globalchat.localcloud.appsync.realtime.filters import argument_filter, compile_filter, parse_filter
from globalchat.localcloud.definition import JSON

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
payloads = st.dictionaries(st.sampled_from("abc"), values, max_size=3)

OPERANDS: dict[str, st.SearchStrategy[Any]] = {
    "eq": scalars,
    "ne": scalars,
    **dict.fromkeys(["le", "lt", "ge", "gt", "contains", "notContains"], st.integers() | st.text(max_size=5)),
    "beginsWith": st.text(max_size=5),
    "in": st.lists(st.integers() | st.text(max_size=5), min_size=1, max_size=5),
    "notIn": st.lists(st.integers() | st.text(max_size=5), min_size=1, max_size=5),
    "between": st.lists(st.integers(), min_size=2, max_size=2)
    | st.lists(st.text(max_size=5), min_size=2, max_size=2),
    "containsAny": st.lists(st.integers() | st.text(max_size=5), min_size=1, max_size=20),
}


def one(operator: str, value: JSON, field: str = "f") -> JSON:
    return {"filterGroup": [{"filters": [{"fieldName": field, "operator": operator, "value": value}]}]}


def passes(document: JSON, value: dict[str, JSON]) -> bool:
    return compile_filter(parse_filter(document))(value)


MATCHES: list[tuple[str, JSON, JSON, bool]] = [
    ("eq", "tech", "tech", True),
    ("eq", "tech", "Tech", False),
    ("eq", 1, 1.0, True),
    ("eq", 1, True, False),
    ("eq", 1, "1", False),
    ("eq", None, None, True),
    ("eq", "tech", ["tech"], False),
    ("ne", "tech", "cars", True),
    ("ne", "tech", "tech", False),
    ("ne", "tech", None, True),
    ("le", 3, 3, True),
    ("le", 3, 4, False),
    ("lt", 3, 3, False),
    ("lt", "b", "a", True),
    ("ge", 3, 3, True),
    ("ge", 3, 2, False),
    ("gt", 3, 4, True),
    ("gt", 3, "4", False),
    ("gt", 0, True, False),
    ("gt", 3, None, False),
    ("contains", "ec", "tech", True),
    ("contains", "EC", "tech", False),
    ("contains", "tech", ["cars", "tech"], True),
    ("contains", 1, [True], False),
    ("contains", 1, "1", False),
    ("notContains", "ec", "tech", False),
    ("notContains", "x", ["tech"], True),
    ("beginsWith", "te", "tech", True),
    ("beginsWith", "ec", "tech", False),
    ("beginsWith", "te", ["tech"], False),
    ("in", ["cars", "tech"], "tech", True),
    ("in", ["cars", "tech"], "music", False),
    ("notIn", ["cars", "tech"], "music", True),
    ("notIn", ["cars", "tech"], "tech", False),
    ("between", [1, 3], 1, True),
    ("between", [1, 3], 3, True),
    ("between", [1, 3], 4, False),
    ("between", ["a", "c"], "b", True),
    ("between", [1, 3], "2", False),
    ("containsAny", ["x", "tech"], ["tech"], True),
    ("containsAny", ["x", "ec"], "tech", True),
    ("containsAny", ["x", "y"], ["tech"], False),
]


@pytest.mark.parametrize(("operator", "wanted", "found", "expected"), MATCHES)
def test_operators(operator: str, wanted: JSON, found: JSON, expected: bool) -> None:
    assert passes(one(operator, wanted), {"f": found, "other": wanted}) is expected


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [("eq", "x", False), ("eq", None, True), ("ne", "x", True), ("notIn", ["x"], True), ("gt", 1, False)],
)
def test_an_absent_field_counts_as_null(operator: str, value: JSON, expected: bool) -> None:
    assert passes(one(operator, value), {}) is expected


def test_rules_are_and_groups_are_or() -> None:
    document: JSON = {
        "filterGroup": [
            {
                "filters": [
                    {"fieldName": "a", "operator": "eq", "value": 1},
                    {"fieldName": "b", "operator": "eq", "value": 2},
                ]
            },
            {"filters": [{"fieldName": "c", "operator": "eq", "value": 3}]},
        ]
    }
    assert passes(document, {"a": 1, "b": 2})
    assert not passes(document, {"a": 1, "b": 3})
    assert passes(document, {"a": 0, "c": 3})


def test_a_dotted_name_reaches_into_objects_but_not_through_lists() -> None:
    assert passes(one("eq", 1, "a.b.c"), {"a": {"b": {"c": 1}}})
    assert not passes(one("eq", 1, "a.b.c"), {"a": {"b": 1}})
    assert not passes(one("ne", 1, "a.b"), {"a": [{"b": 2}]})


def test_in_becomes_alternatives_of_eq() -> None:
    assert parse_filter(one("in", ["x", "y"])) == [[FilterRule("f", "eq", "x")], [FilterRule("f", "eq", "y")]]


def rules(count: int, operator: str = "eq", value: JSON = 1) -> JSON:
    return {
        "filterGroup": [
            {"filters": [{"fieldName": f"f{n}", "operator": operator, "value": value} for n in range(count)]}
        ]
    }


def groups(count: int) -> JSON:
    return {
        "filterGroup": [{"filters": [{"fieldName": "f", "operator": "eq", "value": n}]} for n in range(count)]
    }


@pytest.mark.parametrize(
    "document",
    [
        rules(5),
        groups(10),
        one("in", [1, 2, 3, 4, 5]),
        one("containsAny", list(range(20))),
        one("eq", "x" * 256),
        one("eq", 1, "a.b.c.d.e"),
    ],
)
def test_filters_within_the_limits(document: JSON) -> None:
    parse_filter(document)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (rules(6), "at most 5 different fields"),
        (groups(11), "at most 10 groups"),
        (rules(2, "in", [1, 2, 3, 4]), "at most 10 groups"),
        (rules(5, "in", [1, 2, 3, 4, 5]), "at most 10 groups"),
        (one("in", [1, 2, 3, 4, 5, 6]), "1 to 5"),
        (one("in", []), "1 to 5"),
        (one("notIn", [1, 2, 3, 4, 5, 6]), "1 to 5"),
        (one("containsAny", list(range(21))), "1 to 20"),
        (one("eq", "x" * 257), "longer than 256"),
        (one("in", ["x" * 257]), "longer than 256"),
        (one("eq", 1, "a.b.c.d.e.f"), "more than 5 levels"),
        (one("eq", 1, "a..b"), "fieldName"),
        (one("eq", [1]), 'operator "eq"'),
        (one("between", [1]), "two strings or two numbers"),
        (one("between", [1, "a"]), "two strings or two numbers"),
        (one("beginsWith", 1), "a string"),
        (one("gt", None), "a string or a number"),
        (one("like", "x"), "no filter operator 'like'"),
        ({"filterGroup": []}, "no entry"),
        ({"filterGroup": [{"filters": []}]}, "non-empty"),
        ({"filterGroup": [{"filters": [{"fieldName": "f"}]}]}, "exactly"),
        ({"filterGroup": [3]}, "non-empty"),
        ({"filters": []}, "filterGroup"),
        (None, "filterGroup"),
    ],
)
def test_filters_beyond_the_limits_are_refused_in_a_sentence(document: JSON, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_filter(document)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_a_filter_never_raises(data: st.DataObject) -> None:
    operator = data.draw(st.sampled_from(sorted(OPERANDS)))
    field = data.draw(st.sampled_from(["a", "b", "a.b", "a.b.c"]))
    test = compile_filter(parse_filter(one(operator, data.draw(OPERANDS[operator]), field)))
    assert test(data.draw(payloads)) in (True, False)


@settings(deadline=None, max_examples=100)
@given(payloads, payloads)
def test_argument_filtering_never_raises(arguments: dict[str, JSON], value: dict[str, JSON]) -> None:
    assert compile_filter(argument_filter(arguments))(value) in (True, False)


@settings(deadline=None, max_examples=100)
@given(values)
def test_parsing_anything_gives_a_filter_or_a_sentence(document: JSON) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        parse_filter(document)


nearly = st.fixed_dictionaries(
    {
        "fieldName": st.sampled_from(["a", "a.b", "a.b.c", "", ".", "a.b.c.a.b.c", None])
        | st.text(max_size=3),
        "operator": st.sampled_from([*OPERANDS, "EQ", None]),
        "value": values | st.lists(st.integers() | st.text(max_size=2), max_size=6),
    }
)


@settings(deadline=None, max_examples=150)
@given(st.lists(st.lists(nearly, max_size=6), max_size=4), payloads)
def test_near_filters_are_parsed_or_refused_in_a_sentence(
    groups: list[list[dict[str, JSON]]], value: dict[str, JSON]
) -> None:
    document: JSON = {"filterGroup": [{"filters": [*rules]} for rules in groups]}
    parsed, problem = None, ""
    try:
        parsed = parse_filter(document)
    except ValueError as error:
        problem = str(error)
    if parsed is None:
        assert problem.endswith(".")
    else:
        assert 1 <= len(parsed) <= 10
        assert compile_filter(parsed)(value) in (True, False)


@pytest.mark.parametrize(
    ("arguments", "value", "expected"),
    [
        ({}, {"name": "tech"}, True),
        ({"name": "tech"}, {"name": "tech", "x": 1}, True),
        ({"name": "tech"}, {"name": "cars"}, False),
        ({"name": "tech"}, {}, False),
        ({"name": None}, {"name": "tech"}, False),
        ({"name": None}, {"name": None}, True),
        ({"name": None}, {}, True),
        ({"name": "tech", "id": "1"}, {"name": "tech", "id": "2"}, False),
    ],
)
def test_supplied_arguments_must_all_be_equal(
    arguments: dict[str, JSON], value: dict[str, JSON], expected: bool
) -> None:
    assert compile_filter(argument_filter(arguments))(value) is expected

"""Cases that others have published, in this project's words.

Sources, both under the Apache License 2.0: LocalStack, tests/aws/services/events/event_pattern_templates (recorded
against AWS; the names are theirs: `_NEG` does not match, `_EXC` is refused), and aws/event-ruler,
JsonRuleCompilerTest and MachineComplexityEvaluatorTest.
"""

# One case a line, whatever its length.
# ruff: noqa: E501

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.localcloud.definition import JSON
from globalchat.localcloud.events.matchers import complexity
from globalchat.localcloud.events.pattern import compile_pattern
from globalchat.localcloud.problems import Invalid

Object = dict[str, JSON]

BUS: Object = {"EventBusArn": "arn:aws:events:us-east-1:123456789012:event-bus/myEventBus"}
FILE: Object = {"FileName": "/Users/ls_user/dir/dir/dir/dir/dir/doc.txt"}
COUNTS: Object = {"detail": {"c-count": 0, "d-count": 0, "x-limit": 901.8}}
LIST: Object = {"detail": {"automations": [{"key1": "value1"}, {"id": "there"}, {"key2": "value2"}]}}


def state(test: JSON) -> Object:
    return {"detail": {"state": [test]}}


LOCALSTACK: list[tuple[str, Object, Object]] = [
    ("arrays", {"resources": ["a", "b"]}, {"resources": ["b", "c"]}),
    ("arrays_NEG", {"resources": ["a", "b"]}, {"resources": ["c"]}),
    ("arrays_empty_EXC", {"resources": []}, {"resources": []}),
    ("arrays_empty_null_NEG", {"resources": []}, {"resources": [None]}),
    ("boolean", {"detail": {"a": True}}, {"detail": {"a": [True]}}),
    ("boolean_NEG", {"detail": {"a": True}}, {"detail": {"a": ["true"]}}),
    ("complex_or", COUNTS, {"detail": {"$or": [{"c-count": [{"numeric": [">", 0, "<=", 5]}]}, {"d-count": [{"numeric": ["<", 10]}]}, {"x-limit": [{"numeric": ["=", 301.8]}]}]}}),
    ("complex_or_NEG", {"detail": {"c-count": 0, "d-count": 10, "x-limit": 9}}, {"detail": {"$or": [{"c-count": [{"numeric": [">", 0, "<=", 5]}]}, {"d-count": [{"numeric": ["<", 10]}]}, {"x-limit": [{"numeric": ["=", 301.8]}]}]}}),
    ("content_anything_but_ignorecase", {"detail": {"state": "other"}}, state({"anything-but": {"equals-ignore-case": "INIT"}})),
    ("content_anything_but_ignorecase_EXC", {"detail": {"state": "other"}}, state({"anything-but": {"equals-ignore-case": 123}})),
    ("content_anything_but_ignorecase_list_EXC", {"detail": {"state": "other"}}, state({"anything-but": {"equals-ignore-case": ["a", 123]}})),
    ("content_anything_but_ignorecase_missing_NEG", {"detail": {}}, state({"anything-but": {"equals-ignore-case": "a"}})),
    ("content_anything_but_ignorecase_null", {"detail": {"state": None}}, state({"anything-but": {"equals-ignore-case": "a"}})),
    ("content_anything_but_number_zero", {"detail": {"state": 1}}, state({"anything-but": 0})),
    ("content_anything_but_string_list_null_type_EXC", {"detail": {"state": "a"}}, state({"anything-but": [None, "a"]})),
    ("content_anything_but_string_null_type_EXC", {"detail": {"state": "a"}}, state({"anything-but": None})),
    ("content_anything_prefix_NEG", {"detail": {"state": "init-x"}}, state({"anything-but": {"prefix": "init"}})),
    ("content_anything_prefix_empty_EXC", {"detail": {"FileName": "file.txt.bak"}}, {"detail": {"FileName": [{"anything-but": {"prefix": ""}}]}}),
    ("content_anything_prefix_ignorecase_EXC", {"detail": {"state": "a"}}, state({"anything-but": {"prefix": {"equals-ignore-case": "file"}}})),
    ("content_anything_prefix_int_EXC", {"detail": {"state": "a"}}, state({"anything-but": {"prefix": 123}})),
    ("content_anything_prefix_int_value", {"detail": {"state": 123}}, state({"anything-but": {"prefix": "init"}})),
    ("content_anything_prefix_list_type_EXC", {"detail": {"state": "post-init"}}, state({"anything-but": {"prefix": [123, "test"]}})),
    ("content_anything_suffix_empty_EXC", {"detail": {"FileName": "file.txt.bak"}}, {"detail": {"FileName": [{"anything-but": {"suffix": ""}}]}}),
    ("content_anything_suffix_ignorecase_EXC", {"detail": {"state": "a"}}, state({"anything-but": {"suffix": {"equals-ignore-case": ".PNG"}}})),
    ("content_anything_suffix_list_NEG", {"detail": {"FileName": "a.txt"}}, {"detail": {"FileName": [{"anything-but": {"suffix": [".txt", ".rtf"]}}]}}),
    ("content_anything_wildcard_empty", {"detail": {"FilePath": "dir/init/file"}}, {"detail": {"FilePath": [{"anything-but": {"wildcard": ""}}]}}),
    ("content_anything_wildcard_type_EXC", {"detail": {"FilePath": "a"}}, {"detail": {"FilePath": [{"anything-but": {"wildcard": 123}}]}}),
    ("content_ignorecase_list_EXC", {"detail-type": "a"}, {"detail-type": [{"equals-ignore-case": ["a"]}]}),
    ("content_ip_address_bad_ip_EXC", {"detail": {"ip": "10.0.0.255"}}, {"detail": {"ip": [{"cidr": "xx.11.xx/8"}]}}),
    ("content_ip_address_bad_mask_EXC", {"detail": {"ip": "10.0.0.255"}}, {"detail": {"ip": [{"cidr": "10.0.0.0/64"}]}}),
    ("content_numeric_operatorcasing_EXC", {"detail": {"equal": 5}}, {"detail": {"equal": [{"NUMERIC": ["=", 5]}]}}),
    ("content_wildcard_complex_EXC", BUS, {"EventBusArn": [{"wildcard": "*:*:*:*:*:event-bus/*"}]}),
    ("content_wildcard_nonrepeating", FILE, {"FileName": [{"wildcard": "/Users/*/doc.txt"}]}),
    ("content_wildcard_repeating", FILE, {"FileName": [{"wildcard": "/Users/*/dir/dir/dir/dir/dir/doc.txt"}]}),
    ("content_wildcard_repeating_star_EXC", BUS, {"EventBusArn": [{"wildcard": "arn:aws:events:us-east-1:**:event-bus/*"}]}),
    ("content_wildcard_simplified", BUS, {"EventBusArn": [{"wildcard": "*:event-bus/*"}]}),
    ("dot_joining_event", {"detail": {"state.status": "running"}}, {"detail": {"state": {"status": ["running"]}}}),
    ("dot_joining_event_NEG", {"detail": {"state.status": {"status": "running"}}}, {"detail": {"state": {"status": ["running"]}}}),
    ("dot_joining_pattern", {"detail": {"state": {"status": "running"}}}, {"detail": {"state.status": ["running"]}}),
    ("dot_joining_pattern_NEG", {"detail": {"state": {"status": "running"}}}, {"detail": {"state.status": {"status": ["running"]}}}),
    ("exists_dynamodb_NEG", {"dynamodb": {"presentKey": {"S": "x"}}}, {"dynamodb": {"presentKey": [{"exists": True}]}}),
    ("int_nolist_EXC", {"int": 42}, {"int": 42}),
    ("list_within_dict", LIST, {"detail": {"automations": {"id": [{"exists": True}]}}}),
    ("nested_json_NEG", {"detail": '{"my-key": "my-value"}'}, {"detail": {"my-key": ["my-value"]}}),
    ("operator_case_sensitive_EXC", {"a": "x"}, {"a": [{"EXISTS": True}]}),
    ("or-exists-parent", {"d": {"I": {"bought": {"N": "789"}}}}, {"d": {"I": {"made": {"S": [{"anything-but": ["roses"]}, {"exists": False}]}}}}),
    ("or-numeric-anything-but", {"d": {"N": "42"}}, {"d": {"N": [{"numeric": [">", 100]}, {"anything-but": "101"}]}}),
    ("string_nolist_EXC", {"a": "x"}, {"a": "x"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "event", "pattern"), LOCALSTACK, ids=[name for name, _, _ in LOCALSTACK])
def test_localstacks_cases(name: str, event: Object, pattern: Object) -> None:
    if name.endswith("_EXC"):
        with pytest.raises(Invalid):
            compile_pattern(pattern)
    else:
        assert compile_pattern(pattern)({"source": "test-source", **event}) is not name.endswith("_NEG")


TAKEN: list[JSON] = [
    {"prefix": {"equals-ignore-case": "child"}}, {"suffix": {"equals-ignore-case": "child"}},
    {"prefix": "child"}, {"suffix": "child"}, {"anything-but": "child"}, {"anything-but": ["a", "b"]},
    {"anything-but": [111, 222]}, {"anything-but": 111}, {"anything-but": {"prefix": "foo"}},
    {"anything-but": {"prefix": ["abc", "123"]}}, {"anything-but": {"suffix": "foo"}},
    {"anything-but": {"suffix": ["abc", "123"]}}, {"anything-but": {"equals-ignore-case": "rule"}},
    {"anything-but": {"equals-ignore-case": ""}}, {"anything-but": {"equals-ignore-case": ["abc", ""]}},
    {"anything-but": {"wildcard": "foo*bar"}}, {"anything-but": {"wildcard": ""}},
    {"anything-but": {"wildcard": ["foo*bar", "*foobar*"]}}, {"anything-but": {"wildcard": ["foo*bar", ""]}},
    {"exactly": "child"}, {"exists": True}, {"exists": False}, {"cidr": "10.0.0.0/8"},
    {"equals-ignore-case": "abc"}, {"wildcard": "a*b*c"}, {"numeric": ["=", -4e-8]}, {"numeric": [">=", 55555]},
    {"numeric": [">", 0, "<=", 1]}, 123456789012, None,
]  # fmt: skip

REFUSED: list[JSON] = [
    {"exactly": 33}, {"prefix": "child", "foo": []}, {"prefix": 3}, {"suffix": "child", "foo": []},
    {"suffix": 3}, {"foo": "child"}, {"cidr": "foo"}, {"anything-but": "child", "foo": []},
    {"anything-but": ["child0", 111, "child2"]}, {"anything-but": {"foo": 3}}, {"anything-but": {"prefix": 27}},
    {"anything-but": {"prefix": ""}}, {"anything-but": {"prefix": "foo", "a": 1}},
    {"anything-but": {"prefix": "foo"}, "x": 1}, {"anything-but": {"prefix": ["1", ""]}},
    {"anything-but": {"prefix": [1, 2, 3]}}, {"anything-but": {"suffix": 27}}, {"anything-but": {"suffix": ""}},
    {"anything-but": {"suffix": "foo", "a": 1}}, {"anything-but": {"suffix": ["1", ""]}},
    {"anything-but": {"equals-ignore-case": [1, 2]}}, {"anything-but": {"wildcard": 27}},
    {"anything-but": {"wildcard": "foo", "a": 1}}, {"anything-but": {"wildcard": "foo**bar"}},
    {"anything-but": {"wildcard": "foo*bar\\"}}, {"anything-but": {"wildcard": ["1", "foo**bar"]}},
    {"anything-but": {"wildcard": [1, 2, 3]}}, {"equals-ignore-case": 5}, {"equals-ignore-case": ["abc"]},
    {"prefix": {"invalid-expression": ["abc"]}}, {"prefix": {"equals-ignore-case": 5}},
    {"prefix": {"equals-ignore-case": ["abc"]}}, {"prefix": {"equals-ignore-case": "abc", "test": "def"}},
    {"suffix": {"equals-ignore-case": "abc"}, "test": "def"}, {"wildcard": 5}, {"wildcard": ["abc"]},
    {"numeric": ["=", True]}, {"numeric": ["=", 2e22]}, {"numeric": ["<", "-4e-8"]}, {"numeric": [">="]},
    {"numeric": ["<>", 1, ">", 0]}, {"numeric": ["<", 1, ">", 0]}, {"numeric": [">", 30, "<", 1]},
    {"numeric": [">", 1, "<", 30, False]}, {"exists": "badString"}, {"exists": True, "extra": "x"},
]  # fmt: skip


@pytest.mark.parametrize("test", TAKEN, ids=str)
def test_patterns_that_event_ruler_takes(test: JSON) -> None:
    compile_pattern({"a": [test]})


@pytest.mark.parametrize("test", REFUSED, ids=str)
def test_patterns_that_event_ruler_refuses(test: JSON) -> None:
    with pytest.raises(Invalid):
        compile_pattern({"a": [test]})


def test_exactly_is_equality_with_a_string() -> None:
    assert compile_pattern({"a": [{"exactly": "child"}]})({"a": "child"})
    assert not compile_pattern({"a": [{"exactly": "child"}]})({"a": "child0"})


@pytest.mark.parametrize(
    ("expected", "wildcards"),
    [
        (1, "*"), (3, "* ab*c"), (1, "abc"), (2, "*ab"), (3, "*aa"), (2, "a*b"), (2, "aa*"), (2, "a*bc"),
        (3, "a*bb"), (3, "a*bcb"), (4, "a*bbb"), (4, "*ab*ad"), (3, "*ab*d"), (4, "*aba*"), (5, "a*b*bb"),
        (4, "a*b*cb"), (3, "a*b*cd"), (4, "a*b*b"), (4, "a*bb*"), (3, "ab*b*"), (3, "ab*c x*xx"),
        (4, "*abc *abcde"), (4, "a*bcd ab*cd"), (4, "a*bc a*bcde"), (7, "a*aaa aa*aa"), (4, "a*bc abc*d"),
        (6, "a*aaa aaa*a"), (5, "a*aax aaa*x"), (5, "a*aa aaa*"), (3, "abc* abcde*"), (6, "ab*cd ab*wx ab*yz"),
        (7, "*ab*b*b*"), (17, "*a*a*a*a*a*a*a*a*"),
    ],
)  # fmt: skip
def test_the_complexity_of_wildcards_is_event_rulers(expected: int, wildcards: str) -> None:
    texts = [["" if char == "*" else char for char in text] for text in wildcards.split()]
    assert complexity(texts, 100) == expected


def test_too_complex_wildcards_are_refused_in_the_words_of_put_rule() -> None:
    one: list[JSON] = [{"wildcard": "*:*:*:*:*:event-bus/*"}]
    several: list[JSON] = [{"wildcard": "*aaa"}, {"anything-but": {"wildcard": ["*aab*", "*aaaa"]}}]
    for tests in (one, several):
        with pytest.raises(Invalid, match=r"^a: Rule is too complex - try using fewer wildcard"):
            compile_pattern({"a": tests})
    compile_pattern({"a": [{"wildcard": "arn:aws:events:*:*:event-bus/*"}, {"wildcard": "*.txt"}]})


def test_a_combination_of_or_is_one_rule_and_there_are_at_most_a_thousand() -> None:
    def nested(levels: int) -> Object:
        return {f"f{n}": {"$or": [{"a": [1]}, {"b": [2]}]} for n in range(levels)}

    assert compile_pattern(nested(9))({f"f{n}": {"b": 2} for n in range(9)})
    with pytest.raises(Invalid, match="more than 1000 combinations"):
        compile_pattern(nested(10))


PEOPLE: Object = {"people": [{"name": "ann"}, {"age": 4, "name": None}, {"age": 5}]}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        # age comes before name and has chosen the element in which the name is missing.
        ({"people": {"age": [5], "name": [{"exists": False}]}}, True),
        ({"people": {"age": [4], "name": [{"exists": False}]}}, False),
        # age is looked for before any element is chosen: another one has it.
        ({"people": {"age": [{"exists": False}], "name": ["ann"]}}, False),
        ({"people": {"size": [{"exists": False}], "name": ["ann"]}}, True),
        ({"people": {"age": [{"exists": False}]}}, False),
    ],
)
def test_absence_in_a_list_follows_the_order_of_paths(pattern: Object, expected: bool) -> None:
    assert compile_pattern(pattern)(PEOPLE) is expected


def test_many_elements_take_one_look_each() -> None:
    many: list[JSON] = [
        {"x": 1, "y": 0, "z": 1} if n % 2 else {"x": 0, "y": 1, "z": 0} for n in range(20_000)
    ]
    both = compile_pattern({"a": {"x": [1], "y": [1], "z": [1]}})
    assert not both({"a": many})
    assert both({"a": [*many, {"x": 1, "y": 1, "z": 1}]})


names = st.sampled_from(["a", "b", "c"])
leaves = st.one_of(st.integers(0, 2), st.lists(st.integers(0, 2), max_size=3))
trees = st.recursive(
    leaves, lambda inner: st.dictionaries(names, inner, min_size=1, max_size=3), max_leaves=6
)


def joined(tree: JSON, draw: st.DataObject, prefix: str = "") -> Object:
    """Write some names of nested objects as one name with dots."""
    found: Object = {}
    for name, value in tree.items() if isinstance(tree, dict) else ():
        if not isinstance(value, dict):
            found[prefix + name] = value
        elif draw.draw(st.booleans()):
            found.update(joined(value, draw, f"{prefix}{name}."))
        else:
            found[prefix + name] = joined(value, draw)
    return found


def listed(tree: JSON) -> JSON:
    """Make a pattern of a tree: each leaf a list of values."""
    if isinstance(tree, dict):
        return {name: listed(value) for name, value in tree.items()}
    return tree if isinstance(tree, list) and tree else [tree] if not isinstance(tree, list) else [9]


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(names, trees, min_size=1), st.dictionaries(names, trees), st.data())
def test_dots_in_names_are_the_same_as_objects_in_objects(
    pattern: Object, event: Object, data: st.DataObject
) -> None:
    plain = listed(pattern)
    assert isinstance(plain, dict)
    for each in (event, pattern):
        expected = compile_pattern(plain)(each)
        assert compile_pattern(joined(plain, data))(joined(each, data)) is expected

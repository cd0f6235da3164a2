import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.localcloud.definition import JSON
from globalchat.localcloud.events.pattern import MANDATORY, compile_pattern, matches_pattern
from globalchat.localcloud.problems import Invalid

EVENT: dict[str, JSON] = {
    "source": "globalchat",
    "detail-type": "message published",
    "region": "us-west-2",
    "resources": ["arn:one", "arn:two"],
    "detail": {
        "name": "tech",
        "text": "a*b\\c",
        "empty": "",
        "nothing": None,
        "yes": True,
        "no": False,
        "count": 5,
        "price": 301.8,
        "ip": "10.0.0.33",
        "ip6": "2001:db8::1",
        "list": [],
        "tags": ["x", "y", 1],
        "people": [{"name": "ann", "age": 30}, {"name": "bob", "age": 40}],
        "object": {"inner": 1},
        "$or": "literal",
    },
}

MATCHING: list[dict[str, JSON]] = [
    {"source": ["globalchat"]},
    {"source": ["other", "globalchat"], "region": ["us-west-2"]},
    {"resources": ["arn:two"]},
    {"detail": {"empty": [""]}},
    {"detail": {"nothing": [None]}},
    {"detail": {"yes": [True], "no": [False]}},
    {"detail": {"count": [5]}},
    {"detail": {"count": [5.0]}},
    {"detail": {"tags": ["y"]}},
    {"detail": {"tags": [1]}},
    {"source": [{"prefix": "glob"}]},
    {"source": [{"prefix": {"equals-ignore-case": "GLOB"}}]},
    {"source": [{"suffix": "chat"}]},
    {"source": [{"suffix": {"equals-ignore-case": "CHAT"}}]},
    {"source": [{"equals-ignore-case": "GlobalChat"}]},
    {"source": [{"wildcard": "g*l*t"}]},
    {"source": [{"wildcard": "*"}]},
    {"source": [{"wildcard": "globalchat*"}]},
    {"detail": {"text": [{"wildcard": "a\\*b\\\\c"}]}},
    {"detail": {"name": [{"anything-but": "cars"}]}},
    {"detail": {"name": [{"anything-but": ["cars", "media"]}]}},
    {"detail": {"count": [{"anything-but": 6}]}},
    {"detail": {"count": [{"anything-but": [1, 2]}]}},
    {"detail": {"nothing": [{"anything-but": "x"}]}},
    {"detail": {"name": [{"anything-but": {"prefix": "ca"}}]}},
    {"detail": {"name": [{"anything-but": {"prefix": ["ca", "me"]}}]}},
    {"detail": {"name": [{"anything-but": {"suffix": "rs"}}]}},
    {"detail": {"name": [{"anything-but": {"equals-ignore-case": ["CARS", "MEDIA"]}}]}},
    {"detail": {"name": [{"anything-but": {"wildcard": "c*s"}}]}},
    {"detail": {"tags": [{"anything-but": "x"}]}},
    {"detail": {"count": [{"numeric": ["=", 5]}]}},
    {"detail": {"count": [{"numeric": [">", 0, "<=", 5]}]}},
    {"detail": {"price": [{"numeric": ["<", 3.019e2]}]}},
    {"detail": {"ip": [{"cidr": "10.0.0.0/24"}]}},
    {"detail": {"ip6": [{"cidr": "2001:db8::/32"}]}},
    {"detail": {"name": [{"exists": True}]}},
    {"detail": {"nothing": [{"exists": True}]}},
    {"detail": {"gone": [{"exists": False}]}},
    {"detail": {"object": [{"exists": False}]}},
    {"detail": {"list": [{"exists": False}]}},
    {"gone": {"deep": {"er": [{"exists": False}]}}},
    {"detail": {"gone": [{"exists": False}, "x"]}},
    {"detail": {"people": {"name": ["bob"]}}},
    {"detail": {"people": {"name": ["bob"], "age": [40]}}},
    {"$or": [{"source": ["other"]}, {"region": ["us-west-2"]}]},
    {"source": ["globalchat"], "$or": [{"detail": {"count": [5]}}, {"region": ["x"]}]},
    {"detail": {"$or": [{"name": ["x"]}, {"$or": [{"count": [5]}, {"count": [6]}], "yes": [True]}]}},
    {"detail": {"$or": ["literal"]}},
]

OTHERS: list[dict[str, JSON]] = [
    {"source": ["GlobalChat"]},
    {"source": ["globalchat"], "region": ["ap-southeast-2"]},
    {"resources": ["arn:three"]},
    {"detail": {"empty": [None]}},
    {"detail": {"nothing": [""]}},
    {"detail": {"gone": [None]}},
    {"detail": {"yes": [1]}},
    {"detail": {"count": ["5"]}},
    {"detail": {"count": [True]}},
    {"detail": {"name": [{"prefix": "T"}]}},
    {"detail": {"count": [{"prefix": "5"}]}},
    {"source": [{"wildcard": "*hat*s"}]},
    {"detail": {"text": [{"wildcard": "a\\*c"}]}},
    {"detail": {"name": [{"anything-but": "tech"}]}},
    {"detail": {"name": [{"anything-but": ["tech", "media"]}]}},
    {"detail": {"count": [{"anything-but": 5}]}},
    {"detail": {"gone": [{"anything-but": "x"}]}},
    {"detail": {"list": [{"anything-but": "x"}]}},
    {"detail": {"name": [{"anything-but": {"prefix": ["ca", "te"]}}]}},
    {"detail": {"name": [{"anything-but": {"equals-ignore-case": "TECH"}}]}},
    {"detail": {"name": [{"anything-but": {"wildcard": "t*h"}}]}},
    {"detail": {"count": [{"numeric": [">", 5]}]}},
    {"detail": {"yes": [{"numeric": ["=", 1]}]}},
    {"detail": {"name": [{"numeric": ["=", 1]}]}},
    {"detail": {"ip": [{"cidr": "10.0.1.0/24"}]}},
    {"detail": {"name": [{"cidr": "10.0.0.0/8"}]}},
    {"detail": {"count": [{"cidr": "0.0.0.0/0"}]}},
    {"detail": {"name": [{"exists": False}]}},
    {"detail": {"gone": [{"exists": True}]}},
    {"detail": {"object": [{"exists": True}]}},
    {"detail": {"list": [{"exists": True}]}},
    {"detail": {"object": ["x"]}},
    {"source": {"deeper": ["globalchat"]}},
    {"detail": {"people": {"name": ["ann"], "age": [40]}}},
    {"source": ["x"], "$or": [{"region": ["us-west-2"]}, {"region": ["x"]}]},
    {"$or": [{"source": ["other"]}, {"region": ["x"]}]},
    {"detail": {"$or": ["other"]}},
]

REFUSED: list[tuple[dict[str, JSON], str]] = [
    ({}, "the pattern is empty"),
    ({"detail": {}}, "detail is empty"),
    ({"source": []}, "source is an empty list"),
    ({"source": "x"}, "source is neither an object nor a list"),
    ({"source": [["x"]]}, "source is a list inside a list"),
    ({"detail": {"a": [{"like": "x"}]}}, "detail.a has the operator like, which is not known"),
    ({"a": [{}]}, "must have one operator, but has 0"),
    ({"a": [{"prefix": "x", "suffix": "y"}]}, "must have one operator, but has 2"),
    ({"a": [{"exists": True, "prefix": "y"}]}, "must have one operator, but has 2"),
    ({"a": [{"prefix": 1}]}, "takes a string"),
    ({"a": [{"prefix": {"wildcard": "x"}}]}, "the operator wildcard inside prefix"),
    ({"a": [{"exists": "yes"}]}, "exists that is neither true nor false"),
    ({"a": [{"wildcard": "a**b"}]}, r"two \* in a row"),
    ({"a": [{"wildcard": "a\\b"}]}, "a backslash before neither"),
    ({"a": [{"wildcard": "a\\"}]}, "a backslash before neither"),
    ({"a": [{"anything-but": []}]}, "is an empty list"),
    ({"a": [{"anything-but": ["a", 1]}]}, "neither all strings nor all numbers"),
    ({"a": [{"anything-but": None}]}, "neither all strings nor all numbers"),
    ({"a": [{"anything-but": {"cidr": "10.0.0.0/8"}}]}, "the operator cidr inside anything-but"),
    ({"a": [{"numeric": [">"]}]}, "no list of one or two comparisons"),
    ({"a": [{"numeric": ["!", 1]}]}, "an unknown comparison"),
    ({"a": [{"numeric": [">", "1"]}]}, "no number within"),
    ({"a": [{"numeric": [">", 1e12]}]}, "no number within"),
    ({"a": [{"numeric": ["<", 1, ">", 0]}]}, "not a lower and then a higher bound"),
    ({"a": [{"numeric": [">", 5, "<", 5]}]}, "not a lower and then a higher bound"),
    ({"a": [{"cidr": "300.0.0.0/8"}]}, "no network: 300"),
]


@pytest.mark.parametrize("pattern", MATCHING, ids=json.dumps)
def test_matches(pattern: dict[str, JSON]) -> None:
    assert compile_pattern(pattern)(EVENT)


@pytest.mark.parametrize("pattern", OTHERS, ids=json.dumps)
def test_does_not_match(pattern: dict[str, JSON]) -> None:
    assert not compile_pattern(pattern)(EVENT)


@pytest.mark.parametrize(("pattern", "message"), REFUSED, ids=[json.dumps(pattern) for pattern, _ in REFUSED])
def test_refuses(pattern: dict[str, JSON], message: str) -> None:
    with pytest.raises(Invalid, match=message):
        compile_pattern(pattern)


scalars = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(-9, 9), st.sampled_from("ab*\\"))
operators = st.sampled_from(
    [
        "prefix",
        "suffix",
        "equals-ignore-case",
        "wildcard",
        "anything-but",
        "numeric",
        "exists",
        "cidr",
        "$or",
        "a",
    ]
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(operators, inner, max_size=2),
    max_leaves=10,
)
objects = st.dictionaries(st.sampled_from(["a", "b", "$or"]), values, max_size=3)


@settings(deadline=None, max_examples=150)
@given(objects, objects)
def test_any_pattern_is_refused_or_answers_for_any_event(
    pattern: dict[str, JSON], event: dict[str, JSON]
) -> None:
    try:
        matcher = compile_pattern(pattern)
    except Invalid:
        return
    assert matcher(event) in (True, False)


leaves = st.lists(
    st.sampled_from(["a", 1, None, {"exists": True}, {"exists": False}, {"anything-but": ["a"]}]),
    min_size=1,
    max_size=2,
)
patterns = st.dictionaries(
    st.sampled_from("ab"), leaves | st.dictionaries(st.sampled_from("abc"), leaves, min_size=1), min_size=1
)
events = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    scalars | st.dictionaries(st.sampled_from(["a", "b", "c", "a.b"]), scalars | st.lists(scalars)) | values,
)


@settings(deadline=None, max_examples=500)
@given(patterns, events)
def test_an_event_of_plain_fields_is_matched_like_any_other(
    pattern: dict[str, JSON], event: dict[str, JSON]
) -> None:
    try:
        matches = compile_pattern(pattern)
    except Invalid:
        return
    # A name with a dot, which no pattern asks for, makes an event one that is not plain.
    assert matches(event) is matches({**event, "x.y": 1})


@settings(deadline=None, max_examples=200)
@given(scalars, scalars)
def test_anything_but_is_the_opposite_of_equality_for_one_value(wanted: JSON, actual: JSON) -> None:
    if isinstance(wanted, bool) or wanted is None:
        return
    equal = compile_pattern({"a": [wanted]})
    other = compile_pattern({"a": [{"anything-but": wanted}]})
    assert equal({"a": actual}) is not other({"a": actual})


@settings(deadline=None, max_examples=200)
@given(values)
def test_a_field_is_either_there_or_not(value: JSON) -> None:
    there, absent = compile_pattern({"a": [{"exists": True}]}), compile_pattern({"a": [{"exists": False}]})
    assert there({"a": value}) is not absent({"a": value})


WHOLE_EVENT: dict[str, JSON] = {
    "id": "1",
    "account": "123456789012",
    "source": "globalchat",
    "time": "2026-01-02T03:04:05Z",
    "region": "us-west-2",
    "resources": [],
    "detail-type": "message published",
    "detail": {"name": "cars"},
}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"source": ["globalchat"]}, True),
        ({"source": ["other"]}, False),
        ({"detail": {"name": [{"prefix": "ca"}]}}, True),
    ],
)
def test_an_event_matches_or_not(pattern: JSON, expected: bool) -> None:
    assert matches_pattern(json.dumps(pattern), json.dumps(WHOLE_EVENT)) is expected


@pytest.mark.parametrize("pattern", ["{", "[]", "{}", '{"source": "globalchat"}', '{"a": [{"nothing": 1}]}'])
def test_a_pattern_that_is_not_valid_is_refused(pattern: str) -> None:
    with pytest.raises(Invalid):
        matches_pattern(pattern, json.dumps(WHOLE_EVENT))


@pytest.mark.parametrize("missing", MANDATORY)
def test_an_event_needs_the_documented_fields(missing: str) -> None:
    event = {name: value for name, value in WHOLE_EVENT.items() if name != missing}
    with pytest.raises(Invalid, match=missing):
        matches_pattern('{"source": ["globalchat"]}', json.dumps(event))


@pytest.mark.parametrize("event", ["", "3", "[1]", '{"id": NaN}'])
def test_an_event_is_a_json_object(event: str) -> None:
    with pytest.raises(Invalid, match="event"):
        matches_pattern('{"source": ["globalchat"]}', event)

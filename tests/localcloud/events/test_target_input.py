"""The examples are those of the EventBridge user guide and of answers that AWS gave to LocalStack's tests."""

from collections.abc import Mapping
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.localcloud.definition import JSON, InputTransformer
from globalchat.localcloud.events.envelope import Event
from globalchat.localcloud.events.target_input import InputPath, NotDelivered, Transformer
from globalchat.localcloud.problems import Invalid

DOCUMENT: dict[str, JSON] = {
    "version": "0",
    "id": "7bf73129",
    "detail-type": "message published",
    "source": "globalchat",
    "account": "000000000000",
    "time": "2026-01-01T00:00:00Z",
    "region": "us-west-2",
    "resources": ["arn:one", "arn:two"],
    "detail": {
        "name": "tech",
        "count": 5,
        "yes": True,
        "nothing": None,
        "payload": {"acc": "0a", "inner": {"n": 1}},
        "people": [{"name": "ann"}, {"name": "bob"}, {"age": 3}],
        "quote": 'say "hi"',
        "newline": "a\nb",
        "backslash": "a\\b",
        "emoji": "😀",
    },
}
PATHS = {
    "id": "$.id",
    "name": "$.detail.name",
    "count": "$.detail.count",
    "yes": "$.detail.yes",
    "nothing": "$.detail.nothing",
    "payload": "$.detail.payload",
    "names": "$.detail.people[*].name",
    "every": "$.detail.payload.*",
    "second": "$.resources[1]",
    "resources": "$.resources",
    "gone": "$.detail.gone",
    "quote": "$.detail.quote",
    "newline": "$.detail.newline",
    "backslash": "$.detail.backslash",
    "emoji": "$.detail.emoji",
}
RULE_ARN = "arn:aws:events:us-west-2:000000000000:rule/bus/relay"


def transform(
    template: str, document: dict[str, JSON] = DOCUMENT, paths: Mapping[str, str] | None = None
) -> JSON:
    definition = InputTransformer(PATHS if paths is None else paths, template)
    transformer = Transformer(definition, rule_arn=RULE_ARN, rule_name="relay")
    return transformer.transform(Event(document, arrived_at=1_767_225_661.5))


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('{"name": <name>}', {"name": "tech"}),
        ('{"name": "<name>"}', {"name": "tech"}),
        ('{"path": "users/<name>/x/<name>"}', {"path": "users/tech/x/tech"}),
        ('{"list": [<name>, "hard", <count>]}', {"list": ["tech", "hard", 5]}),
        ('{"count": <count>, "text": "<count>"}', {"count": 5, "text": "5"}),
        ('{"yes": <yes>, "text": "is <yes>"}', {"yes": True, "text": "is true"}),
        ('{"nothing": <nothing>}', {"nothing": None}),
        ('{"payload": <payload>}', {"payload": {"acc": "0a", "inner": {"n": 1}}}),
        ('{"resources": <resources>}', {"resources": ["arn:one", "arn:two"]}),
        ('{"second": <second>}', {"second": "arn:two"}),
        ('{"names": <names>}', {"names": ["ann", "bob"]}),
        ('{"every": <every>}', {"every": ["0a", {"n": 1}]}),
        ('{"gone": <gone>}', {"gone": ""}),
        ('{"gone": "x<gone>y"}', {"gone": "xy"}),
        ('{"in": "a \\"<name>\\""}', {"in": 'a "tech"'}),
        ('{"emoji": <emoji>}', {"emoji": "😀"}),
        ("<payload>", {"acc": "0a", "inner": {"n": 1}}),
        ("[<count>]", [5]),
        ('{"constant": 1}', {"constant": 1}),
    ],
)
def test_a_json_template_keeps_types(template: str, expected: JSON) -> None:
    assert transform(template) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('"<name> is in state <yes>"', "tech is in state true"),
        ('"of <gone>."', "of ."),
        ('"payload <payload>"', "payload {acc:0a,inner:{n:1}}"),
        ('"names <names>"', "names [ann,bob]"),
        ('"line <count>"\n"line <name>"', 'line 5"\n"line tech'),
        ('"quote <quote>"', 'quote say "hi"'),
    ],
)
def test_a_text_template_gives_text(template: str, expected: str) -> None:
    assert transform(template) == expected


def test_the_predefined_variables() -> None:
    assert transform('{"arn": <aws.events.rule-arn>, "name": "<aws.events.rule-name>"}') == {
        "arn": RULE_ARN,
        "name": "relay",
    }
    time = '{"time": <aws.events.event.ingestion-time>}'
    assert transform(time) == {"time": "2026-01-01T00:01:01Z"}
    assert transform('{"all": <aws.events.event.json>}') == {"all": DOCUMENT}
    (event,) = [transform("<aws.events.event>")]
    assert isinstance(event, dict)
    assert event["detailType"] == "message published"
    assert "detail" not in event
    assert "detail-type" not in event
    assert event.keys() == DOCUMENT.keys() - {"detail", "detail-type"} | {"detailType"}


@pytest.mark.parametrize(
    ("template", "message"),
    [
        # Texts are not escaped (user guide, common issues).
        ('{"x": <quote>}', "is not JSON"),
        ('{"x": "<quote>"}', "is not JSON"),
        ('{"x": "<newline>"}', "is not JSON"),
        ('{"x": "<payload>"}', "<payload> is an object or a list inside quotes"),
        ('{"x": "<resources>"}', "inside quotes"),
        ('{"x": "<aws.events.event.json>"}', "inside quotes"),
    ],
)
def test_an_event_that_does_not_fit_is_not_delivered(template: str, message: str) -> None:
    with pytest.raises(NotDelivered, match=message):
        transform(template)


def test_text_that_is_not_escaped_may_change_what_it_stands_in() -> None:
    """The reason why chat text never travels through a template."""
    document: dict[str, JSON] = {"detail": {"name": 'x", "admin": "yes'}}
    assert transform('{"name": "<name>"}', document) == {"name": "x", "admin": "yes"}


@pytest.mark.parametrize(
    ("template", "paths", "message"),
    [
        ('{"x": <unknown>}', {}, "the placeholder <unknown>, which no path defines"),
        ('{"x": <aws.events.other>}', {}, "the placeholder <aws.events.other>"),
        ("", {}, "has 0 characters"),
        ('"' + "x" * 8191 + '"', {}, "has 8193 characters; AWS takes 1 to 8192"),
        ("text", {}, "neither JSON nor a text in quotes"),
        ("name is <a>", {"a": "$.id"}, "neither JSON nor a text in quotes"),
        ('{"x": }', {}, "neither JSON"),
        ("{<a>: 1}", {"a": "$.id"}, "neither JSON"),
        ('{"<a>": 1}', {"a": "$.id"}, "a placeholder in an object's key"),
        ("{}", {f"v{n}": "$" for n in range(101)}, "101 variables; AWS takes at most 100"),
        ("{}", {"AWS.x": "$"}, "not a name of a variable"),
        ("{}", {"awsName": "$"}, "awsName starts with AWS"),
        ("{}", {"a b": "$"}, "not a name of a variable"),
        ("{}", {"x" * 257: "$"}, "not a name of a variable"),
        ("{}", {"a": "id"}, r"does not start with \$"),
        ("{}", {"a": "$." + "x" * 255}, "257 characters; AWS takes at most 256"),
        ("{}", {"a": "$['id']"}, "AWS takes dots alone"),
        ("{}", {"a": "$..id"}, "not emulated"),
    ],
)
def test_refuses_what_put_targets_would(template: str, paths: dict[str, str], message: str) -> None:
    with pytest.raises(Invalid, match=message):
        transform(template, paths=paths)


def test_takes_as_much_as_aws_does() -> None:
    paths = {f"v{n}": "$.id" for n in range(100)}
    template = "[" + ",".join(f"<{name}>" for name in paths) + "]"
    assert transform(template.ljust(8192), paths=paths) == ["7bf73129"] * 100


pieces = st.sampled_from(
    ["<", ">", "<a>", "<b>", "<c>", "<aws.events.event.json>", '"', "{", "}", ":", ",", "\\", "x", "[", "]"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
steps = st.lists(st.sampled_from([".a", ".b", ".*", "[0]", "[*]", ".", "[", "$"]), max_size=4)


@settings(deadline=None, max_examples=200)
@given(
    st.one_of(
        st.lists(pieces, max_size=12).map("".join),
        st.lists(pieces, max_size=6).map(lambda parts: '{"k": ' + "".join(parts) + "}"),
    ),
    steps.map(lambda found: "$" + "".join(found)),
    values,
)
def test_any_template_is_refused_or_gives_something_or_nothing(
    template: str, path: str, detail: JSON
) -> None:
    document: dict[str, JSON] = {"detail-type": "x", "detail": detail, "a": detail}
    with suppress(Invalid, NotDelivered):
        transform(template, document, {"a": "$.detail", "b": path})


@settings(deadline=None, max_examples=200)
@given(st.text())
def test_a_text_without_special_characters_passes_verbatim(text: str) -> None:
    document: dict[str, JSON] = {"detail": {"name": text}}
    harmless = all(char not in '"\\' and ord(char) >= 32 for char in text)
    try:
        outcome: JSON = transform('{"name": <name>}', document)
    except NotDelivered:
        outcome = None
    if harmless:
        assert outcome == {"name": text}


PLACES: JSON = {"detail": {"a-b": [1, {"c": None}], "x y": 2}, "source": "s"}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", PLACES),
        ("$.detail.a-b[*]", [1, {"c": None}]),
        ("$.detail.*", [[1, {"c": None}], 2]),
        ("$.detail.a-b[*].c", [None]),
        ("$.source.*", None),
        ("$.source", "s"),
        ("$.detail.a-b[0]", 1),
        ("$.detail.a-b[1].c", None),
        ("$.detail['x y']", 2),
        ("$.detail.gone.deeper", None),
        ("$.detail.a-b[7]", None),
        ("$.source[0]", None),
    ],
)
def test_a_path_finds_what_is_there(path: str, expected: object) -> None:
    assert InputPath.parse(path).of(PLACES) == expected


@pytest.mark.parametrize("path", ["detail", "$.", "$..a", "$.a.b*", "$.a[-1]", "$.a[?(@.b)]", "$ "])
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(Invalid, match="the path"):
        InputPath.parse(path)

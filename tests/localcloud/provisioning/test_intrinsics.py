import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.localcloud.definition import JSON
from globalchat.localcloud.problems import Invalid
from globalchat.localcloud.provisioning.intrinsics import NO_VALUE, Resolved, references, resolve


class Names:
    """A scope of two names."""

    def ref(self, name: str) -> Resolved:
        values: dict[str, Resolved] = {
            "Bus": "chat-bus",
            "AWS::Region": "us-west-2",
            "AWS::NoValue": NO_VALUE,
        }
        if name not in values:
            raise Invalid(f"refers to {name}")
        return values[name]

    def attribute(self, name: str, attribute: str) -> JSON:
        if (name, attribute) != ("Api", "Id.Of"):
            raise Invalid(f"refers to {name}.{attribute}")
        return "abc"


SCOPE = Names()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Bus"}, "chat-bus"),
        ({"Ref": "AWS::Region"}, "us-west-2"),
        ({"Fn::GetAtt": ["Api", "Id.Of"]}, "abc"),
        ({"Fn::GetAtt": "Api.Id.Of"}, "abc"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Bus"}, 3, True]]}, "a-chat-bus-3-true"),
        ({"Fn::Sub": "${AWS::Region}/${Bus}/${Api.Id.Of}/${!Bus}/$x"}, "us-west-2/chat-bus/abc/${Bus}/$x"),
        ({"Fn::Sub": ["${Mine}-${Bus}", {"Mine": {"Ref": "AWS::Region"}}]}, "us-west-2-chat-bus"),
        ({"Fn::Sub": ""}, ""),
        ({"Fn::Sub": ["", {}]}, ""),
        ({"Fn::Split": ["-", {"Ref": "Bus"}]}, ["chat", "bus"]),
        ({"Fn::Select": [1, {"Fn::Split": ["-", {"Ref": "Bus"}]}]}, "bus"),
        ({"Fn::Select": ["0", ["a", "b"]]}, "a"),
        ({"A": {"Ref": "AWS::NoValue"}, "B": 1}, {"B": 1}),
        ([1, {"Ref": "AWS::NoValue"}, 2], [1, 2]),
        ({"Ref": "Bus", "Other": 1}, {"Ref": "Bus", "Other": 1}),
        ({"Condition": {"Bool": {"x": True}}}, {"Condition": {"Bool": {"x": True}}}),
        (None, None),
    ],
)
def test_resolves(value: JSON, expected: JSON) -> None:
    assert resolve(value, SCOPE) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"Ref": "Gone"}, "refers to Gone"),
        ({"Ref": ["Bus"]}, "Ref does not name"),
        ({"Fn::Sub": "${Gone}"}, "refers to Gone"),
        ({"Fn::Sub": "${Gone.Arn}"}, "refers to Gone.Arn"),
        ({"Fn::Sub": ["only one"]}, "Fn::Sub takes"),
        ({"Fn::GetAtt": ["Api"]}, "Fn::GetAtt does not name"),
        ({"Fn::Join": ["-"]}, "Fn::Join takes a list of two"),
        ({"Fn::Join": ["-", [{"a": 1}]]}, "Fn::Join takes strings"),
        ({"Fn::Select": [2, ["a", "b"]]}, "has index 2, but the list has 2 elements"),
        ({"Fn::Select": [-1, ["a"]]}, "takes an index"),
        ({"Fn::Split": ["", "a"]}, "empty delimiter"),
        ({"Fn::If": ["C", 1, 2]}, "the function Fn::If is not emulated"),
        ({"x": [{"Fn::ImportValue": "y"}]}, "the function Fn::ImportValue is not emulated"),
    ],
)
def test_refuses_by_name(value: JSON, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        resolve(value, SCOPE)


def test_references_are_found_wherever_they_hide() -> None:
    value: JSON = {
        "a": {"Ref": "One"},
        "b": [{"Fn::GetAtt": ["Two", "Arn"]}, {"Fn::GetAtt": "Three.Arn"}],
        "c": {"Fn::Join": ["", [{"Ref": "Four"}, {"Ref": "AWS::Region"}]]},
        "d": {"Fn::Sub": ["${Five.Arn} ${Own} ${!Not} ${AWS::AccountId}", {"Own": {"Ref": "Six"}}]},
    }
    assert sorted(references(value)) == ["Five", "Four", "One", "Six", "Three", "Two"]


names = st.sampled_from(
    ["Ref", "Fn::GetAtt", "Fn::Join", "Fn::Sub", "Fn::Select", "Fn::Split", "Fn::If", "x"]
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["Bus", "${Bus}"]),
)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=2),
    max_leaves=12,
)


@settings(deadline=None, max_examples=150)
@given(json_values)
def test_any_value_resolves_or_is_refused(value: JSON) -> None:
    list(references(value))
    try:
        result = resolve(value, SCOPE)
    except Invalid:
        return
    assert not _calls(result)


def _calls(value: object) -> bool:
    """Return True if a function is left in a value that was made of no text with `Fn::` in it."""
    if isinstance(value, list):
        return any(map(_calls, value))
    if isinstance(value, dict):
        return (len(value) == 1 and set(value) & {"Ref", "Fn::Join"} != set()) or any(
            map(_calls, value.values())
        )
    return False

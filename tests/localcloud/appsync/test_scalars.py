import pytest
from graphql import GraphQLError, GraphQLScalarType

from globalchat.localcloud.appsync.scalars import NAMES
from globalchat.localcloud.appsync.schema import build_schema

SCHEMA = build_schema("type Query { a: String }").graphql


def scalar(name: str) -> GraphQLScalarType:
    found = SCHEMA.type_map[name]
    assert isinstance(found, GraphQLScalarType)
    return found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWSDateTime", "2026-05-28T20:26:40.250Z"),
        ("AWSDateTime", "2026-05-28T20:26:40+10:00"),
        ("AWSDateTime", "2026-05-28T20:26Z"),
        ("AWSDateTime", "2024-02-29T00:00:00.123456789-08:30:15"),
        ("AWSDate", "1970-01-01"),
        ("AWSDate", "1970-01-01Z"),
        ("AWSTime", "12:00:34.123"),
        ("AWSTime", "12:00-08:00"),
        ("AWSTimestamp", 1_700_000_000),
        ("AWSURL", "https://example.org/a?b"),
        ("AWSEmail", "a@example.org"),
        ("AWSPhone", "+61 2 9876 5432"),
        ("AWSIPAddress", "10.0.0.1"),
        ("AWSIPAddress", "10.0.0.0/8"),
        ("AWSIPAddress", "::1"),
    ],
)
def test_valid_values_pass_unchanged(name: str, value: object) -> None:
    assert scalar(name).coerce_input_value(value) == value
    assert scalar(name).coerce_output_value(value) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWSDateTime", "2026-05-28T20:26:40"),
        ("AWSDateTime", "2026-02-30T20:26:40Z"),
        ("AWSDateTime", "2026-05-28T25:26:40Z"),
        ("AWSDateTime", "2026-05-28 20:26:40Z"),
        ("AWSDateTime", "2026-05-28T20:26:40Z\n"),
        ("AWSDateTime", "٢026-05-28T20:26:40Z"),
        ("AWSDateTime", 5),
        ("AWSDate", "2026-13-01"),
        ("AWSTime", "24:00"),
        ("AWSTimestamp", "5"),
        ("AWSTimestamp", True),
        ("AWSURL", "no url"),
        ("AWSURL", "http://[x"),
        ("AWSEmail", "a b@c"),
        ("AWSPhone", "call me"),
        ("AWSIPAddress", "10.0.0.256"),
        ("AWSJSON", {"a": 1}),
        ("AWSJSON", "{"),
        ("AWSJSON", "NaN"),
    ],
)
def test_other_values_are_refused(name: str, value: object) -> None:
    with pytest.raises(GraphQLError):
        scalar(name).coerce_input_value(value)


def test_json_comes_as_text_and_leaves_as_text() -> None:
    assert scalar("AWSJSON").coerce_input_value('{"a":[1]}') == {"a": [1]}
    assert scalar("AWSJSON").coerce_output_value({"a": "é"}) == '{"a":"é"}'


def test_every_scalar_exists() -> None:
    assert {name for name in SCHEMA.type_map if name.startswith("AWS")} == set(NAMES)

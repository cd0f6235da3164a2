import pytest

from globalchat.localcloud.appsync.schema import build_schema
from globalchat.localcloud.problems import Invalid
from tests.paths import ROOT

BASE = """
type Message {{ id: ID! name: String }}
type Other {{ id: ID! }}
type Query {{ a: String }}
type Mutation {{ send(name: String): {sends} }}
type Subscription {{ heard(name: String): {hears} {directive} }}
"""


def sdl(sends: str = "Message", hears: str = "Message", mutations: str = '["send"]') -> str:
    return BASE.format(sends=sends, hears=hears, directive=f"@aws_subscribe(mutations: {mutations})")


def test_the_deployed_schema() -> None:
    schema = build_schema((ROOT / "schema.graphql").read_text())
    assert schema.subscriptions == {"subscribe": ("publishFromBus",)}
    assert schema.directives["Message"] == ("API_KEY", "AWS_IAM")
    assert schema.directives["Mutation.unsubscribe"] == ("AWS_IAM",)
    assert schema.directives["Unsubscribed"] == ("AWS_IAM",)
    assert "Mutation" not in schema.directives


def test_the_outer_non_null_may_differ_between_subscription_and_mutation() -> None:
    assert build_schema(sdl("Message!", "Message")).subscriptions == {"heard": ("send",)}


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (sdl(mutations='["nope"]'), "listens to the mutation nope, which does not exist"),
        (sdl(hears="Other"), "the subscription heard returns Other, but the mutation send returns Message"),
        (sdl(hears="[Message]"), "returns [Message], but"),
        (sdl(mutations="[]"), "the subscription heard names no mutation"),
        (BASE.format(sends="Message", hears="Message", directive=""), "names no mutation (@aws_subscribe)"),
        (
            "type Query { a: String @aws_oidc }",
            "the directive @aws_oidc (line 1 of the schema) is not emulated",
        ),
        ("type Query @aws_cognito_user_pools { a: String }", "@aws_cognito_user_pools"),
        ("type Query { a: String @aws_lambda }", "@aws_lambda"),
        ("type Query { a: Strin }", "Unknown type"),
        ("type Query { a", "the schema is not valid"),
        ("type A { a: String }", "Query root type must be provided"),
        (
            "interface N { id: ID } type M implements N { id: ID n: N } type Query { a: M }"
            ' type Mutation { s: M } type Subscription { h: M @aws_subscribe(mutations: ["s"]) }',
            "only object types without interfaces",
        ),
    ],
)
def test_values_that_do_not_fit_are_refused_by_name(schema: str, reason: str) -> None:
    with pytest.raises(Invalid) as raised:
        build_schema(schema)
    assert reason in raised.value.reason


def test_a_type_may_contain_itself() -> None:
    schema = "type M { id: ID m: [M!] } type Query { a: M } type Mutation { s: M }"
    assert build_schema(
        schema + ' type Subscription { h: M @aws_subscribe(mutations: "s") }'
    ).subscriptions == {"h": ("s",)}

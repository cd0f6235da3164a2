"""Which callers may use which fields."""

import pytest

from tests.localcloud.helpers.api_harness import ADMIN, KEY, TREE, Harness, only_error, small_api
from tests.localcloud.helpers.resolver_code import returning


@pytest.mark.parametrize(
    ("type_directives", "field_directives", "key_may", "iam_may"),
    [
        ("", "", True, False),
        ("", "@aws_iam", False, True),
        ("", "@aws_api_key @aws_iam", True, True),
        ("@aws_iam", "", False, True),
        ("@aws_iam", "@aws_api_key", True, False),
        ("@aws_api_key @aws_iam", "@aws_iam", False, True),
    ],
)
async def test_directives(type_directives: str, field_directives: str, key_may: bool, iam_may: bool) -> None:
    schema = f"type Query {type_directives} {{ a: Int {field_directives} }}"
    api = small_api(schema, {"Query.a": returning("1")})
    for caller, may in ((KEY, key_may), (ADMIN, iam_may)):
        body = await Harness(api).run("{ a }", caller=caller)
        assert body["data"] == {"a": 1 if may else None}


async def test_the_default_mode_is_the_first() -> None:
    api = small_api("type Query { a: Int }", {"Query.a": returning("1")}, modes=("AWS_IAM", "API_KEY"))
    assert (await Harness(api).run("{ a }", caller=KEY))["data"] == {"a": None}
    assert (await Harness(api).run("{ a }", caller=ADMIN))["data"] == {"a": 1}


async def test_a_mode_that_the_api_lacks_permits_nothing() -> None:
    schema = "type Query { a: Int @aws_iam b: Int @aws_api_key @aws_iam }"
    api = small_api(schema, {"Query.a": returning("1"), "Query.b": returning("2")}, modes=("API_KEY",))
    assert (await Harness(api).run("{ a b }", caller=ADMIN))["data"] == {"a": None, "b": None}
    assert (await Harness(api).run("{ a b }", caller=KEY))["data"] == {"a": None, "b": 2}


async def test_fields_of_a_returned_type_have_their_own_modes() -> None:
    api = small_api(TREE, {"Query.node": returning("{ id: '1', secret: 's' }")})
    body = await Harness(api).run("{ node { id secret } }")
    assert body["data"] == {"node": {"id": "1", "secret": None}}
    assert only_error(body)["message"] == "Not Authorized to access secret on type Node"
    assert only_error(body)["path"] == ["node", "secret"]

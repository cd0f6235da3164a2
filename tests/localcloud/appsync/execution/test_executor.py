"""The execution of requests, on small APIs."""

# One case a line, whatever its length.
# ruff: noqa: E501

import json
import re
from dataclasses import replace

import pytest

from globalchat.localcloud.appsync.model import Caller, Publication
from globalchat.localcloud.definition import JSON, DataSource, Role, Statement
from globalchat.localcloud.iam import session
from globalchat.localcloud.problems import TemplateError
from tests.localcloud.helpers.api_harness import (
    ADMIN,
    KEY,
    PUBLISH,
    SUBSCRIBE,
    TREE,
    Harness,
    only_error,
    small_api,
)
from tests.localcloud.helpers.resolver_code import RESPONSE, doing, returning


async def run(
    code: str, query: str, place: str = "Query.node", variables: dict[str, JSON] | None = None
) -> dict[str, JSON]:
    return await Harness(small_api(TREE, {place: code})).run(query, variables)


async def test_variables_that_do_not_fit() -> None:
    missing = only_error(await Harness().run(PUBLISH, {"name": "tech"}))
    assert missing["message"] == "Variable 'message' has coerced Null value for NonNull type 'String!'"
    assert missing == only_error(await Harness().run(PUBLISH, {"name": "tech", "message": None}))
    wrong = only_error(await Harness().run(PUBLISH, {"name": "tech", "message": 5}))
    assert str(wrong["message"]).startswith("Variable 'message' has an invalid value: ")
    assert wrong["locations"] == [{"line": 1, "column": 18, "sourceName": None}]


async def test_subscriptions_are_refused_over_http() -> None:
    assert await Harness().run(SUBSCRIBE, {"name": "tech"}) == {
        "errors": [
            {"errorType": "BadRequestException", "message": "Subscriptions over MQTT is not supported."}
        ]
    }


async def test_a_result_that_is_too_large_is_an_error_of_the_field() -> None:
    code = """
    export function request(ctx) {
      let big = 'xxxxxxxxxxxxxxxx';
      for (const i of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]) big = big.concat(big);
      return { payload: { name: big } };
    }
    """
    error = only_error(await run(code + RESPONSE, "{ node { name } }"))
    assert (error["errorType"], error["message"]) == ("MappingTemplate", "Transformation too large")


async def test_fragments_aliases_and_directives() -> None:
    code = returning("{ id: '1', name: 'n', tags: ['a'], children: [{ id: '2' }] }")
    query = """query q($no: Boolean!) {
      x: node { ...f ... on Node { tags } skipped: name @skip(if: true) out: name @include(if: $no) __typename }
    }
    fragment f on Node { id children { id name } }"""
    body = await run(code, query, variables={"no": False})
    node = {"id": "1", "children": [{"id": "2", "name": None}], "tags": ["a"], "__typename": "Node"}
    assert body == {"data": {"x": node}}


async def test_ctx_shows_the_request() -> None:
    code = """
    export function request(ctx) {
      const { fieldName, parentTypeName, variables, selectionSetList } = ctx.info;
      return { payload: { id: '1', name: JSON.stringify([ctx.args, ctx.identity, ctx.request, ctx.source ?? 'none',
        fieldName, parentTypeName, variables, selectionSetList, ctx.info.selectionSetGraphQL,
        JSON.stringify(ctx.info).indexOf('selectionSet'), ctx.env.REGION]) } };
    }
    export function response(ctx) { return ctx.result; }"""
    body = await run(
        code,
        "query q($i: ID) { node(id: $i) { name children { id } } }",
        variables={"i": "7", "undeclared": 1},
    )
    seen = json.loads(body["data"]["node"]["name"])  # type: ignore[index,call-overload,arg-type]
    assert seen == [
        {"id": "7"},
        None,
        {"headers": {"x-api-key": "da2-test"}, "domainName": None},
        "none",
        "node",
        "Query",
        {"i": "7"},
        ["name", "children", "children/id"],
        "{\n  name\n  children {\n    id\n  }\n}",
        -1,
        "us-west-2",
    ]


WHO = small_api("type Query { who: AWSJSON @aws_iam @aws_api_key }", {"Query.who": returning("ctx.identity")})
ROLE = Role("arn:aws:iam::000000000000:role/Team.Lead", (), (Statement("Allow", ("*",), ("*",)),))


async def identity(caller: Caller) -> JSON:
    """Return the `ctx.identity` that a resolver sees."""
    body = await Harness(WHO).run("{ who }", caller=caller)
    assert "errors" not in body
    found: JSON = body["data"]["who"]  # type: ignore[index,call-overload]
    return json.loads(found) if isinstance(found, str) else found


@pytest.mark.parametrize(
    ("caller", "arn", "username"),
    [
        (ADMIN, "arn:aws:iam::000000000000:user/admin", r"AIDA[A-Z2-7]{17}"),
        (
            Caller("AWS_IAM", session(ROLE, "ann@example.com")),
            "arn:aws:sts::000000000000:assumed-role/Team.Lead/ann@example.com",
            r"AROA[A-Z2-7]{17}:ann@example\.com",
        ),
    ],
    ids=["user", "session of a role"],
)
async def test_an_iam_caller_has_the_identity_that_aws_documents(
    caller: Caller, arn: str, username: str
) -> None:
    found = await identity(caller)
    assert isinstance(found, dict)
    assert re.fullmatch(username, str(found.pop("username")))
    assert found == {
        "accountId": "000000000000",
        "cognitoIdentityPoolId": None,
        "cognitoIdentityId": None,
        "sourceIp": ["127.0.0.1"],
        "userArn": arn,
        "cognitoIdentityAuthType": None,
        "cognitoIdentityAuthProvider": None,
    }


async def test_the_holder_of_a_key_has_no_identity() -> None:
    assert await identity(KEY) is None


async def test_an_iam_caller_without_a_policy_may_do_nothing() -> None:
    body = await Harness(WHO).run("{ who }", caller=Caller("AWS_IAM"))
    assert body["data"] == {"who": None}


async def test_nested_fields_have_resolvers_with_a_source() -> None:
    api = small_api(
        "type A { n: Int double: Int } type Query { a: A }",
        {"Query.a": returning("{ n: 21 }"), "A.double": returning("ctx.source.n * 2")},
    )
    assert await Harness(api).run("{ a { n double } }") == {"data": {"a": {"n": 21, "double": 42}}}


async def test_a_field_with_neither_resolver_nor_value_is_null() -> None:
    assert await run(returning("null"), "{ count node { id } }") == {"data": {"count": None, "node": None}}


async def test_util_error_filters_data_by_the_selection_but_not_info() -> None:
    code = doing(
        "util.error('no', 'No', { id: '1', name: 'n', children: [{ id: '2', name: 'm' }], x: 1 }, { y: 2 });"
    )
    error = only_error(await run(code, "{ node { id children { id } } }"))
    assert error == {
        "path": ["node"],
        "data": {"id": "1", "children": [{"id": "2"}]},
        "errorType": "No",
        "errorInfo": {"y": 2},
        "locations": [{"line": 1, "column": 3, "sourceName": None}],
        "message": "no",
    }


async def test_errors_of_values_that_json_cannot_carry() -> None:
    odd = "[() => 1][0]"
    error = only_error(await run(doing(f"util.error({odd}, 5, {odd}, {odd});"), "{ node { id } }"))
    assert (error["message"], error["errorType"]) == ("() => 1", "5")
    assert (error["data"], error["errorInfo"]) == (None, None)


async def test_appended_errors_keep_the_value() -> None:
    code = "import { util } from '@aws-appsync/utils';\nexport function request() { util.appendError('a', 'A'); return { payload: { id: '1' } }; }\nexport function response(ctx) { util.appendError('b', 'B'); return ctx.result; }"
    body = await run(code, "{ n: node { id } }")
    assert body["data"] == {"n": {"id": "1"}}
    errors = body["errors"]
    assert isinstance(errors, list)
    assert [(error["message"], error["path"]) for error in errors] == [("a", ["n"]), ("b", ["n"])]  # type: ignore[index,call-overload]


async def test_unauthorized_and_early_return() -> None:
    denied = only_error(await run(doing("util.unauthorized();"), "{ node { id } }"))
    assert (denied["errorType"], denied["message"]) == (
        "Unauthorized",
        "Not Authorized to access node on type Query",
    )
    early = doing("runtime.earlyReturn({ id: 'early' });")
    assert await run(early, "{ node { id } }") == {"data": {"node": {"id": "early"}}}


async def test_a_handler_that_fails_is_reported_with_file_and_line() -> None:
    error = only_error(await run(doing("ctx.args.a.b;"), "{ node { id } }"))
    assert error == {
        "path": ["node"],
        "data": None,
        "errorType": "Code",
        "errorInfo": None,
        "locations": [{"line": 1, "column": 3, "sourceName": None}],
        "message": "node.js:3:3: TypeError: cannot read property 'b' of undefined",
    }


@pytest.mark.parametrize(
    ("value", "query", "data", "path", "message"),
    [
        ("{}", "{ node { id name } }", {"node": None}, ["node", "id"], "Cannot return null for non-nullable type: 'ID' within parent 'Node' (/node/id)"),
        ("{ id: 1, children: [{}] }", "{ node { children { id } } }", {"node": {"children": None}}, ["node", "children", 0, "id"], "Cannot return null for non-nullable type: 'ID' within parent 'Node' (/node/children[0]/id)"),
        ("{ tags: ['a', null] }", "{ node { tags } }", {"node": {"tags": None}}, ["node", "tags", 1], "Cannot return null for non-nullable type: 'String' within parent 'Node' (/node/tags[1])"),
        ("{ tags: 'a' }", "{ node { tags } }", {"node": {"tags": None}}, ["node", "tags"], "Can't resolve value (/node/tags) : type mismatch error, expected type LIST"),
        ("'text'", "{ node { id } }", {"node": None}, ["node"], "Can't resolve value (/node) : type mismatch error, expected type OBJECT"),
        ("[1]", "{ node { id } }", {"node": None}, ["node"], "Can't resolve value (/node) : type mismatch error, expected type OBJECT"),
    ],
)  # fmt: skip
async def test_values_that_do_not_fit_their_type(
    value: str, query: str, data: JSON, path: JSON, message: str
) -> None:
    body = await run(returning(value), query)
    assert body["data"] == data
    error = only_error(body)
    assert (error["path"], error["message"]) == (path, message)


async def test_scalars_that_cannot_be_written() -> None:
    body = await run(returning("'soon'"), "{ when }", "Query.when")
    assert body["data"] == {"when": None}
    assert only_error(body)["message"] == (
        "Can't serialize value (/when) : Unable to serialize `soon` as a valid DateTime Object."
    )


async def test_a_null_at_the_top_bubbles_to_the_data() -> None:
    body = await run(returning("null"), "{ must { id } }", "Query.must")
    assert body["data"] is None
    assert only_error(body)["path"] == ["must"]


@pytest.mark.parametrize(
    ("code", "published"),
    [
        (returning("{ id: '1', name: ctx.args.name }"), True),
        (returning("null"), False),
        (doing("util.error('no');"), False),
        (returning("{ name: 'no id' }"), False),
        (returning("{ id: '1', tags: 5 }"), False),
    ],
)
async def test_only_a_mutation_that_succeeded_is_published(code: str, published: bool) -> None:
    harness = Harness(small_api(TREE, {"Mutation.make": code}))
    await harness.run('mutation { m: make(name: "n") { key: id name tags } }')
    expected = [Publication("make", {"id": "1", "name": "n", "tags": None})]
    assert harness.subscribers.published == (expected if published else [])


async def test_every_mutation_field_is_published_in_order() -> None:
    code = returning("{ id: ctx.args.name, children: [{ id: '2' }] }")
    harness = Harness(small_api(TREE, {"Mutation.make": code}))
    await harness.run(
        'mutation { a: make(name: "1") { id children { k: id } } make(name: "2") { id __typename } }'
    )
    assert [publication.value for publication in harness.subscribers.published] == [
        {"id": "1", "children": [{"id": "2"}]},
        {"id": "2"},
    ]


@pytest.mark.parametrize(
    ("schema", "resolvers", "changes", "message"),
    [
        (TREE, {"Query.gone": returning("1")}, {}, "gone.js resolves Query.gone, which the schema lacks"),
        (TREE, {"Nope.node": returning("1")}, {}, "which the schema lacks"),
        (TREE, {"Query.node": "while (1) {}"}, {}, "node.js:1:1: APPSYNC_JS has no while loops"),
        (TREE, {"Query.node": returning("1")}, {"data_sources": {}}, "node.js uses the data source None"),
        (
            TREE,
            {"Query.node": returning("1")},
            {"data_sources": {"None": DataSource("None", "AMAZON_EVENTBRIDGE")}},
            "the data source None has no bus or no role",
        ),
        ("type Query { a: Nope }", {}, {}, "the schema is not valid"),
    ],
)
def test_an_api_that_cannot_be_honoured_is_refused(
    schema: str, resolvers: dict[str, str], changes: dict[str, object], message: str
) -> None:
    with pytest.raises(TemplateError) as raised:
        Harness(replace(small_api(schema, resolvers), **changes))  # type: ignore[arg-type]
    assert str(raised.value).startswith("API globalchat: ")
    assert message in str(raised.value)

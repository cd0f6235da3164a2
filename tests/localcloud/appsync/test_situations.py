"""The response in each situation: one case for each row of AppSync's observed responses."""

# One case a line, whatever its length.
# ruff: noqa: E501

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import pytest

from globalchat.localcloud.appsync.access import KeyAndSignatureAuthenticator
from globalchat.localcloud.appsync.responder import HttpPolicy, HttpRequest, HttpResponse, respond
from globalchat.localcloud.definition import JSON, Api
from tests.localcloud.helpers.api_harness import KEY as CALLER
from tests.localcloud.helpers.api_harness import NOW, Harness, small_api

SCHEMA: Final = """
type Item { id: ID! name: String inner: Item must: String! }
input Draft { name: String! }
type Query {
  item(id: ID, draft: Draft): Item text: String! broken: Item bare: Item denied: Item @aws_iam
  odd: String large: String malformed: String
}
type Mutation { make(name: String!): Item, close: Item }
type Subscription { made(name: String): Item @aws_subscribe(mutations: ["make"]) }
"""
_RESPONSE: Final = "\nexport function response(ctx) { return ctx.result; }"


def _code(body: str) -> str:
    return (
        f"import {{ util }} from '@aws-appsync/utils';\nexport function request(ctx) {{ {body} }}{_RESPONSE}"
    )


RESOLVERS: Final = {
    "Query.item": _code(
        "return { payload: { id: '1', name: 'n', inner: { id: '2', inner: { id: '3' } } } };"
    ),
    "Query.text": _code("return { payload: null };"),
    "Query.broken": _code("util.error('no luck', 'BadLuck', { id: '1', name: 'n' }, { hint: 7 });"),
    "Query.odd": _code("return ctx.args.a.b;"),
    "Query.large": _code("return { payload: 'x'.concat('y') };"),
    "Query.malformed": _code("return 5;"),
    "Mutation.make": _code("return { payload: { id: '1', name: ctx.args.name } };"),
    "Mutation.close": _code("util.unauthorized();"),
}


def place(line: int, column: int) -> list[JSON]:
    return [{"line": line, "column": column, "sourceName": None}]


def failed(
    path: list[JSON], error_type: str | None, message: str, at: JSON, data: JSON = None, info: JSON = None
) -> JSON:
    """An error of a field that failed, with all of its keys."""
    return {
        "path": path,
        "data": data,
        "errorType": error_type,
        "errorInfo": info,
        "locations": at,
        "message": message,
    }


def invalid(message: str, at: JSON) -> JSON:
    """The answer to a document that is not executed: neither `errorType` nor `errorInfo`."""
    return {"data": None, "errors": [{"path": None, "locations": at, "message": message}]}


def refused(error_type: str, message: str) -> JSON:
    """An answer without `data`."""
    return {"errors": [{"errorType": error_type, "message": message}]}


def body(query: str, **variables: JSON) -> bytes:
    return json.dumps({"query": query, "variables": variables}).encode()


KEY: Final = (("x-api-key", "da2-key"), ("content-type", "application/json"))
UNAUTHORIZED: Final = refused("UnauthorizedException", "You are not authorized to make this call.")
EMPTY: Final = refused("MalformedHttpRequestException", "Request body is empty.")
UNPARSABLE: Final = refused("MalformedHttpRequestException", "Unable to parse GraphQL query.")
NO_NULL: Final = "Cannot return null for non-nullable type: 'String' within parent"


@dataclass(frozen=True)
class Row:
    """One row: what is sent, what comes back."""

    name: str
    status: int
    answer: JSON
    body: bytes = b""
    method: str = "POST"
    query: Mapping[str, str] = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = KEY
    policy: HttpPolicy = field(default_factory=HttpPolicy)
    depth: int = 0
    resolvers: int = 0


ITEM: Final[JSON] = {"data": {"item": {"id": "1"}}}
ROWS: Final = [
    Row("success", 200, ITEM, body("{ item { id } }")),
    Row("success, by GET", 200, ITEM, method="GET", query={"query": "{ item { id } }"}),
    Row("success, by GET with variables", 200, ITEM, method="GET", query={"query": "query q($i: ID) { item(id: $i) { id } }", "variables": '{"i":"1"}', "operationName": "q"}),
    Row("success, application/graphql with JSON", 200, ITEM, body("{ item { id } }"), headers=(("x-api-key", "da2-key"), ("content-type", "application/graphql"))),
    Row("success, application/graphql with a document", 200, ITEM, b"{ item { id } }", headers=(("x-api-key", "da2-key"), ("Content-Type", "application/graphql; charset=utf-8"))),
    Row("missing API key", 401, UNAUTHORIZED, body("{ item { id } }"), headers=()),
    Row("unknown API key", 401, UNAUTHORIZED, body("{ item { id } }"), headers=(("x-api-key", "da2-other"),)),
    Row("expired API key", 401, UNAUTHORIZED, body("{ item { id } }"), headers=(("x-api-key", "da2-old"),)),
    Row("no credentials come before a body that cannot be read", 401, UNAUTHORIZED, b"meow", headers=()),
    Row("a JSON web token, a mode that no API here has", 401, UNAUTHORIZED, body("{ item { id } }"), headers=(("authorization", "eyJ.eyJ.x"),)),
    Row("empty body", 400, EMPTY, b""),
    *(Row(f"body that is not a request: {text!r}", 400, UNPARSABLE, text) for text in (b"meow", b"{}", b"{}}", b"[]", b'"{ item { id } }"', b'{"variables":{}}')),
    Row("GET without a query", 400, UNPARSABLE, method="GET", query={"variables": "{}"}),
    Row("syntax error", 200, invalid("Invalid syntax: Expected Name, found <EOF>.", place(1, 2)), body("{")),
    Row("empty selection", 200, invalid("Invalid syntax: Expected Name, found '}'.", place(1, 9)), body("{ item {} }")),
    Row("validation: FieldUndefined", 200, invalid("Validation error of type FieldUndefined: Field 'badfield' in type 'Query' is undefined @ 'badfield'", place(1, 2)), body("{badfield}")),
    Row("validation: SubSelectionRequired", 200, invalid("Validation error of type SubSelectionRequired: Sub selection required for type Item of field item @ 'item'", place(1, 3)), body("{ item }")),
    Row("validation: MissingFieldArgument", 200, invalid("Validation error of type MissingFieldArgument: Missing field argument name @ 'make'", place(1, 12)), body("mutation { make { id } }")),
    Row("validation: UnknownArgument", 200, invalid("Validation error of type UnknownArgument: Unknown field argument x @ 'text'", place(1, 8)), body("{ text(x: 1) }")),
    Row("validation: WrongType", 200, invalid("Validation error of type WrongType: argument 'name' with value '1' is not a valid 'String!' @ 'make'", place(1, 23)), body("mutation { make(name: 1) { id } }")),
    Row("missing required variable", 200, invalid("Variable 'n' has coerced Null value for NonNull type 'String!'", place(1, 12)), body("mutation m($n: String!) { make(name: $n) { id } }")),
    Row("null for a required variable", 200, invalid("Variable 'n' has coerced Null value for NonNull type 'String!'", place(1, 12)), body("mutation m($n: String!) { make(name: $n) { id } }", n=None)),
    Row("field denied by a directive", 200, {"data": {"denied": None}, "errors": [failed(["denied"], "Unauthorized", "Not Authorized to access denied on type Query", place(2, 3))]}, body("{\n  denied { id } }")),
    Row("util.unauthorized()", 200, {"data": {"close": None}, "errors": [failed(["close"], "Unauthorized", "Not Authorized to access close on type Mutation", place(1, 12))]}, body("mutation { close { id } }")),
    Row("util.error(): data filtered by the selection, info not", 200, {"data": {"broken": None}, "errors": [failed(["broken"], "BadLuck", "no luck", place(1, 3), {"id": "1"}, {"hint": 7})]}, body("{ broken { id } }")),
    Row("null in a non-null field bubbles", 200, {"data": {"item": {"inner": None}}, "errors": [{"path": ["item", "inner", "must"], "locations": None, "message": f"{NO_NULL} 'Item' (/item/inner/must)"}]}, body("{ item { inner { must } } }")),
    Row("null in a non-null field of the root", 200, {"data": None, "errors": [{"path": ["text"], "locations": None, "message": f"{NO_NULL} 'Query' (/text)"}]}, body("{ text }")),
    Row("request that the data source cannot read", 200, {"data": {"malformed": None}, "errors": [failed(["malformed"], "MappingTemplate", "Value for field '$' is not an object.", place(1, 3))]}, body("{ malformed }")),
    Row("JavaScript that fails at run time", 200, {"data": {"odd": None}, "errors": [failed(["odd"], "Code", "odd.js:2:39: TypeError: cannot read property 'b' of undefined", place(1, 3))]}, body("{ odd }")),
    Row("field without resolver and value", 200, {"data": {"bare": None}}, body("{ bare { id } }")),
    Row("document of more than 15,000 tokens", 200, invalid("More than 15000 'grammar' tokens have been presented. To prevent Denial Of Service attacks, parsing has been cancelled.", place(1, 74_997)), body("{" + " odd" + " text" * 15_000 + "}")),
    Row("query too deep", 200, {"data": {"item": {"inner": {"inner": None, "name": None}, "name": "n"}}, "errors": [failed(["item", "inner", "inner"], "QueryDepthLimitReached", "Query depth limit reached.", place(1, 18)), failed(["item", "inner", "name"], "QueryDepthLimitReached", "Query depth limit reached.", place(1, 31))]}, body("{ item { inner { inner { id } name } name } }"), depth=2),
    Row("too many resolvers", 200, {"data": {"a": {"id": "1"}, "b": None, "bare": None}, "errors": [failed(["b"], "ResolverExecutionLimitReached", "Resolver execution limit reached.", place(1, 18))]}, body("{ a: item { id } b: item { id } bare { id } }"), resolvers=1),
    Row("body too large", 413, refused("RequestEntityTooLargeException", "The request body is larger than 20 bytes."), b"x" * 21, policy=HttpPolicy(max_body=20)),
    Row("throttled", 429, refused("LimitExceededError", "Rate limit exceeded"), body("{ item { id } }"), policy=HttpPolicy(admit=lambda: False)),
    Row("subscription over HTTP", 400, refused("BadRequestException", "Subscriptions over MQTT is not supported."), body("subscription { made { id } }")),
]  # fmt: skip


async def answer(row: Row) -> HttpResponse:
    api: Api = small_api(SCHEMA, RESOLVERS, query_depth_limit=row.depth, resolver_count_limit=row.resolvers)
    keys = {"da2-key": NOW + 1, "da2-old": NOW}
    authenticator = KeyAndSignatureAuthenticator("us-west-2", keys, {}, lambda: NOW)
    executor = Harness(api).executor
    return await respond(
        executor,
        authenticator,
        HttpRequest(row.method, "/graphql", row.query, row.headers, row.body, "127.0.0.1"),
        policy=row.policy,
    )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_row(row: Row) -> None:
    response = await answer(row)
    headers = {name.lower(): value for name, value in response.headers.items()}
    assert response.status == row.status
    assert json.loads(response.body) == row.answer
    assert headers["x-amzn-requestid"]
    assert int(headers["x-amzn-appsync-tokensconsumed"]) >= 1
    assert headers["access-control-allow-origin"] == "*"
    assert headers.get("x-amzn-errortype") == (
        row.answer["errors"][0]["errorType"] if row.status != 200 and "subscription" not in row.name else None  # type: ignore[index,call-overload]
    )


async def test_execution_over_its_time() -> None:
    code = "export function request() { return { operation: 'PutEvents', events: [{ source: 's', detailType: 't', detail: {} }] }; }"
    resolvers = {"Query.odd": code + _RESPONSE, "Subscription.made": code + _RESPONSE}
    harness = Harness(small_api(SCHEMA, resolvers, source="Bus"), request_seconds=0.01)

    async def put_events(**_arguments: object) -> list[object]:
        await asyncio.Event().wait()
        return []

    harness.events.put_events = put_events  # type: ignore[method-assign,assignment]
    assert await harness.run("{ odd }") == {
        "data": None,
        "errors": [
            {
                "path": None,
                "locations": None,
                "errorType": "ExecutionTimeout",
                "message": "Execution timed out.",
            }
        ],
    }
    errors = await harness.refused_subscription("subscription { made { id } }", caller=CALLER)
    assert errors == [failed(["made"], "ExecutionTimeout", "Execution timed out.", place(1, 16))]

"""Whatever a client sends, the response is a GraphQL response or an error: no exception, no status 500."""

# One case a line, whatever its length.
# ruff: noqa: E501

import json
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.localcloud.appsync.access import KeyAndSignatureAuthenticator
from globalchat.localcloud.appsync.javascript.engine import prepare
from globalchat.localcloud.appsync.javascript.parser import ScriptError
from globalchat.localcloud.appsync.model import GraphQLRequest, RequestRejected
from globalchat.localcloud.appsync.responder import HttpRequest, respond
from globalchat.localcloud.definition import JSON, Statement
from globalchat.localcloud.iam import AccessKey, user
from tests.localcloud.helpers.api_harness import (
    ADMIN,
    FROM_BUS,
    KEY,
    NOW,
    PUBLISH,
    SUBSCRIBE,
    Harness,
    small_api,
)
from tests.localcloud.helpers.sample_resolvers import SAMPLES
from tests.localcloud.helpers.signed_requests import ACCESS, SECRET

HARNESS = Harness()
USERS = {ACCESS: AccessKey(SECRET, user("admin", "000000000000", (Statement("Allow", ("*",), ("*",)),)))}
AUTHENTICATOR = KeyAndSignatureAuthenticator("us-west-2", {"da2-key": NOW + 1}, USERS, lambda: NOW)

TEXTS = st.text(st.characters(exclude_categories=()), max_size=12)
JSON_VALUES: st.SearchStrategy[JSON] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
SCRAP_TEXT = """
{ } ( ) : ! = | & $x $y $ @skip @include @aws_iam if true null 1 1.5e9 "a" [ ] ... on Message Query Mutation fragment
f query mutation subscription publish publishFromBus subscribe unsubscribe channels limits id name message __typename
__schema __type types sentAt , # é 😀 \\u{1} \"\"\"b\"\"\" input extend schema"""
SCRAPS = SCRAP_TEXT.split()
DOCUMENTS = (
    st.lists(st.sampled_from(SCRAPS), max_size=30).map(" ".join)
    | TEXTS
    | st.sampled_from([PUBLISH, SUBSCRIBE, FROM_BUS, "{ channels limits { id } }"])
)
VARIABLES = st.dictionaries(
    st.sampled_from(["name", "message", "id", "sender", "region", "sentAt", "x"]) | TEXTS,
    JSON_VALUES,
    max_size=5,
)
BODIES = (
    st.binary(max_size=60)
    | JSON_VALUES.map(lambda value: json.dumps(value).encode())
    | st.builds(
        lambda query, variables, name: json.dumps(
            {"query": query, "variables": variables, "operationName": name}
        ).encode(),
        DOCUMENTS,
        VARIABLES | JSON_VALUES,
        st.none() | TEXTS,
    )
)
CREDENTIALS = f"{ACCESS}/20260528/us-west-2/appsync/aws4_request"
SIGNATURE_PARTS = [
    "AWS4-HMAC-SHA256", "Credential=", CREDENTIALS, f"Credential={CREDENTIALS}", "SignedHeaders=", "host;x-amz-date",
    "SignedHeaders=host;x-amz-date;x-none", "Signature=", "0" * 64, ",", " ", "=", ";", "/", "é", "\x00", "\n",
]  # fmt: skip
SIGNATURES = st.lists(st.sampled_from(SIGNATURE_PARTS) | TEXTS, max_size=8).map(
    lambda parts: "AWS4-HMAC-SHA256 " + " ".join(parts)
)
HEADER_NAMES = [
    "authorization", "x-api-key", "X-Amz-Date", "host", "x-forwarded-for", "content-type", "cookie", "accept",
    "x-amz-security-token", "content-length",
]  # fmt: skip
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(HEADER_NAMES) | TEXTS,
        st.sampled_from(["da2-key", "20260528T202640Z", "application/graphql", "127.0.0.1", ""])
        | SIGNATURES
        | TEXTS,
    ),
    max_size=8,
)


@given(
    st.sampled_from(["GET", "POST", "OPTIONS", "PUT", ""]),
    st.just("/graphql") | TEXTS,
    st.dictionaries(
        st.sampled_from(["query", "variables", "operationName"]) | TEXTS, DOCUMENTS | TEXTS, max_size=4
    ),
    HEADERS,
    st.booleans(),
    BODIES,
)
@settings(deadline=None, max_examples=120)
async def test_any_request_gets_an_answer(
    method: str,
    path: str,
    query: Mapping[str, str],
    headers: list[tuple[str, str]],
    with_key: bool,
    body: bytes,
) -> None:
    sent = [*headers, ("x-api-key", "da2-key")] if with_key else headers
    request = HttpRequest(method, path, query, sent, body, "127.0.0.1")
    response = await respond(HARNESS.executor, AUTHENTICATOR, request)
    assert response.status in (200, 400, 401, 404, 405)
    for name, value in response.headers.items():
        assert "\n" not in name + value
    if response.body:
        answer = json.loads(response.body.decode())
        assert set(answer) <= {"data", "errors"}


@given(DOCUMENTS, VARIABLES, st.sampled_from([KEY, ADMIN]))
@settings(deadline=None, max_examples=120)
async def test_any_document_is_executed_or_refused(
    query: str, variables: dict[str, JSON], caller: object
) -> None:
    request = GraphQLRequest(query, variables)
    who = KEY if caller is KEY else ADMIN
    answer = await HARNESS.executor.execute(request, who)
    for error in answer.get("errors") or []:  # type: ignore[union-attr]
        assert isinstance(error, dict)
        assert isinstance(error["message"], str)
    try:
        planned = await HARNESS.executor.subscribe(request, who)
    except RequestRejected as rejected:
        payload: object = rejected.errors
    else:
        payload = planned.project({"name": "tech"})
    assert json.dumps(payload) != "[]"


TYPES = [
    "String", "Int", "Float!", "Boolean", "ID!", "AWSJSON", "AWSDateTime", "AWSTimestamp", "AWSURL", "AWSDate",
    "[Int!]", "[[String]]", "Item", "[Item!]!", "Color",
]  # fmt: skip
SELECTIONS = {"Item": " { id inner { id color } list }", "[Item!]!": " { id list }"}
SCHEMA = (
    "enum Color { RED GREEN } type Item { id: ID! inner: Item color: Color list: [Int!] } type Query {"
    + " ".join(f"f{index}: {type_}" for index, type_ in enumerate(TYPES))
    + '} type Mutation { make: Item } type Subscription { made: Item @aws_subscribe(mutations: ["make"]) }'
)
ATOMS = [
    "undefined", "null", "true", "0", "-0", "1", "1.5", "1e300", "NaN", "Infinity", "2147483648", "''", "'RED'",
    "'x'", "'\\ud800'", "'\\u0000'", "'2026-01-01T00:00:00Z'", "[]", "{}", "ctx", "ctx.args", "ctx.env", "util", "[() => 1][0]",
    "Math", "JSON", "ctx.request", "[undefined]", "{ id: 1, list: 'x' }", "{ id: null }", "{ id: {}, inner: [] }",
    "{ toJSON: 1 }", "{ id: '1', color: 'BLUE' }", "{ ['__proto__']: 1, id: 2 }", "[[[1]]]",
]  # fmt: skip
EXPRESSIONS = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(
            st.sampled_from(["id", "inner", "list", "color", "payload"]), inner, max_size=3
        ).map(lambda items: "{ " + ", ".join(f"{key}: {value}" for key, value in items.items()) + " }")
    ),
    max_leaves=5,
)
STATEMENTS = [
    "return { payload: X };", "return X;", "util.error(X, X, X, X);", "util.appendError(X, X, X, X); return { payload: X };",
    "runtime.earlyReturn(X);", "runtime.earlyReturn(X, { skipTo: X });", "ctx.stash.a = X; return { payload: ctx.stash };",
    "return { operation: 'PutEvents', events: [{ source: X, detailType: 'a', detail: X, time: X, resources: X }] };",
    "return { operation: X, events: X };", "return JSON.parse(X);", "return { payload: util.transform.toSubscriptionFilter(X, X, X) };",
    "return { payload: [util.urlEncode(X), util.base64Decode(X), util.time.nowFormatted(X, X)] };", "return X.a.b(X);",
    "return { payload: util.matches(X, X) };", "for (const x of X) { ctx.args[x] = X; } return { payload: [X].map((x) => x) };",
    "return { payload: Object.keys(X).sort() };", "extensions.setSubscriptionFilter(X);", "extensions.invalidateSubscriptions(X);",
]  # fmt: skip


@given(
    st.sampled_from(STATEMENTS),
    st.lists(EXPRESSIONS, min_size=5, max_size=5),
    st.integers(0, len(TYPES) - 1),
    st.sampled_from(["None", "Bus"]),
    st.booleans(),
)
@settings(deadline=None, max_examples=80)
async def test_any_result_of_a_resolver_is_a_value_or_an_error(
    statement: str, expressions: list[str], index: int, source: str, in_response: bool
) -> None:
    body = statement
    for expression in expressions:
        body = body.replace("X", f"({expression})", 1)
    first = "export function request(ctx) { return { payload: 1 }; }"
    handlers = [
        f"export function request(ctx) {{ {body} }}",
        "export function response(ctx) { return ctx.result; }",
    ]
    if in_response:
        handlers = [first, f"export function response(ctx) {{ {body} }}"]
    api = small_api(SCHEMA, {f"Query.f{index}": "\n".join(handlers)}, source=source)
    answer = await Harness(api).run(f"{{ f{index}{SELECTIONS.get(TYPES[index], '')} }}")
    assert "data" in answer
    json.dumps(answer)


PIECE_TEXT = """
const let var function return if else for of in switch case default break export import from as new this => ( ) { }
[ ] , ; : ? ?. ?? . ... = += + - * / ** ! ~ ++ < > === && || typeof delete void ` ${ ' " // /* */ /a/ 1 0x a ctx util
request response '@aws-appsync/utils' 'b' `c` \\ # @ é async await get set static class"""
PIECES = [*PIECE_TEXT.split(), "\n"]


@given(
    st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join)
    | st.text(max_size=40)
    | st.builds(
        lambda code, start, end: code[:start] + code[end:],
        st.sampled_from(list(SAMPLES.values())),
        st.integers(0, 900),
        st.integers(0, 900),
    )
)
@settings(deadline=None, max_examples=150)
def test_any_file_is_prepared_or_refused(code: str) -> None:
    try:
        module = prepare(code, "x.js")
    except ScriptError as error:
        refused = str(error)
    else:
        assert module.text.count("\n") == code.count("\n")
        return
    assert refused.startswith("x.js")

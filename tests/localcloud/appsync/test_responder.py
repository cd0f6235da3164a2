import json
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.localcloud.appsync.access import KeyAndSignatureAuthenticator
from globalchat.localcloud.appsync.responder import HttpPolicy, HttpRequest, HttpResponse, respond
from globalchat.localcloud.definition import JSON, Statement
from globalchat.localcloud.iam import AccessKey, user
from tests.localcloud.helpers.api_harness import NOW, PUBLISH, SUBSCRIBE, UNSUBSCRIBE, Harness, small_api
from tests.localcloud.helpers.signed_requests import ACCESS, SECRET, signed

KEY = {"x-api-key": "da2-key", "content-type": "application/json"}
USER = AccessKey(SECRET, user("admin", "000000000000", (Statement("Allow", ("*",), ("*",)),)))
HARNESS = Harness()


async def send(
    body: bytes = b"",
    method: str = "POST",
    path: str = "/graphql",
    query: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    now: float = NOW,
) -> HttpResponse:
    authenticator = KeyAndSignatureAuthenticator(
        "us-west-2", {"da2-key": NOW + 1}, {ACCESS: USER}, lambda: now
    )
    return await respond(
        HARNESS.executor,
        authenticator,
        HttpRequest(
            method,
            path,
            query or {},
            list((KEY if headers is None else headers).items()),
            body,
            "127.0.0.1",
        ),
        policy=HttpPolicy(request_id=lambda: "request-1"),
    )


def payload(response: HttpResponse) -> dict[str, JSON]:
    return json.loads(response.body)  # type: ignore[no-any-return]


def body(query: str, **variables: JSON) -> bytes:
    return json.dumps({"query": query, "variables": variables}).encode()


async def test_success_has_no_errors_key() -> None:
    response = await send(body("{ limits { id } }"))
    assert response.status == 200
    assert payload(response) == {"data": {"limits": {"id": 64}}}
    assert response.headers["x-amzn-RequestId"] == "request-1"
    assert response.headers["x-amzn-appsync-TokensConsumed"] == "1"
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize("query", [{}, {"a": "b"}])
@pytest.mark.parametrize("headers", [{}, {"x-api-key": "no"}, {"authorization": "Bearer x"}])
async def test_unauthorized(headers: dict[str, str], query: dict[str, str]) -> None:
    response = await send(body("{ channels }"), headers=headers, query=query)
    assert response.status == 401
    assert response.headers["x-amzn-ErrorType"] == "UnauthorizedException"
    assert payload(response) == {
        "errors": [
            {"errorType": "UnauthorizedException", "message": "You are not authorized to make this call."}
        ]
    }


async def test_an_expired_key_is_unauthorized() -> None:
    assert (await send(body("{ channels }"), now=NOW + 1)).status == 401


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (b"", "Request body is empty."),
        (b" \n", "Request body is empty."),
        *(
            (text, "Unable to parse GraphQL query.")
            for text in (
                b"meow",
                b"{}",
                b"{}}",
                b"[]",
                b"null",
                b"\xff\xfe",
                b'{"query":1}',
                b'{"query":""}',
                b'{"query":"{a}","variables":[]}',
                b'{"query":"{a}","variables":"{}"}',
                b'{"query":"{a}","operationName":1}',
                b'{"query":"{a}","variables":{"x":NaN}}',
                b'{"query":"{a}","variables":{"x":1e999}}',
                b'{"query":"{a}","variables":{"x":' + b"1" * 5000 + b"}}",
                b"[" * 100_000,
            )
        ),
    ],
)
async def test_malformed_bodies(sent: bytes, message: str) -> None:
    response = await send(sent)
    assert response.status == 400
    assert payload(response) == {
        "errors": [{"errorType": "MalformedHttpRequestException", "message": message}]
    }


async def test_null_variables_and_operation_name_are_allowed() -> None:
    response = await send(b'{"query":"{channels}","variables":null,"operationName":null}')
    assert response.status == 200


async def test_graphql_errors_are_200() -> None:
    invalid = await send(body("{ nope }"))
    assert (invalid.status, payload(invalid)["data"]) == (200, None)
    denied = await send(body(UNSUBSCRIBE, name="tech"))
    assert (denied.status, payload(denied)["data"]) == (200, {"unsubscribe": None})


async def test_a_subscription_is_a_bad_request() -> None:
    response = await send(body(SUBSCRIBE, name="tech"))
    assert response.status == 400
    assert payload(response) == {
        "errors": [
            {"errorType": "BadRequestException", "message": "Subscriptions over MQTT is not supported."}
        ]
    }


async def test_get_takes_the_request_from_the_query_string() -> None:
    query = {
        "query": "query q($n: Boolean!) { channels @skip(if: $n) }",
        "variables": '{"n":true}',
        "operationName": "q",
    }
    assert payload(await send(method="GET", query=query)) == {"data": {}}
    assert payload(await send(method="GET", query={"query": "{ limits { id } }"})) == {
        "data": {"limits": {"id": 64}}
    }
    assert (await send(method="GET", query={"query": "{a}", "variables": "{"})).status == 400
    assert (await send(method="GET")).status == 400


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_signed_requests(method: str) -> None:
    pairs = {"query": "{ limits { id } }", "x y": "é+&="} if method == "GET" else {}
    text = b"" if method == "GET" else body(UNSUBSCRIBE, name="tech")
    raw = "?" + urlencode(pairs, quote_via=quote) if pairs else ""
    request = signed(text, method, "/graphql" + raw)
    date = {name.lower(): value for name, value in request.headers.items()}["x-amz-date"]
    now = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    response = await send(text, method, query=pairs, headers=dict(request.headers), now=now)
    assert (response.status, "errors" in payload(response)) == (200, False)
    stale = await send(text, method, query=pairs, headers=dict(request.headers), now=now + 301)
    assert (stale.status, stale.headers["x-amzn-ErrorType"]) == (400, "BadRequestException")


async def test_a_header_that_comes_several_times_is_a_list_in_ctx() -> None:
    code = """
    export function request(ctx) { return { payload: JSON.stringify(ctx.request.headers) }; }
    export function response(ctx) { return ctx.result; }"""
    harness = Harness(small_api("type Query { headers: String }", {"Query.headers": code}))
    authenticator = KeyAndSignatureAuthenticator("us-west-2", {"da2-key": NOW + 1}, {}, lambda: NOW)
    headers = [
        ("X-Api-Key", "da2-key"),
        ("X-Color", "red"),
        ("x-color", "blue"),
        ("X-One", "1"),
        ("Cookie", "a"),
    ]
    headers += [("cookie", "b")]
    request = HttpRequest("POST", "/graphql", {}, headers, body("{ headers }"), "127.0.0.1")
    response = await respond(harness.executor, authenticator, request)
    data = payload(response)["data"]
    assert isinstance(data, dict)
    assert json.loads(str(data["headers"])) == {
        "x-api-key": "da2-key",
        "x-color": ["red", "blue"],
        "x-one": "1",
    }


async def test_preflight_needs_no_credentials() -> None:
    response = await send(method="OPTIONS", headers={})
    assert (response.status, response.body) == (200, b"")
    assert "x-api-key" in response.headers["access-control-allow-headers"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/graphql", 405),
        ("HEAD", "/graphql", 405),
        ("POST", "/", 404),
        ("GET", "/graphql/connect", 404),
    ],
)
async def test_other_methods_and_paths(method: str, path: str, status: int) -> None:
    response = await send(body("{ channels }"), method, path)
    assert response.status == status
    assert "errors" in payload(response)


async def test_lone_surrogates_are_escaped() -> None:
    response = await send(b'{"query":"{ channels @nope(a: \\"\\ud800\\") }"}')
    assert response.status == 200
    response.body.decode()
    named = await send(
        b'{"query":"mutation m($i: ID) { publish(name: \\"\\ud800\\", message: \\"x\\") { id } }"}'
    )
    named.body.decode()
    refused = await send(
        json.dumps({"query": PUBLISH, "variables": {"name": "\ud800", "message": "x"}}).encode()
    )
    assert "UnknownChannel" in refused.body.decode()


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
SCRAPS = """{ } ( ) : $ x name publish channels limits mutation query fragment on Message ... ! "a" 1 @skip if
true null [ ] __typename subscription"""
GRAPHQL_SCRAPS = st.lists(st.sampled_from(SCRAPS.split()), max_size=25).map(" ".join)


@given(
    st.binary(max_size=40)
    | JSON_VALUES.map(lambda value: json.dumps(value).encode())
    | st.fixed_dictionaries({"query": GRAPHQL_SCRAPS | st.text(max_size=30), "variables": JSON_VALUES}).map(
        lambda value: json.dumps(value).encode()
    )
    | st.dictionaries(st.sampled_from(["name", "message", "id"]), JSON_VALUES).map(
        lambda value: json.dumps({"query": PUBLISH, "variables": value}).encode()
    )
)
@settings(deadline=None, max_examples=150)
async def test_garbage_never_raises(sent: bytes) -> None:
    response = await send(sent)
    assert response.status in (200, 400)
    assert payload(response)

"""GraphQL over HTTP, without a socket: the parts of a request in, a response out.

Bodies and statuses follow responses pasted in public issues. AppSync's answers to an unknown path or method,
a body that is too large, and too many requests are unknown.
"""

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import quote, urlencode

from globalchat.localcloud import json_text
from globalchat.localcloud.appsync.model import (
    Authenticator,
    Caller,
    Executor,
    GraphQLRequest,
    UnauthorizedCaller,
)
from globalchat.localcloud.definition import JSON

PATH: Final = "/graphql"

Headers = Sequence[tuple[str, str]]
"""Header names, in any case, and values, in the order in which they came."""

_ALLOWED: Final = "GET, POST, OPTIONS"
_CORS: Final = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date",
}
_PREFLIGHT: Final = {
    "access-control-allow-methods": _ALLOWED,
    "access-control-allow-headers": "authorization,content-type,x-api-key,x-amz-date,x-amz-security-token,"
    "x-amz-user-agent",
    "access-control-max-age": "172800",
}


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request. Headers and body may contain credentials; `query` is the decoded query string."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    source_ip: str


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response: status, headers, body (UTF-8 JSON, empty for a preflight)."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def _admit() -> bool:
    return True


def new_request_id() -> str:
    """Return a new request id."""
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class HttpPolicy:
    """Limits that are checked before GraphQL: bodies of at most `max_body` bytes (413), the rate (429).

    `admit` returns False for a request beyond the rate. The 429 for throttled calls is reported in
    amplify-js#13068; AWS documents neither.
    """

    max_body: int = 1_048_576
    admit: Callable[[], bool] = _admit
    request_id: Callable[[], str] = new_request_id


DEFAULT_POLICY: Final = HttpPolicy()


async def respond(
    executor: Executor,
    authenticator: Authenticator,
    request: HttpRequest,
    *,
    policy: HttpPolicy = DEFAULT_POLICY,
    authorized: Callable[[], None] = lambda: None,
) -> HttpResponse:
    """Answer one HTTP request; invalid ones get AppSync's errors.

    `authorized` is called once the request's key or signature has been accepted.
    """
    base = _base(policy)
    refusal = _refuse(base, policy, request)
    if refusal is not None:
        return refusal
    headers, repeated = _fold(request.headers)
    try:
        caller = authenticator.authenticate(
            headers=headers,
            method=request.method,
            path=_signed_path(request),
            body=request.body,
            source_ip=request.source_ip,
        )
        authorized()
        operation = _read(request, headers)
    except UnauthorizedCaller as error:
        return _error(base, error.status, error.error_type, error.message)
    except MalformedRequest as error:
        return _error(base, 400, "MalformedHttpRequestException", str(error))
    answer = await executor.execute(operation, _with_repeated(caller, repeated))
    # Only errors before GraphQL execution have no "data".
    return _json(base, 200 if "data" in answer else 400, answer)


def too_large(policy: HttpPolicy = DEFAULT_POLICY) -> HttpResponse:
    """Answer a request whose body is too large to be read."""
    message = f"The request body is larger than {policy.max_body} bytes."
    return _error(_base(policy), 413, "RequestEntityTooLargeException", message)


def incomplete() -> HttpResponse:
    """Answer a request whose body does not arrive in time."""
    message = "The request body did not arrive in time."
    return _error(_base(DEFAULT_POLICY), 408, "RequestTimeoutException", message)


def unreadable() -> HttpResponse:
    """Answer a request whose body is not in the encoding that its headers declare."""
    message = "The request body cannot be decoded."
    return _error(_base(DEFAULT_POLICY), 400, "MalformedHttpRequestException", message)


def _base(policy: HttpPolicy) -> dict[str, str]:
    """Return the headers that every response has."""
    return {**_CORS, "x-amzn-RequestId": policy.request_id()}


def _refuse(base: Mapping[str, str], policy: HttpPolicy, request: HttpRequest) -> HttpResponse | None:
    if request.path != PATH:
        return _error(base, 404, "NotFoundException", f"There is nothing at this path; the API is at {PATH}.")
    # A preflight carries no credentials.
    if request.method == "OPTIONS":
        return HttpResponse(200, {**base, **_PREFLIGHT}, b"")
    if request.method not in ("GET", "POST"):
        refusal = _error(base, 405, "MethodNotAllowedException", f"The methods are {_ALLOWED}.")
        return HttpResponse(refusal.status, {**refusal.headers, "allow": _ALLOWED}, refusal.body)
    if not policy.admit():
        return _error(base, 429, "LimitExceededError", "Rate limit exceeded")
    return too_large(policy) if len(request.body) > policy.max_body else None


def _signed_path(request: HttpRequest) -> str:
    # Encoded again, since the signature covers the encoded form.
    if not request.query:
        return request.path
    return f"{request.path}?{urlencode(request.query, quote_via=quote, errors='replace')}"


def _read(request: HttpRequest, headers: Mapping[str, str]) -> GraphQLRequest:
    if request.method == "GET":
        return parse_query_string(request.query)
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return parse_request(request.body, is_document=content_type == "application/graphql")


def _fold(headers: Headers) -> tuple[dict[str, str], dict[str, list[JSON]]]:
    """Index headers by lower-case name: all, joined by commas for signatures; repeated ones, as lists."""
    joined: dict[str, str] = {}
    repeated: dict[str, list[JSON]] = {}
    for name, value in headers:
        key = name.lower()
        if key in joined:
            repeated.setdefault(key, [joined[key]]).append(value)
            value = f"{joined[key]},{value}"
        joined[key] = value
    return joined, repeated


def _with_repeated(caller: Caller, repeated: Mapping[str, list[JSON]]) -> Caller:
    """Return the caller with repeated headers as lists of values, as resolvers get them."""
    lists = {name: values for name, values in repeated.items() if name in caller.headers}
    return replace(caller, headers={**caller.headers, **lists}) if lists else caller


def _error(base: Mapping[str, str], status: int, error_type: str, message: str) -> HttpResponse:
    headers = {**base, "x-amzn-ErrorType": error_type}
    return _json(headers, status, {"errors": [{"errorType": error_type, "message": message}]})


def _json(base: Mapping[str, str], status: int, value: Mapping[str, JSON]) -> HttpResponse:
    headers = {
        **base,
        "content-type": "application/json;charset=UTF-8",
        "x-amzn-appsync-TokensConsumed": "1",
    }
    return HttpResponse(status, headers, json_text.encode(value))


class MalformedRequest(Exception):
    """The body is not a GraphQL request (HTTP 400). The message is AppSync's."""


def parse_request(body: bytes, *, is_document: bool = False) -> GraphQLRequest:
    """Parse `{"query", "variables"?, "operationName"?}`.

    Args:
        body: JSON text.
        is_document: the body's type is `application/graphql`, so it may be the document itself. AppSync
            accepts that type (graphql-over-http#81), but it is unknown whether with JSON or with a document.

    Raises:
        MalformedRequest: it is empty, not JSON, or of another shape.
    """
    if not body.strip():
        raise MalformedRequest("Request body is empty.")
    try:
        return _request(_load(body))
    except MalformedRequest:
        if not is_document:
            raise
    return _request({"query": body.decode("utf-8", "replace")})


def parse_query_string(query: Mapping[str, str]) -> GraphQLRequest:
    """Parse the parameters `query`, `variables` (JSON text) and `operationName`.

    Raises:
        MalformedRequest: there is no query, or the variables are not a JSON object.
    """
    variables = query.get("variables") or "{}"
    return _request(
        {
            "query": query.get("query"),
            "variables": _load(variables.encode("utf-8", "replace")),
            "operationName": query.get("operationName"),
        }
    )


def _load(text: bytes) -> JSON:
    try:
        return json_text.read(text.decode(json.detect_encoding(text), "surrogatepass"))
    except ValueError:
        raise MalformedRequest("Unable to parse GraphQL query.") from None


def _request(value: JSON) -> GraphQLRequest:
    # Other keys, such as `extensions`, are ignored.
    if isinstance(value, dict):
        query, variables, name = value.get("query"), value.get("variables"), value.get("operationName")
        if (
            isinstance(query, str)
            and query.strip()
            and isinstance(variables, dict | None)
            and isinstance(name, str | None)
        ):
            return GraphQLRequest(query, variables or {}, name)
    raise MalformedRequest("Unable to parse GraphQL query.")

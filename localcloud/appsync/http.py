"""GraphQL over HTTP, without a socket: a request's parts in, a response out.

Bodies and statuses follow responses pasted in public issues; how AppSync answers an unknown path or method is
not known.
"""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from localcloud.appsync.model import Authenticator, Executor, GraphQLRequest, Unauthorized
from localcloud.definition import JSON

PATH: Final = "/graphql"

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
class HttpResponse:
    """A response: status, headers, body (UTF-8 JSON, empty for a preflight)."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class MalformedRequest(Exception):
    """A body that is no GraphQL request (HTTP 400). The message is AppSync's."""


def new_request_id() -> str:
    """Make a request id."""
    return str(uuid.uuid4())


async def respond(
    executor: Executor,
    authenticator: Authenticator,
    method: str,
    path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    body: bytes,
    source_ip: str,
    *,
    request_id: Callable[[], str] = new_request_id,
) -> HttpResponse:
    """Answer one HTTP request, whatever a client sends. `query` is the decoded query string."""
    base = {**_CORS, "x-amzn-RequestId": request_id()}
    if path != PATH:
        return _error(base, 404, "NotFoundException", f"There is nothing at this path; the API is at {PATH}.")
    if method == "OPTIONS":
        return HttpResponse(200, {**base, **_PREFLIGHT}, b"")
    if method not in ("GET", "POST"):
        refusal = _error(base, 405, "MethodNotAllowedException", f"The methods are {_ALLOWED}.")
        return HttpResponse(refusal.status, {**refusal.headers, "allow": _ALLOWED}, refusal.body)
    signed_path = f"{path}?{urlencode(query, quote_via=quote, errors='replace')}" if query else path
    try:
        caller = authenticator.authenticate(
            headers=headers, method=method, path=signed_path, body=body, source_ip=source_ip
        )
        request = _from_query(query) if method == "GET" else parse_request(body)
    except Unauthorized as error:
        return _error(base, 401, "UnauthorizedException", error.message)
    except MalformedRequest as error:
        return _error(base, 400, "MalformedHttpRequestException", str(error))
    answer = await executor.execute(request, caller)
    # Only what precedes GraphQL has no "data".
    return _json(base, 200 if "data" in answer else 400, answer)


def parse_request(body: bytes) -> GraphQLRequest:
    """Read `{"query", "variables"?, "operationName"?}`.

    Raises:
        MalformedRequest: it is empty, no JSON, or of another shape.
    """
    if not body.strip():
        raise MalformedRequest("Request body is empty.")
    return _request(_load(body))


def _from_query(query: Mapping[str, str]) -> GraphQLRequest:
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
        value: JSON = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        raise MalformedRequest("Unable to parse GraphQL query.") from None
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(text)
    return number


def _request(value: JSON) -> GraphQLRequest:
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


def _error(base: Mapping[str, str], status: int, error_type: str, message: str) -> HttpResponse:
    headers = {**base, "x-amzn-ErrorType": error_type}
    return _json(headers, status, {"errors": [{"errorType": error_type, "message": message}]})


def _json(base: Mapping[str, str], status: int, value: Mapping[str, JSON]) -> HttpResponse:
    headers = {
        **base,
        "content-type": "application/json;charset=UTF-8",
        "x-amzn-appsync-TokensConsumed": "1",
    }
    return HttpResponse(status, headers, _dump(value))


def _dump(value: Mapping[str, JSON]) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        # Half a surrogate pair: JSON can escape it, UTF-8 cannot carry it.
        return json.dumps(value, separators=(",", ":")).encode()

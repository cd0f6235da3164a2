"""GraphQL over HTTP on aiohttp: hands the request to the pure responder, the response back."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

from localcloud.appsync.http.responder import Headers, HttpResponse, too_large, unreadable


@dataclass(frozen=True, slots=True)
class HttpCall:
    """One HTTP request; `query` is its decoded query string, `headers` may hold credentials."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    source_ip: str


Respond = Callable[[HttpCall], Awaitable[HttpResponse]]


async def answer(request: web.Request, respond: Respond) -> web.Response:
    """Answer one HTTP request."""
    try:
        body = await request.read()
    except web.HTTPRequestEntityTooLarge:
        return _send(too_large())
    except web.RequestPayloadError:
        return _send(unreadable())
    call = HttpCall(
        method=request.method,
        path=request.path,
        query=dict(request.query),
        headers=tuple(request.headers.items()),
        body=body,
        source_ip=request.remote or "127.0.0.1",
    )
    return _send(await respond(call))


def _send(response: HttpResponse) -> web.Response:
    return web.Response(status=response.status, headers=response.headers, body=response.body)

"""GraphQL over HTTP on aiohttp: hands the request to the pure responder, the response back."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from globalchat.localcloud.appsync.http.responder import HttpRequest, HttpResponse, too_large, unreadable

Respond = Callable[[HttpRequest], Awaitable[HttpResponse]]


async def answer(request: web.Request, respond: Respond) -> web.Response:
    """Answer one HTTP request."""
    try:
        body = await request.read()
    except web.HTTPRequestEntityTooLarge:
        return _send(too_large())
    except web.RequestPayloadError:
        return _send(unreadable())
    response = await respond(
        HttpRequest(
            method=request.method,
            path=request.path,
            query=dict(request.query),
            headers=tuple(request.headers.items()),
            body=body,
            source_ip=request.remote or "127.0.0.1",
        )
    )
    return _send(response)


def _send(response: HttpResponse) -> web.Response:
    return web.Response(status=response.status, headers=response.headers, body=response.body)

"""GraphQL over HTTP on aiohttp: hands the request to the pure responder, the response back."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from globalchat.localcloud.appsync.responder import (
    HttpRequest,
    HttpResponse,
    incomplete,
    too_large,
    unreadable,
)

Respond = Callable[[HttpRequest, Callable[[], None]], Awaitable[HttpResponse]]
"""Answers a request, and calls the second argument once it is authorised."""

BODY_SECONDS: Final = 10.0
"""How long the body of a request may take to arrive."""


async def answer(request: web.Request, respond: Respond, authorized: Callable[[], None]) -> web.Response:
    """Answer one HTTP request; `authorized` is called once it is, before it is executed."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await request.read()
    except TimeoutError:
        late = _send(incomplete())
        late.force_close()
        return late
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
        ),
        authorized,
    )
    return _send(response)


def _send(response: HttpResponse) -> web.Response:
    return web.Response(status=response.status, headers=response.headers, body=response.body)

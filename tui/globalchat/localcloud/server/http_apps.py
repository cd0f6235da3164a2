"""The HTTP applications: GraphQL and realtime of a region, and the AWS endpoint.

They pass requests to pure responders, and return their responses.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from globalchat.localcloud.appsync.responder import (
    PATH,
    HttpRequest,
    HttpResponse,
    incomplete,
    too_large,
    unreadable,
)
from globalchat.localcloud.aws.endpoint import AwsEndpoint
from globalchat.localcloud.aws.model import AwsError, AwsRequest, AwsResponse
from globalchat.localcloud.aws.protocols import protocol_of
from globalchat.localcloud.fault_injection import RegionFaults
from globalchat.localcloud.server.acceptor import Usage, connection_of
from globalchat.localcloud.server.realtime import RealtimeEndpoint
from globalchat.localcloud.server.realtime_socket import reset

Respond = Callable[[HttpRequest, Callable[[], None]], Awaitable[HttpResponse]]
"""Answers a request, and calls the second argument once it is authorised."""

BODY_SECONDS: Final = 10.0
"""Time limit for the body of a request."""


SHUTDOWN_SECONDS: Final = 1.0
"""Time limit for the closing handshakes of all sockets when the service stops."""

REALTIME_PATH: Final = "/graphql/realtime"
"""Where a custom domain serves the realtime protocol; a default host serves it under `/graphql`."""

MAX_BODY: Final = 2 * 1024 * 1024
"""The most bytes of a request: more than the largest PutEvents, so that errors name its own limit."""


async def answer(request: web.Request, respond: Respond, authorized: Callable[[], None]) -> web.Response:
    """Answer one HTTP request; `authorized` is called once it is, before it is executed."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await request.read()
    except TimeoutError:
        late = _send(incomplete())
        # The rest of the body may still arrive, and would be read as the next request.
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


def region_app(realtime: RealtimeEndpoint, respond: Respond, usage: Usage) -> web.Application:
    """Make the application; its sockets are closed when it is shut down.

    Only authorised requests and sockets count as use, since a page in a browser can send others.
    """

    async def graphql(request: web.Request) -> web.StreamResponse:
        # A default host serves GraphQL and the socket under one path: only this header distinguishes them.
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await open_socket(request)
        connection = connection_of(request)
        connection.requested()

        def authorized() -> None:
            connection.authorized()
            usage.touch()

        return await answer(request, respond, authorized)

    async def open_socket(request: web.Request) -> web.StreamResponse:
        return await realtime.handle(request, connection_of(request))

    async def shut_down(_app: web.Application) -> None:
        await realtime.shut_down(SHUTDOWN_SECONDS)

    app = web.Application(middlewares=[_outage(realtime.faults)])
    app.router.add_route("*", PATH, graphql)
    app.router.add_get(REALTIME_PATH, open_socket)
    app.on_shutdown.append(shut_down)
    return app


def _outage(faults: RegionFaults) -> Middleware:
    """Make the middleware that resets connections while the region is down."""

    @web.middleware
    async def reset_if_down(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = web.StreamResponse() if faults.down else await handler(request)
        # Checked again: if the region went down while the handler ran, its response must not arrive.
        if faults.down and request.transport is not None:
            reset(request.transport)
        return response

    return reset_if_down


def aws_app(endpoint: AwsEndpoint, usage: Usage) -> web.Application:
    """Make the application. Only requests with a valid signature count as use."""

    async def handle(request: web.Request) -> web.Response:
        connection = connection_of(request)
        connection.requested()

        def authorized() -> None:
            connection.authorized()
            usage.touch()

        # A refusal before the body is read has to be in the client's protocol, which the head decides. The
        # raw path, because the signature covers it as it was sent.
        head = AwsRequest(request.method, request.raw_path, _headers(request), b"")
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await request.read()
        except TimeoutError:
            late = _refuse(head, AwsError("RequestTimeout", "The body did not arrive in time.", status=408))
            # The rest of the body may still arrive, and would be read as the next request.
            late.force_close()
            return late
        except web.HTTPRequestEntityTooLarge:
            message = f"The body is larger than {MAX_BODY} bytes."
            return _refuse(head, AwsError("RequestEntityTooLargeException", message, status=413))
        except web.RequestPayloadError:
            return _refuse(head, AwsError("SerializationException", "The body cannot be decoded."))
        whole = AwsRequest(head.method, head.target, head.headers, body)
        return _send_aws(await endpoint.respond(whole, authorized=authorized))

    app = web.Application(client_max_size=MAX_BODY)
    app.router.add_route("*", "/{path:.*}", handle)
    return app


def _headers(request: web.Request) -> dict[str, str]:
    """Return headers by lower-case name, repeated ones joined, as signatures require."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        key = name.lower()
        headers[key] = f"{headers[key]},{value}" if key in headers else value
    return headers


def _refuse(head: AwsRequest, error: AwsError) -> web.Response:
    return _send_aws(protocol_of(head).error(error, ""))


def _send_aws(response: AwsResponse) -> web.Response:
    return web.Response(status=response.status, headers=response.headers, body=response.body)

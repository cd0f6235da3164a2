"""The HTTP server of one region: GraphQL and realtime on the paths that AppSync serves."""

import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from globalchat.localcloud.appsync.http.responder import PATH
from globalchat.localcloud.faults.sockets import SocketFaults
from globalchat.localcloud.server.connection import CLOSE_SECONDS, reset
from globalchat.localcloud.server.http import Respond, answer
from globalchat.localcloud.server.realtime import RealtimeEndpoint
from globalchat.localcloud.usage import Usage

REALTIME_PATH: Final = "/graphql/realtime"
"""Where a custom domain serves the realtime protocol; a default host serves it under `/graphql`."""

MAX_HEADER: Final = 32 * 1024
"""Bytes of the request line and of each header: a socket's header object travels in one of them."""


def region_app(realtime: RealtimeEndpoint, respond: Respond, usage: Usage) -> web.Application:
    """Make the application; its sockets are closed when it is shut down."""

    async def graphql(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await realtime.handle(request)
        usage.touch()
        return await answer(request, respond)

    async def shut_down(_app: web.Application) -> None:
        realtime.shut_down()

    app = web.Application(middlewares=[_outage(realtime.faults)])
    app.router.add_route("*", PATH, graphql)
    app.router.add_get(REALTIME_PATH, realtime.handle)
    app.on_shutdown.append(shut_down)
    return app


def _outage(faults: SocketFaults) -> Middleware:
    """Make the middleware that resets the connections of a region that is down."""

    @web.middleware
    async def reset_if_down(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = web.StreamResponse() if faults.down else await handler(request)
        if faults.down and request.transport is not None:
            reset(request.transport)
        return response

    return reset_if_down


@asynccontextmanager
async def serving(
    app: web.Application, listener: socket.socket, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[None]:
    """Serve an application on a bound socket, over TLS if a context is given.

    There is no access log: a request's target may carry credentials.
    """
    runner = web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        # Longer than a closing handshake: sockets are told, not cut.
        shutdown_timeout=CLOSE_SECONDS + 1,
        max_line_size=MAX_HEADER,
        max_field_size=MAX_HEADER,
    )
    await runner.setup()
    try:
        await web.SockSite(runner, listener, ssl_context=tls).start()
        yield
    finally:
        await runner.cleanup()

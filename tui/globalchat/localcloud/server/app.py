"""The HTTP server of one region: GraphQL and realtime on the paths that AppSync serves."""

from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from globalchat.localcloud.appsync.responder import PATH
from globalchat.localcloud.faults.sockets import SocketFaults
from globalchat.localcloud.server.accepting import connection_of
from globalchat.localcloud.server.connection import reset
from globalchat.localcloud.server.http import Respond, answer
from globalchat.localcloud.server.realtime import RealtimeEndpoint
from globalchat.localcloud.usage import Usage

REALTIME_PATH: Final = "/graphql/realtime"
"""Where a custom domain serves the realtime protocol; a default host serves it under `/graphql`."""


def region_app(realtime: RealtimeEndpoint, respond: Respond, usage: Usage) -> web.Application:
    """Make the application; its sockets are closed when it is shut down.

    Only requests and sockets that are authorised count as use: a page in a browser can send others.
    """

    async def graphql(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await open_socket(request)
        connection = connection_of(request)
        connection.requested()

        def authorized() -> None:
            connection.authorized()
            usage.touch()

        return await answer(request, respond, authorized)

    async def open_socket(request: web.Request) -> web.StreamResponse:
        return await realtime.handle(request, connection_of(request).authorized)

    async def shut_down(_app: web.Application) -> None:
        realtime.shut_down()

    app = web.Application(middlewares=[_outage(realtime.faults)])
    app.router.add_route("*", PATH, graphql)
    app.router.add_get(REALTIME_PATH, open_socket)
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

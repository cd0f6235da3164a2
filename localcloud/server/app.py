"""The aiohttp application of one region: HTTP and realtime on the paths that AppSync serves."""

from aiohttp import web

from localcloud.server.http import Respond, answer
from localcloud.server.realtime import RealtimeEndpoint
from localcloud.server.usage import Usage

PATH = "/graphql"
REALTIME_PATH = "/graphql/realtime"
"""Where a custom domain serves the realtime protocol; a default host serves it under `/graphql`."""


def region_app(realtime: RealtimeEndpoint, respond: Respond, usage: Usage) -> web.Application:
    """Make the application; the realtime endpoint is told to shut down with it."""

    async def graphql(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await realtime.handle(request)
        usage.touch()
        return await answer(request, respond)

    async def shut_down(_app: web.Application) -> None:
        realtime.shut_down()

    app = web.Application()
    app.router.add_route("*", PATH, graphql)
    app.router.add_get(REALTIME_PATH, realtime.handle)
    app.on_shutdown.append(shut_down)
    return app

"""The cloud's control port: identity for anybody who asks, status and end for the holder of the admin token.

It is a port of its own, so that the ports of the regions serve what AWS serves and nothing else.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

from globalchat.localcloud.definition import JSON
from globalchat.localcloud.process import identity
from globalchat.localcloud.process.control import IDENTITY, STATUS, STOP, TOKEN_HEADER

_LARGEST_BODY = 64 * 1024

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def control_app(
    *,
    nonce: str,
    admin_token: str,
    status: Callable[[], Mapping[str, JSON]],
    stop: Callable[[], None],
    used: Callable[[], None],
    routes: Sequence[web.RouteDef] = (),
) -> web.Application:
    """The routes. `used` hears of each identity request; `stop` must only ask for the end.

    The further `routes` take the admin token as well.
    """

    async def answer_identity(request: web.Request) -> web.Response:
        challenge = request.query.get("challenge", "")
        if not identity.is_challenge(challenge):
            raise web.HTTPBadRequest
        used()
        return web.json_response({"proof": identity.prove(nonce, challenge)})

    async def answer_status(_: web.Request) -> web.Response:
        return web.json_response(dict(status()))

    async def answer_stop(_: web.Request) -> web.Response:
        stop()
        return web.json_response({})

    @web.middleware
    async def require_token(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get(TOKEN_HEADER, "")
        if request.path != IDENTITY and not identity.same(given, admin_token):
            raise web.HTTPForbidden
        return await handler(request)

    app = web.Application(middlewares=[require_token], client_max_size=_LARGEST_BODY)
    app.add_routes(
        [
            web.get(IDENTITY, answer_identity),
            web.get(STATUS, answer_status),
            web.post(STOP, answer_stop),
            *routes,
        ]
    )
    return app


@asynccontextmanager
async def listening(app: web.Application) -> AsyncIterator[int]:
    """Serve the routes on a free loopback port, which is yielded."""
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()

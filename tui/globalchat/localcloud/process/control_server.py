"""The cloud's control port: identity for anybody who asks, status and end for the holder of the admin token.

It is a port of its own, so that the ports of the regions serve what AWS serves and nothing else.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing

from aiohttp import web

from globalchat.localcloud.definition import JSON
from globalchat.localcloud.process import identity
from globalchat.localcloud.process.control import IDENTITY, STATUS, STOP, TOKEN_HEADER, USE
from globalchat.localcloud.server.accepting import ConnectionLimit, accepting, connection_of, reserved_places
from globalchat.localcloud.server.listening import bound

_LARGEST_BODY = 64 * 1024
_HOSTS = ("127.0.0.1", "localhost")
_ANONYMOUS_SECONDS = 5.0

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
    """Make the routes; `stop` must only ask for the end.

    The further `routes` take the admin token as well. `used` is called at each request with the token except
    for the status. A page in a browser has no token, and where it reaches the port under a name of its own
    (DNS rebinding) not even the identity is answered.
    """

    async def answer_identity(request: web.Request) -> web.Response:
        challenge = request.query.get("challenge", "")
        if not identity.is_challenge(challenge):
            raise web.HTTPBadRequest
        return web.json_response({"proof": identity.prove(nonce, challenge)})

    async def answer_status(_: web.Request) -> web.Response:
        return web.json_response(dict(status()))

    async def answer_use(_: web.Request) -> web.Response:
        return web.json_response({})

    async def answer_stop(_: web.Request) -> web.Response:
        stop()
        return web.json_response({})

    @web.middleware
    async def require_token(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.headers.get("Host", "").rpartition(":")[0] not in _HOSTS:
            raise web.HTTPForbidden
        given = request.headers.get(TOKEN_HEADER, "")
        if identity.same(given, admin_token):
            connection_of(request).authorized()
            if request.path != STATUS:
                used()
        elif request.path != IDENTITY:
            raise web.HTTPForbidden
        return await handler(request)

    app = web.Application(middlewares=[require_token], client_max_size=_LARGEST_BODY)
    app.add_routes(
        [
            web.get(IDENTITY, answer_identity),
            web.get(STATUS, answer_status),
            web.post(USE, answer_use),
            web.post(STOP, answer_stop),
            *routes,
        ]
    )
    return app


@asynccontextmanager
async def listening(app: web.Application) -> AsyncIterator[int]:
    """Serve the routes on a free loopback port, which is yielded, with a connection limit of its own."""
    with (
        bound([0]) as [listener],
        closing(ConnectionLimit(reserved_places, anonymous_seconds=_ANONYMOUS_SECONDS)) as limit,
    ):
        async with accepting(app, listener, limit):
            yield listener.getsockname()[1]

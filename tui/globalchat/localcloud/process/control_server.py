"""The cloud's control port: its identity for anyone; status, faults, dead letters, its end with a token.

It is a separate port, so that the ports of the regions serve only what AWS serves.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from typing import Final

from aiohttp import web

from globalchat.core.clock import iso_time
from globalchat.core.errors import UsageError
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.events.event_bridge import EventBridge
from globalchat.localcloud.events.records import DeadLetter
from globalchat.localcloud.fault_injection import Faults
from globalchat.localcloud.people import SESSION_SECONDS, People
from globalchat.localcloud.process import control_client
from globalchat.localcloud.process.control_client import (
    CREDENTIALS,
    DEAD_LETTERS,
    FAULTS,
    IDENTITY,
    REDRIVE,
    STATUS,
    STOP,
    TOKEN_HEADER,
    USE,
)
from globalchat.localcloud.server.acceptor import (
    ConnectionLimit,
    connection_of,
    max_control_connections,
    serve_app,
)
from globalchat.localcloud.server.loopback import bound

_LARGEST_BODY = 64 * 1024
_HOSTS = ("127.0.0.1", "localhost")
# Shorter than for the regions: only our own commands connect here, and they send at once.
_ANONYMOUS_SECONDS = 5.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


_PLACES: Final = ("from", "to", "region")


def control_app(
    *,
    nonce: str,
    admin_token: str,
    status: Callable[[], Mapping[str, JSON]],
    stop: Callable[[], None],
    used: Callable[[], None],
    routes: Sequence[web.RouteDef] = (),
) -> web.Application:
    """Make the routes; `stop` must only request the end.

    The further `routes` take the admin token as well. `used` is called at each request with the token except
    for the status. A page in a browser has no token, and if it reaches the port under another host name (DNS
    rebinding) not even the identity is returned.
    """

    async def answer_identity(request: web.Request) -> web.Response:
        challenge = request.query.get("challenge", "")
        if not control_client.is_challenge(challenge):
            raise web.HTTPBadRequest
        return web.json_response({"proof": control_client.prove(nonce, challenge)})

    async def answer_status(_: web.Request) -> web.Response:
        return web.json_response(dict(status()))

    async def answer_use(_: web.Request) -> web.Response:
        return web.json_response({})

    async def answer_stop(_: web.Request) -> web.Response:
        # Only a request to end, so that this answer is still sent.
        stop()
        return web.json_response({})

    @web.middleware
    async def require_token(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.headers.get("Host", "").rpartition(":")[0] not in _HOSTS:
            raise web.HTTPForbidden
        # A page in a browser cannot set it, as there is no CORS here.
        given = request.headers.get(TOKEN_HEADER, "")
        if control_client.same(given, admin_token):
            connection_of(request).authorized()
            if request.path != STATUS:  # Polling the status must not keep a cloud alive.
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
    """Serve the routes on a free loopback port, which is yielded, with a separate connection limit."""
    with (
        bound([0]) as [listener],
        # Separate, so that a cloud whose connections are used up still answers `status` and `down`.
        closing(ConnectionLimit(max_control_connections, anonymous_seconds=_ANONYMOUS_SECONDS)) as limit,
    ):
        async with serve_app(app, listener, limit):
            yield listener.getsockname()[1]


def fault_routes(faults: Faults) -> list[web.RouteDef]:
    """Return the routes of faults: GET lists, POST sets, DELETE clears; all answer `{"faults": [...]}`.

    POST takes `{"set": ["relay-delay=200ms"], "from"?, "to"?, "region"?}`, DELETE `{"names": []}` (none is
    all). An invalid request is answered 400 with `error` and `remedy`, and changes nothing.
    """

    async def list_faults(_: web.Request) -> web.Response:
        return _answer(faults)

    async def set_faults(request: web.Request) -> web.Response:
        document = await _document(request)
        source, target, region = (_name(document.get(place)) for place in _PLACES)
        try:
            faults.set(*_names(document.get("set")), source=source, target=target, region=region)
        except UsageError as error:
            return _error_answer(error)
        return _answer(faults)

    async def clear(request: web.Request) -> web.Response:
        try:
            faults.clear(*_names((await _document(request)).get("names")))
        except UsageError as error:
            return _error_answer(error)
        return _answer(faults)

    return [web.get(FAULTS, list_faults), web.post(FAULTS, set_faults), web.delete(FAULTS, clear)]


def _answer(faults: Faults) -> web.Response:
    return web.json_response({"faults": [fault.document() for fault in faults.active]})


def _error_answer(error: UsageError) -> web.Response:
    return web.json_response({"error": str(error), "remedy": error.remedy}, status=400)


async def _document(request: web.Request) -> dict[str, JSON]:
    try:
        document: JSON = await request.json()
    except (ValueError, RecursionError):
        raise web.HTTPBadRequest from None
    if not isinstance(document, dict):
        raise web.HTTPBadRequest
    return document


def _names(value: JSON) -> list[str]:
    names = value if isinstance(value, list) else [value]
    texts = [name for name in names if isinstance(name, str)]
    if len(texts) != len(names):
        raise web.HTTPBadRequest
    return texts


def _name(value: JSON) -> str | None:
    if value is not None and not isinstance(value, str):
        raise web.HTTPBadRequest
    return value


def people_routes(people: People) -> list[web.RouteDef]:
    """Return the route that signs a verified person in.

    POST takes `{"person": "ana", "seconds"?}` and answers the credentials as AWS's container credential
    endpoint does. An invalid name or time is answered 400 with `error` and `remedy`.
    """

    async def sign_in(request: web.Request) -> web.Response:
        document = await _document(request)
        person, seconds = document.get("person"), document.get("seconds")
        if not isinstance(person, str) or isinstance(seconds, bool):
            raise web.HTTPBadRequest
        if not isinstance(seconds, int | float | None):
            raise web.HTTPBadRequest
        try:
            issued = people.sign_in(person, SESSION_SECONDS if seconds is None else seconds)
        except UsageError as error:
            return _error_answer(error)
        return web.json_response(
            {
                "AccessKeyId": issued.access_key,
                "SecretAccessKey": issued.secret_key,
                "Token": issued.token,
                "Expiration": iso_time(int((issued.expires or 0) * 1000)),
            }
        )

    return [web.post(CREDENTIALS, sign_in)]


def dead_letter_routes(events: EventBridge) -> list[web.RouteDef]:
    """Return the routes of dead letters.

    GET answers `{"deadLetters": [...]}`, with the messages' texts only if the query says `detail=1`.

    POST of a redrive answers `{"delivered", "failed"}`; `queue` in its query is a name or an ARN; without it
    all queues are redriven. An unknown queue is answered 400 with `error` and `remedy`.
    """

    async def list_dead_letters(request: web.Request) -> web.Response:
        detail = request.query.get("detail") == "1"
        found: list[JSON] = [
            _describe(queue_arn, dead_letter, detail=detail)
            for queue_arn, dead_letters in events.dead_letters.items()
            for dead_letter in dead_letters
        ]
        return web.json_response({"deadLetters": found})

    async def redrive(request: web.Request) -> web.Response:
        name = request.query.get("queue")
        queues = list(_queues(events, name))
        if not queues:
            known = ", ".join(sorted({_last(arn) for arn in events.dead_letters})) or "none"
            error = f"There is no queue {str(name)[:80]!r}." if name else "There is no queue."
            return web.json_response({"error": error, "remedy": f"The queues are: {known}."}, status=400)
        delivered = failed = 0
        for queue_arn in queues:
            outcome = await events.redrive(queue_arn)
            delivered, failed = delivered + outcome.delivered, failed + outcome.failed
        return web.json_response({"delivered": delivered, "failed": failed})

    return [web.get(DEAD_LETTERS, list_dead_letters), web.post(REDRIVE, redrive)]


def _queues(events: EventBridge, name: str | None) -> Iterator[str]:
    for queue_arn in events.dead_letters:
        if name in (None, queue_arn, _last(queue_arn)):
            yield queue_arn


def _describe(queue_arn: str, dead_letter: DeadLetter, *, detail: bool) -> dict[str, JSON]:
    attributes = dead_letter.attributes
    rule = attributes.get("RULE_ARN")
    retries = attributes.get("RETRY_ATTEMPTS")
    document: dict[str, JSON] = {
        "queue": _last(queue_arn),
        "region": queue_arn.split(":")[3],
        "time": iso_time(1000 * dead_letter.sent_at),
        "errorCode": attributes.get("ERROR_CODE"),
        "errorMessage": attributes.get("ERROR_MESSAGE"),
        "exhaustedRetryCondition": attributes.get("EXHAUSTED_RETRY_CONDITION"),
        "retryAttempts": None if retries is None else int(retries),
        "rule": None if rule is None else rule.rpartition("/")[2],
        "target": attributes.get("TARGET_ARN"),
        "eventId": dead_letter.event.id,
    }
    if detail:
        document["detail"] = dead_letter.event.document["detail"]
    return document


def _last(arn: str) -> str:
    return arn.rpartition(":")[2]

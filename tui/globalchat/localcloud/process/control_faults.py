"""Faults over the control port: tell, set and clear."""

from typing import Final

from aiohttp import web

from globalchat.core.errors import UsageError
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.faults.service import Faults
from globalchat.localcloud.process.control import FAULTS

_PLACES: Final = ("from", "to", "region")


def fault_routes(faults: Faults) -> list[web.RouteDef]:
    """GET answers `{"faults": [...]}`; POST sets, DELETE clears, and both answer with what is set then.

    POST takes `{"set": ["relay-delay=200ms"], "from"?, "to"?, "region"?}`, DELETE `{"names": []}` (none is
    all). What cannot be done is answered 400 with `error` and `remedy`, and nothing has changed.
    """

    async def tell(_: web.Request) -> web.Response:
        return _answer(faults)

    async def set_faults(request: web.Request) -> web.Response:
        document = await _document(request)
        source, target, region = (_name(document.get(place)) for place in _PLACES)
        try:
            faults.set(*_names(document.get("set")), source=source, target=target, region=region)
        except UsageError as error:
            return _refusal(error)
        return _answer(faults)

    async def clear(request: web.Request) -> web.Response:
        try:
            faults.clear(*_names((await _document(request)).get("names")))
        except UsageError as error:
            return _refusal(error)
        return _answer(faults)

    return [web.get(FAULTS, tell), web.post(FAULTS, set_faults), web.delete(FAULTS, clear)]


def _answer(faults: Faults) -> web.Response:
    return web.json_response({"faults": [fault.document() for fault in faults.active]})


def _refusal(error: UsageError) -> web.Response:
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

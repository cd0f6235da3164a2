"""A small scripted AppSync: does what a test sets, also what AWS never would."""

import asyncio
import base64
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from aiohttp import WSMsgType, web

from globalchat.client.profiles import Profile, RegionEndpoint

KEY = "da2-fakefakefakefakefakefakefa"
CHANNELS = ("cars", "robots", "tech")

TURNS_TO_ACCEPT = 3
"""Turns of the loop from a socket that is accepted to a connection that aiohttp knows of, and will close."""

NO_SUCH_CHANNEL = {"errorType": "UnknownChannel", "message": "There is no such channel."}
UNAUTHORIZED = {
    "errors": [
        {
            "errorType": "UnauthorizedException",
            "message": "You are not authorized to make this call.",
            "errorCode": 401,
        }
    ]
}

HttpScript = Callable[[dict[str, Any]], web.StreamResponse | None]


@dataclass(eq=False)
class Socket:
    """A connected client."""

    ws: web.WebSocketResponse
    starts: dict[str, str] = field(default_factory=dict)
    """Subscription id to channel."""

    async def send(self, **frame: object) -> None:
        await self.ws.send_str(json.dumps(frame))

    def abort(self) -> None:
        """Cut the TCP connection without a goodbye."""
        assert self.ws._req is not None
        transport = self.ws._req.transport
        assert transport is not None
        transport.abort()


class FakeAppSync:
    """One region. Attributes are the script; change them at any time."""

    def __init__(self, alias: str = "oregon", region: str = "us-west-2") -> None:
        self.alias = alias
        self.region = region
        self.key = KEY
        self.access_key: str | None = None
        """What signs, if signatures are taken instead of the API key; they are not checked."""
        self.channels: tuple[str, ...] = CHANNELS
        self.connection_timeout_ms: Any = 300_000
        self.on_init = "ack"
        self.on_start = "ack"
        self.on_http: HttpScript | None = None
        self.start_gate = asyncio.Event()
        self.start_gate.set()
        self.answered_id: str | None = None  # what publishes are answered with, in place of their own
        self.publish_gate = asyncio.Event()
        self.publish_gate.set()
        self.history_days: int | None = None  # None: it was deployed before there was a history
        self.history_gate = asyncio.Event()
        self.history_gate.set()
        self.stored: list[dict[str, Any]] = []  # messages with an arrival
        self.ping_answers = True
        self.peers: list[FakeAppSync] = []
        self.sockets: list[Socket] = []
        self.published: list[dict[str, Any]] = []
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        """Those of every request, by their names in small letters; also of those for a WebSocket."""
        self.peers_seen: set[object] = set()
        self.opened = 0
        self.open_now = 0
        self.host: str | None = None
        """The name that clients know it by, if it lies behind a proxy."""
        self.tls: ssl.SSLContext | None = None
        self.port = 0
        self._runner: web.AppRunner | None = None
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/graphql", self._http)
        app.router.add_get("/graphql", self._websocket)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self.tls)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        self.start_gate.set()
        self.history_gate.set()
        self.publish_gate.set()
        for socket in list(self.sockets):
            socket.abort()
        if self._runner is not None:
            for site in self._runner.sites:
                await site.stop()
            for _ in range(TURNS_TO_ACCEPT):
                await asyncio.sleep(0)
            await self._runner.cleanup()
            self._runner = None

    @property
    def _where(self) -> str:
        return self.host or f"127.0.0.1:{self.port}"

    @property
    def endpoint(self) -> RegionEndpoint:
        secure = "s" if self.tls is not None else ""
        return RegionEndpoint(
            alias=self.alias,
            region=self.region,
            graphql_url=f"http{secure}://{self._where}/graphql",
            realtime_url=f"ws{secure}://{self._where}/graphql",
            api_id="fakefake",
            event_bus="globalchat-bus",
            api_key=KEY,
        )

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something about this server is so."""
        async with asyncio.timeout(60), self._changed:
            await self._changed.wait_for(condition)

    async def subscribed(self, *channels: str) -> Socket:
        """Wait for a socket that has these channels, and return it."""

        def find() -> Socket | None:
            return next((each for each in self.sockets if set(channels) <= set(each.starts.values())), None)

        await self.until(lambda: find() is not None)
        found = find()
        assert found is not None
        return found

    async def broadcast(self, raw: dict[str, Any]) -> None:
        """Deliver a message to this region's subscribers."""
        for socket in list(self.sockets):
            for query_id, channel in list(socket.starts.items()):
                if channel == raw["name"] and not socket.ws.closed:
                    await socket.send(type="data", id=query_id, payload={"data": {"subscribe": raw}})

    async def revoke(self, channel: str) -> None:
        """End a channel as `unsubscribe` does: complete, then the whole socket closes."""
        for socket in list(self.sockets):
            ids = [query_id for query_id, name in socket.starts.items() if name == channel]
            for query_id in ids:
                await socket.send(type="complete", id=query_id)
            if ids:
                await socket.ws.close()

    def drop_all(self) -> None:
        for socket in list(self.sockets):
            socket.abort()

    def message(self, id_: str, channel: str = "tech", text: str = "hi", **more: object) -> dict[str, Any]:
        return {
            "id": id_,
            "name": channel,
            "message": text,
            "sender": None,
            "region": self.region,
            "sentAt": "2026-11-24T10:00:00.000Z",
            **more,
        }

    async def _http(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        self.peers_seen.add(request.transport.get_extra_info("peername"))
        body = await request.json()
        self.requests.append(body)
        if self.on_http is not None:
            scripted = self.on_http(body)
            if scripted is not None:
                return scripted
        if not self._accepts(request.headers):
            return web.json_response(UNAUTHORIZED, status=401)
        if "channels" in body["query"]:
            limits = {"message": 2000, "sender": 32, "id": 64}
            if self.history_days is not None:
                limits["historyDays"] = self.history_days
            return web.json_response({"data": {"channels": list(self.channels), "limits": limits}})
        await self._note()
        if "history" in body["query"]:
            await self.history_gate.wait()
            return web.json_response({"data": {"history": self._page(**body["variables"])}})
        await self.publish_gate.wait()
        return await self._publish(body["variables"])

    def _page(self, name: str, after: str | None, before: str | None, limit: int) -> dict[str, Any]:
        """Return a page as `history.js` does."""
        found = sorted((each for each in self.stored if each["name"] == name), key=lambda x: x["arrival"])
        if after is not None:
            kept = [each for each in found if each["arrival"] > after][:limit]
            return {"messages": kept, "next": kept[-1]["arrival"] if kept and kept[-1] != found[-1] else None}
        found = [each for each in found if before is None or each["arrival"] < before]
        kept = found[-limit:]
        return {"messages": kept, "next": kept[0]["arrival"] if len(found) > len(kept) else None}

    async def _publish(self, variables: dict[str, Any]) -> web.Response:
        if variables["name"] not in self.channels:
            info = {"channels": list(self.channels)}
            error = {**NO_SUCH_CHANNEL, "errorInfo": info, "path": ["publish"], "data": None}
            return web.json_response({"data": {"publish": None}, "errors": [error]})
        raw = self.message(
            variables["id"], variables["name"], variables["message"], sender=variables.get("sender")
        )
        raw["sentAt"] = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.published.append(raw)
        for region in (self, *self.peers):
            await region.broadcast(raw)
        answered = raw["id"] if self.answered_id is None else self.answered_id
        return web.json_response({"data": {"publish": {**raw, "id": answered}}})

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        if self.on_init == "http 403":
            return web.Response(status=403)
        # `timeout` is how long a closing server waits for a client that is gone; by default 10 s.
        ws = web.WebSocketResponse(protocols=("graphql-ws",), autoping=self.ping_answers, timeout=0.5)
        await ws.prepare(request)
        socket = Socket(ws)
        self.sockets.append(socket)
        self.opened += 1
        self.open_now += 1
        await self._note()
        try:
            await self._talk(socket, request)
        except ConnectionError:
            pass
        finally:
            self.sockets.remove(socket)
            self.open_now -= 1
            await self._note()
        return ws

    async def _talk(self, socket: Socket, request: web.Request) -> None:
        header = self._handshake(request)
        assert header["host"] == self._where
        async for message in socket.ws:
            if message.type is not WSMsgType.TEXT:
                continue
            frame = json.loads(message.data)
            if frame["type"] == "connection_init":
                await self._init(socket, header)
            elif frame["type"] == "start":
                await self._start(socket, frame)
            elif frame["type"] == "stop":
                socket.starts.pop(frame["id"], None)
                await socket.send(type="complete", id=frame["id"])
            await self._note()

    def _handshake(self, request: web.Request) -> dict[str, str]:
        """Return the header of a handshake: of the URL, or of the subprotocol if it is signed."""
        carried = request.query.get("header")
        if self.access_key is not None:
            assert carried is None
            offered = request.headers["Sec-WebSocket-Protocol"].split(", ")
            carried = next(each for each in offered if each.startswith("header-")).removeprefix("header-")
        header: dict[str, str] = json.loads(base64.urlsafe_b64decode(f"{carried}=="))
        return header

    def _accepts(self, header: Mapping[str, str]) -> bool:
        if self.access_key is None:
            return header.get("x-api-key") == self.key
        return f" Credential={self.access_key}/" in header.get("Authorization", "")

    async def _init(self, socket: Socket, header: dict[str, str]) -> None:
        if not self._accepts(header) or self.on_init == "unauthorized":
            await socket.send(type="connection_error", payload=UNAUTHORIZED)
            await socket.ws.close()
        elif self.on_init == "ack":
            payload = {"connectionTimeoutMs": self.connection_timeout_ms}
            await socket.send(type="connection_ack", payload=payload)
            await socket.send(type="ka")
        elif self.on_init == "close":
            await socket.ws.close()
        elif self.on_init == "abort":
            socket.abort()
        elif self.on_init != "silent":
            await socket.ws.send_str(self.on_init)

    async def _start(self, socket: Socket, frame: dict[str, Any]) -> None:
        query_id = frame["id"]
        channel = json.loads(frame["payload"]["data"])["variables"]["name"]
        authorization = frame["payload"]["extensions"]["authorization"]
        assert authorization.get("x-api-key") == KEY or self._accepts(authorization)
        await self.start_gate.wait()
        if channel not in self.channels:
            await socket.send(type="error", id=query_id, payload={"errors": [NO_SUCH_CHANNEL]})
        elif self.on_start == "ack":
            socket.starts[query_id] = channel
            await socket.send(type="start_ack", id=query_id)
        elif self.on_start == "data first":
            socket.starts[query_id] = channel
            await self.broadcast(self.message("early", channel))
            await socket.send(type="start_ack", id=query_id)
        elif self.on_start != "silent":
            await socket.ws.send_str(self.on_start.replace("ID", query_id))

    async def _note(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def profile_of(*regions: FakeAppSync) -> Profile:
    """A profile over fake regions."""
    return Profile("fake", {each.alias: each.endpoint for each in regions})

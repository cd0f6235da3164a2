"""A realtime endpoint on a real port with stand-ins behind it, and clients of it."""

import asyncio
import json
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass

import aiohttp

from globalchat.localcloud.appsync.model import Publication
from globalchat.localcloud.appsync.realtime.hub import Hub
from globalchat.localcloud.appsync.responder import HttpRequest, HttpResponse
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.fault_injection import RegionFaults
from globalchat.localcloud.server.acceptor import ConnectionLimit, Usage, serve_app
from globalchat.localcloud.server.http_apps import region_app
from globalchat.localcloud.server.loopback import bound, url
from globalchat.localcloud.server.realtime import RealtimeEndpoint, RealtimeOptions
from tests.localcloud.helpers.realtime_fakes import KEY, FakeAuthenticator, FakeExecutor

HEADERS = {"x-api-key": KEY}


class WatchedUsage(Usage):
    """Records when a socket was closed."""

    def __init__(self) -> None:
        super().__init__(asyncio.get_running_loop().time)
        self.has_closed = asyncio.Event()

    def socket_closed(self) -> None:
        super().socket_closed()
        self.has_closed.set()


@dataclass
class Server:
    """An endpoint on a free port."""

    url: str
    endpoint: RealtimeEndpoint
    hub: Hub
    executor: FakeExecutor
    usage: WatchedUsage

    @property
    def faults(self) -> RegionFaults:
        return self.endpoint.faults

    @property
    def transports(self) -> list[asyncio.Transport]:
        """The server's ends of the open sockets."""
        return [each._transport for each in self.endpoint._sockets]

    async def one_socket_closed(self) -> None:
        await asyncio.wait_for(self.usage.has_closed.wait(), 30)


async def respond(request: HttpRequest, authorized: Callable[[], None]) -> HttpResponse:
    return HttpResponse(200, {}, b"{}")


@asynccontextmanager
async def serving(options: RealtimeOptions | None = None) -> AsyncIterator[Server]:
    hub = Hub(defer=asyncio.get_running_loop().call_soon)
    executor, usage = FakeExecutor(), WatchedUsage()
    endpoint = RealtimeEndpoint(
        executor=executor,
        authenticator=FakeAuthenticator(),
        hub=hub,
        usage=usage,
        options=options or RealtimeOptions(),
    )
    app = region_app(endpoint, respond, usage)
    with bound([0]) as [listener], closing(ConnectionLimit()) as limit:
        async with serve_app(app, listener, limit, shutdown_seconds=3):
            yield Server(f"{url(listener)}/graphql", endpoint, hub, executor, usage)


@asynccontextmanager
async def client(server: Server) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(server.url, protocols=["graphql-ws"], headers=HEADERS) as socket,
    ):
        yield socket


async def start(socket: aiohttp.ClientWebSocketResponse, name: str, channel: str = "tech") -> None:
    data = json.dumps({"query": "subscription", "variables": {"name": channel}})
    payload = {"data": data, "extensions": {"authorization": HEADERS}}
    await socket.send_json({"id": name, "type": "start", "payload": payload})


async def subscribe(socket: aiohttp.ClientWebSocketResponse, name: str, channel: str = "tech") -> None:
    await start(socket, name, channel)
    assert await socket.receive_json(timeout=30) == {"type": "start_ack", "id": name}


def publication(text: str = "hi", channel: str = "tech") -> Publication:
    return Publication("publishFromBus", {"name": channel, "message": text})


async def raw_client(server: Server) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A WebSocket by hand, which can break the rules."""
    port = int(server.url.split(":")[2].split("/")[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(
        b"GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        b"Sec-WebSocket-Protocol: graphql-ws\r\nx-api-key: " + KEY.encode() + b"\r\n\r\n"
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101")
    assert b"permessage-deflate" not in head
    return reader, writer


def masked(opcode: int, payload: bytes, *, length: int | None = None) -> bytes:
    size = len(payload) if length is None else length
    return struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size) + b"\0\0\0\0" + payload


def start_frame(channel: str) -> bytes:
    data = json.dumps({"query": "subscription", "variables": {"name": channel}})
    payload: JSON = {"data": data, "extensions": {"authorization": dict(HEADERS)}}
    return masked(1, json.dumps({"id": "1", "type": "start", "payload": payload}).encode())

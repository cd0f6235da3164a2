"""Baselines: bare servers that only fan out, as processes: `python -m bench.servers.baselines KIND`.

`asyncio`: ready-made frames, one write per connection and turn of the event loop; the least that Python does.
`aiohttp`: one raw write per delivery. `websockets`: the library's own broadcast. All send the bytes that the
local cloud sends.
"""

import asyncio
import base64
import hashlib
import json
import struct
from contextlib import AsyncExitStack, suppress
from typing import Final

from aiohttp import WSMsgType, web

from bench.load.publishers import message_from_bus
from bench.servers.harness import Publish, StartServer, main
from globalchat.localcloud.appsync.realtime import frames
from globalchat.localcloud.appsync.realtime.frames import text_header
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.server.loopback import bound, url

_MAGIC: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 4.2.2

VALUE: Final[dict[str, JSON]] = {"data": {"subscribe": message_from_bus("0" * 26)}}


class BareSocket(asyncio.Protocol):
    """A WebSocket that knows one subscription and ignores the rest of the protocol."""

    def __init__(self, ready: "list[BareSocket]") -> None:
        self._ready = ready
        self._received = b""
        self._prefix = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer the upgrade, then the subscription."""
        assert self._transport is not None
        self._received += data
        if self._received.startswith(b"GET ") and self._received.endswith(b"\r\n\r\n"):
            self._transport.write(_upgraded(self._received))
            self._received = b""
        elif (text := _unmasked(self._received)) is not None:
            name = json.loads(text)["id"]
            self._prefix = frames.data_prefix(name)
            answer = frames.start_ack(name)
            self._transport.write(text_header(len(answer)) + answer)
            self._received = b""
            self._ready.append(self)

    def send(self, tails: list[bytes]) -> None:
        """Write a frame for each tail, at once."""
        assert self._transport is not None
        prefix = self._prefix
        self._transport.write(b"".join(text_header(len(prefix) + len(t)) + prefix + t for t in tails))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's name)
        """Forget the transport."""
        if self in self._ready:
            self._ready.remove(self)


def _upgraded(request: bytes) -> bytes:
    key = request.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
    accept = base64.b64encode(hashlib.sha1(key + _MAGIC, usedforsecurity=False).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Protocol: graphql-ws\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def _unmasked(frame: bytes) -> bytes | None:
    """Return the text of a whole frame of 126 to 65,535 bytes with a zero mask, as the load sends them."""
    if len(frame) < 8 or len(frame) < 8 + struct.unpack_from("!H", frame, 2)[0]:
        return None
    return frame[8:]


async def asyncio_server(stack: AsyncExitStack) -> tuple[dict[str, JSON], Publish]:
    """Serve with asyncio's transports alone."""
    loop = asyncio.get_running_loop()
    ready: list[BareSocket] = []
    pending: list[bytes] = []

    def flush() -> None:
        tails = list(pending)
        pending.clear()
        for each in ready:
            each.send(tails)

    def publish() -> None:
        if not pending:
            loop.call_soon(flush)
        pending.append(frames.data_tail(VALUE))

    listener = await loop.create_server(lambda: BareSocket(ready), "127.0.0.1", 0, backlog=1024)
    stack.callback(listener.close)
    return _about(listener.sockets[0].getsockname()[1]), publish


async def aiohttp_server(stack: AsyncExitStack) -> tuple[dict[str, JSON], Publish]:
    """Serve WebSockets with aiohttp alone."""
    ready: list[tuple[asyncio.Transport, bytes]] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=["graphql-ws"], compress=False)
        await socket.prepare(request)
        assert request.transport is not None
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                name = json.loads(message.data)["id"]
                await socket.send_str(frames.start_ack(name).decode())
                ready.append((request.transport, frames.data_prefix(name)))
        return socket

    def publish() -> None:
        tail = frames.data_tail(VALUE)
        header = text_header(len(ready[0][1]) + len(tail))
        for transport, prefix in ready:
            transport.write(header + prefix + tail)

    [listener] = stack.enter_context(bound([0]))
    app = web.Application()
    app.router.add_get("/graphql", handle)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=3)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.SockSite(runner, listener).start()
    return {"url": url(listener) + "/graphql", "key": "none"}, publish


async def websockets_server(stack: AsyncExitStack) -> tuple[dict[str, JSON], Publish]:
    """Serve with websockets; `broadcast` is its cheapest way to send without waiting."""
    from websockets.asyncio.server import ServerConnection, broadcast, serve
    from websockets.exceptions import ConnectionClosed
    from websockets.typing import Subprotocol

    ready: dict[ServerConnection, str] = {}

    async def handle(socket: ServerConnection) -> None:
        with suppress(ConnectionClosed):  # the load closes without a handshake
            async for message in socket:
                name = json.loads(message)["id"]
                await socket.send(frames.start_ack(name).decode())
                ready[socket] = frames.data_prefix(name).decode()
        del ready[socket]

    def publish() -> None:
        tail = frames.data_tail(VALUE).decode()
        for socket, prefix in ready.items():
            broadcast((socket,), prefix + tail)

    listener = await stack.enter_async_context(
        serve(
            handle,
            "127.0.0.1",
            0,
            subprotocols=[Subprotocol("graphql-ws")],
            compression=None,
            ping_interval=None,
            backlog=1024,
        )
    )
    return _about(next(iter(listener.sockets)).getsockname()[1]), publish


def _about(port: int) -> dict[str, JSON]:
    return {"url": f"http://127.0.0.1:{port}/graphql", "key": "none"}


SERVERS: Final[dict[str, StartServer]] = {
    "asyncio": asyncio_server,
    "aiohttp": aiohttp_server,
    "websockets": websockets_server,
}

if __name__ == "__main__":
    main(SERVERS)

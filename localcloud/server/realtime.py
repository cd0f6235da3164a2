"""Realtime sockets on aiohttp: carries frames between a WebSocket and the protocol core.

aiohttp does the handshake, reads, and closes; frames out go straight to the transport, see `outbox`.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from aiohttp import WSMsgType, web

from localcloud.appsync.actions import Action, Close, Count, Forget, Listen, Send, Start
from localcloud.appsync.handshake import SUBPROTOCOL, Handshake
from localcloud.appsync.hub import Hub
from localcloud.appsync.model import Authenticator, Executor
from localcloud.appsync.protocol import Limits, RealtimeProtocol
from localcloud.server.outbox import MAX_BUFFER, Flusher, Outbox
from localcloud.server.usage import Usage

MAX_INCOMING: Final = 1024 * 1024
CLOSE_SECONDS: Final = 2.0
"""How long a client may take to answer a close frame."""


@dataclass(frozen=True, slots=True)
class RealtimeOptions:
    """Limits of the sockets of one API; `max_buffer` is bytes that may wait for one client."""

    limits: Limits = field(default_factory=Limits)
    max_buffer: int = MAX_BUFFER


class RealtimeEndpoint:
    """The realtime side of one API: every open socket, and the handler that opens them."""

    def __init__(
        self,
        *,
        executor: Executor,
        authenticator: Authenticator,
        hub: Hub,
        usage: Usage,
        options: RealtimeOptions = RealtimeOptions(),
    ) -> None:
        self.executor = executor
        self.authenticator = authenticator
        self.hub = hub
        self.options = options
        self.flusher = Flusher(asyncio.get_running_loop().call_soon)
        self._usage = usage
        self._connections: set[_Connection] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one upgrade request until its socket is closed."""
        handshake = _handshake(request)
        socket = web.WebSocketResponse(
            protocols=_answerable(handshake.subprotocols),
            compress=False,
            max_msg_size=MAX_INCOMING,
            timeout=CLOSE_SECONDS,
        )
        await socket.prepare(request)
        transport = request.transport
        if transport is None:
            return socket
        connection = _Connection(self, socket, transport)
        self._connections.add(connection)
        self._usage.opened()
        self.hub.metrics.adjust("ActiveConnections", 1)
        try:
            await connection.run(handshake)
        finally:
            self._connections.discard(connection)
            self.hub.metrics.adjust("ActiveConnections", -1)
            self._usage.closed()
        return socket

    def shut_down(self) -> None:
        """Start to close every socket; their handlers end by themselves."""
        for connection in tuple(self._connections):
            connection.shut_down()


class _Connection:
    """One socket: runs the core's actions. It is the hub's `Socket`."""

    def __init__(
        self, endpoint: RealtimeEndpoint, socket: web.WebSocketResponse, transport: asyncio.Transport
    ) -> None:
        self._hub = endpoint.hub
        self._executor = endpoint.executor
        self._socket = socket
        self._transport = transport
        self._core = RealtimeProtocol(endpoint.authenticator, limits=endpoint.options.limits)
        self._outbox = Outbox(
            transport,
            endpoint.flusher,
            on_overflow=lambda: self._hub.metrics.count("SlowReaderDisconnect"),
            limit=endpoint.options.max_buffer,
        )
        self._loop = asyncio.get_running_loop()
        self._tasks = asyncio.TaskGroup()
        self._starts: dict[str, asyncio.Task[None]] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def run(self, handshake: Handshake) -> None:
        """Carry frames until the socket is closed, by either side."""
        try:
            async with self._tasks:
                self._apply(self._core.open(handshake, self._loop.time()))
                async for message in self._socket:
                    if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                        break
                    self._apply(self._core.receive(message.data, self._loop.time()))
                self._core.lost()
                self._release()
        finally:
            self._release()

    def deliver(self, frame: bytes) -> None:
        """Put one text frame into the outgoing buffer."""
        self._outbox.send(frame)

    def invalidate(self, subscriptions: Sequence[str]) -> None:
        """End these subscriptions, then the socket."""
        self._apply(self._core.invalidated(subscriptions))

    def shut_down(self) -> None:
        """Close because the service stops."""
        self._apply(self._core.shut_down())

    def _apply(self, actions: Sequence[Action]) -> None:
        for action in actions:
            match action:
                case Send(frame):
                    self._outbox.send(frame)
                case Start(name):
                    self._starts[name] = self._tasks.create_task(self._start(action))
                case Listen(name, plan):
                    self._hub.add(self, name, plan)
                case Forget(name):
                    self._forget(name)
                case Count(counter):
                    self._hub.metrics.count(counter)
                case Close(code):
                    self._release()
                    self._tasks.create_task(self._close(code))
        self._set_timer()

    async def _start(self, start: Start) -> None:
        outcome = await self._executor.subscribe(start.request, start.caller)
        del self._starts[start.id]
        if isinstance(outcome, list):
            self._apply(self._core.refused(start.id, outcome))
        else:
            self._apply(self._core.started(start.id, outcome))

    def _forget(self, name: str) -> None:
        start = self._starts.pop(name, None)
        if start is None:
            self._hub.remove(self, name)
        else:
            start.cancel()

    def _release(self) -> None:
        """Give up what the socket holds, but for the task that closes it."""
        self._hub.drop(self)
        self._outbox.close()
        if self._timer is not None:
            self._timer.cancel()
        for start in self._starts.values():
            start.cancel()
        self._starts.clear()

    async def _close(self, code: int) -> None:
        # Not draining: a client that does not read would hold the close up for ever.
        await self._socket.close(code=code, drain=False)
        if self._transport.get_write_buffer_size():
            self._transport.abort()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        deadline = self._core.deadline
        self._timer = None if deadline is None else self._loop.call_at(deadline, self._tick)

    def _tick(self) -> None:
        self._apply(self._core.tick(self._loop.time()))


def _handshake(request: web.Request) -> Handshake:
    offered = request.headers.get("Sec-WebSocket-Protocol", "")
    return Handshake(
        # The raw target: the parsed query has turned every "+" into a space.
        query=request.raw_path.partition("?")[2],
        subprotocols=tuple(name for part in offered.split(",") if (name := part.strip())),
        headers=dict(request.headers),
        source_ip=request.remote or "127.0.0.1",
    )


def _answerable(offered: tuple[str, ...]) -> tuple[str, ...]:
    """Choose the subprotocol to answer.

    Without a match one of the client's own is named: a browser can then read the `connection_error` that
    follows, and aiohttp does not log the offered ones, of which one may carry credentials.
    """
    return (SUBPROTOCOL,) if SUBPROTOCOL in offered else offered[:1]

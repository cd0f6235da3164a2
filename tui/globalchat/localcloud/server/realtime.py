"""The realtime side of an API: answers upgrade requests, and owns the sockets that they become.

aiohttp reads the request and answers it. Its connection is then handed over to a `RealtimeSocket`: the
request, its parser and its task would take twice as much memory as the socket.
"""

import asyncio
import base64
import hashlib
import logging
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from aiohttp import HttpVersion11, web

from globalchat.localcloud.appsync.model import Authenticator, Executor
from globalchat.localcloud.appsync.realtime.frames import SUBPROTOCOL, Handshake
from globalchat.localcloud.appsync.realtime.hub import MAX_PAYLOAD, Hub
from globalchat.localcloud.appsync.realtime.protocol import RateLimit, SocketLimits
from globalchat.localcloud.fault_injection import RegionFaults
from globalchat.localcloud.server import realtime_socket
from globalchat.localcloud.server.acceptor import HttpConnection, Usage
from globalchat.localcloud.server.realtime_socket import MAX_BUFFER, Flusher, RealtimeSocket

_MAGIC: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, section 4.2.2."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RealtimeOptions:
    """Limits of the realtime side of one API.

    Attributes:
        limits: Those of each socket.
        max_payload: Bytes that one subscription message may have.
        max_buffer: Unsent bytes at which a client is disconnected.
        connect_rate: Connections a second; None means no limit.
        subscribe_rate: `start` frames a second, of all sockets; None means no limit. AppSync has a limit,
            whose value and scope are not documented.
    """

    limits: SocketLimits = field(default_factory=SocketLimits)
    max_payload: int = MAX_PAYLOAD
    max_buffer: int = MAX_BUFFER
    connect_rate: float | None = 2000.0
    subscribe_rate: float | None = None


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
        faults: RegionFaults | None = None,
    ) -> None:
        self.faults = faults if faults is not None else RegionFaults()
        self._subscribe_rate = RateLimit(options.subscribe_rate)
        self._api = realtime_socket.SocketContext(
            executor,
            authenticator,
            hub,
            self.faults,
            Flusher(asyncio.get_running_loop().call_soon),
            options.limits,
            options.max_buffer,
            admit_connect=RateLimit(options.connect_rate).admit,
            admit_start=self._admit_start,
            spawn=self._spawn,
        )
        self._usage = usage
        self._sockets: set[RealtimeSocket] = set()
        self._authorized: set[RealtimeSocket] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._none_left = asyncio.Event()
        self._none_left.set()

    async def handle(self, request: web.Request, connection: HttpConnection) -> web.StreamResponse:
        """Answer an upgrade request, and hand its connection over to a socket if it is one.

        Raises:
            HTTPBadRequest: it is none.
        """
        handshake = _handshake(request)
        response = await _upgrade(request, _answered(handshake.subprotocols))
        transport = request.transport
        # The client was lost during the handshake.
        if transport is None:
            return response
        opened = RealtimeSocket(self._api, transport, connection.limit, on_lost=self._lost)
        # Also for callers that are refused: AppSync reports that in a frame on the open socket.
        opening = opened.open(handshake)
        if opened.is_authorized:
            connection.authorized()
            self._authorized.add(opened)
            self._usage.socket_opened()
        self._sockets.add(opened)
        self._none_left.clear()
        self._api.hub.metrics.adjust("ActiveConnections", 1)
        opened.start(opening, connection.hand_over(opened))
        self.faults.opened(opened)
        return response

    async def shut_down(self, seconds: float) -> None:
        """Close all sockets; cut those that are not closed after some seconds."""
        self.start_closing()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._none_left.wait(), seconds)
        for each in tuple(self._sockets):
            each.drop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def start_closing(self) -> None:
        """Start closing all sockets."""
        for each in tuple(self._sockets):
            each.shut_down()

    def _lost(self, socket: RealtimeSocket) -> None:
        self.faults.closed(socket)
        self._sockets.discard(socket)
        if not self._sockets:
            self._none_left.set()
        self._api.hub.metrics.adjust("ActiveConnections", -1)
        if socket in self._authorized:
            self._authorized.discard(socket)
            self._usage.socket_closed()

    def _spawn(self, socket: RealtimeSocket, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(partial(self._done, socket))
        return task

    def _done(self, socket: RealtimeSocket, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("A subscription could not be started.", exc_info=error)
            socket.drop()

    def _admit_start(self, now: float) -> bool:
        return not self.faults.throttled and self._subscribe_rate.admit(now)


async def _upgrade(request: web.Request, subprotocol: str | None) -> web.StreamResponse:
    """Answer an upgrade request.

    Raises:
        HTTPBadRequest: it is none.
    """
    # RFC 6455, section 4.1; aiohttp checks the headers alone.
    if request.method != "GET" or request.version < HttpVersion11:
        raise web.HTTPBadRequest(text="A WebSocket is opened by a GET request of HTTP/1.1.")
    # All that are offered, since aiohttp logs those that it does not know, which may contain credentials.
    upgrade = web.WebSocketResponse(protocols=_offered(request))
    if not upgrade.can_prepare(request).ok:
        # Raises what is wrong.
        await upgrade.prepare(request)
    key = request.headers["Sec-WebSocket-Key"].encode()
    accept = base64.b64encode(hashlib.sha1(key + _MAGIC, usedforsecurity=False).digest()).decode()
    headers = {"Upgrade": "websocket", "Connection": "upgrade", "Sec-WebSocket-Accept": accept}
    if subprotocol is not None:
        headers["Sec-WebSocket-Protocol"] = subprotocol
    response = web.StreamResponse(status=101, headers=headers)
    await response.prepare(request)
    return response


def _handshake(request: web.Request) -> Handshake:
    return Handshake(
        # The raw target is used, since the parsed query has turned every "+" into a space.
        query=request.raw_path.partition("?")[2],
        subprotocols=tuple(filter(None, _offered(request))),
        headers=dict(request.headers),
        source_ip=request.remote or "127.0.0.1",
    )


def _offered(request: web.Request) -> list[str]:
    return [each.strip() for each in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]


def _answered(offered: tuple[str, ...]) -> str | None:
    """Choose the subprotocol to answer, None if none is offered.

    Without a match, one of the client's own is chosen: a browser can then read the `connection_error` that
    follows.
    """
    return SUBPROTOCOL if SUBPROTOCOL in offered else next(iter(offered), None)

"""Realtime sockets on aiohttp: carries frames between a WebSocket and the protocol core.

aiohttp does the handshake, reads, and closes; outgoing frames go directly to the transport, see `buffer`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from globalchat.localcloud.appsync.model import Authenticator, Executor
from globalchat.localcloud.appsync.realtime.frames import SUBPROTOCOL, Handshake
from globalchat.localcloud.appsync.realtime.hub import MAX_PAYLOAD, Hub
from globalchat.localcloud.appsync.realtime.protocol import RateLimit, SocketLimits
from globalchat.localcloud.fault_injection import RegionFaults
from globalchat.localcloud.server import realtime_socket
from globalchat.localcloud.server.acceptor import Usage
from globalchat.localcloud.server.realtime_socket import MAX_BUFFER, Flusher, RealtimeSocket

MAX_INCOMING: Final = 1024 * 1024
"""Bytes of the largest frame that a client may send; AppSync's own limit is not documented."""


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
        )
        self._usage = usage
        self._connections: set[RealtimeSocket] = set()

    async def handle(self, request: web.Request, authorized: Callable[[], None]) -> web.StreamResponse:
        """Serve one upgrade request until its socket is closed.

        `authorized` is called if it is authorised.
        """
        handshake = _handshake(request)
        socket = web.WebSocketResponse(
            protocols=_answerable(handshake.subprotocols),
            # Frames are written directly to the transport, without aiohttp's compression.
            compress=False,
            max_msg_size=MAX_INCOMING,
            timeout=realtime_socket.CLOSE_SECONDS,
        )
        # Also for callers that are refused: AppSync reports that in a frame on the open socket.
        await socket.prepare(request)
        transport = request.transport
        # The client was lost during the handshake.
        if transport is None:
            return socket
        opened = RealtimeSocket(self._api, socket, transport)
        metrics = self._api.hub.metrics
        self._connections.add(opened)
        metrics.adjust("ActiveConnections", 1)
        self.faults.opened(opened)
        try:
            if opened.open(handshake):
                authorized()
                with self._usage.of_socket():
                    await opened.run()
            else:
                await opened.run()
        finally:
            self.faults.closed(opened)
            self._connections.discard(opened)
            metrics.adjust("ActiveConnections", -1)
        return socket

    def shut_down(self) -> None:
        """Start closing all sockets, whose handlers then end."""
        for each in tuple(self._connections):
            each.shut_down()

    def _admit_start(self, now: float) -> bool:
        return not self.faults.throttled and self._subscribe_rate.admit(now)


def _handshake(request: web.Request) -> Handshake:
    offered = request.headers.get("Sec-WebSocket-Protocol", "")
    return Handshake(
        # The raw target is used, since the parsed query has turned every "+" into a space.
        query=request.raw_path.partition("?")[2],
        subprotocols=tuple(name for part in offered.split(",") if (name := part.strip())),
        headers=dict(request.headers),
        source_ip=request.remote or "127.0.0.1",
    )


def _answerable(offered: tuple[str, ...]) -> tuple[str, ...]:
    """Choose the subprotocol to answer.

    Without a match, one of the client's own is chosen: a browser can then read the `connection_error` that
    follows, and aiohttp does not log the offered ones, which may contain credentials.
    """
    return (SUBPROTOCOL,) if SUBPROTOCOL in offered else offered[:1]

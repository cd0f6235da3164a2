"""One realtime socket: runs the actions of the protocol core on the transport of an upgraded connection.

websockets reads the frames of the client. Outgoing frames are gathered during one turn of the event loop and
written with one call per socket. Nothing waits for a client: one that reads too slowly is disconnected once
its buffer exceeds a limit.
"""

import asyncio
import logging
import socket
import struct
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Final

from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import SEND_EOF, Side, State
from websockets.protocol import Protocol as WebSocketProtocol

from globalchat.localcloud.appsync.model import Authenticator, Executor, RequestRejected
from globalchat.localcloud.appsync.realtime.frames import Handshake, text_frame
from globalchat.localcloud.appsync.realtime.hub import Hub
from globalchat.localcloud.appsync.realtime.protocol import (
    AddSubscription,
    CloseSocket,
    CountMetric,
    RealtimeProtocol,
    RemoveSubscription,
    SendFrame,
    SocketAction,
    SocketLimits,
    SocketState,
    StartSubscription,
)
from globalchat.localcloud.fault_injection import RegionFaults
from globalchat.localcloud.server.acceptor import ConnectionLimit

MAX_BUFFER: Final = 4 * 1024 * 1024
"""The most unsent bytes of a client."""

MAX_INCOMING: Final = 1024 * 1024
"""Bytes of the largest message that a client may send; AppSync's own limit is not documented."""

CLOSE_SECONDS: Final = 2.0
"""Time limit for a client's answer to a close frame."""

_WIRE_LOG: Final = logging.getLogger("websockets.server")

_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
"""`struct linger`: closing discards unsent data and resets the connection."""


class Flusher:
    """Writes every non-empty buffer once per turn of the loop, whose `call_soon` it gets."""

    def __init__(self, call_soon: Callable[[Callable[[], None]], object]) -> None:
        self._call_soon = call_soon
        self._waiting: list[FrameBuffer] = []

    def schedule(self, buffer: "FrameBuffer") -> None:
        """Call `buffer.flush` after the current callback."""
        if not self._waiting:
            self._call_soon(self._flush)
        self._waiting.append(buffer)

    def _flush(self) -> None:
        # Replaced before the writes, so that what is scheduled meanwhile gets a turn of its own.
        waiting, self._waiting = self._waiting, []
        for buffer in waiting:
            buffer.flush()


class FrameBuffer:
    """The frames that wait for one socket. `on_overflow` is called before the transport is aborted."""

    __slots__ = (
        "_closed",
        "_flusher",
        "_limit",
        "_on_overflow",
        "_parts",
        "_size",
        "_transport",
    )

    def __init__(
        self,
        transport: asyncio.WriteTransport,
        flusher: Flusher,
        *,
        on_overflow: Callable[[], None],
        limit: int = MAX_BUFFER,
    ) -> None:
        self._transport = transport
        self._flusher = flusher
        self._on_overflow = on_overflow
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        self._closed = False

    def send(self, frames: bytes) -> None:
        """Add whole frames, to be sent in this turn of the loop. Do nothing once closed."""
        if self._closed:
            return
        if not self._parts:
            self._flusher.schedule(self)
        self._parts.append(frames)
        self._size += len(frames)
        if self._size > self._limit:  # Limits how much one turn of the loop gathers.
            self.flush()

    def send_alone(self, frames: bytes) -> None:
        """Send whole frames that no other is about to follow: at once, unless others are waiting."""
        # Frames keep their order: these must not overtake those that are waiting.
        if self._parts or self._closed or self._transport.is_closing():
            self.send(frames)
            return
        # Spares the usual case, one write per turn, the callback and the list of parts.
        self._transport.write(frames)
        if self._transport.get_write_buffer_size() > self._limit:
            self._overflow()

    def flush(self) -> None:
        """Write waiting frames, and disconnect the client if too much stays unsent."""
        if self._parts and not self._closed and not self._transport.is_closing():
            self._transport.write(b"".join(self._parts))
            if self._transport.get_write_buffer_size() > self._limit:
                self._overflow()
        self._parts.clear()
        self._size = 0

    def _overflow(self) -> None:
        self._closed = True
        self._on_overflow()
        # An orderly close would wait for the data that this client does not read.
        self._transport.abort()

    def discard(self) -> None:
        """Discard waiting frames and all later ones."""
        self._closed = True
        self._parts.clear()
        self._size = 0

    def close(self) -> None:
        """Write waiting frames; later ones are discarded."""
        self.flush()
        self._closed = True


@dataclass(frozen=True, slots=True)
class SocketContext:
    """The context that the sockets of one API share.

    `admit_connect` and `admit_start` return True if one more is within the rate limit at a loop time. `spawn`
    starts a task for a socket, which is dropped if the task fails.
    """

    executor: Executor
    authenticator: Authenticator
    hub: Hub
    faults: RegionFaults
    flusher: Flusher
    limits: SocketLimits
    max_buffer: int
    admit_connect: Callable[[float], bool]
    admit_start: Callable[[float], bool]
    spawn: Callable[["RealtimeSocket", Coroutine[object, object, None]], asyncio.Task[None]]


class RealtimeSocket(asyncio.Protocol):
    """One socket, until either side closes it. Implements `HubSocket` and `FaultySocket`.

    It becomes the protocol of the transport of an upgraded HTTP connection (`start`). There may be ten
    thousand of them, so each is a few small objects, and no task.
    """

    __slots__ = (
        "_context",
        "_core",
        "_hub",
        "_is_text",
        "_limit",
        "_loop",
        "_message",
        "_on_lost",
        "_starts",
        "_timer",
        "_transport",
        "_wire",
        "blackholed",
        "buffer",
    )

    def __init__(
        self,
        context: SocketContext,
        transport: asyncio.Transport,
        limit: ConnectionLimit,
        *,
        on_lost: Callable[["RealtimeSocket"], None],
    ) -> None:
        self.blackholed = False
        self._context = context
        self._hub = context.hub
        self._transport = transport
        self._limit = limit
        self._on_lost = on_lost
        self._core = RealtimeProtocol(context.authenticator, limits=context.limits, admit=context.admit_start)
        self._wire = WebSocketProtocol(Side.SERVER, max_size=MAX_INCOMING, logger=_WIRE_LOG)
        self.buffer = FrameBuffer(
            transport, context.flusher, on_overflow=self._count_slow_reader, limit=context.max_buffer
        )
        self._loop = asyncio.get_running_loop()
        self._starts: dict[str, asyncio.Task[None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        # What came so far of a message; one buffer, since a client may send any number of empty fragments.
        self._message = bytearray()
        self._is_text = True

    def open(self, handshake: Handshake) -> list[SocketAction]:
        """Check the handshake; return what `start` sends to the client."""
        now = self._loop.time()
        return self._core.open(handshake, now, admitted=self._context.admit_connect(now))

    @property
    def is_authorized(self) -> bool:
        """True if the handshake was authorised, and the socket is not closed."""
        return self._core.state in (SocketState.OPEN, SocketState.READY)

    def start(self, opening: Sequence[SocketAction], received: bytes) -> None:
        """Take over the transport, and what was received after the upgrade request."""
        self._transport.set_protocol(self)
        self._apply(opening)
        if received:
            self.data_received(received)
        # If so much had come that the former protocol paused.
        self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Handle what the client has sent."""
        self._wire.receive_data(data)
        for event in self._wire.events_received():
            assert isinstance(event, Frame), "only a client's protocol has other events"
            if event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                self._take(event)
        self._send_control()

    def eof_received(self) -> None:
        """Release everything, and let the transport close, as the client sends nothing more."""
        self._core.lost()
        self._release()
        # The transport waits until everything is sent, which a client that does not read would prevent.
        self._cut_later()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 (asyncio's name)
        """Release everything."""
        self._limit.left(self)
        self._core.lost()
        self._release()
        self._on_lost(self)

    def invalidate(self, subscriptions: Sequence[str]) -> None:
        """End these subscriptions, then the socket; a black hole stays as it is."""
        if not self.blackholed:
            announce = self._context.faults.announce_invalidation
            self._apply(self._core.invalidated(subscriptions, announce=announce))

    def shut_down(self) -> None:
        """Close because the service stops."""
        self._apply(self._core.shut_down())

    def drop(self) -> None:
        """End the connection at once, without what is unsent."""
        self._transport.abort()

    def reset(self) -> None:
        """Reset the TCP connection."""
        reset(self._transport)

    def blackhole(self) -> None:
        """Stop sending and reading; the socket is reset at the end of its life."""
        self.blackholed = True
        self.buffer.discard()  # Also frames that wait for the end of this turn.
        self._transport.set_protocol(_BlackholeProtocol(self))

    def _take(self, frame: Frame) -> None:
        """Handle a message once it is whole."""
        if frame.opcode is not Opcode.CONT:
            self._is_text = frame.opcode is Opcode.TEXT
        self._message += frame.data
        if not frame.fin:
            return
        whole = bytes(self._message)
        self._message.clear()
        try:
            content = whole.decode() if self._is_text else whole
        except UnicodeDecodeError:
            self._wire.fail(CloseCode.INVALID_DATA)
            # What came with it is not answered.
            self._core.lost()
        else:
            self._apply(self._core.receive(content, self._loop.time()))

    def _send_control(self) -> None:
        """Send the frames that the WebSocket protocol itself requires, and close the transport if it does."""
        writes = self._wire.data_to_send()
        frames = b"".join(writes)
        if frames and self._wire.state is State.OPEN:
            # A client may send pings, and not read what answers them.
            self.buffer.send_alone(frames)
        elif frames:
            self.buffer.flush()
            self._send_last(frames)
        if SEND_EOF in writes:
            self._end()

    def _send_last(self, frames: bytes) -> None:
        """Send frames of the closing handshake, during which pings are answered too."""
        if not self._transport.is_closing():
            self._transport.write(frames)
            if self._transport.get_write_buffer_size() > self._context.max_buffer:
                self.drop()

    def _end(self) -> None:
        """Send nothing more, and close once the client has closed, or does not in time."""
        self._core.lost()
        self._release()
        # Closing at once would reset the connection if the client has sent more, and it would not read why.
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()
        self._cut_later()

    def _apply(self, actions: Sequence[SocketAction]) -> None:
        for action in actions:
            match action:
                case SendFrame(frame):
                    self.buffer.send(text_frame(frame))
                case StartSubscription(name):
                    self._starts[name] = self._context.spawn(self, self._subscribe(action))
                case AddSubscription(name, plan):
                    self._hub.add(self, name, plan)
                case RemoveSubscription(name):
                    self._forget(name)
                case CountMetric(counter):
                    self._hub.metrics.count(counter)
                case CloseSocket(code):
                    self._release()
                    self._close(code)
        self._set_timer()

    async def _subscribe(self, start: StartSubscription) -> None:
        try:
            plan = await self._context.executor.subscribe(start.request, start.caller)
            actions = self._core.started(start.id, plan)
        except RequestRejected as rejected:
            actions = self._core.refused(start.id, rejected.errors)
        del self._starts[start.id]
        self._apply(actions)

    def _forget(self, name: str) -> None:
        start = self._starts.pop(name, None)
        if start is None:
            self._hub.remove(self, name)
        else:
            start.cancel()

    def _release(self) -> None:
        """Release the socket's resources, except for the connection."""
        self._hub.drop(self)
        self.buffer.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for start in self._starts.values():
            start.cancel()
        self._starts.clear()

    def _close(self, code: int) -> None:
        """Start the closing handshake; `CLOSE_SECONDS` later the connection is cut."""
        if self.blackholed:
            self.reset()
        elif self._wire.state is State.OPEN:
            self._wire.send_close(code)
            self._send_control()
            self._cut_later()

    def _cut_later(self) -> None:
        """Abort the transport if the client does not read or answer in time: it would keep a descriptor."""
        if self._timer is None:
            self._timer = self._loop.call_later(CLOSE_SECONDS, self._transport.abort)

    def _set_timer(self) -> None:
        deadline = self._core.deadline
        # None once closed: then the timer, if any, is that of the closing handshake.
        if deadline is None:
            return
        if self._timer is not None:
            # Most frames leave the deadline unchanged; cancelling and setting a timer for each would cost
            # more than the check.
            if self._timer.when() == deadline:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(deadline, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._apply(self._core.tick(self._loop.time()))

    def _count_slow_reader(self) -> None:
        self._hub.metrics.count("SlowReaderDisconnect")


class _BlackholeProtocol(asyncio.Protocol):
    """Replaces a connection's protocol: discards input, but still reports the end of the connection."""

    def __init__(self, inner: asyncio.BaseProtocol) -> None:
        self._inner = inner

    def connection_lost(self, error: Exception | None) -> None:
        self._inner.connection_lost(error)


def reset(transport: asyncio.WriteTransport) -> None:
    """Reset a TCP connection: the peer sees "connection reset", not an orderly end.

    One that is closed already stays as it is.
    """
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.fileno() != -1:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()

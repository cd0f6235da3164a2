"""One realtime socket: runs the actions of the protocol core on an aiohttp WebSocket."""

import asyncio
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import WSMsgType, web

from globalchat.localcloud.appsync.model import Authenticator, Executor
from globalchat.localcloud.appsync.realtime.actions import Action, Close, Count, Forget, Listen, Send, Start
from globalchat.localcloud.appsync.realtime.handshake import Handshake
from globalchat.localcloud.appsync.realtime.hub import Hub
from globalchat.localcloud.appsync.realtime.protocol import Limits, RealtimeProtocol, State
from globalchat.localcloud.faults.sockets import SocketFaults
from globalchat.localcloud.server.outbox import Flusher, Outbox

CLOSE_SECONDS: Final = 2.0
"""How long a client may take to answer a close frame."""

_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
"""`struct linger`: closing discards what was not sent and resets the connection."""


@dataclass(frozen=True, slots=True)
class Api:
    """What the sockets of one API share.

    `admit_connect` and `admit_start` tell whether one more is within its rate limit at a time of the loop.
    """

    executor: Executor
    authenticator: Authenticator
    hub: Hub
    faults: SocketFaults
    flusher: Flusher
    limits: Limits
    max_buffer: int
    admit_connect: Callable[[float], bool]
    admit_start: Callable[[float], bool]


class Connection:
    """One socket, until either side closes it. It is the hub's `Socket` and the faults' `FaultySocket`."""

    def __init__(self, api: Api, socket: web.WebSocketResponse, transport: asyncio.Transport) -> None:
        self.silenced = False
        self._api = api
        self._hub = api.hub
        self._socket = socket
        self._transport = transport
        self._core = RealtimeProtocol(api.authenticator, limits=api.limits, admit=api.admit_start)
        self.outbox = Outbox(
            transport, api.flusher, on_overflow=self._count_slow_reader, limit=api.max_buffer
        )
        self._loop = asyncio.get_running_loop()
        self._tasks = asyncio.TaskGroup()
        self._starts: dict[str, asyncio.Task[None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._opening: Sequence[Action] = ()

    def open(self, handshake: Handshake) -> bool:
        """Judge the handshake; True if it is authorised. `run` says to the client what came of it."""
        now = self._loop.time()
        self._opening = self._core.open(handshake, now, admitted=self._api.admit_connect(now))
        return self._core.state is State.OPEN

    async def run(self) -> None:
        """Carry frames until the socket is closed, by either side."""
        try:
            async with self._tasks:
                self._apply(self._opening)
                async for message in self._socket:
                    if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                        break
                    if not self.silenced:
                        self._apply(self._core.receive(message.data, self._loop.time()))
                self._core.lost()
                self._release()
        finally:
            self._release()

    def invalidate(self, subscriptions: Sequence[str]) -> None:
        """End these subscriptions, then the socket; a silent one stays as it is."""
        if not self.silenced:
            announce = self._api.faults.announce_invalidation
            self._apply(self._core.invalidated(subscriptions, announce=announce))

    def shut_down(self) -> None:
        """Close because the service stops."""
        self._apply(self._core.shut_down())

    def reset(self) -> None:
        """Reset the TCP connection; `run` ends by that."""
        reset(self._transport)

    def silence(self) -> None:
        """Neither send nor listen any more; the end of the socket's life resets it."""
        self.silenced = True
        self.outbox.discard()
        self._transport.set_protocol(_Deaf(self._transport.get_protocol()))

    def _apply(self, actions: Sequence[Action]) -> None:
        for action in actions:
            match action:
                case Send(frame):
                    self.outbox.send(frame)
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
        outcome = await self._api.executor.subscribe(start.request, start.caller)
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
        self.outbox.close()
        if self._timer is not None:
            self._timer.cancel()
        for start in self._starts.values():
            start.cancel()
        self._starts.clear()

    async def _close(self, code: int) -> None:
        if self.silenced:
            self.reset()
            return
        # Not draining: a client that does not read would hold the close up for ever.
        await self._socket.close(code=code, drain=False)
        if self._transport.get_write_buffer_size():
            self._transport.abort()

    def _set_timer(self) -> None:
        deadline = self._core.deadline
        if self._timer is not None:
            if self._timer.when() == deadline and not self._timer.cancelled():
                return
            self._timer.cancel()
        self._timer = None if deadline is None else self._loop.call_at(deadline, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._apply(self._core.tick(self._loop.time()))

    def _count_slow_reader(self) -> None:
        self._hub.metrics.count("SlowReaderDisconnect")


class _Deaf(asyncio.Protocol):
    """Takes the place of a connection's protocol: discards what comes in, passes on that it is gone."""

    def __init__(self, inner: asyncio.BaseProtocol) -> None:
        self._inner = inner

    def connection_lost(self, error: Exception | None) -> None:
        self._inner.connection_lost(error)


def reset(transport: asyncio.WriteTransport) -> None:
    """Reset a TCP connection: the peer sees "connection reset", not an orderly end."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()

"""AppSync's realtime protocol: gql's WebSocket transport, completed.

Added: waiting for `start_ack`, the server's `connectionTimeoutMs` as the limit of silence, errors as data,
tolerance of odd frames, messages passed directly to their receiver, and a failed connect that leaves nothing
open. Each object serves one connection, since gql keeps stale state.
"""

import asyncio
import base64
import json
import logging
from collections.abc import Callable
from typing import Any, cast

from gql import GraphQLRequest
from gql.transport.appsync_auth import AppSyncAuthentication
from gql.transport.appsync_websockets import AppSyncWebsocketsTransport
from gql.transport.common.listener_queue import ListenerQueue, ParsedAnswer
from gql.transport.exceptions import (
    TransportClosed,
    TransportConnectionFailed,
    TransportProtocolError,
    TransportQueryError,
    TransportServerError,
)
from graphql import ExecutionResult
from websockets import ClientConnection
from websockets.exceptions import InvalidHandshake, InvalidMessage, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.protocol import Event

from globalchat.client.authentication import RenewedSignature
from globalchat.client.connect_errors import NoUpgrade
from globalchat.client.network import connect_options, proxy_of
from globalchat.client.offset import Dated, read_date
from globalchat.client.options import SocketTimeouts
from globalchat.core import redaction, tls
from globalchat.core.clock import WallClock, now_ms

log = logging.getLogger(__name__)
_decode = json.JSONDecoder().raw_decode
redaction.install()


class ServerError(TransportServerError):
    """An error of the whole connection; `payload` is the frame's."""

    def __init__(self, payload: object) -> None:
        super().__init__("the server ended the connection")
        self.payload = payload


class Subscriber(ListenerQueue):
    """Receives the frames of one subscription from gql's transport.

    Calls its receiver instead of queueing, since gql's queue is unbounded. `on_end` is called once if the
    server ends it after its start: with None for a plain `complete`.

    Attributes:
        started: A future: done once the server has sent `start_ack`; fails with the error that came instead.
    """

    def __init__(
        self,
        query_id: int,
        *,
        on_data: Callable[[object], None],
        on_end: Callable[[Exception | None], None],
    ) -> None:
        super().__init__(query_id, send_stop=True)
        self.started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._on_data = on_data
        self._on_end = on_end

    @property
    def is_live(self) -> bool:
        """True if the server has confirmed it."""
        return self.started.done() and self.started.exception() is None

    async def put(self, item: ParsedAnswer) -> None:
        """Take a frame; gql calls this for each frame with this subscription's id."""
        kind, result = item
        if self._closed:
            return
        if kind == "start_ack":
            if not self.started.done():
                self.started.set_result(None)
        elif kind == "complete":
            self._end(None)
        elif result is not None:
            self._on_data(result.data)

    def take(self, data: object) -> bool:
        """Take the data of one frame at once; return False if it has ended."""
        if self._closed:
            return False
        self._on_data(data)
        return True

    async def set_exception(self, exception: Exception) -> None:
        """Take an error frame or the end of the connection."""
        self._end(exception)

    def _end(self, error: Exception | None) -> None:
        if self._closed:
            return
        self._closed = True
        if self.started.done():
            self._on_end(error)
        else:
            self.started.set_exception(error or TransportClosed("completed before its start"))
            self.started.exception()  # Marks the exception as retrieved: the waiting task may be gone.


class _Socket(ClientConnection):
    """A WebSocket that follows no redirect, which could bypass the chosen proxy.

    Attributes:
        upgrade: When the upgrade was requested and answered (`clock`'s epoch ms), once it has been.
        take: Gets each text before it is queued, and returns True if it has handled it.
    """

    clock: WallClock = staticmethod(now_ms)
    upgrade: tuple[int, int] | None = None
    take: Callable[[bytes], bool] | None = None
    _cut: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Handle what came; after a close frame, cut the connection if the server does not in time."""
        super().data_received(data)
        # websockets waits for the server without a time limit, until the next ping.
        if self.close_deadline is not None and self._cut is None:
            self._cut = self.loop.call_at(self.close_deadline, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Report the end of the connection."""
        if self._cut is not None:
            self._cut.cancel()
        super().connection_lost(exc)

    def process_event(self, event: Event) -> None:
        """Handle what the protocol has read: a response, or a frame."""
        if (
            self.take is not None
            and isinstance(event, Frame)
            and event.opcode is Opcode.TEXT
            and event.fin
            # It must not overtake another one.
            and not self.recv_messages.frames
            and self.take(bytes(event.data))
        ):
            return
        super().process_event(event)

    async def handshake(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as websockets calls it
        """Request the upgrade.

        Raises:
            NoUpgrade: the host does not open a WebSocket.
        """
        asked = self.clock()
        try:
            await super().handshake(*args, **options)
            self.upgrade = (asked, self.clock())
        except InvalidStatus as error:
            # `from None`: websockets' errors hold the request with its headers, and those the key.
            status = error.response.status_code
            raise NoUpgrade(f"answered HTTP status {status} instead of a WebSocket", status) from None
        except InvalidMessage as error:
            cut = isinstance(error.__cause__, EOFError | ConnectionError)
            what = "closed the connection" if cut else "answered something that is not HTTP"
            raise NoUpgrade(f"{what} instead of opening a WebSocket") from None
        except InvalidHandshake:
            raise NoUpgrade("answered the request for a WebSocket with something else") from None


class AppSyncTransport(AppSyncWebsocketsTransport):
    """One connection.

    `open`, `start` and `stop` raise gql's errors, which may contain the key: translate them. `clock` gives
    epoch ms.

    Attributes:
        proxy: The proxy it goes through, None for a direct connection.
        ended: Fails with the reason when the connection is over.
        heard_at: When the last frame came (loop time).

    Raises:
        ProxyRefused: the environment names a proxy that cannot be used.
    """

    def __init__(
        self,
        realtime_url: str,
        *,
        auth: AppSyncAuthentication,
        timeouts: SocketTimeouts,
        clock: WallClock = now_ms,
    ) -> None:
        self.proxy = proxy_of(realtime_url)
        self._socket: _Socket | None = None
        self._clock = clock
        args: dict[str, Any] = {
            **connect_options(realtime_url, self.proxy),
            "proxy": None if self.proxy is None else self.proxy.url,
            "create_connection": self._make_socket,
            "open_timeout": None,  # `open` limits the whole handshake, up to the ack.
            # Frames are small, and a deflate context per socket would cost more memory than it saves traffic.
            "compression": None,
            "ping_interval": timeouts.ping,
            "ping_timeout": timeouts.ping,
            "close_timeout": timeouts.close,
        }
        # websockets refuses `proxy_ssl` for a proxy that is not spoken to over TLS.
        if self.proxy is not None and self.proxy.scheme == "https":
            args["proxy_ssl"] = tls.context()
        super().__init__(
            realtime_url,
            auth=auth,
            ssl=tls.context() if realtime_url.startswith("wss:") else False,
            # gql waits for the close timeout of websockets, which therefore must be shorter.
            close_timeout=cast(int, timeouts.close + 1),
            keep_alive_timeout=timeouts.liveness,
            connect_args=args,
        )
        self.connect_timeout = self.ack_timeout = None  # `open` limits the whole
        # gql guesses the realtime host by replacing text; the profile has it.
        if isinstance(auth, RenewedSignature):
            self.adapter.url = realtime_url
        else:
            query = self.adapter.url.rpartition("?")[2]
            self.adapter.url = f"{realtime_url}{'&' if '?' in realtime_url else '?'}{query}"
        self._limit = timeouts.connect
        self._broken: Exception | None = None
        self.heard_at = self._loop.time()
        self.ended: asyncio.Future[None] = self._loop.create_future()

    @property
    def dated(self) -> Dated | None:
        """The date of the answer that opened the socket, if it has one."""
        socket = self._socket
        if socket is None or socket.upgrade is None or socket.response is None:
            return None
        dates = socket.response.headers.get_all("Date")
        date = read_date(dates[0]) if dates else None
        return None if date is None else Dated(socket.upgrade[0], date, socket.upgrade[1])

    async def open(self) -> None:
        """Connect up to `connection_ack`; after a failure nothing is left open."""
        if isinstance(self.auth, RenewedSignature):
            await self.auth.renew()
            self.adapter.subprotocols = [self.subprotocol, _carried(self.auth.get_headers())]
        try:
            async with asyncio.timeout(self._limit):
                await self.connect()
        # Also after a cancellation: gql's tasks and the socket would go on without an owner.
        except BaseException as error:
            await self.close()
            if isinstance(error, TimeoutError) and self._socket is not None and self._socket.response is None:
                silent = NoUpgrade("does not answer the request for a WebSocket")
                raise TransportConnectionFailed("no upgrade") from silent
            raise

    async def start(self, request: GraphQLRequest, make: Callable[[int], Subscriber]) -> Subscriber:
        """Send `start`, with the subscriber registered before an answer can arrive."""
        if isinstance(self.auth, RenewedSignature):
            await self.auth.renew()
        # Registered first: an answer may be read before the send below returns.
        subscriber = make(self.next_query_id)
        self.listeners[subscriber.query_id] = subscriber
        await self._send_query(request)
        return subscriber

    async def stop(self, subscriber: Subscriber) -> None:
        """End one subscription; its frames no longer reach the receiver."""
        # Removed first: frames that are on their way already would otherwise still reach the receiver.
        self.listeners.pop(subscriber.query_id, None)
        await self._send(json.dumps({"id": str(subscriber.query_id), "type": "stop"}))

    async def close(self) -> None:
        """Close the socket at once; AppSync needs no `stop` before it."""
        await self._fail(TransportClosed("closed by the client"), clean_close=False)
        await self.wait_closed()
        await self.adapter.close()
        if self.receive_data_task is not None:  # gql cancels it without waiting until it has ended.
            await asyncio.wait([self.receive_data_task])

    def _make_socket(self, *args: Any, **options: Any) -> "_Socket":  # noqa: ANN401 - as websockets calls it
        """Return the protocol factory that websockets uses once the host is reached."""
        self._socket = _Socket(*args, **options)
        # websockets calls a factory with its own arguments, so the clock cannot be one of them.
        self._socket.clock = self._clock
        return self._socket

    async def _close_hook(self) -> None:
        if not self.ended.done():
            self.ended.set_exception(self.close_exception or TransportClosed("closed"))
            # Marks the exception as retrieved: an owner that closes does not ask why it ended.
            self.ended.exception()

    async def _receive_data_loop(self) -> None:
        assert self._socket is not None, "it is connected"
        self._socket.take = self._take
        try:
            await super()._receive_data_loop()
        except Exception as error:  # gql would leave every listener waiting.
            log.exception("A frame could not be handled.")
            await self._fail(TransportProtocolError(type(error).__name__), clean_close=False)

    async def _check_ws_liveness(self) -> None:
        limit = self.keep_alive_timeout or 0
        # Checking a time stamp is cheaper than moving a timer with every frame.
        while (left := self.heard_at + limit - self._loop.time()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left)
        await self._fail(TransportConnectionFailed("silent for too long"), clean_close=False)

    def _take(self, frame: bytes) -> bool:
        """Deliver a frame with data at once; return False for any other frame, which gql then reads.

        Messages may come by the thousand, and gql's queues and tasks take as long as all the rest.
        """
        try:
            text = str(frame, "utf-8")
            content, end = _decode(text)
        except (ValueError, RecursionError):
            return False
        if end != len(text) or not isinstance(content, dict) or content.get("type") != "data":
            return False
        subscriber = self.listeners.get(_query_id(content) or 0)
        if not isinstance(subscriber, Subscriber):
            return False
        self.heard_at = self._loop.time()
        payload = content.get("payload")
        try:
            return subscriber.take(payload.get("data") if isinstance(payload, dict) else None)
        except Exception as error:
            self._broken = error
            return False

    def _parse_answer(self, answer: str) -> tuple[str, int | None, ExecutionResult | None]:
        self.heard_at = self._loop.time()
        if self._broken is not None:
            raise self._broken
        try:
            frame = json.loads(answer)
        except (ValueError, RecursionError):
            frame = None
        if not isinstance(frame, dict):
            raise TransportProtocolError("a frame that is not a JSON object")
        kind, payload, query_id = str(frame.get("type")), frame.get("payload"), _query_id(frame)
        if kind == "connection_ack":
            # The server sends `ka` frames within this time (AppSync developer guide, WebSocket client);
            # silence means a loss.
            limit = payload.get("connectionTimeoutMs") if isinstance(payload, dict) else None
            if isinstance(limit, int | float) and limit > 0:
                self.keep_alive_timeout = limit / 1000
        # gql passes this exception to the subscriber with that id; others end the connection.
        elif kind == "error" and query_id is not None:
            raise TransportQueryError("refused", query_id=query_id, errors=[payload])
        elif kind in ("error", "connection_error"):
            raise ServerError(payload)
        elif kind == "data":
            data = payload if isinstance(payload, dict) else {}
            return kind, query_id, ExecutionResult(data=data.get("data"), errors=data.get("errors"))
        return kind, query_id, None


def _query_id(frame: dict[str, object]) -> int | None:
    text = str(frame.get("id"))
    # Other digits than ASCII's, and numbers of any length, would pass `int` or make it raise.
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _carried(headers: dict[str, Any]) -> str:
    """Return headers as a subprotocol, which is in no URL (AppSync developer guide, WebSocket client)."""
    text = json.dumps(headers, separators=(",", ":")).encode()
    # Padding is not allowed in the name of a subprotocol.
    return f"header-{base64.urlsafe_b64encode(text).decode().rstrip('=')}"

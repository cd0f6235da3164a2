"""A cheap subscriber socket: the protocol without I/O, the socket, and the frame decoder.

The chat's own transport (gql, tasks for each socket) takes 27 KB a socket and 20 µs a delivery, this one 7 KB
and 8 µs. Frames and upgrade are handled by the protocol core of `websockets`; their contents are handled
here.
"""

import asyncio
import json
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from urllib.parse import quote

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidURI
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from globalchat.client import connect_errors, documents, response_errors
from globalchat.client.connect_errors import NoUpgrade
from globalchat.client.documents import Unreadable, read_message
from globalchat.client.network import connect_options
from globalchat.client.profiles import RegionEndpoint
from globalchat.core import redaction, tls
from globalchat.core.errors import Refused, UserError
from globalchat.core.net import host_and_port, host_of
from globalchat.measure.load.delivery import PayloadTag

MAX_FRAME = 1 << 20
"""Bytes of the largest frame that is accepted: AppSync sends 240 KB at most."""
OPEN_TIMEOUT = 30.0
"""Seconds for a socket to open and all its subscriptions to be confirmed; thousands open at once."""
MAX_REMEMBERED = 2048
"""The number of frames whose contents the decoder caches."""

_BUFFER = memoryview(bytearray(1 << 18))
"""Shared by all sockets of the process: received data is copied before the loop serves the next socket."""


class SubscriptionPhase(Enum):
    """The phases of a subscriber's socket, in their order."""

    OPENING = "opening"
    SUBSCRIBING = "subscribing"
    LIVE = "live"
    CLOSED = "closed"


class SubscriberProtocol:
    """AppSync's realtime protocol of one socket with subscriptions to `channels`, numbered from 0. No I/O.

    `on_frame` is called with every frame that comes while it is LIVE, and with data that comes before.

    Attributes:
        phase: LIVE once every subscription is confirmed.
        failure: Why it is CLOSED.

    Raises:
        UserError: the region's URL is not that of a WebSocket.
    """

    def __init__(
        self, endpoint: RegionEndpoint, channels: Sequence[str], on_frame: Callable[[bytes], None]
    ) -> None:
        redaction.register_secret(endpoint.api_key)
        self._host = host_of(endpoint.realtime_url)
        self._channels = tuple(channels)
        self._on_frame = on_frame
        self._unconfirmed = len(self._channels)
        self._parts = b""
        self._authorization = {"host": host_of(endpoint.graphql_url), "x-api-key": endpoint.api_key}
        header = b64encode(json.dumps(self._authorization).encode()).decode()
        separator = "&" if "?" in endpoint.realtime_url else "?"
        try:
            uri = parse_uri(f"{endpoint.realtime_url}{separator}header={quote(header)}&payload=e30=")
        except (ValueError, InvalidURI):
            uri = None
        if uri is None:  # Raised outside the handler, as the error contains the key.
            raise UserError(f"No WebSocket can be at {self._host}.", remedy="Check the URL in the profile.")
        self._socket = ClientProtocol(uri, subprotocols=[Subprotocol("graphql-ws")], max_size=MAX_FRAME)
        self.phase = SubscriptionPhase.OPENING
        self.failure: UserError | None = None

    def open(self) -> list[bytes]:
        """Return the first bytes to send."""
        self._socket.send_request(self._socket.connect())
        return self._socket.data_to_send()

    def receive(self, data: bytes) -> list[bytes]:
        """Handle received bytes and return the parts to send; an empty part means to close."""
        self._socket.receive_data(data)
        for event in self._socket.events_received():
            if isinstance(event, Frame):
                self._frame(event)
            elif isinstance(event, Response):
                self._upgraded(event)
        if self._socket.parser_exc is not None or self._socket.handshake_exc is not None:
            other = connect_errors.not_the_api_error(self._host, "something other than a WebSocket")
            self._fail(self.failure or other)
        return self._socket.data_to_send()

    def connection_lost(self) -> None:
        """Handle the end of the connection."""
        if self.phase is SubscriptionPhase.OPENING:
            why = NoUpgrade("closed the connection instead of opening a WebSocket")
            self._fail(connect_errors.no_upgrade(self._host, why))
        elif self.phase is not SubscriptionPhase.CLOSED:
            self._fail(connect_errors.lost(self._host))

    def _upgraded(self, response: Response) -> None:
        if self._socket.handshake_exc is not None:
            status = response.status_code
            why = NoUpgrade(f"answered HTTP status {status} instead of a WebSocket", status)
            self._fail(connect_errors.no_upgrade(self._host, why))
            return
        self._send({"type": "connection_init"})

    def _frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.TEXT and frame.fin:
            self._text(bytes(frame.data))
        elif frame.opcode in (Opcode.TEXT, Opcode.CONT):
            self._parts += frame.data
            if frame.fin:
                whole, self._parts = self._parts, b""
                self._text(whole)

    def _text(self, frame: bytes) -> None:
        if self.phase is SubscriptionPhase.LIVE:
            self._on_frame(frame)
        else:
            self._handshake(frame)

    def _handshake(self, frame: bytes) -> None:
        document = _parse(frame)
        match document.get("type"):
            case "connection_ack":
                self.phase = SubscriptionPhase.SUBSCRIBING
                for number, channel in enumerate(self._channels):
                    self._send(self._start(number, channel))
            case "start_ack":
                self._unconfirmed -= 1
                if not self._unconfirmed:
                    self.phase = SubscriptionPhase.LIVE
            case "error" | "connection_error":
                errors = response_errors.read_errors(document.get("payload"))
                refusal = response_errors.refusal(errors, self._host)
                # The connection may have been throttled, as AppSync accepts 2,000 a second, so a retry may
                # help.
                if type(refusal) is Refused and document.get("type") == "connection_error":
                    refusal.retryable = True
                self._fail(refusal)
            case "data":
                self._on_frame(frame)

    def _start(self, number: int, channel: str) -> dict[str, object]:
        # What a delivery costs does not depend on `arrival`, which some regions do not have.
        query = documents.SUBSCRIBE_BEFORE_HISTORY
        data = json.dumps({"query": query, "variables": {"name": channel}})
        payload = {"data": data, "extensions": {"authorization": self._authorization}}
        return {"id": str(number), "type": "start", "payload": payload}

    def _send(self, document: dict[str, object]) -> None:
        self._socket.send_text(json.dumps(document).encode())

    def _fail(self, failure: UserError) -> None:
        self.failure = failure
        self.phase = SubscriptionPhase.CLOSED


class SubscriberSocket(asyncio.BufferedProtocol):
    """One socket on the event loop, without tasks and queues.

    `on_frame` gets a frame and its arrival (monotonic ns); `on_lost` is called if a live one ends.

    Attributes:
        ready: A future: done once the socket is live, or failed with the reason why it is not.
    """

    def __init__(
        self,
        endpoint: RegionEndpoint,
        channels: Sequence[str],
        *,
        on_frame: Callable[[bytes, int], None],
        on_lost: Callable[[], None],
    ) -> None:
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._on_frame = on_frame
        self._on_lost = on_lost
        self._protocol = SubscriberProtocol(endpoint, channels, self._received)
        self._transport: asyncio.Transport | None = None
        self._at = 0
        self._closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the upgrade."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._write(self._protocol.open())

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        """Return the shared buffer."""
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        """Handle what was received."""
        self._at = time.monotonic_ns()
        # One time stamp for all frames of a read, since they were in the kernel's buffer together.
        self._write(self._protocol.receive(bytes(_BUFFER[:nbytes])))
        if not self.ready.done():
            self._settle()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002
        """Handle the end of the connection."""
        was_live = self._protocol.phase is SubscriptionPhase.LIVE
        self._protocol.connection_lost()
        if not self.ready.done():
            self._settle()
        elif was_live and not self._closed:
            self._on_lost()

    def close(self) -> None:
        """Abort the connection: closing handshakes of thousands would be useless."""
        self._closed = True
        if self._transport is not None:
            self._transport.abort()

    def abandon(self) -> None:
        """Close the socket, and cancel `ready`."""
        self.ready.cancel()
        self.close()

    def _received(self, frame: bytes) -> None:
        self._on_frame(frame, self._at)

    def _write(self, parts: Sequence[bytes]) -> None:
        assert self._transport is not None
        for part in parts:
            if part:
                self._transport.write(part)
            else:
                self._transport.close()

    def _settle(self) -> None:
        if self._protocol.failure is not None:
            self.ready.set_exception(self._protocol.failure)
            self.close()
        elif self._protocol.phase is SubscriptionPhase.LIVE:
            self.ready.set_result(None)


async def open_socket(endpoint: RegionEndpoint, make: Callable[[], SubscriberSocket]) -> SubscriberSocket:
    """Open a socket and wait until it is live.

    Raises:
        UserError: it could not be opened, was refused, or took too long.
    """
    host, port = host_and_port(endpoint.realtime_url)
    secure = tls.context() if endpoint.realtime_url.startswith("wss:") else None
    options = connect_options(endpoint.realtime_url, None)
    loop, socket = asyncio.get_running_loop(), make()
    try:
        async with asyncio.timeout(OPEN_TIMEOUT):
            await loop.create_connection(lambda: socket, host, port, ssl=secure, **options)
            await socket.ready
    except (OSError, TimeoutError) as error:
        socket.abandon()
        raise connect_errors.unreachable_error(error, host_of(endpoint.realtime_url)) from None
    except BaseException:
        socket.abandon()
        raise
    return socket


@dataclass(frozen=True, slots=True)
class DeliveredMessage:
    """A message for a subscription; `tag` is None if no load test made it."""

    subscription: int
    tag: PayloadTag | None


@dataclass(frozen=True, slots=True)
class SubscriptionEnded:
    """The server ended a subscription."""

    subscription: int


Decoded = DeliveredMessage | SubscriptionEnded | None


class Decoder:
    """Reads the frames of live sockets, each distinct frame once.

    All sockets number their subscriptions in the same way, so all subscribers of a region receive a message
    in the same bytes.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, Decoded] = {}

    def read(self, frame: bytes) -> Decoded:
        """Return the content of a frame; None for a keep-alive and everything else."""
        if frame in self._known:
            return self._known[frame]
        # Simpler than an LRU cache, and as good, since old messages do not recur.
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        decoded = self._known[frame] = _decode(frame)
        return decoded


def _decode(frame: bytes) -> Decoded:
    document = _parse(frame)
    number = str(document.get("id"))
    # Keep-alives have no id, and an id that is not ours belongs to no subscription.
    if not (number.isascii() and number.isdecimal()):
        return None
    match document:
        case {"type": "data", "payload": {"data": {"subscribe": raw}}}:
            try:
                return DeliveredMessage(int(number), PayloadTag.parse(read_message(raw).text))
            except Unreadable:
                return DeliveredMessage(int(number), None)
        case {"type": "complete" | "error"}:
            return SubscriptionEnded(int(number))
    return None


def _parse(frame: bytes) -> dict[str, object]:
    """Return the JSON object in a frame; an empty one if there is none."""
    try:
        document = json.loads(frame)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}

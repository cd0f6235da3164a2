"""Subscribers of any server: how to subscribe in each protocol, and sockets that count received bytes.

The benchmarks compare servers of several protocols with the same load, which must cost little: deliveries are
not decoded, as they all have one size. (`globalchat.measure.load` decodes each one, for AppSync alone.)
"""

import base64
import json
import os
import selectors
import socket
import struct
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import quote, urlsplit

BATCH: Final = 100
"""Sockets that are opened at a time."""

QUERY: Final = (
    "subscription Subscribe($name: String!) "
    "{ subscribe(name: $name) { id name message sender region sentAt } }"
)

Step = tuple[bytes, Callable[[bytes], bool]]
"""What to send, and a test if all that was received since is the whole answer."""


class SubscribeProtocol(Protocol):
    """How to subscribe to a server."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the server."""

    def steps(self) -> Sequence[Step]:
        """Return the steps from an open socket to a subscription, as many for each socket."""

    def settle(self) -> Step | None:
        """Return the answer to a question that the server asks once, later, and a test for the question."""


def masked_frame(payload: bytes) -> bytes:
    """Return a client's text frame; the mask is zero."""
    length = len(payload)
    head = (
        struct.pack("!BB", 0x81, 0x80 | length) if length < 126 else struct.pack("!BBH", 0x81, 0xFE, length)
    )
    return head + b"\0\0\0\0" + payload


@dataclass(frozen=True, slots=True)
class AppSyncProtocol:
    """AppSync's WebSocket, with an API key; without `connection_init`, so that only deliveries come."""

    url: str
    key: str
    channel: str

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the URL."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or 0

    def steps(self) -> Sequence[Step]:
        """Upgrade, then start the subscription."""
        return (
            (self._upgrade(), lambda answer: answer.endswith(b"\r\n\r\n")),
            (self._start(), lambda answer: b"start_ack" in answer and answer.endswith(b"}")),
        )

    def settle(self) -> None:
        """Return None: the server asks nothing."""

    def _authorization(self) -> dict[str, str]:
        return {"host": "127.0.0.1", "x-api-key": self.key}

    def _upgrade(self) -> bytes:
        header = base64.b64encode(json.dumps(self._authorization()).encode()).decode()
        return (
            f"GET {urlsplit(self.url).path}?header={quote(header)}&payload=e30= HTTP/1.1\r\n"
            "Host: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
            "Sec-WebSocket-Protocol: graphql-ws\r\n\r\n"
        ).encode()

    def _start(self) -> bytes:
        data = json.dumps({"query": QUERY, "variables": {"name": self.channel}})
        payload = {"data": data, "extensions": {"authorization": self._authorization()}}
        frame = {"id": str(uuid.uuid4()), "type": "start", "payload": payload}
        return masked_frame(json.dumps(frame).encode())


@dataclass(frozen=True, slots=True)
class NatsProtocol:
    """The client protocol of NATS."""

    port: int
    channel: str

    @property
    def address(self) -> tuple[str, int]:
        """The port on loopback."""
        return "127.0.0.1", self.port

    def steps(self) -> Sequence[Step]:
        """Connect and subscribe; `PONG` means that both are done."""
        request = f'CONNECT {{"verbose":false,"pedantic":false}}\r\nSUB {self.channel} 1\r\nPING\r\n'
        return ((request.encode(), lambda answer: answer.endswith(b"PONG\r\n")),)

    def settle(self) -> Step:
        """Return the answer to the ping that the server sends two seconds after a client has connected."""
        return b"PONG\r\n", lambda received: received.endswith(b"PING\r\n")

    def publish(self, text: bytes) -> bytes:
        """Return the bytes of one message."""
        return b"PUB %s %d\r\n%s\r\n" % (self.channel.encode(), len(text), text)


@dataclass(frozen=True, slots=True)
class MqttProtocol:
    """MQTT 3.1.1 with a clean session, no keep-alive, and QoS 0."""

    port: int
    channel: str

    @property
    def address(self) -> tuple[str, int]:
        """The port on loopback."""
        return "127.0.0.1", self.port

    def steps(self) -> Sequence[Step]:
        """Connect and subscribe at once; CONNACK has 4 bytes, SUBACK 5."""
        subscribe = self._packet(0x82, b"\0\1" + _sized(self.channel.encode()) + b"\0")
        return ((self.connect() + subscribe, lambda answer: len(answer) >= 9),)

    def settle(self) -> None:
        """Return None: the server asks nothing."""

    def connect(self) -> bytes:
        """Return the first packet, of a client with a random name."""
        return self._packet(0x10, _sized(b"MQTT") + b"\x04\x02\0\0" + _sized(uuid.uuid4().hex[:20].encode()))

    def publish(self, text: bytes) -> bytes:
        """Return the bytes of one message."""
        return self._packet(0x30, _sized(self.channel.encode()) + text)

    @staticmethod
    def _packet(head: int, body: bytes) -> bytes:
        length = len(body)  # below 16,384: at most two bytes
        sizes = [length] if length < 128 else [length % 128 | 128, length // 128]
        return bytes([head, *sizes]) + body


def _sized(text: bytes) -> bytes:
    return struct.pack("!H", len(text)) + text


class CountingSubscribers:
    """Open sockets, each with one subscription to one channel.

    Every delivery has the same size, so bytes count messages; `check` finds a byte too few or too many.
    """

    def __init__(self, protocol: SubscribeProtocol) -> None:
        self._protocol = protocol
        self._sockets: list[socket.socket] = []
        self._selector = selectors.DefaultSelector()
        self._buffer = bytearray(1 << 20)
        self.bytes: list[int] = []
        self.total = 0

    def open(self, count: int) -> None:
        """Connect and subscribe `count` more."""
        old = len(self)
        for start in range(0, count, BATCH):
            self._open_batch(min(BATCH, count - start))
        for number, each in enumerate(self._sockets[old:], old):
            if settle := self._protocol.settle():
                answer, asked = settle
                read_until(each, asked)
                each.sendall(answer)
            each.setblocking(False)
            self._selector.register(each, selectors.EVENT_READ, number)

    def _open_batch(self, count: int) -> None:
        batch = [socket.create_connection(self._protocol.address, 30) for _ in range(count)]
        self._sockets += batch
        self.bytes += [0] * count
        for step in zip(*(self._protocol.steps() for _ in batch), strict=True):
            for each, (request, _) in zip(batch, step, strict=True):
                each.sendall(request)
            for each, (_, whole) in zip(batch, step, strict=True):
                read_until(each, whole)

    def receive(self, seconds: float) -> None:
        """Receive what comes within some seconds; return as soon as something came."""
        buffer, counts = self._buffer, self.bytes
        for key, _ in self._selector.select(seconds):
            received = key.fileobj.recv_into(buffer)  # type: ignore[union-attr]
            if not received:
                raise ConnectionError(f"the server closed the socket of subscriber {key.data}")
            counts[key.data] += received
            self.total += received

    def await_bytes(self, total: int, seconds: float = 30) -> None:
        """Receive until `total` bytes came in all, or the time is over (`check` fails then)."""
        deadline = time.monotonic() + seconds
        while self.total < total and time.monotonic() < deadline:
            self.receive(0.1)

    def check(self, each: int) -> None:
        """Check that every subscriber has received `each` bytes.

        Raises:
            AssertionError: one has received more or fewer.
        """
        wrong = [count for count in self.bytes if count != each]
        assert not wrong, f"{len(wrong)} subscribers have not {each} bytes, but for instance {wrong[0]}"

    def reset(self) -> None:
        """Reset the counts."""
        self.bytes = [0] * len(self.bytes)
        self.total = 0

    def close(self) -> None:
        """Close all sockets."""
        self._selector.close()
        for each in self._sockets:
            each.close()

    def __len__(self) -> int:
        return len(self._sockets)


@contextmanager
def subscribed(protocol: SubscribeProtocol, count: int) -> Iterator[CountingSubscribers]:
    """Open `count` subscribers for the length of the block."""
    subscribers = CountingSubscribers(protocol)
    try:
        subscribers.open(count)
        yield subscribers
    finally:
        subscribers.close()


def frame_size(subscribers: CountingSubscribers, publish: Callable[[], None]) -> int:
    """Publish one message, and return the size of its frames once every subscriber has it."""
    subscribers.reset()
    publish()
    deadline = time.monotonic() + 30
    while not all(subscribers.bytes) and time.monotonic() < deadline:
        subscribers.receive(0.1)
    size = subscribers.bytes[0]
    subscribers.await_bytes(size * len(subscribers), 5)
    subscribers.check(size)
    return size


def read_until(connection: socket.socket, whole: Callable[[bytes], bool]) -> bytes:
    """Return what is received, once it is whole.

    Raises:
        ConnectionError: the server closed the socket before.
    """
    received = b""
    while not whole(received):
        part = connection.recv(65536)
        if not part:
            raise ConnectionError(f"the server closed the socket after {received!r}")
        received += part
    return received

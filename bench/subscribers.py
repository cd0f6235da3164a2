"""The load: many subscribers in this process, which count what they are sent by its bytes."""

import base64
import json
import os
import selectors
import socket
import struct
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import quote, urlsplit

BATCH: Final = 100
"""Sockets that are opened at a time."""

QUERY: Final = (
    "subscription Subscribe($name: String!) "
    "{ subscribe(name: $name) { id name message sender region sentAt } }"
)


def masked(payload: bytes) -> bytes:
    """A client's text frame; the mask is zero."""
    length = len(payload)
    head = (
        struct.pack("!BB", 0x81, 0x80 | length) if length < 126 else struct.pack("!BBH", 0x81, 0xFE, length)
    )
    return head + b"\0\0\0\0" + payload


class Subscribers:
    """Open sockets, each with one subscription to one channel.

    Every data frame has the same size, so bytes tell frames; a byte too few or too many shows in `check`.
    """

    def __init__(self, url: str, key: str, channel: str) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "", parts.port or 0)
        self._path, self._key, self._channel = parts.path, key, channel
        self._sockets: list[socket.socket] = []
        self._selector = selectors.DefaultSelector()
        self._buffer = bytearray(1 << 20)
        self.bytes: list[int] = []
        self.total = 0

    def open(self, count: int) -> None:
        """Connect and subscribe so many."""
        for start in range(0, count, BATCH):
            batch = [socket.create_connection(self._address) for _ in range(min(BATCH, count - start))]
            for each in batch:
                each.sendall(self._upgrade())
            for each in batch:
                _read_until(each, b"\r\n\r\n")
                each.sendall(self._start())
            for each in batch:
                _read_until(each, b"start_ack", and_then=b"}")
                each.setblocking(False)
                self._selector.register(each, selectors.EVENT_READ, len(self._sockets))
                self._sockets.append(each)
                self.bytes.append(0)

    def receive(self, seconds: float) -> None:
        """Take what comes within so many seconds, and return once something came."""
        buffer, counts = self._buffer, self.bytes
        for key, _ in self._selector.select(seconds):
            received = key.fileobj.recv_into(buffer)  # type: ignore[union-attr]
            if not received:
                raise ConnectionError(f"the server ended subscriber {key.data}")
            counts[key.data] += received
            self.total += received

    def await_bytes(self, total: int, seconds: float = 30) -> None:
        """Receive until so many bytes came in all; gives up silently, `check` tells."""
        give_up = time.monotonic() + seconds
        while self.total < total and time.monotonic() < give_up:
            self.receive(0.1)

    def check(self, each: int) -> None:
        """Check that every subscriber has so many bytes.

        Raises:
            AssertionError: one has more or fewer.
        """
        wrong = [count for count in self.bytes if count != each]
        assert not wrong, f"{len(wrong)} subscribers have not {each} bytes, but for instance {wrong[0]}"

    def reset(self) -> None:
        """Start to count anew."""
        self.bytes = [0] * len(self.bytes)
        self.total = 0

    def close(self) -> None:
        """Leave."""
        self._selector.close()
        for each in self._sockets:
            each.close()

    def __len__(self) -> int:
        return len(self._sockets)

    def _authorization(self) -> dict[str, str]:
        return {"host": "127.0.0.1", "x-api-key": self._key}

    def _upgrade(self) -> bytes:
        header = base64.b64encode(json.dumps(self._authorization()).encode()).decode()
        return (
            f"GET {self._path}?header={quote(header)}&payload=e30= HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
            "Sec-WebSocket-Protocol: graphql-ws\r\n\r\n"
        ).encode()

    def _start(self) -> bytes:
        data = json.dumps({"query": QUERY, "variables": {"name": self._channel}})
        payload = {"data": data, "extensions": {"authorization": self._authorization()}}
        frame = {"id": str(uuid.uuid4()), "type": "start", "payload": payload}
        return masked(json.dumps(frame).encode())


class Publisher:
    """Has the server publish one message per call."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def publish(self, count: int = 1) -> None:
        """Publish so many at once."""
        self._socket.sendall(b"p" * count)

    def close(self) -> None:
        """Leave."""
        self._socket.close()


@contextmanager
def subscribed(url: str, key: str, channel: str, count: int) -> Iterator[Subscribers]:
    """So many subscribers."""
    subscribers = Subscribers(url, key, channel)
    try:
        subscribers.open(count)
        yield subscribers
    finally:
        subscribers.close()


def frame_size(subscribers: Subscribers, publish: Callable[[], None]) -> int:
    """Publish one message, and tell the size of its frames once everybody has it."""
    subscribers.reset()
    publish()
    deadline = time.monotonic() + 30
    while not all(subscribers.bytes) and time.monotonic() < deadline:
        subscribers.receive(0.1)
    size = subscribers.bytes[0]
    subscribers.await_bytes(size * len(subscribers), 5)
    subscribers.check(size)
    return size


def _read_until(connection: socket.socket, mark: bytes, and_then: bytes = b"") -> None:
    received = b""
    while mark not in received or not received.endswith(and_then):
        part = connection.recv(65536)
        if not part:
            raise ConnectionError(f"the server closed the socket after {received!r}")
        received += part

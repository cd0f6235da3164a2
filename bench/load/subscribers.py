"""The load: many subscribers in this process, which count what they are sent by its bytes."""

import selectors
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from bench.load.wires import Wire

BATCH: Final = 100
"""Sockets that are opened at a time."""


class Subscribers:
    """Open sockets, each with one subscription to one channel.

    Every delivery has the same size, so bytes tell messages; a byte too few or too many shows in `check`.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._sockets: list[socket.socket] = []
        self._selector = selectors.DefaultSelector()
        self._buffer = bytearray(1 << 20)
        self.bytes: list[int] = []
        self.total = 0

    def open(self, count: int) -> None:
        """Connect and subscribe so many more."""
        old = len(self)
        for start in range(0, count, BATCH):
            self._open_batch(min(BATCH, count - start))
        for number, each in enumerate(self._sockets[old:], old):
            if settle := self._wire.settle():
                answer, asked = settle
                read_until(each, asked)
                each.sendall(answer)
            each.setblocking(False)
            self._selector.register(each, selectors.EVENT_READ, number)

    def _open_batch(self, count: int) -> None:
        batch = [socket.create_connection(self._wire.address, 30) for _ in range(count)]
        self._sockets += batch
        self.bytes += [0] * count
        for step in zip(*(self._wire.steps() for _ in batch), strict=True):
            for each, (words, _) in zip(batch, step, strict=True):
                each.sendall(words)
            for each, (_, whole) in zip(batch, step, strict=True):
                read_until(each, whole)

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


@contextmanager
def joined(wire: Wire, count: int) -> Iterator[Subscribers]:
    """So many subscribers."""
    subscribers = Subscribers(wire)
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


def read_until(connection: socket.socket, whole: Callable[[bytes], bool]) -> bytes:
    """Read until what came is whole, and return it.

    Raises:
        ConnectionError: the server ended before.
    """
    received = b""
    while not whole(received):
        part = connection.recv(65536)
        if not part:
            raise ConnectionError(f"the server closed the socket after {received!r}")
        received += part
    return received

"""How the load publishes, by protocol: one call, so many messages of `TEXT` under way."""

import socket
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from bench.load.post import GraphqlPost, check, is_whole
from bench.load.subscribers import read_until
from globalchat.localcloud.definition import JSON

CONNECTIONS: Final = 8

PUBLISH: Final = (
    "mutation Publish($name: String!, $message: String!, $id: ID) "
    "{ publish(name: $name, message: $message, id: $id) { id name message sender region sentAt } }"
)


class Publisher(Protocol):
    """Has a server publish."""

    def publish(self, count: int = 1) -> None:
        """Publish so many at once."""

    def close(self) -> None:
        """Leave."""


class LinePublisher:
    """Sends the same bytes for every message: to the trigger of a floor, or to a broker."""

    def __init__(self, port: int, message: bytes = b"p", hello: bytes = b"") -> None:
        self._message = message
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(hello)

    def publish(self, count: int = 1) -> None:
        """Send the message so many times at once."""
        self._socket.sendall(self._message * count)

    def close(self) -> None:
        """Leave."""
        self._socket.close()


class GraphqlPublisher:
    """Sends one mutation per message over HTTP, on a few connections in turn."""

    def __init__(self, url: str, key: str, query: str, variables: Callable[[], Mapping[str, JSON]]) -> None:
        self._post, self._variables = GraphqlPost(url, key, query), variables
        self._free = [socket.create_connection(self._post.address, 30) for _ in range(CONNECTIONS)]
        for each in self._free:
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._waiting: list[socket.socket] = []

    def publish(self, count: int = 1) -> None:
        """Publish so many; waits for the oldest answer if no connection is free.

        Raises:
            AssertionError: an answer is an error.
        """
        for _ in range(count):
            connection = self._free.pop() if self._free else self._answered()
            connection.sendall(self._post.request(self._variables()))
            self._waiting.append(connection)

    def _answered(self) -> socket.socket:
        connection = self._waiting.pop(0)
        check(read_until(connection, is_whole))
        return connection

    def close(self) -> None:
        """Wait for the last answers, and leave."""
        while self._waiting:
            self._free.append(self._answered())
        for each in self._free:
            each.close()

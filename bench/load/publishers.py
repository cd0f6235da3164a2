"""How the load publishes, by protocol: `TEXT` in `CHANNEL`, over bare sockets, as it must cost little."""

import json
import socket
import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol
from urllib.parse import urlsplit

from bench.load.subscribers import read_until
from globalchat.localcloud.definition import JSON

CHANNEL: Final = "tech"
TEXT: Final = "x" * 200
CONNECTIONS: Final = 8

PUBLISH: Final = (
    "mutation Publish($name: String!, $message: String!, $id: ID) "
    "{ publish(name: $name, message: $message, id: $id) { id name message sender region sentAt } }"
)


def new_id() -> str:
    """Return an id of a fixed length, in order of time."""
    return f"{time.time_ns():026d}"


def message_from_bus(message_id: str) -> dict[str, JSON]:
    """Return a message with this id, as a bus delivers it."""
    return {
        "id": message_id,
        "name": CHANNEL,
        "message": TEXT,
        "sender": "bench",
        "region": "us-west-2",
        "sentAt": "2030-01-01T00:00:00.000Z",
    }


class GraphqlPost:
    """Writes the requests of one operation to one API."""

    def __init__(self, url: str, key: str, query: str) -> None:
        parts = urlsplit(url)
        self.address = (parts.hostname or "", parts.port or 0)
        self._query = query
        self._head = (
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nx-api-key: {key}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        )

    def request(self, variables: Mapping[str, JSON]) -> bytes:
        """Return the bytes of one request."""
        body = json.dumps({"query": self._query, "variables": dict(variables)})
        return f"{self._head}{len(body)}\r\n\r\n{body}".encode()


def is_whole(answer: bytes) -> bool:
    """Return True if an answer has as many bytes as its header says."""
    head, found, body = answer.partition(b"\r\n\r\n")
    return bool(found) and len(body) >= int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])


def check_answer(answer: bytes) -> None:
    """Check that a request succeeded.

    Raises:
        AssertionError: the answer is an error.
    """
    assert b" 200 " in answer[:20], answer
    assert b'"errors"' not in answer, answer


class Publisher(Protocol):
    """Makes a server publish."""

    def publish(self, count: int = 1) -> None:
        """Publish `count` messages at once."""

    def close(self) -> None:
        """Close the connections."""


class LinePublisher:
    """Sends the same bytes for every message: to a trigger (`bench.servers.harness`), or to a broker."""

    def __init__(self, port: int, message: bytes = b"p", hello: bytes = b"") -> None:
        self._message = message
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(hello)

    def publish(self, count: int = 1) -> None:
        """Send the message `count` times at once."""
        self._socket.sendall(self._message * count)

    def close(self) -> None:
        """Close the connection."""
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
        """Publish `count` messages; wait for the oldest answer if no connection is free.

        Raises:
            AssertionError: an answer is an error.
        """
        for _ in range(count):
            connection = self._free.pop() if self._free else self._answered()
            connection.sendall(self._post.request(self._variables()))
            self._waiting.append(connection)

    def _answered(self) -> socket.socket:
        connection = self._waiting.pop(0)
        check_answer(read_until(connection, is_whole))
        return connection

    def close(self) -> None:
        """Wait for the last answers, and close the connections."""
        while self._waiting:
            self._free.append(self._answered())
        for each in self._free:
            each.close()

"""How a subscriber joins a channel, by protocol: bytes to send, and what the answer looks like. No socket."""

import base64
import json
import os
import struct
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import quote, urlsplit

QUERY: Final = (
    "subscription Subscribe($name: String!) "
    "{ subscribe(name: $name) { id name message sender region sentAt } }"
)

Step = tuple[bytes, Callable[[bytes], bool]]
"""What to send, and whether all that came since is the whole answer."""


class Wire(Protocol):
    """A server, as its subscribers see it."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""

    def steps(self) -> Sequence[Step]:
        """From an open socket to a subscription; as many steps for each socket."""

    def settle(self) -> Step | None:
        """What the server asks a while later, and only once: the answer to it, and how it is known."""


def masked(payload: bytes) -> bytes:
    """A client's text frame; the mask is zero."""
    length = len(payload)
    head = (
        struct.pack("!BB", 0x81, 0x80 | length) if length < 126 else struct.pack("!BBH", 0x81, 0xFE, length)
    )
    return head + b"\0\0\0\0" + payload


@dataclass(frozen=True, slots=True)
class AppSync:
    """The API's WebSocket, with an API key."""

    url: str
    key: str
    channel: str

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the URL."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or 0

    def steps(self) -> Sequence[Step]:
        """Upgrade, then start."""
        return (
            (self._upgrade(), lambda answer: answer.endswith(b"\r\n\r\n")),
            (self._start(), lambda answer: b"start_ack" in answer and answer.endswith(b"}")),
        )

    def settle(self) -> None:
        """Nothing more."""

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
        return masked(json.dumps(frame).encode())


@dataclass(frozen=True, slots=True)
class Nats:
    """The client protocol of NATS."""

    port: int
    channel: str

    @property
    def address(self) -> tuple[str, int]:
        """On loopback."""
        return "127.0.0.1", self.port

    def steps(self) -> Sequence[Step]:
        """Connect and subscribe; `PONG` tells that both are done."""
        words = f'CONNECT {{"verbose":false,"pedantic":false}}\r\nSUB {self.channel} 1\r\nPING\r\n'
        return ((words.encode(), lambda answer: answer.endswith(b"PONG\r\n")),)

    def settle(self) -> Step:
        """Answer the ping by which the server measures each client's distance, two seconds after it came."""
        return b"PONG\r\n", lambda received: received.endswith(b"PING\r\n")

    def publish(self, text: bytes) -> bytes:
        """One message."""
        return b"PUB %s %d\r\n%s\r\n" % (self.channel.encode(), len(text), text)


@dataclass(frozen=True, slots=True)
class Mqtt:
    """MQTT 3.1.1 with a clean session, no keep-alive, and QoS 0."""

    port: int
    channel: str

    @property
    def address(self) -> tuple[str, int]:
        """On loopback."""
        return "127.0.0.1", self.port

    def steps(self) -> Sequence[Step]:
        """Connect and subscribe at once; CONNACK has 4 bytes, SUBACK 5."""
        subscribe = self._packet(0x82, b"\0\1" + _sized(self.channel.encode()) + b"\0")
        return ((self.connect() + subscribe, lambda answer: len(answer) >= 9),)

    def settle(self) -> None:
        """Nothing more."""

    def connect(self) -> bytes:
        """The first packet, of a client with a random name."""
        return self._packet(0x10, _sized(b"MQTT") + b"\x04\x02\0\0" + _sized(uuid.uuid4().hex[:20].encode()))

    def publish(self, text: bytes) -> bytes:
        """One message."""
        return self._packet(0x30, _sized(self.channel.encode()) + text)

    @staticmethod
    def _packet(head: int, body: bytes) -> bytes:
        length = len(body)  # below 16,384: at most two bytes
        sizes = [length] if length < 128 else [length % 128 | 128, length // 128]
        return bytes([head, *sizes]) + body


def _sized(text: bytes) -> bytes:
    return struct.pack("!H", len(text)) + text

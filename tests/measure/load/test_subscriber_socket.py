"""A subscriber against the server side of a WebSocket, its decoder, and its socket with TLS."""

import asyncio
import json
import ssl
from base64 import b64decode
from dataclasses import replace
from unittest.mock import Mock
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from globalchat.client.profiles import RegionEndpoint
from globalchat.core import tls
from globalchat.core.errors import Refused, Unauthorized, Unreachable, UserError
from globalchat.measure.load.delivery import PayloadTag
from globalchat.measure.load.subscriber_socket import (
    MAX_REMEMBERED,
    Decoder,
    DeliveredMessage,
    SubscriberProtocol,
    SubscriberSocket,
    SubscriptionEnded,
    SubscriptionPhase,
    open_socket,
)

KEY = "da2-secretsecretsecretsecretse"
ENDPOINT = RegionEndpoint(
    "oregon", "us-west-2", "https://api.example/graphql", "wss://rt.example/graphql", "id", "bus", KEY
)


class Server:
    """The other side of one `SubscriberProtocol`."""

    def __init__(self, channels: tuple[str, ...] = ("tech",)) -> None:
        self.taken: list[bytes] = []
        self.client = SubscriberProtocol(ENDPOINT, channels, self.taken.append)
        self._socket = ServerProtocol(subprotocols=[Subprotocol("graphql-ws")])
        self._socket.receive_data(b"".join(self.client.open()))
        (request,) = self._socket.events_received()
        assert isinstance(request, Request)
        self.request = request

    def upgrade(self) -> list[dict[str, object]]:
        self._socket.send_response(self._socket.accept(self.request))
        return self._exchange()

    def reject(self, status: int) -> None:
        self._socket.send_response(self._socket.reject(status, "no"))
        self._exchange()

    def send(self, *documents: object) -> list[dict[str, object]]:
        for document in documents:
            self._socket.send_text(json.dumps(document).encode())
        return self._exchange()

    def send_in_pieces(self, text: bytes) -> None:
        self._socket.send_text(text[:10], fin=False)
        self._socket.send_continuation(text[10:20], fin=False)
        self._socket.send_ping(b"between")
        self._socket.send_continuation(text[20:], fin=True)
        self._exchange()

    def make_live(self, channels: int = 1) -> None:
        self.upgrade()
        self.send({"type": "connection_ack", "payload": {"connectionTimeoutMs": 300_000}})
        self.send(*({"type": "start_ack", "id": str(number)} for number in range(channels)))

    def _exchange(self) -> list[dict[str, object]]:
        """Give the client all that was written, byte by byte as the network might. Return its answers."""
        answers = []
        for data in self._socket.data_to_send():
            for byte in data:
                answers += self.client.receive(bytes([byte]))
        if self._socket.handshake_exc is not None or not all(answers):
            return []
        self._socket.receive_data(b"".join(answers))
        frames = [each for each in self._socket.events_received() if isinstance(each, Frame)]
        return [json.loads(bytes(each.data)) for each in frames if each.opcode is Opcode.TEXT]


def test_from_the_upgrade_to_live_it_sends_what_appsync_expects() -> None:
    server = Server(("tech", "cars"))
    query = parse_qs(urlsplit(server.request.path).query)
    authorization = {"host": "api.example", "x-api-key": KEY}
    assert json.loads(b64decode(query["header"][0])) == authorization
    assert query["payload"] == ["e30="]
    assert server.request.headers["Host"] == "rt.example"
    assert server.upgrade() == [{"type": "connection_init"}]
    starts = server.send({"type": "connection_ack", "payload": {}})
    assert [start["id"] for start in starts] == ["0", "1"]
    for start, channel in zip(starts, ("tech", "cars"), strict=True):
        payload = start["payload"]
        assert isinstance(payload, dict)
        assert payload["extensions"] == {"authorization": authorization}
        assert json.loads(payload["data"])["variables"] == {"name": channel}
    server.send({"type": "ka"}, {"type": "start_ack", "id": "0"})
    assert server.client.phase is SubscriptionPhase.SUBSCRIBING
    server.send({"type": "start_ack", "id": "1"})
    assert phase_of(server) is SubscriptionPhase.LIVE


def phase_of(server: Server) -> SubscriptionPhase:
    return server.client.phase


def test_frames_are_handed_over_whole() -> None:
    server = Server()
    server.make_live()
    server.send({"type": "ka"}, {"type": "data", "id": "0"})
    server.send_in_pieces(b'{"type": "data", "id": "0", "payload": "long"}')
    assert [json.loads(frame)["type"] for frame in server.taken] == ["ka", "data", "data"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"type": "connection_error", "payload": {"errors": [{"errorCode": 401}]}}, Unauthorized),
        ({"type": "connection_error", "payload": {"errors": [{"errorType": "Odd"}]}}, Refused),
    ],
)
def test_a_refused_connection_says_why(answer: object, error: type[UserError]) -> None:
    server = Server()
    server.upgrade()
    server.send(answer)
    assert server.client.phase is SubscriptionPhase.CLOSED
    assert isinstance(server.client.failure, error)


def test_a_refused_subscription_says_why() -> None:
    server = Server()
    server.upgrade()
    server.send({"type": "connection_ack"})
    refusal = {"errorType": "UnknownChannel", "message": "There is no such channel."}
    server.send({"type": "error", "id": "0", "payload": {"errors": [refusal]}})
    failure = server.client.failure
    assert isinstance(failure, Refused)
    assert (str(failure), failure.error_type, failure.retryable) == (
        "There is no such channel.",
        "UnknownChannel",
        False,
    )


def test_something_other_than_the_api_is_recognised_and_the_key_stays_hidden() -> None:
    for server in (Server(), Server()):
        server.reject(403)
        assert server.client.phase is SubscriptionPhase.CLOSED
        assert isinstance(server.client.failure, Unreachable)
        assert KEY not in str(server.client.failure)
    server = Server()
    server.client.receive(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
    assert isinstance(server.client.failure, Unreachable)
    server = Server()
    server.make_live()
    server.client.receive(b"\xff\xff\xff\xff\xff\xff")
    assert isinstance(server.client.failure, Unreachable)


def test_the_end_of_a_socket_is_a_failure_with_the_host() -> None:
    server = Server()
    server.make_live()
    server.client.connection_lost()
    assert server.client.phase is SubscriptionPhase.CLOSED
    assert "rt.example" in str(server.client.failure)


def data(number: int, text: str, subscription: str = "0") -> bytes:
    message = {
        "id": str(number),
        "name": "tech",
        "message": text,
        "sender": None,
        "region": "us-west-2",
        "sentAt": "2026-11-24T10:00:00.000Z",
    }
    frame = {"type": "data", "id": subscription, "payload": {"data": {"subscribe": message}}}
    return json.dumps(frame).encode()


def test_frames_are_read_the_same_again_and_again() -> None:
    decoder, tag = Decoder(), PayloadTag("0123abcd", 7, 3, 99)
    texts = [tag.text(100), "a person's text"]
    for _ in range(2):
        assert decoder.read(data(1, texts[0], "12")) == DeliveredMessage(12, tag)
        assert decoder.read(data(2, texts[1])) == DeliveredMessage(0, None)
        assert decoder.read(b'{"type": "ka"}') is None
        assert decoder.read(b"no json") is None
        assert decoder.read(b'{"type": "complete", "id": "3"}') == SubscriptionEnded(3)
        assert decoder.read(b'{"type": "data", "id": "0", "payload": {"data": null}}') is None
        assert decoder.read(b'{"type": "data", "id": "0", "payload": {"data": {"subscribe": {}}}}') == (
            DeliveredMessage(0, None)
        )


def test_the_memory_of_frames_is_bounded() -> None:
    decoder = Decoder()
    for number in range(3 * MAX_REMEMBERED):
        decoder.read(data(number, "x"))
    assert len(decoder._known) <= MAX_REMEMBERED


def test_a_url_that_is_not_of_a_websocket_is_refused_without_the_key() -> None:
    for url in ("wss://rt.example/#x", "wss://ana@rt.example/", "wss://rt.example:99999/"):
        with pytest.raises(UserError, match="No WebSocket can be at") as caught:
            SubscriberProtocol(replace(ENDPOINT, realtime_url=url), ["tech"], list[bytes]().append)
        assert caught.value.__context__ is None


async def test_thousands_of_sockets_load_the_authorities_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    made = Mock(wraps=ssl.create_default_context)
    monkeypatch.setattr(ssl, "create_default_context", made)
    tls.context.cache_clear()
    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"wss://127.0.0.1:{port}/graphql"
        endpoint = RegionEndpoint("oregon", "us-west-2", "https://api/graphql", url, "id", "bus", "da2-key")
        for _ in range(3):
            with pytest.raises(Unreachable):
                await open_socket(
                    endpoint,
                    lambda: SubscriberSocket(
                        endpoint, ["tech"], on_frame=lambda *_: None, on_lost=lambda: None
                    ),
                )
    assert made.call_count == 1

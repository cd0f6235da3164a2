"""The protocol of a cheap subscriber against the server side of a WebSocket, without any socket."""

import json
from base64 import b64decode
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from globalchat.client.profiles import RegionEndpoint
from globalchat.core.errors import Refused, Unauthorized, Unreachable, UserError
from globalchat.measure.load import mark
from globalchat.measure.load.decoder import ROOM, Decoder, Delivered, Ended
from globalchat.measure.load.mark import Mark
from globalchat.measure.load.realtime import Phase, Realtime

KEY = "da2-secretsecretsecretsecretse"
ENDPOINT = RegionEndpoint(
    "oregon", "us-west-2", "https://api.example/graphql", "wss://rt.example/graphql", "id", "bus", KEY
)


class Server:
    """The other side of one `Realtime`."""

    def __init__(self, channels: tuple[str, ...] = ("tech",)) -> None:
        self.taken: list[bytes] = []
        self.client = Realtime(ENDPOINT, channels, self.taken.append)
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
        """Hand the client all that was written, byte by byte as the network might; its texts in answer."""
        answers = []
        for data in self._socket.data_to_send():
            for byte in data:
                answers += self.client.receive(bytes([byte]))
        if self._socket.handshake_exc is not None or not all(answers):
            return []
        self._socket.receive_data(b"".join(answers))
        frames = [each for each in self._socket.events_received() if isinstance(each, Frame)]
        return [json.loads(bytes(each.data)) for each in frames if each.opcode is Opcode.TEXT]


def test_from_the_upgrade_to_live_it_says_what_appsync_wants_to_hear() -> None:
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
    assert server.client.phase is Phase.SUBSCRIBING
    server.send({"type": "start_ack", "id": "1"})
    assert phase_of(server) is Phase.LIVE


def phase_of(server: Server) -> Phase:
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
    assert server.client.phase is Phase.OVER
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


def test_something_other_than_the_api_is_told_from_it_and_the_key_stays_hidden() -> None:
    for server in (Server(), Server()):
        server.reject(403)
        assert server.client.phase is Phase.OVER
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
    server.client.lost()
    assert server.client.phase is Phase.OVER
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
    decoder, made = Decoder(), Mark("0123abcd", 7, 3, 99)
    texts = [mark.write(made, 100), "a person's text"]
    for _ in range(2):
        assert decoder.read(data(1, texts[0], "12")) == Delivered(12, made)
        assert decoder.read(data(2, texts[1])) == Delivered(0, None)
        assert decoder.read(b'{"type": "ka"}') is None
        assert decoder.read(b"no json") is None
        assert decoder.read(b'{"type": "complete", "id": "3"}') == Ended(3)
        assert decoder.read(b'{"type": "data", "id": "0", "payload": {"data": null}}') is None
        assert decoder.read(b'{"type": "data", "id": "0", "payload": {"data": {"subscribe": {}}}}') == (
            Delivered(0, None)
        )


def test_the_memory_of_frames_is_bounded() -> None:
    decoder = Decoder()
    for number in range(3 * ROOM):
        decoder.read(data(number, "x"))
    assert len(decoder._known) <= ROOM


def test_a_url_that_is_none_is_told_without_the_key() -> None:
    for url in ("wss://rt.example/#x", "wss://ana@rt.example/", "wss://rt.example:99999/"):
        with pytest.raises(UserError, match="No WebSocket can be at") as caught:
            Realtime(replace(ENDPOINT, realtime_url=url), ["tech"], list[bytes]().append)
        assert caught.value.__context__ is None

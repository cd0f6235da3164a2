"""AppSync's realtime protocol for a subscriber that must be cheap: bytes in, bytes out, no socket. Pure.

The chat's own wire (gql, tasks for each socket) takes 27 KB a socket and 20 µs a delivery, this one 7 KB and
8 µs. Frames and upgrade are those of `websockets`' protocol core; what they carry is here.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Sequence
from enum import Enum
from urllib.parse import quote

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidURI
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from globalchat.client import connect_errors, documents, faults
from globalchat.client.connect_errors import NoUpgrade
from globalchat.client.profiles import RegionEndpoint
from globalchat.core import redaction
from globalchat.core.errors import Refused, UserError
from globalchat.core.net import host_of

LARGEST_FRAME = 1 << 20
"""Bytes of a frame that are taken: AppSync sends 240 KB at most."""


class Phase(Enum):
    """How far a socket is; it never goes back."""

    OPENING = "opening"
    SUBSCRIBING = "subscribing"
    LIVE = "live"
    OVER = "over"


class Realtime:
    """One socket with subscriptions to `channels`, numbered from 0.

    Attributes:
        phase: How far it is: LIVE once every subscription is confirmed.
        failure: Why it is OVER.
    """

    def __init__(
        self, endpoint: RegionEndpoint, channels: Sequence[str], take: Callable[[bytes], None]
    ) -> None:
        """`take` gets every frame that comes while it is LIVE, and data that is early.

        Raises:
            UserError: the region's URL is none of a WebSocket.
        """
        redaction.register_secret(endpoint.api_key)
        self._where = host_of(endpoint.realtime_url)
        self._channels = tuple(channels)
        self._take = take
        self._waiting = len(self._channels)
        self._parts = b""
        self._authorization = {"host": host_of(endpoint.graphql_url), "x-api-key": endpoint.api_key}
        header = b64encode(json.dumps(self._authorization).encode()).decode()
        mark = "&" if "?" in endpoint.realtime_url else "?"
        try:
            uri = parse_uri(f"{endpoint.realtime_url}{mark}header={quote(header)}&payload=e30=")
        except (ValueError, InvalidURI):
            uri = None
        if uri is None:  # raised out here, as the error holds the key
            raise UserError(f"No WebSocket can be at {self._where}.", remedy="Check the URL in the profile.")
        self._socket = ClientProtocol(uri, subprotocols=[Subprotocol("graphql-ws")], max_size=LARGEST_FRAME)
        self.phase = Phase.OPENING
        self.failure: UserError | None = None

    def open(self) -> list[bytes]:
        """What to send first."""
        self._socket.send_request(self._socket.connect())
        return self._socket.data_to_send()

    def receive(self, data: bytes) -> list[bytes]:
        """Take what came; what to send now, an empty part meaning: close."""
        self._socket.receive_data(data)
        for event in self._socket.events_received():
            if isinstance(event, Frame):
                self._frame(event)
            elif isinstance(event, Response):
                self._upgraded(event)
        if self._socket.parser_exc is not None or self._socket.handshake_exc is not None:
            other = connect_errors.not_the_api(self._where, "something other than a WebSocket")
            self._fail(self.failure or other)
        return self._socket.data_to_send()

    def lost(self) -> None:
        """The other side is gone."""
        if self.phase is Phase.OPENING:
            why = NoUpgrade("closed the connection instead of opening a WebSocket")
            self._fail(connect_errors.no_upgrade(self._where, why))
        elif self.phase is not Phase.OVER:
            self._fail(connect_errors.lost(self._where))

    def _upgraded(self, response: Response) -> None:
        if self._socket.handshake_exc is not None:
            status = response.status_code
            why = NoUpgrade(f"answered HTTP status {status} instead of a WebSocket", status)
            self._fail(connect_errors.no_upgrade(self._where, why))
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
        if self.phase is Phase.LIVE:
            self._take(frame)
        else:
            self._start_up(frame)

    def _start_up(self, frame: bytes) -> None:
        document = parse(frame)
        match document.get("type"):
            case "connection_ack":
                self.phase = Phase.SUBSCRIBING
                for number, channel in enumerate(self._channels):
                    self._send(self._start(number, channel))
            case "start_ack":
                self._waiting -= 1
                if not self._waiting:
                    self.phase = Phase.LIVE
            case "error" | "connection_error":
                refusal = faults.refusal(faults.read_faults(document.get("payload")), self._where)
                if type(refusal) is Refused and document.get("type") == "connection_error":
                    refusal.retryable = True
                self._fail(refusal)
            case "data":
                self._take(frame)

    def _start(self, number: int, channel: str) -> dict[str, object]:
        data = json.dumps({"query": documents.SUBSCRIBE, "variables": {"name": channel}})
        payload = {"data": data, "extensions": {"authorization": self._authorization}}
        return {"id": str(number), "type": "start", "payload": payload}

    def _send(self, document: dict[str, object]) -> None:
        self._socket.send_text(json.dumps(document).encode())

    def _fail(self, failure: UserError) -> None:
        self.failure = failure
        self.phase = Phase.OVER


def parse(frame: bytes) -> dict[str, object]:
    """A frame as a JSON object; empty if it is none."""
    try:
        document = json.loads(frame)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}

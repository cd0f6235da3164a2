"""The wire format of AppSync's realtime service: the handshake of a client, and the frames that answer it.

Shapes follow the developer guide (`real-time-websocket-client`) and responses pasted in public issues;
where AppSync's own shape is unknown, the function's docstring says so.
"""

import base64
import binascii
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import add
from typing import Final
from urllib.parse import unquote

from globalchat.localcloud import json_text
from globalchat.localcloud.appsync.graphql_errors import unsupported_operation
from globalchat.localcloud.definition import JSON

SUBPROTOCOL: Final = "graphql-ws"

_HEADER_SUBPROTOCOL: Final = "header-"

_FINAL_TEXT: Final = 0x81
_SHORT: Final = struct.Struct("!BB").pack
_MEDIUM: Final = struct.Struct("!BBH").pack
_LONG: Final = struct.Struct("!BBQ").pack


@dataclass(frozen=True, slots=True)
class Handshake:
    """The upgrade request. `query` is the raw query string: a `+` in it is base64, not a space."""

    query: str = field(default="", repr=False)
    subprotocols: tuple[str, ...] = field(default=(), repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    source_ip: str = "127.0.0.1"


def subprotocol_problem(handshake: Handshake) -> str | None:
    """Return AppSync's name of the problem with the offered subprotocols; None if there is none."""
    if not handshake.subprotocols:
        return "NoProtocolError"
    if SUBPROTOCOL not in handshake.subprotocols:
        return "SubProtocolNotSupportedError"
    return None


def header_object(handshake: Handshake) -> Mapping[str, str]:
    """Return the authorization headers of a handshake.

    They are in `?header=<base64>`, else in a subprotocol `header-<base64url>`, else they are the request's.
    An object that cannot be decoded counts as empty, without credentials.
    """
    for pair in handshake.query.split("&"):
        name, _, value = pair.partition("=")
        if name == "header":
            return _decode(unquote(value))
    for offered in handshake.subprotocols:
        if offered.startswith(_HEADER_SUBPROTOCOL):
            return _decode(offered.removeprefix(_HEADER_SUBPROTOCOL))
    return handshake.headers


def _decode(encoded: str) -> Mapping[str, str]:
    # Clients use both alphabets of base64, with and without padding.
    text = encoded.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        headers = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return string_items(headers)


def string_items(value: object) -> Mapping[str, str]:
    """Return the items of an object whose values are strings, as headers are; none if it is not an object."""
    if not isinstance(value, dict):
        return {}
    return {name: text for name, text in value.items() if isinstance(text, str)}


# The value in the developer guide's example.
CONNECTION_TIMEOUT_MS: Final = 300_000

KEEP_ALIVE: Final = b'{"type":"ka"}'


def connection_ack() -> bytes:
    """Encode the answer to `connection_init`."""
    return json_text.encode(
        {"type": "connection_ack", "payload": {"connectionTimeoutMs": CONNECTION_TIMEOUT_MS}}
    )


def connection_error(message: str, code: int, error_type: str | None = None) -> bytes:
    """Encode the refusal of the connection; subprotocol errors have no `errorType`."""
    error: dict[str, JSON] = {} if error_type is None else {"errorType": error_type}
    error |= {"message": message, "errorCode": code}
    return json_text.encode({"type": "connection_error", "payload": {"errors": [error]}})


def start_ack(subscription: str) -> bytes:
    """Encode the confirmation that the subscription is live."""
    return json_text.encode({"type": "start_ack", "id": subscription})


def complete(subscription: str) -> bytes:
    """Encode the end of the subscription."""
    return json_text.encode({"type": "complete", "id": subscription})


def data_prefix(subscription: str) -> bytes:
    """Encode a data frame up to its payload: `data_prefix(id) + data_tail(payload)` is the frame."""
    return b'{"id":' + json_text.encode(subscription) + b',"type":"data","payload":'


def data_tail(payload: Mapping[str, JSON]) -> bytes:
    """Encode the part of a data frame that all subscriptions with this payload share."""
    return json_text.encode(payload) + b"}"


def data_frames(prefix_length: int, tails: Sequence[bytes]) -> list[bytes]:
    """Return parts of which `prefix.join(parts)` makes the WebSocket frames of a subscription.

    One call for each of many subscriptions, all of whose prefixes have this length. There is one tail at
    least.
    """
    first, *others = (text_header(prefix_length + len(tail)) for tail in tails)
    # A header comes before the prefix, a tail after it.
    return [first, *map(add, tails, others), tails[-1]]


def text_frame(payload: bytes) -> bytes:
    """Return the WebSocket frame of a text."""
    return text_header(len(payload)) + payload


def text_header(length: int) -> bytes:
    """Return the header of a WebSocket frame with a text of `length` bytes (RFC 6455, section 5.2)."""
    if length < 126:
        return _SHORT(_FINAL_TEXT, length)
    if length < 65_536:
        return _MEDIUM(_FINAL_TEXT, 126, length)
    return _LONG(_FINAL_TEXT, 127, length)


def error(errors: "Sequence[JSON] | Mapping[str, JSON]", subscription: str | None = None) -> bytes:
    """Encode errors, of a subscription if `subscription` is given."""
    frame: dict[str, object] = {} if subscription is None else {"id": subscription}
    return json_text.encode({"type": "error", **frame, "payload": {"errors": errors}})


def unsupported() -> bytes:
    """Encode the refusal of a frame of an unknown type, or of a `start` without a request; it has no id.

    AppSync was observed to answer a `start` without `payload.data` in this way. Its answer to a frame that is
    not JSON or has an unknown type is unknown; the same frame is sent.
    """
    return error([unsupported_operation("unknown")])


def unauthorized(subscription: str, message: str, error_type: str) -> bytes:
    """Encode the refusal of a `start` whose credentials were not accepted."""
    return error([{"errorType": error_type, "message": message}], subscription)


def too_many_subscriptions(subscription: str, limit: int) -> bytes:
    """Encode the refusal of a `start` beyond the quota.

    AppSync was observed to send an object here, not a list of errors.
    """
    message = f"Max number of {limit} subscriptions reached"
    return error({"errorType": "MaxSubscriptionsReachedError", "message": message}, subscription)


def duplicate(subscription: str) -> bytes:
    """Encode the refusal of a `start` whose id is in use.

    The error's name is known from client code, its shape is not.
    """
    message = "A subscription with this id is already active on the connection"
    return error([{"errorType": "DuplicatedOperationError", "message": message}], subscription)


def connect_rate_limited() -> bytes:
    """Encode the refusal of a connection beyond the rate limit.

    AWS does not document it; the code is a guess.
    """
    return connection_error("Rate limit exceeded", 429, "LimitExceededError")


def rate_limited() -> bytes:
    """Encode the refusal of a `start` beyond the rate limit; it has no id."""
    return error([{"errorType": "LimitExceededError", "message": "Rate limit exceeded"}])

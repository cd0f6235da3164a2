"""What a client says of itself when it opens a realtime socket."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

SUBPROTOCOL: Final = "graphql-ws"

_HEADER_SUBPROTOCOL: Final = "header-"


@dataclass(frozen=True, slots=True)
class Handshake:
    """The upgrade request. `query` is the raw query string: a `+` in it is base64, not a space."""

    query: str = field(default="", repr=False)
    subprotocols: tuple[str, ...] = field(default=(), repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    source_ip: str = "127.0.0.1"


def subprotocol_problem(handshake: Handshake) -> str | None:
    """Name what is wrong with the offered subprotocols, in AppSync's words; None if nothing is."""
    if not handshake.subprotocols:
        return "NoProtocolError"
    if SUBPROTOCOL not in handshake.subprotocols:
        return "SubProtocolNotSupportedError"
    return None


def header_object(handshake: Handshake) -> Mapping[str, str]:
    """Find the authorization headers.

    They are in `?header=<base64>`, else in a subprotocol `header-<base64url>`, else they are the request's.
    An object that cannot be read is empty: it carries no credentials.
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
    text = encoded.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        headers = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return string_items(headers)


def string_items(value: object) -> Mapping[str, str]:
    """Keep what can be a header: the items of an object whose values are strings."""
    if not isinstance(value, dict):
        return {}
    return {name: text for name, text in value.items() if isinstance(text, str)}

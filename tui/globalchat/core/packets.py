"""The packets between `globalchat web` and the chat of a tab: one byte of kind, four of length, the payload.

It is the format of Textual's driver for browsers (`textual.drivers.web_driver`), with a kind of our own for
the pieces of a file.
"""

DATA, META, FILE = b"D", b"M", b"F"
"""The kinds: terminal input or output; a JSON object; a piece of a file after its key."""

HEADER = 5
"""The bytes before the payload."""

KEY = 32
"""The characters of the key of a file, which are at the start of each of its pieces."""

LARGEST = 16 * 1024 * 1024
"""The most bytes of a payload that is accepted."""


class BadPacket(ValueError):
    """The other side sent something that is no packet."""


def encode(kind: bytes, payload: bytes) -> bytes:
    """Return a packet."""
    return kind + len(payload).to_bytes(4, "big") + payload


def payload_size(header: bytes) -> int:
    """Return the length of the payload that follows a header.

    Raises:
        BadPacket: the kind is unknown, or the payload too large.
    """
    size = int.from_bytes(header[1:], "big")
    if header[:1] not in (DATA, META, FILE) or size > LARGEST:
        raise BadPacket("not a packet")
    return size

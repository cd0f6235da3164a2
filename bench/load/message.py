"""The message that the servers under test get, and its channel."""

import time
from typing import Final

from globalchat.localcloud.definition import JSON

CHANNEL: Final = "tech"
TEXT: Final = "x" * 200


def identity() -> str:
    """An id of a fixed length, in order of time."""
    return f"{time.time_ns():026d}"


def message_from_bus(name: str) -> dict[str, JSON]:
    """A message under this id, as a bus brings it."""
    return {
        "id": name,
        "name": CHANNEL,
        "message": TEXT,
        "sender": "bench",
        "region": "us-west-2",
        "sentAt": "2030-01-01T00:00:00.000Z",
    }

"""What a frame of a live socket says. Pure.

All sockets number their subscriptions alike, so that one message comes to all subscribers of a region in the
same bytes: each distinct frame is read once.
"""

from dataclasses import dataclass

from globalchat.client.documents import Unreadable, read_message
from globalchat.measure.load import mark
from globalchat.measure.load.mark import Mark
from globalchat.measure.load.realtime import parse

ROOM = 2048
"""Frames that are remembered."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message for a subscription; `mark` is None if no load run made it."""

    subscription: int
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class Ended:
    """The server ended a subscription."""

    subscription: int


Said = Delivered | Ended | None


class Decoder:
    """Reads frames, and remembers the latest."""

    def __init__(self) -> None:
        self._known: dict[bytes, Said] = {}

    def read(self, frame: bytes) -> Said:
        """What the frame says; None if it is of no interest, as a keep-alive."""
        if frame in self._known:
            return self._known[frame]
        if len(self._known) >= ROOM:
            self._known.clear()
        said = self._known[frame] = _read(frame)
        return said


def _read(frame: bytes) -> Said:
    document = parse(frame)
    number = str(document.get("id"))
    if not (number.isascii() and number.isdecimal()):
        return None
    match document:
        case {"type": "data", "payload": {"data": {"subscribe": raw}}}:
            try:
                return Delivered(int(number), mark.read(read_message(raw).text))
            except Unreadable:
                return Delivered(int(number), None)
        case {"type": "complete" | "error"}:
            return Ended(int(number))
    return None

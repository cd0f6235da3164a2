"""Outgoing frames: gathered during one turn of the event loop, written with one call per socket.

Nothing waits for a client. One that reads too slowly is disconnected once its buffer passes a limit.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from globalchat.localcloud.server.websocket import text_header

MAX_BUFFER: Final = 4 * 1024 * 1024
"""Bytes that may wait for one client."""


class Flusher:
    """Writes every outbox that has frames once per turn of the loop, whose `call_soon` it is given."""

    def __init__(self, call_soon: Callable[[Callable[[], None]], object]) -> None:
        self._call_soon = call_soon
        self._waiting: list[Outbox] = []

    def schedule(self, outbox: "Outbox") -> None:
        """Have `outbox.flush` called after what is running now."""
        if not self._waiting:
            self._call_soon(self._flush)
        self._waiting.append(outbox)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for outbox in waiting:
            outbox.flush()


class Outbox:
    """The frames that wait for one socket. `on_overflow` is told before the transport is aborted."""

    __slots__ = (
        "_closed",
        "_flusher",
        "_limit",
        "_on_overflow",
        "_parts",
        "_size",
        "_transport",
    )

    def __init__(
        self,
        transport: asyncio.WriteTransport,
        flusher: Flusher,
        *,
        on_overflow: Callable[[], None],
        limit: int = MAX_BUFFER,
    ) -> None:
        self._transport = transport
        self._flusher = flusher
        self._on_overflow = on_overflow
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        self._closed = False

    def send(self, payload: bytes) -> None:
        """Add one text frame; it leaves in this turn of the loop. Nothing happens once closed."""
        if self._closed:
            return
        if not self._parts:
            self._flusher.schedule(self)
        self._parts.append(text_header(len(payload)))
        self._parts.append(payload)
        self._size += len(payload)
        if self._size > self._limit:
            self.flush()

    def send_alone(self, payload: bytes) -> None:
        """Send one text frame that no other is about to follow: at once, unless something waits already."""
        if self._size or self._closed or self._transport.is_closing():
            self.send(payload)
            return
        self._transport.write(text_header(len(payload)) + payload)
        if self._transport.get_write_buffer_size() > self._limit:
            self._overflow()

    def flush(self) -> None:
        """Write what waits, and disconnect the client if too much of it stays unsent."""
        if self._parts and not self._closed and not self._transport.is_closing():
            self._transport.write(b"".join(self._parts))
            if self._transport.get_write_buffer_size() > self._limit:
                self._overflow()
        self._parts.clear()
        self._size = 0

    def _overflow(self) -> None:
        self._closed = True
        self._on_overflow()
        self._transport.abort()

    def discard(self) -> None:
        """Forget what waits, and whatever else is to be sent."""
        self._closed = True
        self._parts.clear()
        self._size = 0

    def close(self) -> None:
        """Write what waits; later frames are discarded."""
        self.flush()
        self._closed = True

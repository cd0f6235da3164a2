"""The files that a chat offers its browser: exports and pictures, in pieces that the chat is asked for."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from globalchat.core.packets import KEY

MOST_OFFERED: Final = 16
"""The most files of one tab that wait to be fetched; of more, the oldest is dropped."""
PIECE: Final = 256 * 1024
"""The bytes (of text: characters) of a piece."""
PIECE_SECONDS: Final = 10.0
"""Seconds that the chat may take for a piece."""


class NotOffered(Exception):
    """There is no such file, or no longer."""


@dataclass(slots=True)
class _Offer:
    name: str
    ask: Callable[[str, int], Awaitable[None]]
    pieces: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(maxsize=2))
    is_taken: bool = False


class Downloads:
    """The files that the open tabs offer, by keys that cannot be guessed. Each can be fetched once."""

    def __init__(self) -> None:
        self._offers: dict[str, _Offer] = {}
        self._by_tab: dict[object, list[str]] = {}

    def offer(self, tab: object, key: str, name: str, ask: Callable[[str, int], Awaitable[None]]) -> None:
        """Offer a file; `ask` asks the chat for its next piece, by the key and the size."""
        keys = self._by_tab.setdefault(tab, [])
        keys.append(key)
        self._offers[key] = _Offer(name, ask)
        if len(keys) > MOST_OFFERED:
            self._offers.pop(keys.pop(0), None)

    def withdraw(self, tab: object) -> None:
        """Drop what a tab that is closed has offered, and end its downloads."""
        for key in self._by_tab.pop(tab, ()):
            if (offer := self._offers.pop(key, None)) is not None:
                _put(offer, None)

    def receive(self, payload: bytes) -> None:
        """Take a piece of a file, which its key precedes; an empty one is the end."""
        key = payload[:KEY].decode("ascii", "replace")
        if (offer := self._offers.get(key)) is not None:
            _put(offer, payload[KEY:])

    def take(self, key: str) -> str:
        """Return the name of a file, which `fetch` then delivers to this request alone.

        Raises:
            NotOffered: there is no such file, or another request has taken it.
        """
        offer = self._offers.get(key)
        if offer is None or offer.is_taken:
            raise NotOffered
        offer.is_taken = True
        return offer.name

    async def fetch(self, key: str) -> AsyncIterator[bytes]:
        """Yield the pieces of a file, which then is no longer offered.

        Raises:
            NotOffered: there is no such file, or its chat ended before all of it was read.
            TimeoutError: the chat does not deliver.
        """
        offer = self._offers.get(key)
        if offer is None:
            raise NotOffered
        try:
            while True:
                async with asyncio.timeout(PIECE_SECONDS):
                    await offer.ask(key, PIECE)
                    piece = await offer.pieces.get()
                if piece is None:
                    raise NotOffered
                if not piece:
                    return
                yield piece
        finally:
            self._offers.pop(key, None)


def _put(offer: _Offer, piece: bytes | None) -> None:
    # One piece at a time is asked for; more than that are dropped.
    with suppress(asyncio.QueueFull):
        offer.pieces.put_nowait(piece)

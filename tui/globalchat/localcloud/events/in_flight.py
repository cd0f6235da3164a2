"""Counts deliveries under way, so that one can wait for silence instead of sleeping."""

import asyncio


class InFlight:
    """How many deliveries are under way."""

    def __init__(self) -> None:
        self._count = 0
        self._none = asyncio.Event()
        self._none.set()

    def add(self) -> None:
        """One more."""
        if self._count == 0:
            self._none.clear()
        self._count += 1

    def done(self) -> None:
        """One less."""
        self._count -= 1
        if self._count == 0:
            self._none.set()

    async def settled(self) -> None:
        """Wait until there are none."""
        await self._none.wait()

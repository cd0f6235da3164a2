"""A nudge for the one task that waits: something it looks at has changed."""

import asyncio
from typing import Any


class Signal:
    """Remembers one nudge until the next wait."""

    def __init__(self) -> None:
        self._fired = False
        self._waiter: asyncio.Future[None] | None = None

    def fire(self) -> None:
        """Wake the waiter, or the next one to come."""
        self._fired = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def race(self, *others: asyncio.Future[Any], timeout: float | None = None) -> bool:
        """Wait for a nudge, the first of `others`, or `timeout` seconds; True if there was a nudge."""
        self._waiter = asyncio.get_running_loop().create_future()
        if not self._fired:
            waited = {self._waiter, *others}
            await asyncio.wait(waited, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        self._waiter = None
        fired, self._fired = self._fired, False
        return fired

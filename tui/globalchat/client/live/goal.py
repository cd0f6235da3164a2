"""What is wanted of a session: a region to be live in, or the end."""

import asyncio
from typing import Any

from globalchat.client.profiles import RegionEndpoint
from globalchat.client.signal import Signal


class Goal:
    """Set by commands, looked at by the one task that makes it true; each change wakes that task.

    Attributes:
        region: The region to be live in.
        closing: Whether the session is to end.
    """

    def __init__(self, region: RegionEndpoint) -> None:
        self.region = region
        self.closing = False
        self._signal = Signal()

    def go_to(self, region: RegionEndpoint) -> None:
        """Want to be live in this region."""
        self.region = region
        self._signal.fire()

    def close(self) -> None:
        """Want the session to end."""
        self.closing = True
        self._signal.fire()

    def nudge(self) -> None:
        """Want the same as before, and now."""
        self._signal.fire()

    async def change(self, *others: asyncio.Future[Any], timeout: float | None = None) -> None:
        """Wait for a change or a nudge, the first of `others`, or `timeout` seconds."""
        await self._signal.race(*others, timeout=timeout)

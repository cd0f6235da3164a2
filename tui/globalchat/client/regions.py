"""The HTTP side of a session: one API per region, opened on first use and kept."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from globalchat.client.api import Api
from globalchat.client.messages import Backend, Draft, Message
from globalchat.client.offset import ClockOffset
from globalchat.client.profiles import RegionEndpoint
from globalchat.core.clock import WallClock


@dataclass(slots=True)
class _Open:
    """An open API, what its region said of itself, and how many calls are under way."""

    api: Api
    backend: Backend | None = None
    calls: int = 0


class Regions:
    """The regions' APIs. `clock` gives epoch ms; each publish teaches `offset`."""

    def __init__(self, *, timeout: float, offset: ClockOffset, clock: WallClock) -> None:
        """`timeout` is in seconds, for one call."""
        self._timeout = timeout
        self._offset = offset
        self._clock = clock
        self._opened: dict[RegionEndpoint, _Open] = {}

    async def describe(self, endpoint: RegionEndpoint) -> Backend:
        """What the region says of itself; asked once. Raises as `Api.describe` does."""
        async with self._calling(endpoint) as opened:
            if opened.backend is None:
                opened.backend = await opened.api.describe()
            return opened.backend

    async def publish(self, endpoint: RegionEndpoint, draft: Draft) -> Message:
        """Publish a draft in a region. Raises as `Api.publish` does."""
        async with self._calling(endpoint) as opened:
            sent = self._clock()
            message = await opened.api.publish(draft)
            self._offset.note(message.region, sent=sent, stamped=message.sent_at, answered=self._clock())
            return message

    def clock_skew(self, endpoint: RegionEndpoint) -> float | None:
        """Seconds that this machine's clock is ahead of the region's, by its latest answer, if known."""
        opened = self._opened.get(endpoint)
        return None if opened is None else opened.api.clock_skew

    async def close(self) -> None:
        """Close every connection."""
        async with AsyncExitStack() as closing:
            while self._opened:
                closing.push_async_exit(self._opened.popitem()[1].api)

    async def close_former(self, now: RegionEndpoint) -> None:
        """Close where a region was before, unless a call is under way there: then a later time will do."""
        for endpoint, opened in tuple(self._opened.items()):
            if endpoint.alias == now.alias and endpoint != now and not opened.calls:
                if self._opened.pop(endpoint, None) is None:  # somebody else does
                    continue
                try:
                    await opened.api.__aexit__(None, None, None)
                except asyncio.CancelledError:
                    self._opened.setdefault(endpoint, opened)  # `close` ends what this began
                    raise

    @asynccontextmanager
    async def _calling(self, endpoint: RegionEndpoint) -> AsyncIterator[_Open]:
        opened = self._opened.get(endpoint)
        if opened is None:
            opened = self._opened[endpoint] = _Open(Api(endpoint, timeout=self._timeout))
            await opened.api.__aenter__()
        opened.calls += 1
        try:
            yield opened
        finally:
            opened.calls -= 1

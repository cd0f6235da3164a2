"""The HTTP side of a session: one API per region, opened on first use and kept."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from globalchat.client.api import Api
from globalchat.client.http import date_of_answer
from globalchat.client.messages import Backend, Draft, Message
from globalchat.client.offset import ClockOffset, Dated
from globalchat.client.profiles import RegionEndpoint
from globalchat.core.clock import WallClock
from globalchat.core.errors import UserError
from globalchat.core.net import is_loopback

NARROWING_REQUESTS = 6
"""The most requests that narrow what is known of a region's clock: each halves a second."""


@dataclass(slots=True)
class _Open:
    """An open API, what its region said of itself, and how many calls are under way."""

    api: Api
    backend: Backend | None = None
    calls: int = 0


class Regions:
    """The regions' APIs. `clock` gives epoch ms; `offset` learns from publishes and from answers' dates."""

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
                opened.backend = await self._describe(endpoint, opened)
            return opened.backend

    async def narrow_offset(self, endpoint: RegionEndpoint) -> None:
        """Ask a region a few times more, each when its date tells most about its clock, if that is needed.

        A failure ends it: whatever else is asked of the region meets the same one, and reports it.
        """
        for _ in range(NARROWING_REQUESTS):
            wait = self._offset.next_request_ms(endpoint.region, self._clock())
            if wait is None or endpoint not in self._opened:
                return
            await asyncio.sleep(wait / 1000)
            try:
                async with self._calling(endpoint) as opened:
                    await self._describe(endpoint, opened)
            except UserError:
                return

    def note_date(self, endpoint: RegionEndpoint, dated: Dated | None) -> None:
        """Learn from the date of an answer that came another way than by these APIs."""
        if dated is not None:
            self._offset.note_date(endpoint.region, dated)

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

    async def _describe(self, endpoint: RegionEndpoint, opened: _Open) -> Backend:
        asked = self._clock()
        backend = await opened.api.describe()
        date = date_of_answer()
        self.note_date(endpoint, None if date is None else Dated(asked, date, self._clock()))
        return backend

    @asynccontextmanager
    async def _calling(self, endpoint: RegionEndpoint) -> AsyncIterator[_Open]:
        opened = self._opened.get(endpoint)
        if opened is None:
            opened = self._opened[endpoint] = _Open(Api(endpoint, timeout=self._timeout))
            await opened.api.__aenter__()
            if is_loopback(endpoint.graphql_url):
                self._offset.share_clock(endpoint.region)
        opened.calls += 1
        try:
            yield opened
        finally:
            opened.calls -= 1

"""The HTTP side of a session: one API per region, opened on first use and kept."""

from collections.abc import Callable
from contextlib import AsyncExitStack

from client.api import Api
from client.messages import Backend, Draft, Message
from client.offset import ClockOffset
from client.profiles import RegionEndpoint


class Regions:
    """The regions' APIs. `clock` gives epoch ms; each publish teaches `offset`."""

    def __init__(self, *, timeout: float, offset: ClockOffset, clock: Callable[[], int]) -> None:
        self._timeout = timeout
        self._offset = offset
        self._clock = clock
        self._apis: dict[RegionEndpoint, Api] = {}
        self._backends: dict[RegionEndpoint, Backend] = {}
        self._stack = AsyncExitStack()

    async def describe(self, endpoint: RegionEndpoint) -> Backend:
        """What the region says of itself; asked once."""
        if endpoint not in self._backends:
            api = await self._api(endpoint)
            self._backends[endpoint] = await api.describe()
        return self._backends[endpoint]

    async def publish(self, endpoint: RegionEndpoint, draft: Draft) -> Message:
        """Publish a draft in a region."""
        api = await self._api(endpoint)
        sent = self._clock()
        message = await api.publish(draft)
        self._offset.note(message.region, sent=sent, stamped=message.sent_at, answered=self._clock())
        return message

    def clock_skew(self, endpoint: RegionEndpoint) -> float | None:
        """Seconds that this machine's clock is ahead of the region's, by its latest answer, if known."""
        api = self._apis.get(endpoint)
        return None if api is None else api.clock_skew

    async def close(self) -> None:
        """Close every connection."""
        await self._stack.aclose()

    async def _api(self, endpoint: RegionEndpoint) -> Api:
        api = self._apis.get(endpoint)
        if api is None:
            api = self._apis[endpoint] = Api(endpoint, timeout=self._timeout)
            await self._stack.enter_async_context(api)
        return api

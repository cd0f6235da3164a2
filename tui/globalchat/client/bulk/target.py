"""The region that a bulk goes to, wherever it is by now."""

from types import TracebackType
from typing import Self

from globalchat.client.locator import Locator, Reload
from globalchat.client.messages import Draft, Message
from globalchat.client.offset import ClockOffset
from globalchat.client.options import DEFAULTS
from globalchat.client.profiles import Profile, RegionEndpoint
from globalchat.client.regions import Regions
from globalchat.core.clock import WallClock
from globalchat.core.errors import Unauthorized, Unreachable


class Target:
    """Publishes to one region; after a failure the profile is read again. An async context manager.

    So a bulk follows a local cloud that was restarted, and a key that was rotated.
    """

    def __init__(
        self, profile: Profile, endpoint: RegionEndpoint, reload: Reload | None, clock: WallClock
    ) -> None:
        """`clock` gives epoch ms."""
        self._endpoint = endpoint
        self._locator = Locator(profile, reload)
        self._regions = Regions(timeout=DEFAULTS.http_timeout, offset=ClockOffset(), clock=clock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._regions.close()

    async def publish(self, draft: Draft) -> Message:
        """Publish a draft once, and again only if the key was another one by then.

        Raises:
            Refused, Unauthorized, Unreachable: as in `Api.publish`.
        """
        endpoint = await self._locate()
        try:
            message = await self._regions.publish(endpoint, draft)
        except Unauthorized:
            self._locator.doubt()
            if await self._locate() == endpoint:
                raise
            message = await self._regions.publish(self._endpoint, draft)
        except Unreachable:
            self._locator.doubt()
            raise
        self._locator.trust()
        return message

    async def _locate(self) -> RegionEndpoint:
        try:
            self._endpoint = await self._locator.locate(self._endpoint)
        except Unreachable as error:
            error.sent = False
            raise
        return self._endpoint

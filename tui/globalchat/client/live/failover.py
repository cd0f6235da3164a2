"""Another region, while the one that was asked for does not answer: looked for, offered or taken."""

from collections.abc import Awaitable, Callable, Sequence

from globalchat.client.profiles import RegionEndpoint
from globalchat.core.errors import UserError

Nearest = Callable[[Sequence[RegionEndpoint]], Awaitable[RegionEndpoint]]


class FailOver:
    """What is known of other regions during an outage.

    Attributes:
        offered: A region that answered since the outage began.
        left: The region that was asked for, while the session is elsewhere by itself.
    """

    def __init__(self, endpoints: Callable[[], Sequence[RegionEndpoint]], nearest: Nearest) -> None:
        """`endpoints` gives all regions; `nearest` the quickest of some, or UserError if none answers."""
        self.offered: RegionEndpoint | None = None
        self.left: RegionEndpoint | None = None
        self._endpoints = endpoints
        self._nearest = nearest

    async def look(self, lost: RegionEndpoint) -> RegionEndpoint | None:
        """A region other than `lost` that answers now, the nearest if there are more; None if none does."""
        others = [each for each in self._endpoints() if each.alias != lost.alias]
        if not others:
            return None
        try:
            return await self._nearest(others)
        except UserError:
            return None

    def take(self, lost: RegionEndpoint) -> None:
        """Take note that the session goes to the region that was offered, without being told."""
        self.left = self.left or lost
        self.offered = None

    def chosen(self) -> None:
        """Take note that a person chose a region."""
        self.left = self.offered = None

    def arrived(self, endpoint: RegionEndpoint) -> None:
        """Take note of the region in which the session is live."""
        self.offered = None
        if self.left is not None and endpoint.alias == self.left.alias:
            self.left = None

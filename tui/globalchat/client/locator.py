"""Where the regions are now: asked anew after a failure.

A local cloud that restarts listens elsewhere with another key, and a rotated key lies in the profile.
"""

from collections.abc import Awaitable, Callable, Sequence

from globalchat.client.profiles import Profile, RegionEndpoint

Reload = Callable[[], Awaitable[Profile]]
"""Reads the profile again. Raises UserError if that is not possible now."""


class Locator:
    """Knows a session's profile, and reads it again once something failed.

    Attributes:
        profile: The profile as last read.
    """

    def __init__(self, profile: Profile, reload: Reload | None) -> None:
        """With `reload` None the profile stays as it is."""
        self.profile = profile
        self._reload = reload
        self._doubtful = False

    def endpoints(self) -> Sequence[RegionEndpoint]:
        """All regions of the profile."""
        return tuple(self.profile.regions.values())

    def doubt(self) -> None:
        """Take note that a region could not be used as the profile says."""
        self._doubtful = self._reload is not None

    def trust(self) -> None:
        """Take note that a region is live where the profile says."""
        self._doubtful = False

    async def locate(self, endpoint: RegionEndpoint) -> RegionEndpoint:
        """Return where the region of this alias is now.

        Raises:
            UserError: the profile cannot be read, or no longer has the region.
        """
        if self._doubtful and self._reload is not None:
            self.profile = await self._reload()
            return self.profile.resolve(endpoint.alias)
        return endpoint

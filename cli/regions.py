"""Which region of a profile a command speaks to."""

from client.nearest import nearest
from client.profiles import Profile, RegionEndpoint

AUTO = "auto"


async def pick(profile: Profile, given: str | None) -> RegionEndpoint:
    """The region given by alias or AWS name, the nearest for `auto`, else the profile's first.

    Raises:
        ProfileError: the profile has no such region.
        ClientError: `auto`, and no region answers.
    """
    if given is None:
        return next(iter(profile.regions.values()))
    if given.strip().lower() == AUTO:
        return await nearest(profile.regions.values())
    return profile.resolve(given)

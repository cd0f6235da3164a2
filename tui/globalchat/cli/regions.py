"""Which region of a profile a command speaks to, or all of them."""

from globalchat.client.profiles import Profile, RegionEndpoint

AUTO = "auto"
ALL = "all"


async def pick(profile: Profile, given: str | None) -> RegionEndpoint:
    """The region given by alias or AWS name, the nearest for `auto`, else the profile's first.

    Raises:
        ProfileError: the profile has no such region.
        UserError: `auto`, and no region answers.
    """
    if given is None:
        return next(iter(profile.regions.values()))
    if given.strip().casefold() == AUTO:
        from globalchat.client.api import nearest  # loads the transports

        return await nearest(profile.regions.values())
    return profile.resolve(given)


def is_all(region: str | None) -> bool:
    """Whether that means every region."""
    return region is not None and region.strip().casefold() == ALL

"""Which region of a profile a command speaks to."""

import asyncio

from client.api import Api
from client.errors import ClientError
from client.profiles import Profile, RegionEndpoint

AUTO = "auto"


async def pick(profile: Profile, given: str | None) -> RegionEndpoint:
    """The region given by alias or AWS name, the one that answers first for `auto`, else the profile's first.

    Raises:
        ProfileError: the profile has no such region.
        ClientError: `auto`, and no region answers.
    """
    if given is None:
        return next(iter(profile.regions.values()))
    if given.strip().lower() == AUTO:
        return await fastest(profile)
    return profile.resolve(given)


async def fastest(profile: Profile) -> RegionEndpoint:
    """The region that answers one HTTP call first.

    Raises:
        ClientError: none answers; the last failure.
    """

    async def probe(endpoint: RegionEndpoint) -> RegionEndpoint:
        async with Api(endpoint) as api:
            await api.describe()
        return endpoint

    probes = [asyncio.ensure_future(probe(endpoint)) for endpoint in profile.regions.values()]
    failure: ClientError | None = None
    try:
        for answer in asyncio.as_completed(probes):
            try:
                return await answer
            except ClientError as error:
                failure = error
    finally:
        for each in probes:
            each.cancel()
        await asyncio.gather(*probes, return_exceptions=True)
    raise failure or ClientError(f'Profile "{profile.name}" has no region.')

"""From the options of `bench` to what a run is to do."""

import math
import os

from globalchat.cli.regions import is_all
from globalchat.client.api import Api
from globalchat.client.profiles import Profile
from globalchat.core.errors import UsageError

LARGEST_MEMORY = 2 << 30
"""Bytes for remembering who has which message: a bit for each."""
PER_PROCESS = 250
"""Subscribers that are worth a process of their own."""


def regions_of(profile: Profile, given: str) -> tuple[str, ...]:
    """The aliases of the regions that the words name.

    Raises:
        ProfileError: the profile has no such region.
    """
    if is_all(given):
        return tuple(profile.regions)
    return tuple(dict.fromkeys(profile.resolve(each).alias for each in given.split(",")))


async def channels_of(profile: Profile, given: str | None) -> tuple[str, ...]:
    """The channels that the words name, else the backend's first.

    Raises:
        UserError: the backend cannot be asked.
    """
    if given is not None:
        return tuple(dict.fromkeys(each.strip() for each in given.split(",")))
    async with Api(next(iter(profile.regions.values()))) as api:
        return ((await api.describe()).channels[0],)


def check(subscribers: int, messages: float, processes: int) -> None:
    """See before anything is started that a run can be done on this machine.

    Raises:
        UsageError: there are fewer subscribers than processes, or memory would not do.
    """
    if processes > subscribers:
        raise UsageError(
            f"{subscribers} subscribers cannot be spread over {processes} processes.",
            remedy="Give fewer --processes.",
        )
    memory = subscribers * messages / 8
    if memory > LARGEST_MEMORY:
        raise UsageError(
            f"To remember who has which message would take {memory / (1 << 30):.1f} GB.",
            remedy="Give fewer --subscribers, a lower --rate, or a shorter time.",
        )


def processes_for(subscribers: int) -> int:
    """How many processes hold so many subscribers: one per CPU, fewer for few."""
    return max(1, min(os.cpu_count() or 1, math.ceil(subscribers / PER_PROCESS)))

"""Which region is the nearest, by measuring all of them at once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from globalchat.client.api import Api
from globalchat.client.profiles import RegionEndpoint
from globalchat.core.errors import Unreachable, UserError

TIMEOUT = 5.0
"""Seconds that a region has to answer."""

Probe = Callable[[RegionEndpoint], Awaitable[float]]


async def round_trip(endpoint: RegionEndpoint) -> float:
    """Seconds that one call to a region takes, once the connection stands.

    Raises:
        UserError: the region does not answer as it should.
    """
    clock = asyncio.get_running_loop().time
    async with Api(endpoint, timeout=TIMEOUT) as api:
        await api.describe()
        began = clock()
        await api.describe()
        return clock() - began


async def nearest(
    endpoints: Iterable[RegionEndpoint], *, timeout: float = TIMEOUT, probe: Probe = round_trip
) -> RegionEndpoint:
    """The region with the quickest answer; `probe` measures one.

    All are measured at once. After the first answer the others have as long again: what takes longer is not
    nearer, and one dead region does not hold up the choice.

    Raises:
        UserError: none answers; the failure of the last to fail.
    """
    loop = asyncio.get_running_loop()
    probes = {asyncio.create_task(_timed(probe, endpoint)): endpoint for endpoint in endpoints}
    began = loop.time()
    deadline = began + timeout
    took: dict[asyncio.Task[float], float] = {}
    failure: UserError = Unreachable("No region answered in time.", remedy="Check the network.")
    pending = set(probes)
    try:
        while pending and (left := deadline - loop.time()) > 0:
            done, pending = await asyncio.wait(pending, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            for each in done:
                try:
                    took[each] = each.result()
                except UserError as error:
                    failure = error
            if took and deadline == began + timeout:
                deadline = min(deadline, loop.time() + (loop.time() - began))
    finally:
        for each in probes:
            each.cancel()
        await asyncio.gather(*probes, return_exceptions=True)
    if not took:
        raise failure
    return probes[min(took, key=took.__getitem__)]


async def _timed(probe: Probe, endpoint: RegionEndpoint) -> float:
    return await probe(endpoint)

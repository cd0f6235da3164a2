from collections.abc import AsyncIterator

import pytest_asyncio

from globalchat.localcloud.events.lane import DeliverySettings
from globalchat.localcloud.server.cloud import CloudOptions, LocalCloud


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[LocalCloud]:
    """A cloud that the tests of a module share; what a partition held comes soon after it."""
    options = CloudOptions(delivery=DeliverySettings(backoff_cap=0.2))
    async with LocalCloud.open(options=options) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def cloud(running: LocalCloud) -> AsyncIterator[LocalCloud]:
    """The module's cloud, without the faults of the test before."""
    yield running
    running.faults.clear()
    await running.events.settled()

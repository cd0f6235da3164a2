import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from globalchat.client.profiles import Profile, RegionEndpoint
from globalchat.localcloud.events.deliveries import DeliverySettings
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


@pytest_asyncio.fixture(loop_scope="module")
async def silent_region() -> AsyncIterator[tuple[Profile, asyncio.Event]]:
    """A region that accepts connections and never answers, and the event of its first connection."""
    asked = asyncio.Event()

    async def never_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(never_answer, "127.0.0.1", 0) as server:
        at = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        endpoint = RegionEndpoint(
            "oregon", "us-west-2", f"http://{at}/graphql", f"ws://{at}/graphql", "id", "bus", "da2-key"
        )
        yield Profile("silent", {"oregon": endpoint}), asked

"""What is to stop does not wait for the network."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from globalchat.client.profiles import Profile, RegionEndpoint
from globalchat.core.errors import Unreachable
from globalchat.measure.latency.measure import measure
from globalchat.measure.latency.plan import LatencyPlan
from globalchat.measure.load.plan import LoadPlan
from globalchat.measure.load.run import run
from globalchat.measure.stopping import unless


@pytest.fixture
async def silent() -> AsyncIterator[tuple[Profile, asyncio.Event]]:
    """A region that takes connections and says nothing, and when it got one."""
    asked = asyncio.Event()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(hear, "127.0.0.1", 0) as server:
        at = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        endpoint = RegionEndpoint(
            "oregon", "us-west-2", f"http://{at}/graphql", f"ws://{at}/graphql", "id", "bus", "da2-key"
        )
        yield Profile("silent", {"oregon": endpoint}), asked


async def test_work_that_ends_tells_what_came_of_it() -> None:
    async def fail() -> None:
        raise Unreachable("It is away.")

    assert await unless(asyncio.Event(), asyncio.sleep(0, "done")) == "done"
    with pytest.raises(Unreachable):
        await unless(asyncio.Event(), fail())


async def test_a_measurement_of_a_silent_region_ends_at_once(silent: tuple[Profile, asyncio.Event]) -> None:
    profile, asked = silent
    stop = asyncio.Event()
    plan = LatencyPlan(("oregon",), ("oregon",), timeout=600.0)
    async with asyncio.timeout(15), asyncio.TaskGroup() as group:
        measuring = group.create_task(
            measure(profile, plan, stop=stop, note=lambda _: None, tell=lambda *_: None)
        )
        await asked.wait()
        stop.set()
        found = await measuring
    assert not found.complete
    assert [way.times.count for way in found.result.ways] == [0]


async def test_a_run_against_a_silent_region_ends_at_once(silent: tuple[Profile, asyncio.Event]) -> None:
    profile, asked = silent
    stop = asyncio.Event()
    plan = LoadPlan(1, 1.0, 100, 1.0, ("oregon",), ("tech",))
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        running = group.create_task(
            run(profile, plan, stop=stop, tell=lambda _: None, server_cpu=lambda: None)
        )
        await asked.wait()
        stop.set()
        assert await running is None

"""Measuring a local cloud, undisturbed and with every fault that a measurement must show."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace

import pytest

import globalchat
from globalchat.cli.local_cloud import profile_of
from globalchat.client.profiles import Profile, RegionEndpoint
from globalchat.core.errors import Refused, Unauthorized, Unreachable
from globalchat.localcloud.server.cloud import LocalCloud
from globalchat.measure.latency import LatencyMeasurement, LatencyPlan, measure_latency

pytestmark = pytest.mark.asyncio(loop_scope="module")

BOTH = ("oregon", "sydney")
PLAN = LatencyPlan(BOTH, BOTH, channel="tech", count=10, rate=200.0, timeout=10.0, warmup=1)
ONE_WAY = replace(PLAN, sources=("oregon",), targets=("sydney",))


def start(
    profile: Profile, plan: LatencyPlan, stop: asyncio.Event
) -> Coroutine[None, None, LatencyMeasurement]:
    return measure_latency(profile, plan, stop=stop, print_line=lambda _: None, on_published=lambda *_: None)


async def measured(cloud: LocalCloud, plan: LatencyPlan = PLAN) -> LatencyMeasurement:
    return await start(profile_of(cloud.regions), plan, asyncio.Event())


async def test_every_region_to_every_region_with_nothing_lost(cloud: LocalCloud) -> None:
    found = await measured(cloud)
    assert (found.channel, found.complete) == ("tech", True)
    assert found.reconnects == {"oregon": 0, "sydney": 0}
    assert [(each.source, each.times.count, each.failed) for each in found.result.acceptances] == [
        ("oregon", 10, 0),
        ("sydney", 10, 0),
    ]
    assert {(route.source, route.target) for route in found.result.routes} == {
        (a, b) for a in BOTH for b in BOTH
    }
    for route in found.result.routes:
        assert (route.times.count, route.lost, route.pending, route.duplicates) == (10, 0, 0, 0)


async def test_a_relay_delay_shows_in_the_route_across_and_only_there(cloud: LocalCloud) -> None:
    cloud.faults.set("relay-delay=400ms", source="oregon", target="sydney")
    found = await measured(cloud, replace(PLAN, count=3))
    least = {(route.source, route.target): route.times.minimum or 0 for route in found.result.routes}
    assert least["oregon", "sydney"] >= 400_000_000
    assert all(least[pair] < 400_000_000 for pair in least if pair != ("oregon", "sydney"))


async def test_duplicates_are_counted_though_the_chat_would_hide_them(cloud: LocalCloud) -> None:
    cloud.faults.set("duplicate=100%", source="sydney", target="sydney")
    found = await measured(cloud, ONE_WAY)
    assert [
        (route.target, route.times.count, route.duplicates, route.lost) for route in found.result.routes
    ] == [
        ("oregon", 10, 0, 0),
        ("sydney", 10, 10, 0),
    ]


async def test_a_partition_loses_everything_across_and_nothing_at_home(cloud: LocalCloud) -> None:
    cloud.faults.set("relay-partition", source="oregon", target="sydney")
    found = await measured(cloud, replace(ONE_WAY, count=4, timeout=1.5, warmup=0))
    assert [
        (route.target, route.times.count, route.lost, route.pending) for route in found.result.routes
    ] == [
        ("oregon", 4, 0, 0),
        ("sydney", 0, 4, 0),
    ]


async def while_measuring(
    cloud: LocalCloud, plan: LatencyPlan, act: Callable[[asyncio.Event], None], *, after: int
) -> LatencyMeasurement:
    """Measure, and act once `after` messages have come back; `act` gets the event that ends measuring."""
    stop = asyncio.Event()
    profile = profile_of(cloud.regions)
    async with globalchat.connect(profile, "oregon", ["tech"]) as chat, asyncio.TaskGroup() as group:
        measuring = group.create_task(start(profile, plan, stop))
        seen = 0
        async for _ in chat:
            seen += 1
            if seen == after:
                break
        act(stop)
        return await asyncio.wait_for(measuring, 20)


async def test_refused_publishes_are_failures_and_not_losses(cloud: LocalCloud) -> None:
    plan = replace(ONE_WAY, count=20, rate=100.0, timeout=5.0)
    found = await while_measuring(
        cloud, plan, lambda _: cloud.faults.set("throttle", region="oregon"), after=4
    )
    (acceptance,) = found.result.acceptances
    assert acceptance.failed == sum(found.result.failures.values()) > 0
    assert acceptance.failed + acceptance.times.count == 20
    assert all(route.lost == route.pending == 0 for route in found.result.routes)


async def test_a_lost_socket_is_reopened_and_counted(cloud: LocalCloud) -> None:
    plan = replace(ONE_WAY, count=100, rate=100.0, timeout=1.5)
    found = await while_measuring(
        cloud, plan, lambda _: cloud.faults.set("drop-sockets", region="sydney"), after=4
    )
    assert found.reconnects == {"oregon": 0, "sydney": 1}
    across = found.result.routes[1]
    assert across.times.count + across.lost == 100
    assert across.times.count > 0


async def test_ended_early_it_returns_what_there_is(cloud: LocalCloud) -> None:
    cloud.faults.set("relay-partition", source="oregon", target="sydney")
    plan = replace(ONE_WAY, count=1000, rate=50.0, timeout=60.0, warmup=0)
    found = await while_measuring(cloud, plan, asyncio.Event.set, after=3)
    assert not found.complete
    echo, across = found.result.routes
    assert 3 <= echo.times.count < 1000
    assert (across.times.count, across.lost) == (0, 0)
    assert across.pending >= echo.times.count


async def test_what_cannot_be_measured_is_refused(cloud: LocalCloud) -> None:
    with pytest.raises(Refused, match="may have 2000 characters"):
        await measured(cloud, replace(PLAN, size=2001))
    with pytest.raises(Refused, match='no channel "nope"'):
        await measured(cloud, replace(PLAN, channel="nope"))
    there = profile_of(cloud.regions)
    wrong = {name: replace(each, api_key="da2-wrong") for name, each in there.regions.items()}
    gone = {name: _gone(each) for name, each in there.regions.items()}
    for regions, error in ((wrong, Unauthorized), (gone, Unreachable)):
        with pytest.raises(error):
            await start(Profile("p", regions), PLAN, asyncio.Event())


def _gone(endpoint: RegionEndpoint) -> RegionEndpoint:
    return replace(
        endpoint, graphql_url="http://127.0.0.1:1/graphql", realtime_url="ws://127.0.0.1:1/graphql"
    )


async def test_measuring_a_silent_region_ends_at_once(silent_region: tuple[Profile, asyncio.Event]) -> None:
    profile, asked = silent_region
    stop = asyncio.Event()
    plan = LatencyPlan(("oregon",), ("oregon",), timeout=600.0)
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        measuring = group.create_task(start(profile, plan, stop))
        await asked.wait()
        stop.set()
        found = await measuring
    assert not found.complete
    assert [route.times.count for route in found.result.routes] == [0]

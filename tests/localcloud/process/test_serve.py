import asyncio

from globalchat.localcloud.process.serve import seconds_left, wait_until_idle
from globalchat.localcloud.server.acceptor import Usage


def used(at: float, *, open_sockets: int = 0) -> Usage:
    usage = Usage(lambda: at)
    usage.open_sockets = open_sockets
    return usage


def test_an_unused_cloud_has_the_whole_limit_from_its_start() -> None:
    assert seconds_left(used(100), now=100, limit=600) == 600


def test_time_runs_from_the_last_use() -> None:
    assert seconds_left(used(400), now=700, limit=600) == 300
    assert seconds_left(used(100), now=700, limit=600) == 0


def test_an_open_socket_keeps_the_cloud_however_long_it_is_silent() -> None:
    assert seconds_left(used(0, open_sockets=1), now=1e9, limit=600) == 600


async def test_the_wait_ends_exactly_one_limit_after_the_last_use() -> None:
    usage, now, slept = used(0, open_sockets=1), 0.0, []

    async def sleep(seconds: float) -> None:
        nonlocal now
        slept.append(seconds)
        if len(slept) == 2:
            usage.open_sockets, usage.last_used = 0, now + 200  # the socket closes within this wait
        now += seconds

    original = asyncio.sleep
    asyncio.sleep = sleep  # type: ignore[assignment]
    try:
        await wait_until_idle(usage, clock=lambda: now, limit=600)
    finally:
        asyncio.sleep = original

    assert slept == [600, 600, 200]
    assert now == 1400

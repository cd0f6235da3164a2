"""Each fault through the real local cloud, over loopback."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from globalchat.localcloud.events.deliveries import DeliverySettings
from globalchat.localcloud.server.cloud import CloudOptions, LocalCloud
from globalchat.localcloud.server.region import RunningRegion
from tests.localcloud.helpers.cloud_client import call, connected, listening, publish, unsubscribe

REQUEST_SECONDS = 2.0

HISTORY = '{ history(name: "tech") { messages { message arrival } } }'


@pytest.fixture
async def cloud() -> AsyncIterator[LocalCloud]:
    """A cloud that tries again soon, and whose requests may not take long."""
    options = CloudOptions(
        delivery=DeliverySettings(backoff_base=0.01, backoff_cap=0.02), request_seconds=REQUEST_SECONDS
    )
    async with asyncio.timeout(60), LocalCloud.open(options=options) as cloud:
        yield cloud


async def test_a_relay_delay_lets_later_messages_of_the_other_region_pass(cloud: LocalCloud) -> None:
    oregon, sydney = cloud.regions
    cloud.faults.set("relay-delay=10m", source="oregon", target="sydney")
    async with listening(sydney) as there, listening(oregon) as here:
        await publish(oregon, "far")
        assert await here.text() == "far"
        await publish(sydney, "near")
        assert await here.text() == "near"
        assert await there.texts() == ["near"]


@pytest.mark.parametrize("delay", ["20ms", "10ms..30ms"])
async def test_a_delayed_message_arrives(cloud: LocalCloud, delay: str) -> None:
    oregon, sydney = cloud.regions
    cloud.faults.set(f"relay-delay={delay}")
    async with listening(sydney) as there:
        await publish(oregon, "late")
        assert await there.text() == "late"


async def test_a_fixed_delay_keeps_the_order(cloud: LocalCloud) -> None:
    oregon, sydney = cloud.regions
    cloud.faults.set("relay-delay=20ms")
    sent = [str(number) for number in range(20)]
    async with listening(sydney) as there:
        for text in sent:
            await publish(oregon, text)
        await cloud.events.settled()
        assert await there.texts() == sent


async def test_a_partition_holds_messages_back_until_it_heals(cloud: LocalCloud) -> None:
    oregon, sydney = cloud.regions
    cloud.faults.set("relay-partition", source="oregon")
    async with listening(sydney) as there, listening(oregon) as here:
        await publish(oregon, "held")
        assert await here.text() == "held"
        await publish(sydney, "the other way")
        assert await here.text() == "the other way"
        assert await there.text() == "the other way"
        cloud.faults.clear("relay-partition")
        assert await there.text() == "held"
    relay = next(c for arn, c in cloud.events.counters.items() if "us-west-2" in arn and "relay" in arn)
    assert relay["RetryInvocationAttempts"] > 0


async def test_duplicates(cloud: LocalCloud) -> None:
    oregon, sydney = cloud.regions
    cloud.faults.set("duplicate=100%", source="oregon", target="sydney")
    async with listening(sydney) as there, listening(oregon) as here:
        await publish(oregon, "again")
        await cloud.events.settled()
        assert await there.texts() == ["again", "again"]
        assert await here.texts() == ["again"]


async def test_reordering(cloud: LocalCloud) -> None:
    oregon, sydney = cloud.regions
    cloud.faults.set("reorder=100%", source="oregon", target="sydney")
    sent = [str(number) for number in range(20)]
    async with listening(sydney) as there:
        for text in sent:
            await publish(oregon, text)
        await cloud.events.settled()
        arrived = await there.texts()
    assert sorted(arrived) == sorted(sent)
    assert arrived != sent


async def test_dropped_sockets_may_come_back_at_once(cloud: LocalCloud) -> None:
    oregon, sydney = cloud.regions
    async with listening(oregon) as hit, listening(sydney) as spared:
        cloud.faults.set("drop-sockets", region="oregon")
        assert await hit.end() in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        assert cloud.faults.active == ()
        async with listening(oregon) as back:
            await publish(oregon, "again")
            assert await back.text() == "again"
            assert await spared.text() == "again"


async def test_half_open_sockets_are_silent_until_they_are_reset(cloud: LocalCloud) -> None:
    oregon, sydney = cloud.regions
    async with listening(sydney) as silent, listening(oregon) as here:
        cloud.faults.set("half-open", region="sydney")
        await publish(oregon, "unheard")
        assert await here.text() == "unheard"
        await cloud.events.settled()
        cloud.faults.clear("half-open")
        assert await silent.end() in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


async def test_throttling(cloud: LocalCloud) -> None:
    oregon, _ = cloud.regions
    cloud.faults.set("throttle", region="oregon")
    async with connected(oregon) as listener:
        answer = await listener.start()
        assert answer["type"] == "error"
        assert answer["payload"]["errors"][0]["errorType"] == "LimitExceededError"
        cloud.faults.clear("throttle")
        assert (await listener.start("2"))["type"] == "start_ack"


async def test_an_expired_key_opens_nothing_new(cloud: LocalCloud) -> None:
    oregon, sydney = cloud.regions
    async with listening(oregon) as listener:
        cloud.faults.set("expired-key", region="oregon")
        status, answer = await call(oregon, "{ channels }", {})
        assert status == 401
        assert "You are not authorized to make this call." in str(answer)
        assert (await listener.start("2"))["payload"]["errors"][0]["errorType"] == "UnauthorizedException"
        # What lives already goes on: the key is looked at when something starts.
        await publish(sydney, "still")
        assert await listener.text() == "still"
        with pytest.raises(AssertionError):
            async with connected(oregon):
                pass
        cloud.faults.clear()
        assert (await call(oregon, "{ channels }", {}))[0] == 200


async def test_a_region_that_is_down_gets_its_messages_later(cloud: LocalCloud) -> None:
    oregon, sydney = cloud.regions
    async with listening(sydney) as gone, listening(oregon) as here:
        cloud.faults.set("region-down", region="sydney")
        assert await gone.end() in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        with pytest.raises((aiohttp.ClientError, ConnectionError)):
            await call(sydney, "{ channels }", {})
        await publish(oregon, "meanwhile")
        assert await here.text() == "meanwhile"
        relay = next(c for arn, c in cloud.events.counters.items() if "us-west-2" in arn and "relay" in arn)
        assert relay["SuccessfulInvocationAttempts"] == 0
        cloud.faults.clear("region-down")
        await cloud.events.settled()
        assert (await call(sydney, "{ channels }", {}))[0] == 200
        async with listening(sydney) as back:
            await publish(oregon, "after")
            assert await back.text() == "after"
    assert not any(cloud.events.dead_letters.values())


async def history(region: RunningRegion) -> list[str]:
    """The texts that a region has stored."""
    _, answer = await call(region, HISTORY, {})
    assert isinstance(answer, dict)
    assert "errors" not in answer, answer
    data: Any = answer["data"]
    return [each["message"] for each in data["history"]["messages"]]


async def history_error(region: RunningRegion) -> str:
    """The type of the error of a query that fails."""
    _, answer = await call(region, HISTORY, {})
    assert isinstance(answer, dict)
    errors: Any = answer["errors"]
    return str(errors[0]["errorType"])


async def test_a_message_that_cannot_be_stored_is_delivered_and_counted(cloud: LocalCloud) -> None:
    oregon, sydney = cloud.regions
    cloud.faults.set("history-failing", region="oregon")
    async with listening(oregon) as here, listening(sydney) as there:
        await publish(oregon, "not stored")
        assert await here.text() == await there.text() == "not stored"
    await cloud.events.settled()
    assert cloud.failed_table_operations == {"PutItem": 1, "Query": 0}
    assert await history_error(oregon) == "HistoryFailed"
    assert cloud.failed_table_operations == {"PutItem": 1, "Query": 1}
    assert await history(sydney) == ["not stored"]
    cloud.faults.clear()
    assert await history(oregon) == []


async def test_slow_puts_and_queries_wait_beside_each_other(cloud: LocalCloud) -> None:
    oregon, sydney = cloud.regions
    seconds = 0.3
    cloud.faults.set(f"history-slow={seconds}s", region="oregon")
    async with listening(oregon) as here, listening(sydney) as there:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for number in range(20):
            await publish(oregon, str(number))
        # The other region is not held up.
        assert [await there.text() for _ in range(20)] == [str(number) for number in range(20)]
        await cloud.events.settled()
        assert seconds <= loop.time() - begun
        assert sorted(map(int, await here.texts())) == list(range(20))
    begun = loop.time()
    assert len(await history(oregon)) == 20
    assert loop.time() - begun >= seconds


async def test_a_put_that_hangs_fails_the_delivery_which_is_tried_again(cloud: LocalCloud) -> None:
    oregon, sydney = cloud.regions
    cloud.faults.set("history-slow=10m", region="oregon")
    async with listening(oregon) as here, listening(sydney) as there:
        await publish(oregon, "hangs")
        assert await there.text() == "hangs"
        assert await history_error(oregon) == "ExecutionTimeout"
        cloud.faults.clear()
        await cloud.events.settled()
        assert await here.texts() == ["hangs"]
    assert await history(oregon) == ["hangs"]
    broadcast = next(
        counters
        for arn, counters in cloud.events.counters.items()
        if oregon.region in arn and arn.endswith("globalchat-broadcast")
    )
    assert broadcast["RetryInvocationAttempts"] >= 1
    assert not any(cloud.events.dead_letters.values())


@pytest.mark.parametrize("silent", [False, True])
async def test_invalidation_with_and_without_complete(cloud: LocalCloud, *, silent: bool) -> None:
    oregon, _ = cloud.regions
    if silent:
        cloud.faults.set("silent-invalidation")
    async with listening(oregon) as listener:
        await unsubscribe(cloud, oregon)
        if not silent:
            assert await listener.frame() == {"type": "complete", "id": "1"}
        assert await listener.end() in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)

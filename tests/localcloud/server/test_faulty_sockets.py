"""What clients see of the faults, on real sockets."""

import asyncio
import logging

import aiohttp
import pytest
from aiohttp import WSMsgType

from globalchat.localcloud.appsync.model import Invalidation
from globalchat.localcloud.appsync.realtime.protocol import SocketLimits
from globalchat.localcloud.server.realtime import RealtimeOptions
from tests.localcloud.helpers.realtime_server import (
    HEADERS,
    Server,
    client,
    publication,
    raw_client,
    serving,
    start,
    start_frame,
    subscribe,
)

PING = b"\x89\x80\x00\x00\x00\x00"
"""A masked WebSocket ping without a payload."""
GONE = (WSMsgType.CLOSED, WSMsgType.ERROR, WSMsgType.CLOSE)


async def test_dropped_sockets_are_reset_and_new_ones_work() -> None:
    async with serving() as server:
        async with client(server) as socket:
            await subscribe(socket, "1")
            reader, writer = await raw_client(server)
            assert server.faults.drop() == 2
            with pytest.raises(ConnectionResetError):
                await asyncio.wait_for(reader.read(), 5)
            assert (await socket.receive(timeout=30)).type in GONE
            writer.close()
        await server.one_socket_closed()
        assert len(server.hub) == 0
        async with client(server) as socket:
            await subscribe(socket, "1")


async def test_a_socket_that_was_reset_can_be_reset_until_it_is_forgotten() -> None:
    async with serving() as server:
        _, writer = await raw_client(server)
        dropped = 1
        while dropped:
            dropped = server.faults.drop()
            await asyncio.sleep(0)
        writer.close()


async def test_a_ping_that_is_answered_while_its_socket_is_reset_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving() as server:
        for turns in range(8):
            _, writer = await raw_client(server)
            writer.write(PING)
            for _ in range(turns):
                await asyncio.sleep(0)
            server.faults.drop()
            await server.one_socket_closed()
            writer.close()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_silent_socket_neither_answers_nor_delivers_nor_ends() -> None:
    async with serving() as server:
        reader, writer = await raw_client(server)
        writer.write(start_frame("tech"))
        await asyncio.wait_for(reader.readuntil(b'"start_ack","id":"1"}'), 5)
        hears = asyncio.create_task(reader.read(1))
        server.faults.blackhole()
        writer.write(start_frame("tech"))
        async with client(server) as later:
            await subscribe(later, "1")
            server.hub.publish(publication())
            assert (await later.receive_json(timeout=30))["type"] == "data"
            server.hub.invalidate(Invalidation("subscribe", {"name": "tech"}))
            assert (await later.receive_json(timeout=30))["type"] == "complete"
        assert not hears.done()
        server.faults.half_open = False
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(hears, 5)
        writer.close()


async def test_a_silent_socket_whose_client_leaves_is_forgotten() -> None:
    async with serving() as server:
        _, writer = await raw_client(server)
        server.faults.blackhole()
        writer.close()
        await server.one_socket_closed()
        assert server.usage.open_sockets == 0


async def test_a_silent_socket_is_reset_at_the_end_of_its_life() -> None:
    async with serving(RealtimeOptions(limits=SocketLimits(lifetime=0.1))) as server:
        reader, writer = await raw_client(server)
        server.faults.blackhole()
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(), 5)
        writer.close()


async def test_a_shutdown_ends_silent_sockets() -> None:
    async with serving() as server:
        reader, writer = await raw_client(server)
        server.faults.blackhole()
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.read(), 5)
    writer.close()


async def test_while_half_open_new_sockets_hear_nothing() -> None:
    async with serving() as server:
        server.faults.half_open = True
        async with client(server) as socket:
            await start(socket, "1")
            assert not server.executor.asked
            server.faults.half_open = False
            assert (await socket.receive(timeout=30)).type in GONE


async def post(server: Server, session: aiohttp.ClientSession) -> int:
    async with session.post(server.url, json={}) as response:
        return response.status


async def test_a_region_that_is_down_resets_requests_and_sockets() -> None:
    async with serving() as server, client(server) as socket, aiohttp.ClientSession() as session:
        await subscribe(socket, "1")
        assert await post(server, session) == 200
        server.faults.down = True
        assert (await socket.receive(timeout=30)).type in GONE
        with pytest.raises(aiohttp.ClientError):
            await post(server, session)
        with pytest.raises(aiohttp.ClientError):
            await session.ws_connect(server.url, protocols=["graphql-ws"], headers=HEADERS)
        server.faults.down = False
        assert await post(server, session) == 200


async def test_throttled_starts_are_refused_without_an_id() -> None:
    async with serving() as server, client(server) as socket:
        server.faults.throttled = True
        await start(socket, "1")
        assert await socket.receive_json(timeout=30) == {
            "type": "error",
            "payload": {"errors": [{"errorType": "LimitExceededError", "message": "Rate limit exceeded"}]},
        }
        server.faults.throttled = False
        await subscribe(socket, "1")


async def test_invalidation_without_a_notice_just_closes() -> None:
    async with serving() as server, client(server) as socket:
        server.faults.announce_invalidation = False
        await subscribe(socket, "1")
        server.hub.invalidate(Invalidation("subscribe", {"name": "tech"}))
        message = await socket.receive(timeout=30)
        assert (message.type, message.data) == (WSMsgType.CLOSE, 1000)


async def test_the_rate_of_connections_is_limited() -> None:
    options = RealtimeOptions(connect_rate=0.001, limits=SocketLimits(refusal_grace=0.05))
    async with serving(options) as server, client(server) as first, client(server) as second:
        await subscribe(first, "1")
        error = await second.receive_json(timeout=30)
        assert error["type"] == "connection_error"
        assert error["payload"]["errors"][0]["errorType"] == "LimitExceededError"
        assert (await second.receive(timeout=30)).type is WSMsgType.CLOSE


async def test_the_rate_of_subscriptions_is_limited_for_all_sockets_together() -> None:
    options = RealtimeOptions(subscribe_rate=0.001)
    async with serving(options) as server, client(server) as first, client(server) as second:
        await subscribe(first, "1")
        await start(second, "1")
        error = await second.receive_json(timeout=30)
        assert error["payload"]["errors"][0]["errorType"] == "LimitExceededError"
        assert "id" not in error

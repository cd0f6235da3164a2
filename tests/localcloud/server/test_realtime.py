"""The socket shell on real sockets, with stand-ins for executor and authenticator."""

import asyncio
import gc
import struct
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import WSMsgType
from websockets.frames import Frame

from globalchat.localcloud.appsync.model import Invalidation
from globalchat.localcloud.appsync.realtime.protocol import SocketLimits
from globalchat.localcloud.server.realtime import RealtimeOptions
from tests.localcloud.helpers.realtime_server import (
    HEADERS,
    Server,
    client,
    masked,
    publication,
    raw_client,
    serving,
    start,
    start_frame,
    subscribe,
)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as running:
        yield running


async def test_frames_of_every_length_arrive_in_order(server: Server) -> None:
    async with client(server) as socket:
        await subscribe(socket, "1")
        texts = ["x" * length for length in (0, 60, 61, 125, 126, 1000, 65_400, 65_536, 200_000)]
        for text in texts:
            server.hub.publish(publication(text))
        received = [await socket.receive_json(timeout=30) for _ in texts]
        assert [frame["payload"]["data"]["subscribe"]["message"] for frame in received] == texts


async def test_the_frames_of_one_turn_leave_in_one_write(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client(server) as socket:
        await subscribe(socket, "1")
        writes: list[int] = []
        transport_type = type(server.transports[0])
        write = transport_type.write

        def counted(transport: asyncio.WriteTransport, data: bytes) -> None:
            if transport in server.transports:
                writes.append(len(data))
            write(transport, data)

        monkeypatch.setattr(transport_type, "write", counted)
        for number in range(100):
            server.hub.publish(publication(str(number)))
        for number in range(100):
            frame = await socket.receive_json(timeout=30)
            assert frame["payload"]["data"]["subscribe"]["message"] == str(number)
        assert len(writes) == 1
        server.hub.publish(publication("alone"))
        assert (await socket.receive_json(timeout=30))["payload"]["data"]["subscribe"]["message"] == "alone"
        assert len(writes) == 2


async def test_a_whole_conversation(server: Server) -> None:
    async with client(server) as socket:
        assert socket.protocol == "graphql-ws"
        await socket.send_json({"type": "connection_init"})
        assert await socket.receive_json(timeout=30) == {
            "type": "connection_ack",
            "payload": {"connectionTimeoutMs": 300000},
        }
        assert await socket.receive_json(timeout=30) == {"type": "ka"}
        await subscribe(socket, "1")
        await start(socket, "2", "nowhere")
        refusal = await socket.receive_json(timeout=30)
        assert (refusal["type"], refusal["id"]) == ("error", "2")
        server.hub.publish(publication())
        assert (await socket.receive_json(timeout=30))["id"] == "1"
        await socket.send_json({"type": "stop", "id": "1"})
        assert await socket.receive_json(timeout=30) == {"type": "complete", "id": "1"}
        server.hub.publish(publication())
        await socket.send_str("garbage")
        assert (await socket.receive_json(timeout=30))["type"] == "error"
    await server.one_socket_closed()
    assert server.hub.metrics.snapshot() == {
        "ActiveConnections": 0,
        "ConnectSuccess": 1,
        "ActiveSubscriptions": 0,
        "SubscribeSuccess": 1,
        "SubscribeClientError": 1,
        "PublishDataMessageSuccess": 1,
        "PublishDataMessageSize": server.hub.metrics["PublishDataMessageSize"],
        "UnsubscribeSuccess": 1,
    }


async def test_keep_alives_come_by_themselves() -> None:
    options = RealtimeOptions(limits=SocketLimits(keep_alive=0.05))
    async with serving(options) as server, client(server) as socket:
        await socket.send_json({"type": "connection_init"})
        kinds = [(await socket.receive_json(timeout=30))["type"] for _ in range(4)]
        assert kinds == ["connection_ack", "ka", "ka", "ka"]


async def test_a_socket_ends_at_the_end_of_its_life() -> None:
    options = RealtimeOptions(limits=SocketLimits(lifetime=0.1))
    async with serving(options) as server, client(server) as socket:
        await subscribe(socket, "1")
        message = await socket.receive(timeout=30)
        assert (message.type, message.data) == (WSMsgType.CLOSE, 1000)
        assert len(server.hub) == 0


@pytest.mark.parametrize("says_init", [True, False])
async def test_bad_credentials_get_a_reason_then_a_close(says_init: bool) -> None:
    options = RealtimeOptions(limits=SocketLimits(refusal_grace=2.0 if says_init else 0.1))
    async with (
        serving(options) as server,
        aiohttp.ClientSession() as session,
        session.ws_connect(server.url, protocols=["graphql-ws"]) as socket,
    ):
        if says_init:
            await socket.send_json({"type": "connection_init"})
        error = await socket.receive_json(timeout=30)
        assert error["type"] == "connection_error"
        assert error["payload"]["errors"][0]["errorCode"] == 401
        message = await socket.receive(timeout=30)
        assert (message.type, message.data) == (WSMsgType.CLOSE, 1008)


@pytest.mark.parametrize(
    ("offered", "message"),
    [([], "NoProtocolError"), (["header-e30", "mqtt"], "SubProtocolNotSupportedError")],
)
async def test_a_wrong_subprotocol_gets_a_reason_and_is_not_logged(
    server: Server, offered: list[str], message: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(server.url, protocols=offered, headers=HEADERS) as socket,
    ):
        error = await socket.receive_json(timeout=30)
        assert error["payload"]["errors"] == [{"message": message, "errorCode": 400}]
    assert "header-e30" not in caplog.text


async def test_invalidation_completes_the_match_and_closes_the_whole_socket(server: Server) -> None:
    async with client(server) as both, client(server) as spared:
        await subscribe(both, "1", "tech")
        await subscribe(both, "2", "cars")
        await subscribe(spared, "1", "cars")
        server.hub.publish(publication("last"))
        server.hub.invalidate(Invalidation("subscribe", {"name": "tech"}))
        server.hub.publish(publication("late", "cars"))
        assert (await both.receive_json(timeout=30))["type"] == "data"
        assert await both.receive_json(timeout=30) == {"type": "complete", "id": "1"}
        message = await both.receive(timeout=30)
        assert (message.type, message.data) == (WSMsgType.CLOSE, 1000)
        assert (await spared.receive_json(timeout=30))["payload"]["data"]["subscribe"]["message"] == "late"
        assert len(server.hub) == 1


async def test_a_start_stopped_before_it_was_planned_never_listens(server: Server) -> None:
    async with client(server) as socket:
        await start(socket, "1", "slow")
        await socket.send_json({"type": "stop", "id": "1"})
        assert await socket.receive_json(timeout=30) == {"type": "complete", "id": "1"}
        await start(socket, "1", "tech")
        assert await socket.receive_json(timeout=30) == {"type": "start_ack", "id": "1"}
        server.executor.go.set()
        await socket.send_json({"type": "nonsense"})
        assert (await socket.receive_json(timeout=30))["type"] == "error"
        server.hub.publish(publication("x", "slow"))
        server.hub.publish(publication("y", "tech"))
        frame = await socket.receive_json(timeout=30)
        assert frame["payload"]["data"]["subscribe"]["message"] == "y"


async def test_a_client_that_leaves_while_a_start_is_planned_leaves_nothing(server: Server) -> None:
    async with client(server) as socket:
        await subscribe(socket, "1")
        await start(socket, "2", "slow")
        await socket.send_json({"type": "nonsense"})
        await socket.receive_json(timeout=30)
    await server.one_socket_closed()
    assert len(server.hub) == 0
    assert server.usage.open_sockets == 0


async def test_a_bug_is_logged_and_ends_only_its_own_socket(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    async with client(server) as healthy, client(server) as unlucky:
        await subscribe(healthy, "1")
        await subscribe(unlucky, "1")
        await start(unlucky, "2", "broken")
        message = await unlucky.receive(timeout=30)
        assert message.type in (WSMsgType.CLOSED, WSMsgType.CLOSE, WSMsgType.ERROR)
        await server.one_socket_closed()
        server.hub.publish(publication())
        assert (await healthy.receive_json(timeout=30))["type"] == "data"
    assert "a bug in the executor" in caplog.text


@pytest.mark.parametrize(
    ("garbage", "code"),
    [
        (b"\xff\xff\xff\xff\xff\xff", 1002),
        (masked(1, b"\xff\xfe"), 1007),
        (masked(1, b"x", length=2**21), 1009),
    ],
)
async def test_garbage_on_the_wire_ends_only_its_own_socket(
    server: Server, garbage: bytes, code: int
) -> None:
    async with client(server) as healthy:
        await subscribe(healthy, "1")
        reader, writer = await raw_client(server)
        writer.write(garbage)
        frame = await asyncio.wait_for(reader.readexactly(4), 5)
        assert frame[0] == 0x88
        assert struct.unpack("!H", frame[2:4])[0] == code
        writer.close()
        server.hub.publish(publication())
        assert (await healthy.receive_json(timeout=30))["type"] == "data"


async def test_a_stalled_reader_is_disconnected_and_delays_and_costs_nothing() -> None:
    limit, text = 256 * 1024, "x" * 20_000
    async with (
        serving(RealtimeOptions(max_buffer=limit)) as server,
        client(server) as first,
        client(server) as second,
    ):
        await subscribe(first, "1")
        reader, writer = await raw_client(server)
        writer.write(start_frame("tech"))
        await asyncio.wait_for(reader.readuntil(b"start_ack"), 30)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await subscribe(second, "1")
        transports, most, turn = server.transports, 0, 0
        while not server.hub.metrics["SlowReaderDisconnect"]:
            # Gathered and alone: each way of sending has to keep the bound.
            for number in range(4 if turn % 2 else 1):
                server.hub.publish(publication(f"{turn}.{number}{text}"))
            for healthy in (first, second):
                for number in range(4 if turn % 2 else 1):
                    frame = await healthy.receive_json(timeout=30)
                    said = frame["payload"]["data"]["subscribe"]["message"]
                    assert said.startswith(f"{turn}.{number}x")
            most = max(most, *(transport.get_write_buffer_size() for transport in transports))
            turn += 1
            assert turn < 10_000
        assert most <= limit
        await server.one_socket_closed()
        assert len(server.hub) == 2
        assert server.hub.metrics["SlowReaderDisconnect"] == 1
        assert sum(transport.get_write_buffer_size() for transport in transports) == 0
        writer.transport.abort()


async def test_a_client_that_pings_and_does_not_read_is_disconnected() -> None:
    async with serving(RealtimeOptions(max_buffer=64 * 1024)) as server:
        reader, writer = await raw_client(server)
        writer.write(start_frame("tech"))
        await asyncio.wait_for(reader.readuntil(b"start_ack"), 30)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        ping = b"\x89\xfd\0\0\0\0" + b"x" * 125
        while not server.hub.metrics["SlowReaderDisconnect"]:
            writer.write(ping * 500)
            await asyncio.sleep(0)
        await server.one_socket_closed()
        assert len(server.hub) == 0
        writer.transport.abort()


async def test_a_message_in_fragments_is_read_whole(server: Server) -> None:
    reader, writer = await raw_client(server)
    frame = start_frame("tech")
    text = frame[14:]
    first, last = masked(1, text[:20]), masked(0, text[20:])
    empty, ping = b"\x00\x80\0\0\0\0", b"\x89\x80\0\0\0\0"
    writer.write(bytes([first[0] & 0x7F]) + first[1:] + empty * 2000 + ping)
    assert await asyncio.wait_for(reader.readexactly(2), 30) == b"\x8a\0"
    # Any number of empty fragments takes no memory.
    assert sum(isinstance(each, Frame) for each in gc.get_objects()) < 100
    writer.write(last)
    await asyncio.wait_for(reader.readuntil(b"start_ack"), 30)
    writer.close()


async def test_a_client_that_never_answers_a_close_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("globalchat.localcloud.server.realtime_socket.CLOSE_SECONDS", 0.1)
    async with serving(RealtimeOptions(limits=SocketLimits(lifetime=0.05))) as server:
        reader, writer = await raw_client(server)
        assert (await asyncio.wait_for(reader.readexactly(4), 5))[:1] == b"\x88"
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


@pytest.mark.parametrize("ended_by", ["server", "client"])
async def test_a_client_that_does_not_read_is_cut_when_its_socket_closes(
    ended_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("globalchat.localcloud.server.realtime_socket.CLOSE_SECONDS", 0.1)
    async with serving() as server:
        reader, writer = await raw_client(server)
        writer.write(start_frame("tech"))
        await asyncio.wait_for(reader.readuntil(b"start_ack"), 30)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        [transport] = server.transports
        while not transport.get_write_buffer_size():
            server.hub.publish(publication("x" * 200_000))
            await asyncio.sleep(0)
        if ended_by == "server":
            server.hub.invalidate(Invalidation("subscribe", {"name": "tech"}))
        else:
            writer.write_eof()
        await server.one_socket_closed()
        assert transport.get_write_buffer_size() == 0
        assert len(server.hub) == 0
        writer.transport.abort()


async def test_pings_during_the_closing_handshake_fill_no_buffer(caplog: pytest.LogCaptureFixture) -> None:
    limit = 64 * 1024
    async with serving(RealtimeOptions(max_buffer=limit)) as server:
        reader, writer = await raw_client(server)
        writer.write(start_frame("tech"))
        await asyncio.wait_for(reader.readuntil(b"start_ack"), 30)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        [transport] = server.transports
        server.endpoint.start_closing()
        most = 0
        while not server.usage.has_closed.is_set():
            if not writer.transport.is_closing():
                writer.write((b"\x89\xfd\0\0\0\0" + b"x" * 125) * 500)
            await asyncio.sleep(0)
            most = max(most, transport.get_write_buffer_size())
        assert most <= limit
        assert not caplog.records
        writer.transport.abort()


async def test_shutting_down_tells_every_client() -> None:
    async with serving() as server:
        async with client(server) as socket:
            await subscribe(socket, "1")
            server.endpoint.start_closing()
            message = await socket.receive(timeout=30)
            assert (message.type, message.data) == (WSMsgType.CLOSE, 1001)
        await server.one_socket_closed()
    assert server.hub.metrics["ActiveConnections"] == 0
    assert server.hub.metrics["ActiveSubscriptions"] == 0

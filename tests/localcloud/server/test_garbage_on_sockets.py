"""Garbage on real sockets: it ends, at most, the socket that it came on."""

import asyncio
import contextlib
import json
import random
import struct
from collections.abc import AsyncIterator, Sequence

import aiohttp
import pytest

from globalchat.localcloud.definition import JSON
from globalchat.localcloud.server.cloud import LocalCloud
from tests.localcloud.helpers.realtime_server import (
    Server,
    client,
    masked,
    publication,
    raw_client,
    serving,
    start_frame,
    subscribe,
)

MEGABYTE = 1024 * 1024


def part(opcode: int, payload: bytes, *, final: bool = True, reserved: int = 0) -> bytes:
    """A masked frame of any kind, within the rules of RFC 6455 or not."""
    first = (0x80 if final else 0) | reserved | opcode
    length = len(payload)
    short = struct.pack("!BB", first, 0x80 | length) if length < 126 else b""
    return (short or struct.pack("!BBQ", first, 0x80 | 127, length)) + b"\0\0\0\0" + payload


GARBAGE: dict[str, Sequence[bytes]] = {
    "random bytes": [random.Random(1).randbytes(MEGABYTE)],
    "random text": [masked(1, random.Random(2).randbytes(500_000).hex().encode())],
    "a text of brackets": [masked(1, b"[" * 1_000_000)],
    "a text of braces": [masked(1, b'{"a":' * 200_000)],
    "a long number": [masked(1, b"9" * 1_000_000)],
    "a long id": [masked(1, b'{"type":"start","id":"' + b"x" * 1_000_000 + b'"}')],
    "a start with a megabyte of data": [
        masked(1, json.dumps({"type": "start", "id": "1", "payload": {"data": "{" * 1_000_000}}).encode())
    ],
    "deep variables": [
        masked(
            1,
            json.dumps(
                {"type": "start", "id": "1", "payload": {"data": '{"query":"","variables":' + "[" * 500_000}}
            ).encode(),
        )
    ],
    "invalid UTF-8": [masked(1, b'{"type":"\xff\xfe"}')],
    "binary": [masked(2, random.Random(3).randbytes(100_000))],
    "UTF-16": [masked(2, '{"type":"connection_init"}'.encode("utf-16"))],
    "more than is taken": [masked(1, b"x" * (MEGABYTE + 1))],
    "a length that never comes": [masked(1, b"x", length=2**62)],
    "a negative length": [b"\x81\xff" + b"\xff" * 8],
    "a frame without a mask": [b"\x81\x02{}"],
    "reserved bits": [part(1, b"{}", reserved=0x70)],
    "an opcode that does not exist": [part(11, b"{}")],
    "a continuation of nothing": [part(0, b"{}")],
    "a text that never ends": [part(1, b"{", final=False), *[part(0, b"x" * 60_000, final=False)] * 20],
    "a long ping": [part(9, b"x" * 200)],
    "a ping in parts": [part(9, b"x", final=False)],
    "a close of one byte": [part(8, b"x")],
    "a close with a code that is none": [part(8, struct.pack("!H", 99))],
    "a close that is no text": [part(8, struct.pack("!H", 1000) + b"\xff")],
    "pings without end": [part(9, b"")] * 2000,
    "frames of nothing": [masked(1, b"")] * 2000,
    "the same start a thousand times": [start_frame("tech")] * 1000,
}


HARMLESS = {
    "random text",
    "a text of brackets",
    "a text of braces",
    "a long number",
    "a long id",
    "a start with a megabyte of data",
    "deep variables",
    "binary",
    "UTF-16",
    "pings without end",
    "frames of nothing",
    "the same start a thousand times",
}
"""What the socket it came on survives: well-formed frames, whatever is in them."""


@pytest.mark.parametrize("kind", GARBAGE)
async def test_garbage_ends_at_most_its_own_socket(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as server, client(server) as healthy:
        await subscribe(healthy, "1")
        reader, writer = await raw_client(server)
        ends = await send(reader, writer, GARBAGE[kind])
        assert ends == ("answered" if kind in HARMLESS else "closed")
        server.hub.publish(publication("still here"))
        frame = await healthy.receive_json(timeout=30)
        assert frame["payload"]["data"]["subscribe"]["message"] == "still here"
        await hang_up(writer)
        await server.one_socket_closed()
        assert len(server.hub) == 1
    assert not [record for record in caplog.records if record.exc_info]


async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pieces: Sequence[bytes]) -> str:
    """Send all of it and `connection_init`; what comes of it: `answered`, `closed` or `reset`."""

    async def outcome() -> str:
        try:
            while True:
                opcode, payload = await receive(reader)
                if opcode == 8:
                    return "closed"
                if b"connection_ack" in payload:
                    return "answered"
        except (ConnectionError, asyncio.IncompleteReadError):
            return "reset"

    waiting = asyncio.create_task(outcome())
    try:
        for piece in [*pieces, masked(1, b'{"type":"connection_init"}')]:
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        pass
    return await asyncio.wait_for(waiting, 10)


async def receive(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read one frame of the server; its opcode and payload."""
    first, length = await reader.readexactly(2)
    if length == 126:
        [length] = struct.unpack("!H", await reader.readexactly(2))
    elif length == 127:
        [length] = struct.unpack("!Q", await reader.readexactly(8))
    return first & 15, await reader.readexactly(length)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def test_noise_after_the_upgrade_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    rng = random.Random(4)
    async with serving() as server, client(server) as healthy:
        await subscribe(healthy, "1")
        writers = []
        for number in range(40):
            _, writer = await raw_client(server)
            writers.append(writer)
            noise = rng.randbytes(rng.choice([1, 2, 10, 1000, 100_000]))
            # It begins like a frame, or else hardly any would get past the first byte.
            writer.writelines([bytes([rng.choice([0x81, 0x82, 0x89, 0x01])]), noise, noise])
            server.hub.publish(publication(str(number)))
            frame = await healthy.receive_json(timeout=30)
            assert frame["payload"]["data"]["subscribe"]["message"] == str(number)
        await asyncio.gather(*map(hang_up, writers))
    assert not [record for record in caplog.records if record.exc_info]


async def request(server: Server, head: bytes) -> bytes:
    """Send what may be a request; the first line of the answer."""
    port = int(server.url.split(":")[2].split("/")[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(head + b"\r\n\r\n")
        return await asyncio.wait_for(reader.readline(), 5)
    except ConnectionError:
        return b""
    finally:
        await hang_up(writer)


UPGRADE = (
    b"GET /graphql%b HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n%b"
)


@pytest.mark.parametrize(
    "head",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /graphql HTTP/9.9",
        b"GARBAGE",
        b"GET /graphql HTTP/1.1\r\nUpgrade: websocket",
        UPGRADE.replace(b"13", b"99") % (b"", b"Sec-WebSocket-Protocol: graphql-ws"),
        UPGRADE.replace(b"AAAA", b"?") % (b"", b"Sec-WebSocket-Protocol: graphql-ws"),
        UPGRADE % (b"?header=" + b"%ff" * 5000, b"Sec-WebSocket-Protocol: graphql-ws"),
        UPGRADE % (b"?header=" + b"A" * 100_000, b"Sec-WebSocket-Protocol: graphql-ws"),
        UPGRADE % (b"?&&&==header&header", b"Sec-WebSocket-Protocol: ,,,"),
        UPGRADE % (b"", b"Sec-WebSocket-Protocol: header-" + b"A" * 30_000 + b", graphql-ws"),
        UPGRADE % (b"", b"Sec-WebSocket-Protocol: \xff\xfe"),
        UPGRADE % (b"", b"Sec-WebSocket-Protocol:"),
        UPGRADE.replace(b"GET", b"POST") % (b"", b"Sec-WebSocket-Protocol: graphql-ws"),
        UPGRADE.replace(b"GET", b"HEAD") % (b"", b"Sec-WebSocket-Protocol: graphql-ws"),
        UPGRADE.replace(b"HTTP/1.1", b"HTTP/1.0") % (b"", b"Sec-WebSocket-Protocol: graphql-ws"),
    ],
)
async def test_a_malformed_upgrade_harms_nobody(head: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as server, client(server) as healthy:
        await subscribe(healthy, "1")
        line = await request(server, head)
        assert line == b"" or line.split(b" ")[1] in (b"101", b"400", b"426", b"431"), line
        assert b" 101 " not in line or (head.startswith(b"GET") and b" HTTP/1.1\r" in head)
        assert not [each for each in caplog.records if each.name.startswith("aiohttp")]
        server.hub.publish(publication())
        assert (await healthy.receive_json(timeout=30))["type"] == "data"


TAKES_A_NAME = "subscription S($name: String!) { subscribe(name: $name) { id } }"
NASTY_STARTS: list[dict[str, JSON]] = [
    {"query": "subscription { subscribe(name: 1)" + "{id" * 7000 + "}" * 7000 + "}"},
    {"query": "subscription {" + "a" * 400_000 + "}"},
    {"query": "subscription { subscribe(name: " + "[" * 7000 + "]" * 7000 + ") { id } }"},
    {"query": "subscription S($x: " + "[" * 7000 + "Int" + "]" * 7000 + ") { __typename }"},
    {"query": "subscription { ...A } fragment A on Subscription { ...A }"},
    {"query": "subscription { " + 'subscribe(name: "tech") { id } ' * 3000 + "}"},
    {"query": 'subscription { subscribe(name: "\\ud800") { id } }'},
    {"query": TAKES_A_NAME, "variables": {"name": "\ud800"}},
    {"query": TAKES_A_NAME, "variables": {"name": {"a": []}}},
    {"query": "\0"},
]


@pytest.mark.parametrize("number", range(len(NASTY_STARTS)))
async def test_a_nasty_start_is_refused_on_a_socket_that_lives_on(
    number: int, nasty_cloud: LocalCloud, caplog: pytest.LogCaptureFixture
) -> None:
    region = nasty_cloud.regions[0]
    headers = {"x-api-key": region.api_key}
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(region.realtime_url, protocols=["graphql-ws"], headers=headers) as socket,
    ):
        payload: JSON = {
            "data": json.dumps(NASTY_STARTS[number]),
            "extensions": {"authorization": {**headers}},
        }
        await socket.send_json({"type": "start", "id": "1", "payload": payload})
        assert (await socket.receive_json(timeout=20))["type"] in ("error", "start_ack")
        await socket.send_json({"type": "connection_init"})
        assert (await socket.receive_json(timeout=30))["type"] == "connection_ack"
    assert not [record for record in caplog.records if record.exc_info]


@pytest.fixture
async def nasty_cloud() -> AsyncIterator[LocalCloud]:
    async with LocalCloud.open() as cloud:
        yield cloud

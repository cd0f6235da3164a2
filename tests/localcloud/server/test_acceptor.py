"""Connections of clients that do nothing, go away or send garbage, on real ports."""

import asyncio
import errno
import logging
import resource
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web

from globalchat.localcloud.appsync.realtime.protocol import SocketLimits
from globalchat.localcloud.server import acceptor, http_apps
from globalchat.localcloud.server.acceptor import MOST_FILES, ConnectionLimit, connection_of
from globalchat.localcloud.server.cloud import CloudOptions, LocalCloud
from globalchat.localcloud.server.loopback import Certificates, bound, url
from globalchat.localcloud.server.realtime import RealtimeOptions
from globalchat.localcloud.server.region import RunningRegion
from tests.localcloud.helpers.cloud_client import connected, listening, publish

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
SHORT = 0.05
"""Seconds of a time limit that a test waits for."""
POST = b"POST /graphql HTTP/1.1\r\nHost: x\r\n"


async def connect(address: str, sent: bytes = b"") -> Streams:
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(sent)
    return reader, writer


async def ended(streams: Streams) -> bytes:
    """Wait until the server ends a connection; what it sent before."""
    reader, writer = streams
    received = b""
    async with asyncio.timeout(60):
        with suppress(ConnectionResetError):
            received = await reader.read()
    writer.close()
    return received


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name != "asyncio"]


@asynccontextmanager
async def oregon(options: CloudOptions) -> AsyncIterator[RunningRegion]:
    async with LocalCloud.open(options=options) as cloud:
        yield cloud.region("oregon")


@asynccontextmanager
async def small_server(limit: ConnectionLimit, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server that answers every request, and authorises those for `/authorized`."""

    async def answer(request: web.Request) -> web.Response:
        connection = connection_of(request)
        connection.requested()
        if request.path == "/authorized":
            connection.authorized()
        return web.Response(text="here")

    app = web.Application()
    app.router.add_get("/{path}", answer)
    with bound([0]) as [listener], closing(limit):
        async with acceptor.serve_app(app, listener, limit, tls=tls):
            yield url(listener, tls=tls is not None)


async def test_connections_that_say_nothing_give_way(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with oregon(CloudOptions(max_connections=lambda: 8)) as region:
        idle = [await connect(region.graphql_url) for _ in range(30)]
        assert "errors" not in await publish(region)
        async with listening(region) as listener:
            await publish(region, "as ever")
            assert await listener.text() == "as ever"
        for each in idle[:22]:
            assert await ended(each) == b""
        for _, writer in idle[22:]:
            writer.close()
    first, *rest = logged(caplog)
    assert first == "No place for connections beyond 8; 1 did not get or keep theirs."
    assert len(rest) == 1, "the others are counted, and logged once"


async def test_refused_requests_give_way_as_well() -> None:
    async with oregon(CloudOptions(max_connections=lambda: 4)) as region:
        refused = [await connect(region.graphql_url, POST + b"Content-Length: 0\r\n\r\n") for _ in range(4)]
        for reader, _ in refused:
            assert b" 401 " in await reader.readline()
        assert "errors" not in await publish(region)
        assert b"UnauthorizedException" in await ended(refused[0])
        for _, writer in refused:
            writer.close()


async def test_connections_that_are_authorised_keep_their_places() -> None:
    async with oregon(CloudOptions(max_connections=lambda: 3)) as region, aiohttp.ClientSession() as session:
        query = {"json": {"query": "{ channels }"}, "headers": {"x-api-key": region.api_key}}
        async with connected(region) as first, connected(region) as second:
            for _ in range(2):
                async with session.post(region.graphql_url, **query) as answer:  # type: ignore[arg-type]
                    assert answer.status == 200
                for _ in range(5):
                    assert await ended(await connect(region.graphql_url)) == b""
            for each in (first, second):
                assert (await each.start())["type"] == "start_ack"
        assert "errors" not in await publish(region)


@pytest.mark.parametrize("sent", [b"", b"GE", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nX: y"])
async def test_a_request_that_is_never_whole_is_ended(sent: bytes) -> None:
    async with small_server(ConnectionLimit(anonymous_seconds=SHORT)) as address:
        assert await ended(await connect(address, sent)) == b""


async def test_the_time_of_a_connection_runs_from_its_last_request_until_one_is_authorised() -> None:
    now = 0.0
    limit = ConnectionLimit(anonymous_seconds=10, clock=lambda: now)
    async with small_server(limit) as address:
        request = "GET /{} HTTP/1.1\r\nHost: x\r\n\r\n"
        silent, asking, authorized = [
            await connect(address, request.format(path).encode()) for path in ("a", "b", "authorized")
        ]
        for reader, _ in (silent, asking, authorized):
            await reader.readuntil(b"here")
        now = 9.0
        asking[1].write(request.format("again").encode())
        await asking[0].readuntil(b"here")
        now = 11.0
        limit._end_silent()
        assert await ended(silent) == b""
        assert len(limit) == 2
        now = 10_000.0
        limit._end_silent()
        assert await ended(asking) == b""
        authorized[1].write(request.format("still").encode())
        await authorized[0].readuntil(b"here")
        authorized[1].close()


async def test_a_handshake_of_tls_that_is_never_whole_is_ended(certificates: Certificates) -> None:
    limit = ConnectionLimit(lambda: 2, anonymous_seconds=SHORT)
    async with small_server(limit, certificates.context) as address:
        for sent in (b"", b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/1.1\r\n\r\n"):
            await ended(await connect(address, sent))
        assert len(limit) == 0
        trust = ssl.create_default_context(cafile=certificates.authority)
        async with aiohttp.ClientSession() as session, session.get(f"{address}/x", ssl=trust) as answer:
            assert await answer.text() == "here"


@pytest.mark.parametrize("key", ["", "the region's"])
async def test_a_body_that_never_arrives_is_answered_408(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_apps, "BODY_SECONDS", SHORT)
    monkeypatch.setattr(acceptor, "_LINGER_SECONDS", SHORT)
    async with oregon(CloudOptions()) as region:
        header = f"x-api-key: {region.api_key if key else ''}\r\nContent-Length: 1000\r\n\r\nabc"
        answer = await ended(await connect(region.graphql_url, POST + header.encode()))
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"RequestTimeoutException" in answer


@pytest.mark.parametrize("frames", [[], ["garbage"], ['{"type": "stop", "id": "1"}', '{"type": "start"}']])
async def test_a_socket_that_never_asks_for_anything_is_closed(frames: Sequence[str]) -> None:
    limits = SocketLimits(first_frame=SHORT)
    async with (
        oregon(CloudOptions(realtime=RealtimeOptions(limits=limits))) as region,
        aiohttp.ClientSession() as session,
        session.ws_connect(
            region.realtime_url, protocols=["graphql-ws"], headers={"x-api-key": region.api_key}
        ) as opened,
    ):
        for frame in frames:
            await opened.send_str(frame)
        while (message := await opened.receive(timeout=30)).type is aiohttp.WSMsgType.TEXT:
            pass
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1008)


ABORTED = (
    b"POST /gra",
    POST,
    POST + b"Content-Length: 1000\r\n\r\nabc",
    POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    POST + b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n",
    b"GARBAGE\r\n\r\n",
    POST + b"Content-Length: -1\r\n\r\n",
    POST + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nmeow",
    b"\x16\x03\x01\x02\x00\x01\x00",
)


async def test_requests_that_are_broken_or_broken_off_log_nothing(
    local_cloud: LocalCloud, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    region = local_cloud.region("oregon")
    for _ in range(5):
        for sent in ABORTED:
            _, writer = await connect(region.graphql_url, sent)
            writer.transport.abort()
            reader, writer = await connect(region.graphql_url, sent)
            writer.write_eof()
            await ended((reader, writer))
    await publish(region)
    assert logged(caplog) == []


async def test_a_defect_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(_: web.Request) -> web.Response:
        raise RuntimeError("a bug")

    app = web.Application()
    app.router.add_get("/", fail)
    with bound([0]) as [listener], closing(ConnectionLimit()) as limit:
        async with (
            acceptor.serve_app(app, listener, limit),
            aiohttp.ClientSession() as session,
            session.get(url(listener)) as answer,
        ):
            assert answer.status == 500
    assert "RuntimeError: a bug" in caplog.text


WITHOUT_DESCRIPTORS = """
import asyncio, contextlib, logging, resource, sys
from aiohttp import web
from globalchat.localcloud.server.acceptor import ConnectionLimit, serve_app
from globalchat.localcloud.server.loopback import bound, url

async def main():
    async def answer(request):
        return web.Response(text="here")
    app = web.Application()
    app.router.add_get("/", answer)
    with bound([0]) as [listener], contextlib.closing(ConnectionLimit(lambda: 1000)) as limit:
        async with serve_app(app, listener, limit):
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            resource.setrlimit(resource.RLIMIT_NOFILE, (30, hard))
            print(url(listener), flush=True)
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

logging.basicConfig(format="%(message)s")
asyncio.run(main())
"""


def test_a_server_that_has_no_descriptors_left_says_so_once_and_recovers() -> None:
    """More connections than any count foresaw: another part of the process holds the descriptors."""
    command = [sys.executable, "-P", "-c", WITHOUT_DESCRIPTORS]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as server:
        assert server.stdout is not None
        parts = urlsplit(server.stdout.readline())
        address = (str(parts.hostname), int(parts.port or 0))
        idle = [socket.create_connection(address, timeout=10) for _ in range(60)]
        with socket.create_connection(address, timeout=10) as served:
            for each in idle:
                each.close()
            served.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert served.recv(9) == b"HTTP/1.1 "
        _, said = server.communicate(timeout=120)
    lines = said.splitlines()
    assert lines[0] == f"No connection can be accepted (error {errno.EMFILE}, 1 times)."
    assert len(lines) <= 2


@pytest.mark.parametrize(
    ("soft", "hard", "refused", "expected"),
    [
        (256, 20_000, (), MOST_FILES),
        (256, 1_024, (), 1_024),
        (256, resource.RLIM_INFINITY, (), MOST_FILES),
        (256, resource.RLIM_INFINITY, (MOST_FILES,), 10_240),
        (256, resource.RLIM_INFINITY, (MOST_FILES, 10_240), 256),
        (20_000, 30_000, (), 20_000),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, (), resource.RLIM_INFINITY),
    ],
)
def test_the_limit_of_open_files_is_raised_as_far_as_the_system_allows(
    soft: int, hard: int, refused: Sequence[int], expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = (soft, hard)

    def change(_: int, wanted: tuple[int, int]) -> None:
        nonlocal limit
        if wanted[0] in refused:
            raise ValueError("not allowed to raise maximum limit")
        limit = wanted

    monkeypatch.setattr(resource, "getrlimit", lambda _: limit)
    monkeypatch.setattr(resource, "setrlimit", change)
    acceptor.raise_open_files()
    assert limit == (expected, hard)


@pytest.mark.parametrize(
    ("soft", "places", "reserved"),
    [
        (16_384, 16_256, 32),
        (1_024, 896, 32),
        (64, 32, 8),
        (32, 8, 6),
        (12, 8, 6),
        (resource.RLIM_INFINITY, MOST_FILES, 32),
    ],
)
def test_some_descriptors_are_kept(
    soft: int, places: int, reserved: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, soft))
    assert (acceptor.max_connections(), acceptor.max_control_connections()) == (places, reserved)


async def test_only_what_is_authorised_is_use() -> None:
    now = 0.0
    async with (
        LocalCloud.open(options=CloudOptions(monotonic=lambda: now)) as cloud,
        aiohttp.ClientSession() as session,
    ):
        region, now = cloud.region("oregon"), 50.0
        for headers in ({}, {"x-api-key": "da2-wrong"}, {"Authorization": "AWS4-HMAC-SHA256 x"}):
            async with session.post(region.graphql_url, json={"query": "{ channels }"}, headers=headers) as a:
                assert a.status == (400 if "Authorization" in headers else 401)
            async with session.ws_connect(
                region.realtime_url, protocols=["graphql-ws"], headers=headers
            ) as refused:
                assert (await refused.receive_json(timeout=30))["type"] == "connection_error"
                assert cloud.open_sockets == 0
        async with session.options(region.graphql_url) as preflight:
            assert preflight.status == 200
        assert cloud.usage.last_used == 0.0
        await publish(region)
        assert cloud.usage.last_used == 50.0
        now = 60.0
        async with connected(region):
            assert (cloud.usage.last_used, cloud.open_sockets) == (60.0, 1)


async def test_a_connection_that_was_accepted_in_the_last_moment_is_closed() -> None:
    async def never(request: web.BaseRequest) -> web.StreamResponse:
        raise AssertionError("it is closed before a request can come")

    limit = ConnectionLimit()
    with bound([0]) as [listener], closing(limit), socket.socket() as client:
        client.connect(listener.getsockname())
        accepting = acceptor.Acceptor(listener, web.Server(never), limit)
        accepting._accept()
        assert len(limit) == 1
        await accepting.stop()
        assert len(limit) == 0
        client.settimeout(5)
        assert client.recv(1) == b""

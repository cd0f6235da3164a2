import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from globalchat.localcloud.process import control, identity
from globalchat.localcloud.process.control_server import control_app, listening
from tests.localcloud.helpers.cloud_state import STATE

calls: list[str] = []


@pytest.fixture(autouse=True)
def _forget_calls() -> None:
    calls.clear()


@asynccontextmanager
async def serving(nonce: str = STATE.nonce, token: str = STATE.admin_token) -> AsyncIterator[int]:
    app = control_app(
        nonce=nonce,
        admin_token=token,
        status=lambda: {"openSockets": 3},
        stop=lambda: calls.append("stop"),
        used=lambda: calls.append("used"),
    )
    async with listening(app) as port:
        yield port


async def test_a_cloud_proves_that_it_is_the_one() -> None:
    async with serving() as port:
        assert await asyncio.to_thread(control.is_running, replace(STATE, control_port=port))


async def test_a_stranger_on_the_port_is_not_trusted() -> None:
    async with serving(nonce="another") as port:
        assert not await asyncio.to_thread(control.is_running, replace(STATE, control_port=port))


async def test_a_dead_port_is_not_running() -> None:
    async with serving() as port:
        pass
    assert not await asyncio.to_thread(control.is_running, replace(STATE, control_port=port))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"proof":1}',
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\xff\xfe\xfd",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    ],
)
async def test_another_server_on_the_port_is_not_running(answer: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        state = replace(STATE, control_port=server.sockets[0].getsockname()[1])
        assert not await asyncio.to_thread(control.is_running, state)


async def test_the_nonce_never_crosses_the_wire() -> None:
    seen = b""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        seen = await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        state = replace(STATE, control_port=server.sockets[0].getsockname()[1])
        await asyncio.to_thread(control.is_running, state)

    assert b"challenge=" in seen
    for secret in (STATE.nonce, STATE.admin_token, STATE.secret_access_key):
        assert secret.encode() not in seen


async def test_the_holder_of_the_token_may_ask_and_end() -> None:
    async with serving() as port:
        state = replace(STATE, control_port=port)
        assert await asyncio.to_thread(control.status, state) == {"openSockets": 3}
        assert calls == []
        await asyncio.to_thread(control.use, state)
        await asyncio.to_thread(control.stop, state)
    assert calls == ["used", "used", "stop"]


@pytest.mark.parametrize("call", [control.status, control.stop])
@pytest.mark.parametrize("token", ["wrong", STATE.admin_token + "x", STATE.nonce])
async def test_nobody_else_may(call: Callable[[object], Awaitable[object]], token: str) -> None:
    async with serving() as port:
        state = replace(STATE, control_port=port, admin_token=token)
        with pytest.raises(control.NoAnswer) as caught:
            await asyncio.to_thread(call, state)
        assert caught.value.cause == "status 403"
    assert calls == []


async def test_an_odd_challenge_is_not_answered() -> None:
    async with serving() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /_local/identity?challenge=x HTTP/1.0\r\nHost: 127.0.0.1:1\r\n\r\n")
        status = await reader.readline()
        writer.close()
    assert b" 400 " in status
    assert calls == []


@pytest.mark.parametrize("host", ["rebound.example", "rebound.example:80", "127.0.0.1.example", "", None])
async def test_a_page_that_has_the_port_under_another_name_is_refused(host: str | None) -> None:
    async with serving() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        line = "" if host is None else f"Host: {host}\r\n"
        challenge = identity.new_challenge()
        writer.write(f"GET {control.IDENTITY}?challenge={challenge} HTTP/1.0\r\n{line}\r\n".encode())
        status = await reader.readline()
        writer.close()
    assert b" 403 " in status


async def test_a_port_full_of_connections_that_say_nothing_answers_all_the_same() -> None:
    async with serving() as port:
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(50)]
        assert await asyncio.to_thread(control.is_running, replace(STATE, control_port=port))
        for _, writer in idle:
            writer.close()


async def test_who_only_asks_for_the_identity_does_not_use_the_cloud() -> None:
    async with serving() as port:
        for _ in range(3):
            assert await asyncio.to_thread(control.is_running, replace(STATE, control_port=port))
    assert calls == []

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime

import pytest

from globalchat.core.errors import UsageError
from globalchat.localcloud.people import MOST_SESSIONS, ROLE
from globalchat.localcloud.process import control_client
from globalchat.localcloud.process.control_server import control_app, listening
from tests.localcloud.helpers.cloud_client import publish
from tests.localcloud.helpers.cloud_state import STATE
from tests.localcloud.helpers.controlled_cloud import LOST, ControlledCloud

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
        assert await asyncio.to_thread(control_client.is_running, replace(STATE, control_port=port))


async def test_a_stranger_on_the_port_is_not_trusted() -> None:
    async with serving(nonce="another") as port:
        assert not await asyncio.to_thread(control_client.is_running, replace(STATE, control_port=port))


async def test_a_dead_port_is_not_running() -> None:
    async with serving() as port:
        pass
    assert not await asyncio.to_thread(control_client.is_running, replace(STATE, control_port=port))


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
        assert not await asyncio.to_thread(control_client.is_running, state)


async def test_the_nonce_never_crosses_the_wire() -> None:
    seen = b""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        seen = await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        state = replace(STATE, control_port=server.sockets[0].getsockname()[1])
        await asyncio.to_thread(control_client.is_running, state)

    assert b"challenge=" in seen
    for secret in (STATE.nonce, STATE.admin_token, STATE.secret_access_key):
        assert secret.encode() not in seen


async def test_the_holder_of_the_token_may_ask_and_end() -> None:
    async with serving() as port:
        state = replace(STATE, control_port=port)
        assert await asyncio.to_thread(control_client.status, state) == {"openSockets": 3}
        assert calls == []
        await asyncio.to_thread(control_client.use, state)
        await asyncio.to_thread(control_client.stop, state)
    assert calls == ["used", "used", "stop"]


@pytest.mark.parametrize("call", [control_client.status, control_client.stop])
@pytest.mark.parametrize("token", ["wrong", STATE.admin_token + "x", STATE.nonce])
async def test_nobody_else_may(call: Callable[[object], Awaitable[object]], token: str) -> None:
    async with serving() as port:
        state = replace(STATE, control_port=port, admin_token=token)
        with pytest.raises(control_client.NoAnswer) as caught:
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
        challenge = control_client.new_challenge()
        writer.write(f"GET {control_client.IDENTITY}?challenge={challenge} HTTP/1.0\r\n{line}\r\n".encode())
        status = await reader.readline()
        writer.close()
    assert b" 403 " in status


async def test_a_port_full_of_connections_that_say_nothing_answers_all_the_same() -> None:
    async with serving() as port:
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(50)]
        assert await asyncio.to_thread(control_client.is_running, replace(STATE, control_port=port))
        for _, writer in idle:
            writer.close()


async def test_asking_for_the_identity_is_no_use_of_the_cloud() -> None:
    async with serving() as port:
        for _ in range(3):
            assert await asyncio.to_thread(control_client.is_running, replace(STATE, control_port=port))
    assert calls == []


async def test_faults_are_set_listed_and_cleared(controlled: ControlledCloud) -> None:
    delay = {"name": "relay-delay", "amount": "200ms", "from": "oregon", "to": None}
    throttle = {"name": "throttle", "amount": None, "region": "ap-southeast-2"}
    assert await asyncio.to_thread(control_client.faults, controlled.state) == []
    assert await asyncio.to_thread(
        control_client.set_faults, controlled.state, ["relay-delay=200ms"], source="us-west-2"
    ) == [delay]
    assert await asyncio.to_thread(
        control_client.set_faults, controlled.state, ["throttle"], region="sydney"
    ) == [
        delay,
        throttle,
    ]
    assert controlled.cloud.region("sydney").faults.throttled
    assert await asyncio.to_thread(control_client.clear_faults, controlled.state, ["relay-delay"]) == [
        throttle
    ]
    assert await asyncio.to_thread(control_client.faults, controlled.state) == [throttle]
    assert await asyncio.to_thread(control_client.clear_faults, controlled.state, []) == []
    assert not controlled.cloud.region("sydney").faults.throttled


async def test_errors_come_back_as_sentences(controlled: ControlledCloud) -> None:
    with pytest.raises(UsageError, match="no fault 'x'") as caught:
        await asyncio.to_thread(control_client.set_faults, controlled.state, ["throttle", "x"])
    assert (caught.value.remedy or "").startswith("There are: ")
    with pytest.raises(UsageError, match="no region 'mars'"):
        await asyncio.to_thread(control_client.set_faults, controlled.state, ["throttle"], region="mars")
    with pytest.raises(UsageError, match="no fault 'x'"):
        await asyncio.to_thread(control_client.clear_faults, controlled.state, ["x"])
    with pytest.raises(UsageError, match="no queue 'gone'") as caught:
        await asyncio.to_thread(control_client.redrive, controlled.state, "gone")
    names = ("broadcast", "malformed", "relay")
    queues = ", ".join(f"globalchat-{name}-dlq" for name in names)
    assert caught.value.remedy == f"The queues are: {queues}."
    assert controlled.cloud.faults.active == ()


async def test_nobody_without_the_token_may(controlled: ControlledCloud) -> None:
    stranger = replace(controlled.state, admin_token="x" * 64)
    for call in (
        lambda: control_client.faults(stranger),
        lambda: control_client.set_faults(stranger, ["throttle"]),
        lambda: control_client.clear_faults(stranger, []),
        lambda: control_client.dead_letters(stranger),
        lambda: control_client.redrive(stranger),
    ):
        with pytest.raises(control_client.NoAnswer) as caught:
            await asyncio.to_thread(call)
        assert caught.value.cause == "status 403"
    assert controlled.cloud.faults.active == ()


async def test_a_damaged_request_is_refused(controlled: ControlledCloud) -> None:
    headers = {control_client.TOKEN_HEADER: STATE.admin_token, "Host": "127.0.0.1:1"}
    for body in (
        "{",
        "[]",
        '{"set": 1}',
        '{"set": [1]}',
        '{"set": [], "from": 1}',
        "[" * 10_000,
        "x" * 70_000,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", controlled.state.control_port)
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"POST {control_client.FAULTS} HTTP/1.0\r\n{head}Content-Length: {len(body)}\r\n"
        writer.write(f"{head}\r\n{body}".encode())
        status = (await reader.readline()).split()[1]
        writer.close()
        assert status in (b"400", b"413"), body[:20]


async def test_dead_letters_are_listed_and_redriven(controlled: ControlledCloud) -> None:
    oregon, _ = controlled.cloud.regions
    controlled.interceptor.failures = [LOST, LOST]
    answer = await publish(oregon, "not for everybody")
    await controlled.cloud.events.settled()
    (letter,) = await asyncio.to_thread(control_client.dead_letters, controlled.state)
    assert letter["queue"] == "globalchat-relay-dlq"
    assert letter["region"] == "us-west-2"
    assert (letter["errorCode"], letter["errorMessage"]) == (LOST.code, LOST.message)
    assert letter["rule"] == "globalchat-relay-1"
    assert str(letter["target"]).endswith(":ap-southeast-2:000000000000:event-bus/globalchat-bus")
    assert (letter["retryAttempts"], letter["exhaustedRetryCondition"]) == (None, None)
    assert str(letter["time"]).endswith("Z")
    assert "not for everybody" not in str(letter)
    (whole,) = await asyncio.to_thread(lambda: control_client.dead_letters(controlled.state, detail=True))
    detail = whole["detail"]
    assert isinstance(detail, dict)
    assert (detail["message"], detail["id"]) == ("not for everybody", answer["data"]["publish"]["id"])
    assert await asyncio.to_thread(control_client.redrive, controlled.state) == (0, 1)
    assert await asyncio.to_thread(control_client.redrive, controlled.state, "globalchat-broadcast-dlq") == (
        0,
        0,
    )
    assert await asyncio.to_thread(control_client.redrive, controlled.state, "globalchat-relay-dlq") == (1, 0)
    assert await asyncio.to_thread(control_client.dead_letters, controlled.state) == []


async def test_a_person_is_signed_in(controlled: ControlledCloud) -> None:
    before = time.time()
    answer = await asyncio.to_thread(control_client.sign_in, controlled.state, "ana@example.com", seconds=60)
    key = controlled.cloud.people.keys.by_id[str(answer["AccessKeyId"])]
    assert (key.secret_key, key.token) == (answer["SecretAccessKey"], answer["Token"])
    assert key.principal.arn.endswith(f":assumed-role/{ROLE}/ana@example.com")
    ends = datetime.fromisoformat(str(answer["Expiration"])).timestamp()
    assert before + 59 < ends < time.time() + 61
    usual = await asyncio.to_thread(control_client.sign_in, controlled.state, "ana@example.com")
    assert datetime.fromisoformat(str(usual["Expiration"])).timestamp() > before + 11 * 3600


@pytest.mark.parametrize(
    ("name", "seconds", "said"),
    [
        ("arn:aws:iam::1:user/x", None, "No person can be called"),
        ("a", None, "No person can be called"),
        ("ana", 0.0, "Credentials cannot last 0 seconds"),
        ("ana", 43_201.0, "Credentials cannot last 43201 seconds"),
    ],
)
async def test_odd_people_are_refused(
    controlled: ControlledCloud, name: str, seconds: float | None, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        await asyncio.to_thread(control_client.sign_in, controlled.state, name, seconds=seconds)


async def test_of_many_sessions_the_oldest_ends(controlled: ControlledCloud) -> None:
    people = controlled.cloud.people
    first = people.sign_in("ana")
    for _ in range(MOST_SESSIONS):
        people.sign_in("ben")
    assert first.access_key not in people.keys.by_id
    assert people.admin.access_key in people.keys.by_id
    assert len(people.keys.by_id) == MOST_SESSIONS + 1

"""Faults and dead letters over the control port of a real cloud."""

import asyncio
from dataclasses import replace

import pytest

from globalchat.core.errors import UsageError
from globalchat.localcloud.process import control
from tests.localcloud.helpers.cloud_client import publish
from tests.localcloud.helpers.cloud_state import STATE
from tests.localcloud.helpers.controlled_cloud import LOST, ControlledCloud


async def test_faults_are_set_told_and_cleared(controlled: ControlledCloud) -> None:
    delay = {"name": "relay-delay", "amount": "200ms", "from": "oregon", "to": None}
    throttle = {"name": "throttle", "amount": None, "region": "ap-southeast-2"}
    assert await asyncio.to_thread(control.faults, controlled.state) == []
    assert await asyncio.to_thread(
        control.set_faults, controlled.state, ["relay-delay=200ms"], source="us-west-2"
    ) == [delay]
    assert await asyncio.to_thread(control.set_faults, controlled.state, ["throttle"], region="sydney") == [
        delay,
        throttle,
    ]
    assert controlled.cloud.region("sydney").faults.throttled
    assert await asyncio.to_thread(control.clear_faults, controlled.state, ["relay-delay"]) == [throttle]
    assert await asyncio.to_thread(control.faults, controlled.state) == [throttle]
    assert await asyncio.to_thread(control.clear_faults, controlled.state, []) == []
    assert not controlled.cloud.region("sydney").faults.throttled


async def test_what_is_wrong_comes_back_as_a_sentence(controlled: ControlledCloud) -> None:
    with pytest.raises(UsageError, match="no fault 'x'") as caught:
        await asyncio.to_thread(control.set_faults, controlled.state, ["throttle", "x"])
    assert (caught.value.remedy or "").startswith("There are: ")
    with pytest.raises(UsageError, match="no region 'mars'"):
        await asyncio.to_thread(control.set_faults, controlled.state, ["throttle"], region="mars")
    with pytest.raises(UsageError, match="no fault 'x'"):
        await asyncio.to_thread(control.clear_faults, controlled.state, ["x"])
    with pytest.raises(UsageError, match="no queue 'gone'") as caught:
        await asyncio.to_thread(control.redrive, controlled.state, "gone")
    names = ("broadcast", "malformed", "relay")
    queues = ", ".join(f"globalchat-{name}-dlq" for name in names)
    assert caught.value.remedy == f"The queues are: {queues}."
    assert controlled.cloud.faults.active == ()


async def test_nobody_without_the_token_may(controlled: ControlledCloud) -> None:
    stranger = replace(controlled.state, admin_token="x" * 64)
    for call in (
        lambda: control.faults(stranger),
        lambda: control.set_faults(stranger, ["throttle"]),
        lambda: control.clear_faults(stranger, []),
        lambda: control.dead_letters(stranger),
        lambda: control.redrive(stranger),
    ):
        with pytest.raises(control.NoAnswer) as caught:
            await asyncio.to_thread(call)
        assert caught.value.cause == "status 403"
    assert controlled.cloud.faults.active == ()


async def test_a_damaged_request_is_refused(controlled: ControlledCloud) -> None:
    headers = {control.TOKEN_HEADER: STATE.admin_token, "Host": "127.0.0.1:1"}
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
        writer.write(
            f"POST {control.FAULTS} HTTP/1.0\r\n{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        status = (await reader.readline()).split()[1]
        writer.close()
        assert status in (b"400", b"413"), body[:20]


async def test_dead_letters_are_told_and_redriven(controlled: ControlledCloud) -> None:
    oregon, _ = controlled.cloud.regions
    controlled.courier.obstacles = [LOST, LOST]
    answer = await publish(oregon, "not for everybody")
    await controlled.cloud.events.settled()
    (letter,) = await asyncio.to_thread(control.dead_letters, controlled.state)
    assert letter["queue"] == "globalchat-relay-dlq"
    assert letter["region"] == "us-west-2"
    assert (letter["errorCode"], letter["errorMessage"]) == (LOST.code, LOST.message)
    assert letter["rule"] == "globalchat-relay-1"
    assert str(letter["target"]).endswith(":ap-southeast-2:000000000000:event-bus/globalchat-bus")
    assert (letter["retryAttempts"], letter["exhaustedRetryCondition"]) == (None, None)
    assert str(letter["time"]).endswith("Z")
    assert "not for everybody" not in str(letter)
    (whole,) = await asyncio.to_thread(lambda: control.dead_letters(controlled.state, detail=True))
    detail = whole["detail"]
    assert isinstance(detail, dict)
    assert (detail["message"], detail["id"]) == ("not for everybody", answer["data"]["publish"]["id"])
    assert await asyncio.to_thread(control.redrive, controlled.state) == (0, 1)
    assert await asyncio.to_thread(control.redrive, controlled.state, "globalchat-broadcast-dlq") == (0, 0)
    assert await asyncio.to_thread(control.redrive, controlled.state, "globalchat-relay-dlq") == (1, 0)
    assert await asyncio.to_thread(control.dead_letters, controlled.state) == []

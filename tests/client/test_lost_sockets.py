"""What a live socket may suffer: it is lost, falls silent, or brings what no server should send."""

import pytest

from globalchat.client.events import (
    GapRecorded,
    MessageReceived,
)
from globalchat.client.session import Session
from globalchat.client.state import Phase
from tests.client.helpers.fake_appsync import CHANNELS, FakeAppSync, profile_of
from tests.client.helpers.session_driver import QUICK, quick, running


async def test_dropped_socket_is_reconnected_with_a_gap(oregon: FakeAppSync) -> None:
    session = Session(profile_of(oregon), "oregon", channels=["tech", "cars"], options=QUICK)
    async with running(session) as chat:
        for _ in range(3):
            await chat.phase(Phase.LIVE)
            oregon.drop_all()
            assert (await chat.phase(Phase.RETRYING)).attempt == 1
        await chat.phase(Phase.LIVE)
        gap = await chat.next(GapRecorded)
        assert gap.channels == ("cars", "tech")
        assert gap.since <= gap.until
        await oregon.broadcast(oregon.message("1", text="still here"))
        await chat.text("still here")
        assert len(chat.gaps) == 3


async def test_server_restart_is_survived(oregon: FakeAppSync) -> None:
    async with running(Session(profile_of(oregon), "oregon", options=QUICK)) as chat:
        await chat.phase(Phase.LIVE)
        await oregon.stop()
        await chat.phase(Phase.RETRYING)
        state = await chat.phase(Phase.RETRYING)
        assert "refused" in str(state.reason)
        await oregon.start()
        await chat.phase(Phase.LIVE)
        await chat.next(GapRecorded)
        chat.session.send("tech", "back")
        await chat.text("back")


async def test_silent_socket_is_noticed_by_the_servers_limit(oregon: FakeAppSync) -> None:
    oregon.connection_timeout_ms = 150
    async with running(Session(profile_of(oregon), "oregon", options=quick(ping_interval=None))) as chat:
        await chat.phase(Phase.LIVE)
        oregon.connection_timeout_ms = 300_000
        state = await chat.phase(Phase.RETRYING)
        assert state.reason
        await chat.phase(Phase.LIVE)
        assert (await chat.next(GapRecorded)).channels == tuple(sorted(CHANNELS))


async def test_half_open_socket_is_noticed_by_pings(oregon: FakeAppSync) -> None:
    oregon.ping_answers = False
    async with running(Session(profile_of(oregon), "oregon", options=quick(ping_interval=0.05))) as chat:
        await chat.phase(Phase.LIVE)
        await chat.phase(Phase.RETRYING)
        oregon.ping_answers = True
        await chat.phase(Phase.LIVE)


async def test_error_that_ends_a_running_subscription_reconnects(oregon: FakeAppSync) -> None:
    async with running(Session(profile_of(oregon), "oregon", options=QUICK)) as chat:
        await chat.phase(Phase.LIVE)
        socket = await oregon.subscribed(*CHANNELS)
        await socket.send(
            type="error", id=next(iter(socket.starts)), payload={"errors": [{"errorType": "InternalFailure"}]}
        )
        await chat.phase(Phase.RETRYING)
        await chat.phase(Phase.LIVE)
        await chat.next(GapRecorded)


async def test_odd_frames_change_nothing(oregon: FakeAppSync) -> None:
    session = Session(profile_of(oregon), "oregon", channels=["tech"], options=QUICK)
    async with running(session) as chat:
        await chat.phase(Phase.LIVE)
        socket = await oregon.subscribed("tech")
        for frame in (
            {"type": "novelty"},
            {},
            {"type": "data", "id": "999", "payload": {"data": {}}},
            {"type": "data", "id": None, "payload": None},
            {"type": "complete", "id": "999"},
            {"type": "complete"},
            {"type": "start_ack"},
            {"type": "start_ack", "id": "1"},
            {"type": "error", "id": "999", "payload": {}},
        ):
            await socket.send(**frame)
        await oregon.broadcast(oregon.message("1", text="fine"))
        await chat.text("fine")
        assert oregon.opened == 1
        assert not chat.gaps


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        {},
        {"data": None},
        {"data": []},
        {"data": {"subscribe": None}},
        {"data": {"subscribe": {"id": 1}}},
        {"data": None, "errors": [{"message": "Cannot return null"}]},
        {"data": {"subscribe": {"id": "1", "name": "tech", "message": "x", "region": "r", "sentAt": "now"}}},
    ],
)
async def test_unreadable_message_leaves_a_gap(oregon: FakeAppSync, payload: object) -> None:
    session = Session(profile_of(oregon), "oregon", channels=["tech"], options=QUICK)
    async with running(session) as chat:
        await chat.phase(Phase.LIVE)
        socket = await oregon.subscribed("tech")
        await socket.send(type="data", id=next(iter(socket.starts)), payload=payload)
        assert (await chat.next(GapRecorded)).channels == ("tech",)
        await oregon.broadcast(oregon.message("1", text="readable"))
        await chat.text("readable")


async def test_message_before_start_ack_is_kept(oregon: FakeAppSync) -> None:
    oregon.on_start = "data first"
    session = Session(profile_of(oregon), "oregon", channels=["tech"], options=QUICK)
    async with running(session) as chat:
        received = await chat.next(MessageReceived)
        assert received.message.id == "early"
        await chat.phase(Phase.LIVE)


async def test_loss_during_a_switch_retargets(oregon: FakeAppSync) -> None:
    async with FakeAppSync("sydney", "ap-southeast-2") as sydney:
        session = Session(profile_of(oregon, sydney), "oregon", options=QUICK)
        async with running(session) as chat:
            await chat.phase(Phase.LIVE)
            sydney.start_gate.clear()
            session.switch("sydney")
            await sydney.until(lambda: sydney.open_now == 1)
            oregon.drop_all()
            await chat.phase(Phase.RETRYING)
            sydney.start_gate.set()
            assert (await chat.phase(Phase.LIVE)).region == "sydney"
            await chat.next(GapRecorded)

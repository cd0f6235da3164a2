"""The session against a scripted server: the ordinary course of things."""

import asyncio

import pytest

from globalchat.client.buffer import EventBuffer
from globalchat.client.events import (
    BackendDescribed,
    ChannelRefused,
    ChannelRevoked,
    DraftAccepted,
    DraftQueued,
    EventsSkipped,
    GapRecorded,
    MessageReceived,
    SessionEvent,
    StateChanged,
)
from globalchat.client.session import Session
from globalchat.client.state import Phase
from tests.client.helpers.fake_appsync import CHANNELS, FakeAppSync, profile_of
from tests.client.helpers.session_driver import QUICK, quick, running


async def test_is_live_only_after_every_start_ack(oregon: FakeAppSync) -> None:
    oregon.start_gate.clear()
    async with running(Session(profile_of(oregon), "oregon", options=QUICK)) as chat:
        described = await chat.next(BackendDescribed)
        assert described.backend.channels == CHANNELS
        assert described.backend.limits.message == 2000
        await oregon.until(lambda: oregon.opened == 1)
        assert chat.session.state.phase is Phase.CONNECTING
        oregon.start_gate.set()
        state = await chat.phase(Phase.LIVE)
        assert state.region == "oregon"
        assert set((await oregon.subscribed(*CHANNELS)).starts.values()) == set(CHANNELS)
        assert chat.session.channels == CHANNELS
    await oregon.until(lambda: oregon.open_now == 0)


async def test_publishes_and_hears_the_echo_once(oregon: FakeAppSync) -> None:
    async with running(Session(profile_of(oregon), "us-west-2", sender="ada", options=QUICK)) as chat:
        await chat.phase(Phase.LIVE)
        draft = chat.session.send("tech", "hello")
        accepted = await chat.next(DraftAccepted)
        assert accepted.draft == draft
        assert accepted.region == "us-west-2"
        chat.rewind()
        queued = await chat.next(DraftQueued)
        assert queued.draft == draft
        echo = await chat.text("hello")
        assert echo.own
        assert echo.message.sender == "ada"
        assert echo.via == "oregon"
        assert echo.transit_ms is not None
        await oregon.broadcast(oregon.published[0])
        chat.session.send("tech", "again")
        again = await chat.text("again")
        assert again.transit_ms is not None
        assert chat.texts == ["hello", "again"]
        assert chat.session.duplicates == 1


async def test_keeps_conflicting_ids_and_disowns_forged_echoes(oregon: FakeAppSync) -> None:
    async with running(Session(profile_of(oregon), "oregon", options=QUICK)) as chat:
        await chat.phase(Phase.LIVE)
        draft = chat.session.send("tech", "mine")
        await chat.text("mine")
        await oregon.broadcast(oregon.message(draft.id, text="forged"))
        forged = await chat.text("forged")
        assert forged.conflicting
        assert not forged.own
        assert chat.session.conflicts == 1


async def test_publishes_in_order_one_at_a_time_per_channel(oregon: FakeAppSync) -> None:
    async with running(Session(profile_of(oregon), "oregon", options=QUICK)) as chat:
        await chat.phase(Phase.LIVE)
        texts = [f"{number}" for number in range(50)]
        for text in texts:
            chat.session.send("cars", text)
        await chat.text("49")
        assert [raw["message"] for raw in oregon.published] == texts
        assert chat.texts == texts


async def test_unknown_channel_is_refused_and_does_not_block(oregon: FakeAppSync) -> None:
    session = Session(profile_of(oregon), "oregon", channels=["tech", "nosuch"], options=QUICK)
    async with running(session) as chat:
        refused = await chat.next(ChannelRefused)
        assert (refused.channel, refused.error_type) == ("nosuch", "UnknownChannel")
        # A frame has no errorInfo: the channels are those that the region listed when the session connected.
        assert refused.reason == f'There is no channel "nosuch". The channels are: {", ".join(CHANNELS)}.'
        await chat.phase(Phase.LIVE)
        assert session.channels == ("tech",)
        session.join("teck")
        assert (await chat.next(ChannelRefused)).reason.endswith(' Did you mean "tech"?')
        assert session.channels == ("tech",)
        assert session.state.phase is Phase.LIVE


async def test_joins_and_leaves_channels(oregon: FakeAppSync) -> None:
    session = Session(profile_of(oregon), "oregon", channels=["tech"], options=QUICK)
    async with running(session) as chat:
        await chat.phase(Phase.LIVE)
        session.join("cars")
        assert session.state.joining == {"cars"}
        socket = await oregon.subscribed("tech", "cars")
        await oregon.broadcast(oregon.message("1", "cars", "vroom"))
        await chat.text("vroom")
        assert not session.state.joining
        session.leave("cars")
        await oregon.until(lambda: set(socket.starts.values()) == {"tech"})
        assert session.channels == ("tech",)
        session.join("cars")
        await oregon.subscribed("tech", "cars")
        before = dict(socket.starts)
        session.leave("cars")
        session.join("cars")  # before anything came of the leaving
        await oregon.until(lambda: socket.starts != before and "cars" in socket.starts.values())
    assert oregon.opened == 1


async def test_join_while_connecting_is_part_of_live(oregon: FakeAppSync) -> None:
    oregon.start_gate.clear()
    session = Session(profile_of(oregon), "oregon", channels=["tech", "robots"], options=QUICK)
    async with running(session) as chat:
        await oregon.until(lambda: oregon.opened == 1)
        session.join("cars")
        session.leave("robots")
        oregon.start_gate.set()
        await chat.phase(Phase.LIVE)
        socket = await oregon.subscribed("tech", "cars")
        await oregon.until(lambda: set(socket.starts.values()) == {"tech", "cars"})


async def test_revoked_channel_ends_and_the_others_resume(oregon: FakeAppSync) -> None:
    options = quick(
        backoff_base=30.0, backoff_cap=30.0, publish_anyway_after=30.0
    )  # a backoff would be noticed
    async with running(Session(profile_of(oregon), "oregon", options=options)) as chat:
        await chat.phase(Phase.LIVE)
        await oregon.revoke("tech")
        assert (await chat.next(ChannelRevoked)).channel == "tech"
        state = await chat.phase(Phase.LIVE)
        assert state.revoked == {"tech"}
        await chat.phase(Phase.RETRYING)
        state = await chat.phase(Phase.LIVE)
        assert state.revoked == {"tech"}
        socket = await oregon.subscribed("cars", "robots")
        assert set(socket.starts.values()) == {"cars", "robots"}
        assert chat.session.channels == ("cars", "robots")
        chat.session.join("tech")
        await oregon.subscribed(*CHANNELS)
        gap = await chat.next(GapRecorded, lambda event: "tech" in event.channels)
        assert gap.since <= gap.until
        assert not chat.session.state.revoked


async def test_switches_region_without_loss_or_double(oregon: FakeAppSync, sydney: FakeAppSync) -> None:
    async with running(Session(profile_of(oregon, sydney), "oregon", options=QUICK)) as chat:
        await chat.phase(Phase.LIVE)
        sydney.start_gate.clear()
        chat.session.switch("sydney")
        await sydney.until(lambda: sydney.opened == 1)
        assert chat.session.state.phase is Phase.LIVE
        assert chat.session.state.region == "oregon"
        assert chat.session.state.switching_to == "sydney"
        chat.session.send("tech", "during")
        await chat.text("during")
        assert oregon.published[-1]["message"] == "during"
        sydney.start_gate.set()
        await chat.next(BackendDescribed)
        chat.rewind()
        await chat.next(StateChanged, lambda event: event.state.region == "sydney")
        chat.session.send("tech", "after")
        await chat.text("after")
        assert sydney.published[-1]["message"] == "after"
        await oregon.until(lambda: oregon.open_now == 0)
        assert chat.texts == ["during", "after"]
        assert not chat.gaps


async def test_old_region_lingers_for_messages_on_their_way(oregon: FakeAppSync, sydney: FakeAppSync) -> None:
    session = Session(profile_of(oregon, sydney), "oregon", options=quick(overlap=60.0))
    async with running(session) as chat:
        await chat.phase(Phase.LIVE)
        session.switch("sydney")
        await chat.next(StateChanged, lambda event: event.state.region == "sydney")
        await oregon.broadcast(oregon.message("1", text="relayed late"))
        assert (await chat.text("relayed late")).via == "oregon"
        oregon.drop_all()
        gap = await chat.next(GapRecorded)
        assert gap.channels == tuple(sorted(CHANNELS))
        assert session.state.phase is Phase.LIVE
        assert session.state.region == "sydney"
        session.switch("oregon")
        await chat.next(StateChanged, lambda event: event.state.region == "oregon")
        assert sydney.open_now == 1  # closing the session ends the lingering at once
    await sydney.until(lambda: sydney.open_now == 0)


async def test_revocation_anywhere_ends_the_channel_everywhere(
    oregon: FakeAppSync, sydney: FakeAppSync
) -> None:
    session = Session(profile_of(oregon, sydney), "oregon", options=quick(overlap=60.0))
    async with running(session) as chat:
        await chat.phase(Phase.LIVE)
        session.switch("sydney")
        await chat.next(StateChanged, lambda event: event.state.region == "sydney")
        await oregon.revoke("tech")
        await chat.next(ChannelRevoked)
        socket = await sydney.subscribed("cars")
        await sydney.until(lambda: "tech" not in socket.starts.values())
        assert session.state.revoked == {"tech"}
        assert sydney.opened == 1


async def test_failed_switch_stays_and_says_why(oregon: FakeAppSync, sydney: FakeAppSync) -> None:
    sydney.on_init = "unauthorized"
    async with running(Session(profile_of(oregon, sydney), "oregon", options=QUICK)) as chat:
        await chat.phase(Phase.LIVE)
        chat.session.switch("sydney")
        event = await chat.next(StateChanged, lambda event: bool(event.state.reason))
        assert event.state.phase is Phase.LIVE
        assert event.state.region == "oregon"
        assert event.state.switching_to is None
        assert "Still on oregon" in str(event.state.reason)
        assert oregon.opened == 1
        sydney.on_init = "ack"
        chat.session.switch("sydney")
        await chat.next(StateChanged, lambda event: event.state.region == "sydney")


async def test_switch_back_before_the_new_region_is_up(oregon: FakeAppSync, sydney: FakeAppSync) -> None:
    sydney.on_init = "silent"
    async with running(Session(profile_of(oregon, sydney), "oregon", options=QUICK)) as chat:
        await chat.phase(Phase.LIVE)
        chat.session.switch("sydney")
        await sydney.until(lambda: sydney.open_now == 1)
        chat.session.switch("oregon")
        await sydney.until(lambda: sydney.open_now == 0)
        assert chat.session.state.region == "oregon"
        assert chat.session.state.switching_to is None
        assert oregon.opened == 1


async def test_slow_listener_never_stops_the_socket(
    oregon: FakeAppSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = asyncio.Event()
    put = EventBuffer.put

    def watched(buffer: EventBuffer, event: SessionEvent) -> None:
        put(buffer, event)
        if isinstance(event, MessageReceived) and event.message.text == "99":
            last.set()

    monkeypatch.setattr(EventBuffer, "put", watched)
    session = Session(profile_of(oregon), "oregon", channels=["tech"], options=quick(buffer=10))
    run = asyncio.create_task(session.run())
    await oregon.subscribed("tech")
    for number in range(100):
        await oregon.broadcast(oregon.message(str(number), text=str(number)))
        await oregon.broadcast(oregon.message(str(number), text=str(number)))
    async with asyncio.timeout(60):
        await last.wait()
    events = await session.next_events()
    assert EventsSkipped(90) in events
    received = [event.message.text for event in events if isinstance(event, MessageReceived)]
    assert received == [str(number) for number in range(90, 100)]
    session.close()
    await run

"""What a session missed is read from history: every message once, in the order of arrival, as filled."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from globalchat.cli.local_cloud import profile_of
from globalchat.client import profiles
from globalchat.client.api import RegionApi
from globalchat.client.events import (
    DraftAccepted,
    EventsSkipped,
    GapFilled,
    GapReason,
    GapRecorded,
    MarksUnavailable,
    MessageReceived,
    PageLoaded,
    StateChanged,
)
from globalchat.client.messages import Draft, IdFactory
from globalchat.client.options import SessionOptions
from globalchat.client.profiles import Profile
from globalchat.client.session import Session
from globalchat.client.state import Phase
from globalchat.core.clock import now_ms
from globalchat.core.resources import TEMPLATES_WITHOUT_HISTORY
from globalchat.localcloud.server.cloud import LocalCloud
from tests.client.helpers.fake_appsync import FakeAppSync
from tests.client.helpers.killable_processes import HERE, Cloud, kill, line, python
from tests.client.helpers.session_driver import Driver, quick, running
from tests.localcloud.helpers.edited_templates import before_history

OPTIONS = quick(page_size=10)
CHANNELS = ("tech", "cars")


class Publisher:
    """Publishes to the channel tech, beside every session."""

    def __init__(self, cloud: LocalCloud, api: RegionApi) -> None:
        self._cloud = cloud
        self._api = api
        self._ids = IdFactory()

    async def __call__(self, *texts: str, channel: str = "tech") -> None:
        """Publish texts one after the other; all of them have arrived everywhere at the end."""
        for text in texts:
            await self._api.publish(Draft(self._ids.new(), channel, text, "ana", 0))
            await self._cloud.events.settled()


@pytest.fixture
async def publish(local_cloud: LocalCloud, profile: Profile) -> AsyncIterator[Publisher]:
    async with RegionApi(profile.resolve("oregon")) as api:
        yield Publisher(local_cloud, api)


def session(
    profile: Profile,
    region: str = "oregon",
    options: SessionOptions = OPTIONS,
    history: Path | None = None,
    reader: str = "ana",
) -> Session:
    return Session(profile, region, channels=CHANNELS, options=options, history=history, reader=reader)


async def loaded(session: Session) -> None:
    """Wait until no history is read for a session that is live."""
    async with asyncio.timeout(60):
        while session.state.phase is not Phase.LIVE or any(map(session.is_loading, CHANNELS)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def live(chat: Driver) -> None:
    """Wait until a session is live and its first readings are over."""
    await chat.phase(Phase.LIVE)
    await loaded(chat.session)


def cut(chat: Driver) -> None:
    """Cut the socket of a session."""
    for socket in chat.session._runner._sockets.values():
        websocket = socket._transport.adapter.websocket
        assert websocket is not None
        websocket.transport.abort()


async def filled(chat: Driver, channel: str = "tech") -> GapFilled:
    return await chat.next(GapFilled, lambda event: event.channel == channel)


async def test_what_came_while_the_socket_was_cut_is_filled_in_order_and_once(
    local_cloud: LocalCloud, profile: Profile, publish: Publisher
) -> None:
    away = replace(OPTIONS, backoff_base=3600.0, backoff_cap=3600.0)
    async with running(session(profile, options=away)) as chat:
        await live(chat)
        await publish("before")
        await chat.text("before")
        cut(chat)
        await chat.phase(Phase.RETRYING)
        missed = [f"missed {number}" for number in range(25)]
        await publish(*missed)
        chat.session.retry_now()
        assert (await filled(chat)).count == 25
        await publish("after")
        await chat.text("after")
        assert chat.texts == ["before", *missed, "after"]
        events = chat.of(MessageReceived)
        assert [event.filled for event in events] == [False, *[True] * 25, False]
        assert all(event.transit_ms is None for event in events if event.filled)
        assert not chat.gaps


async def test_a_first_session_misses_nothing_of_what_came_before(
    profile: Profile, publish: Publisher
) -> None:
    await publish("long before")
    async with running(session(profile)) as chat:
        await live(chat)
        await publish("now")
        await chat.text("now")
        assert chat.texts == ["now"]
        assert not chat.of(GapFilled)


@pytest.mark.parametrize("reader", [None, "ana"])
async def test_a_session_that_was_renamed_is_followed_under_its_new_name(
    profile: Profile, publish: Publisher, tmp_path: Path, reader: str | None
) -> None:
    def named(sender: str) -> Session:
        return Session(
            profile,
            "oregon",
            channels=CHANNELS,
            options=OPTIONS,
            history=tmp_path,
            sender=sender,
            reader=reader,
        )

    async with running(named("ana")) as chat:
        await live(chat)
        await publish("received by ana")
        await chat.text("received by ana")
        chat.session.rename("eve")
        await publish("received by eve")
        await chat.text("received by eve")
    await publish("missed by eve")
    async with running(named("eve")) as chat:
        assert (await filled(chat)).count == 1
        assert chat.texts == ["missed by eve"]


async def test_more_than_the_limit_is_a_gap_that_is_read_on_demand(
    profile: Profile, publish: Publisher
) -> None:
    options = replace(OPTIONS, fill_limit=10, backoff_base=3600.0, backoff_cap=3600.0)
    async with running(session(profile, options=options)) as chat:
        await live(chat)
        await publish("before")
        await chat.text("before")
        cut(chat)
        await chat.phase(Phase.RETRYING)
        missed = [f"missed {number}" for number in range(25)]
        await publish(*missed)
        chat.session.retry_now()
        gap = await chat.next(GapRecorded)
        assert (gap.channels, gap.reason) == (("tech",), GapReason.TOO_MANY)
        assert (await filled(chat)).count == 10
        assert chat.texts == ["before", *missed[15:]]
        chat.session.load_gap("tech", gap.since)
        again = await chat.next(GapRecorded)
        assert (again.since, again.reason) == (gap.since, GapReason.TOO_MANY)
        chat.session.load_gap("tech", gap.since)
        await filled(chat)
        chat.rewind()
        await chat.text("missed 0")
        assert sorted(chat.texts) == sorted(["before", *missed])


def covers(event: GapFilled, gap: GapRecorded) -> bool:
    """Return True if an event ends the notice of a gap."""
    return event.channel in gap.channels and event.since <= gap.since and gap.until <= event.until


async def test_pages_that_bring_the_messages_of_a_gap_end_it(profile: Profile, publish: Publisher) -> None:
    options = replace(
        OPTIONS, fill_limit=10, fill_again_after=3600.0, backoff_base=3600.0, backoff_cap=3600.0
    )
    async with running(session(profile, options=options)) as chat:
        await live(chat)
        await publish("before")
        await chat.text("before")
        cut(chat)
        await chat.phase(Phase.RETRYING)
        missed = [f"missed {number}" for number in range(25)]
        await publish(*missed)
        chat.session.retry_now()
        gap = await chat.next(GapRecorded)
        await filled(chat)
        brought: list[str] = []
        is_start = False
        while not is_start:
            chat.session.load_older("tech")
            page = await chat.next(PageLoaded)
            brought[:0] = [message.text for message in page.messages]
            is_start = page.is_start
        assert brought == missed[:15]
        await chat.next(GapFilled, lambda event: event.channel == "tech" and not event.count)
        open_gaps = {gap: True}
        for event in chat.events:
            if isinstance(event, GapRecorded):
                open_gaps[event] = True
            elif isinstance(event, GapFilled):
                open_gaps = {each: True for each in open_gaps if not covers(event, each)}
        assert not open_gaps
        chat.session.load_gap("tech", gap.since)
        assert (await filled(chat)).count == 0


async def test_the_second_reading_of_a_burst_ends_the_gap_that_the_first_left(
    profile: Profile, publish: Publisher
) -> None:
    options = replace(OPTIONS, fill_limit=10, fill_again_after=0.05, backoff_base=3600.0, backoff_cap=3600.0)
    async with running(session(profile, options=options)) as chat:
        await live(chat)
        await publish("before")
        await chat.text("before")
        cut(chat)
        await chat.phase(Phase.RETRYING)
        await publish(*(f"missed {number}" for number in range(15)))
        chat.session.retry_now()
        gap = await chat.next(GapRecorded)
        chat.rewind()
        await chat.text("missed 0")
        await chat.next(GapFilled, lambda event: covers(event, gap))
        assert not chat.session._history._tracker.gaps("tech")


async def test_an_own_echo_that_only_history_has_is_the_echo(
    local_cloud: LocalCloud, profile: Profile
) -> None:
    async with running(session(profile)) as chat:
        await live(chat)
        local_cloud.faults.set("half-open", region="oregon")
        draft = chat.session.send("tech", "lost echo")
        await chat.next(DraftAccepted, lambda event: event.draft == draft)
        await local_cloud.events.settled()
        local_cloud.faults.clear()
        chat.session.reconnect()
        echo = await chat.text("lost echo")
        assert (echo.own, echo.filled) == (True, True)


async def test_a_switch_fills_what_only_the_other_region_has(
    local_cloud: LocalCloud, profile: Profile, publish: Publisher
) -> None:
    """A relay is cut: what is published in sydney stays there, also what was there before the switch."""
    async with running(session(profile)) as chat, RegionApi(profile.resolve("sydney")) as sydney:
        await live(chat)
        await publish("everywhere")
        await chat.text("everywhere")
        local_cloud.faults.set("relay-partition")
        there = Publisher(local_cloud, sydney)
        ids = IdFactory()
        await sydney.publish(Draft(ids.new(), "tech", "only in sydney", "ben", 0))
        chat.session.switch("sydney")
        await chat.next(StateChanged, lambda event: event.state.region == "sydney")
        assert (await chat.text("only in sydney")).filled
        assert chat.texts == ["everywhere", "only in sydney"]
        local_cloud.faults.clear()
        await there("again")
        await chat.text("again")
        assert chat.texts == ["everywhere", "only in sydney", "again"]


async def test_a_page_of_an_earlier_session_is_loaded_and_what_came_later_is_not_filled_twice(
    profile: Profile, publish: Publisher
) -> None:
    await publish("one", "two")
    async with running(session(profile)) as chat:
        chat.session.load_older("tech")
        page = await chat.next(PageLoaded)
        assert [message.text for message in page.messages] == ["one", "two"]
        await live(chat)
        cut(chat)
        await chat.phase(Phase.RETRYING)
        await filled(chat)
        assert not chat.texts


async def test_a_listener_that_is_too_slow_gets_what_was_dropped_once_it_takes_again(
    local_cloud: LocalCloud, profile: Profile, publish: Publisher
) -> None:
    options = replace(OPTIONS, buffer=5)
    chat = session(profile, options=options)
    running_ = asyncio.create_task(chat.run())
    texts = [f"m{number}" for number in range(20)]
    try:
        await loaded(chat)
        await publish(*texts)
        received: list[str] = []
        skipped = 0
        async with asyncio.timeout(60):
            while set(received) != set(texts):
                for event in await chat.next_events():
                    match event:
                        case MessageReceived(message):
                            received.append(message.text)
                        case EventsSkipped(count):
                            skipped += count
                        case GapRecorded():
                            raise AssertionError(event)
        assert sorted(received) == sorted(texts)
        assert skipped >= 10
    finally:
        chat.close()
        await running_


@pytest.mark.parametrize("fault", ["history-failing", "history-slow=1s"])
async def test_a_failing_history_holds_up_no_message_and_is_tried_until_it_works(
    local_cloud: LocalCloud, profile: Profile, publish: Publisher, fault: str
) -> None:
    options = replace(OPTIONS, backoff_base=0.01, backoff_cap=0.05)
    async with running(session(profile, options=options)) as chat:
        await live(chat)
        await publish("before")
        await chat.text("before")
        cut(chat)
        await chat.phase(Phase.RETRYING)
        await publish("missed")
        local_cloud.faults.set(fault)
        await chat.phase(Phase.LIVE)
        await publish("live")
        await chat.text("live")
        if fault == "history-failing":
            gap = await chat.next(GapRecorded, lambda event: event.channels == ("tech",))
            assert gap.reason is GapReason.UNREACHABLE
        local_cloud.faults.clear()
        chat.rewind()
        assert (await chat.text("missed")).filled or "missed" in chat.texts


async def test_a_comparison_finds_what_a_live_socket_dropped(
    local_cloud: LocalCloud, profile: Profile, publish: Publisher
) -> None:
    options = replace(OPTIONS, history_interval=0.2, ping_interval=None)
    async with running(session(profile, options=options)) as chat:
        await live(chat)
        local_cloud.faults.set("half-open", region="oregon")
        await publish("dropped")
        received = await chat.text("dropped")
        assert received.filled
        found = await filled(chat)
        assert found.count == 1
        assert found.since <= found.until


async def test_a_restart_fills_what_came_in_between_for_each_reader_once(
    profile: Profile, publish: Publisher, tmp_path: Path
) -> None:
    for reader in ("ana", "ben"):
        async with running(session(profile, history=tmp_path, reader=reader)) as chat:
            await live(chat)
    async with running(session(profile, history=tmp_path)) as chat:
        await live(chat)
        for text in ("earlier", "shown to ana"):
            await publish(text)
            await chat.text(text)
    await publish("one", "two")
    async with running(session(profile, history=tmp_path)) as chat:
        gap = await filled(chat)
        assert (chat.texts, gap.count) == (["one", "two"], 2)
        # What an earlier session has shown is on a page all the same.
        chat.session.load_older("tech")
        page = await chat.next(PageLoaded)
        assert [message.text for message in page.messages] == ["earlier", "shown to ana"]
    async with running(session(profile, history=tmp_path)) as chat:
        assert (await filled(chat)).count == 0
    async with running(session(profile, history=tmp_path, reader="ben")) as chat:
        assert (await filled(chat)).count == 4
        assert chat.texts == ["earlier", "shown to ana", "one", "two"]


async def test_a_restart_in_another_region_fills_from_there(
    profile: Profile, publish: Publisher, tmp_path: Path
) -> None:
    async with running(session(profile, history=tmp_path)) as chat:
        await live(chat)
        await publish("shown")
        await chat.text("shown")
    await publish("missed")
    async with running(session(profile, "sydney", history=tmp_path)) as chat:
        await filled(chat)
        assert chat.texts == ["missed"]
        assert chat.of(MessageReceived)[0].via == "sydney"


async def test_a_damaged_file_of_marks_is_set_aside(
    profile: Profile, publish: Publisher, tmp_path: Path
) -> None:
    (tmp_path / "local.sqlite3").write_bytes(b"no database" * 500)
    async with running(session(profile, history=tmp_path)) as chat:
        assert "damaged" in (await chat.next(MarksUnavailable)).reason
        await live(chat)
        await publish("received all the same")
        await chat.text("received all the same")
    await publish("missed")
    async with running(session(profile, history=tmp_path)) as chat:
        await filled(chat)
        assert chat.texts == ["missed"]


async def test_a_reader_that_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    (tmp_path / "cloud").mkdir()
    cloud = Cloud(seed=5, state=tmp_path / "cloud")
    await cloud.start()
    try:
        profiles.save(cloud.profile, tmp_path / "config")
        reader = [str(HERE / "reader_process.py"), str(tmp_path / "config"), str(tmp_path / "history")]
        async with RegionApi(cloud.profile.resolve("oregon")) as api:
            ids = IdFactory()

            async def say(*texts: str) -> None:
                for text in texts:
                    await api.publish(Draft(ids.new(), "tech", text, "ben", 0))
                    await cloud.settle()

            async with python(*reader) as first:
                assert await line(first) == "live"
                await say("shown", "shown, too")
                assert [await line(first) for _ in range(2)] == ["shown", "shown, too"]
                await marks_hold(tmp_path / "history", 2)
                await kill(first)
            missed = [f"missed {number}" for number in range(20)]
            await say(*missed)
            async with python(*reader) as second:
                assert await line(second) == "live"
                assert [await line(second) for _ in missed] == [f"+{text}" for text in missed]
    finally:
        await cloud.kill()


async def marks_hold(folder: Path, count: int) -> None:
    """Wait until as many ids of messages are stored."""
    stored = 0
    async with asyncio.timeout(60):
        while stored < count:
            with closing(sqlite3.connect(folder / "faults.sqlite3")) as database:
                (stored,) = database.execute(
                    "SELECT coalesce(sum(count), 0) FROM ids WHERE NOT is_ignored"
                ).fetchone()
            await asyncio.sleep(0.02)


async def test_a_channel_can_be_left_while_it_is_being_read(
    local_cloud: LocalCloud, profile: Profile, publish: Publisher
) -> None:
    async with running(session(profile)) as chat:
        await live(chat)
        cut(chat)
        await chat.phase(Phase.RETRYING)
        await publish("missed")
        local_cloud.faults.set("history-slow=300ms")
        await chat.phase(Phase.LIVE)
        while not chat.session.is_loading("tech"):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.01)  # it is being read for 300 ms
        chat.session.leave("tech")
        chat.session.join("tech")
        await chat.next(StateChanged, lambda event: "tech" in event.state.joining)
        await chat.next(StateChanged, lambda event: not event.state.joining)
        await publish("live again")
        await chat.text("live again")
        local_cloud.faults.clear()
        await loaded(chat.session)
        # What was read before the channel was left came before.
        assert chat.texts in (["live again"], ["missed", "live again"])


@pytest.mark.parametrize(
    ("form", "reason"), [("off", GapReason.HISTORY_OFF), ("before", GapReason.NO_HISTORY)]
)
async def test_without_history_a_gap_says_why_it_stays(form: str, reason: GapReason, tmp_path: Path) -> None:
    templates = TEMPLATES_WITHOUT_HISTORY if form == "off" else before_history(tmp_path / "templates")
    async with LocalCloud.open(templates) as cloud:
        own = session(profile_of(cloud.regions), history=tmp_path / "history")
        async with running(own) as chat:
            await live(chat)
            cut(chat)
            await chat.phase(Phase.RETRYING)
            gap = await chat.next(GapRecorded)
            assert (set(gap.channels), gap.reason) == (set(CHANNELS), reason)
            assert not reason.is_fillable
            own.send("tech", "live all the same")
            await chat.text("live all the same")
            own.load_gap("tech", gap.since)
            assert (await filled(chat)).count == 0
        assert len(chat.gaps) == 1


async def test_a_half_open_socket_is_replaced_and_what_it_swallowed_is_filled(
    local_cloud: LocalCloud, profile: Profile, publish: Publisher
) -> None:
    options = replace(OPTIONS, ping_interval=0.2, connect_timeout=1.0)
    async with running(session(profile, options=options)) as chat:
        await live(chat)
        local_cloud.faults.set("half-open", region="oregon")
        await publish("swallowed")
        await chat.phase(Phase.RETRYING)
        local_cloud.faults.clear()
        chat.rewind()  # the second reading may have found it before the socket was given up
        assert (await chat.text("swallowed")).filled
        assert chat.texts == ["swallowed"]


@pytest.mark.parametrize("ahead_ms", [-3_600_000, 3_600_000])
async def test_a_wrong_clock_of_this_machine_misses_nothing(
    profile: Profile, publish: Publisher, tmp_path: Path, ahead_ms: int
) -> None:
    def fast_or_slow() -> Session:
        return Session(
            profile,
            "oregon",
            channels=CHANNELS,
            options=OPTIONS,
            history=tmp_path,
            reader="ana",
            clock=lambda: now_ms() + ahead_ms,
        )

    async with running(fast_or_slow()) as chat:
        await live(chat)
        await publish("received")
        await chat.text("received")
        cut(chat)
        await chat.phase(Phase.RETRYING)
        await publish("missed")
        assert (await filled(chat)).count <= 1  # it may be live again before the message is published
        chat.rewind()
        await chat.text("missed")
    await publish("missed by the first")
    async with running(fast_or_slow()) as chat:
        await filled(chat)
        assert chat.texts == ["missed by the first"]
        await publish("live")
        await chat.text("live")


async def test_a_reader_whose_key_was_rotated_finds_the_new_one(oregon: FakeAppSync) -> None:
    """No publish shows that the old key is dead: the comparison with history does."""
    oregon.history_days = 7
    options = replace(OPTIONS, history_interval=0.1)

    async def reload() -> Profile:
        renewed = replace(oregon.endpoint, api_key=oregon.key)
        return Profile("fake", {"oregon": renewed})

    own = Session(await reload(), "oregon", channels=["tech"], options=options, reload=reload)
    async with running(own) as chat:
        await chat.phase(Phase.LIVE)
        oregon.key = "da2-rotatedrotatedrotatedrotat"
        await oregon.until(lambda: oregon.opened == 2)
        await chat.next(StateChanged, lambda event: event.state.switching_to == "oregon")
        await chat.next(StateChanged, lambda event: event.state.switching_to is None)
        await oregon.broadcast(oregon.message("1"))
        await chat.text("hi")
        assert not chat.gaps

"""The client against the local cloud: both regions, the real resolvers, over loopback."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import pytest

from globalchat.cli.local_cloud import profile_of
from globalchat.client.api import RegionApi
from globalchat.client.events import (
    BackendDescribed,
    ChannelRefused,
    ChannelRevoked,
    DraftRefused,
    DraftUnsent,
    DraftWaiting,
    GapFilled,
    GapRecorded,
    MessageReceived,
    StateChanged,
)
from globalchat.client.profiles import Profile
from globalchat.client.session import Session
from globalchat.client.state import Phase
from globalchat.core.clock import now_ms
from globalchat.core.credentials import Credentials
from globalchat.core.errors import Unauthorized, Unreachable
from globalchat.localcloud.server.cloud import CloudOptions, LocalCloud
from tests.client.helpers.session_driver import Driver, quick, running

CHANNELS = ("cars", "robots", "tech", "music", "media")
OPTIONS = quick(overlap=0.5)

HOSTILE = [
    'quotes " and \' and \\" and \\\\',
    "a\nb\tc\r\nd",
    "\x1b[31mred\x1b[0m \x07",
    "[bold]not markup[/bold]",
    "${x} $ctx.args $util {{x}} %s {0}",
    "emoji 👩‍👩‍👧‍👦 🇦🇺 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 é vs é",
    "\u202ebidi\u202c \ufeff zero\u200bwidth",
    "</script><!-- ' OR 1=1 --",
    '{"json": ["in", "text"]}',
    "   spaces around   ",
    "x" * 2000,
    "😀" * 1000,
]


@pytest.fixture
async def both(profile: Profile) -> AsyncIterator[tuple[Driver, Driver]]:
    """A live session in each region."""
    async with AsyncExitStack() as stack:
        chats = []
        for alias in ("oregon", "sydney"):
            session = Session(profile, alias, sender=alias, options=OPTIONS)
            chats.append(await stack.enter_async_context(running(session)))
        for chat in chats:
            await chat.phase(Phase.LIVE)
        yield chats[0], chats[1]


async def all_of(chat: Driver, texts: Sequence[str]) -> None:
    """Wait until every text was received."""
    for text in texts:
        chat.rewind()
        await chat.text(text)


async def in_region(chat: Driver, alias: str) -> None:
    """Wait until a region is the session's."""
    await chat.next(StateChanged, lambda event: event.state.region == alias)


async def test_backend_describes_itself(profile: Profile) -> None:
    async with running(Session(profile, "oregon", options=OPTIONS)) as chat:
        backend = (await chat.next(BackendDescribed)).backend
        assert backend.channels == CHANNELS
        assert (backend.limits.message, backend.limits.sender, backend.limits.id) == (2000, 32, 64)
        await chat.phase(Phase.LIVE)
        assert chat.session.channels == CHANNELS


async def test_messages_reach_both_regions_once_and_unchanged(both: tuple[Driver, Driver]) -> None:
    oregon, sydney = both
    for number, text in enumerate(HOSTILE):
        (oregon if number % 2 else sydney).session.send("tech", text)
    for chat in both:
        await all_of(chat, HOSTILE)
        assert sorted(chat.texts) == sorted(HOSTILE)
        assert not chat.of(GapRecorded)
        assert not chat.of(DraftRefused)
    mine = [event for event in oregon.of(MessageReceived) if event.own]
    assert {event.message.sender for event in mine} == {"oregon"}
    assert len(mine) == len(HOSTILE) // 2
    assert {event.message.region for event in mine} == {"us-west-2"}
    assert {event.via for event in oregon.of(MessageReceived)} == {"oregon"}
    assert {event.via for event in sydney.of(MessageReceived)} == {"sydney"}


@pytest.mark.parametrize(
    ("channel", "text", "error_type"),
    [
        ("nosuch", "hi", "UnknownChannel"),
        ("tech", "  ", "EmptyMessage"),
        ("tech", "x" * 2001, "MessageTooLong"),
        ("tech", "nul \0", "BadMessage"),
        ("tech", "half \ud83d", "BadMessage"),
    ],
    ids=["channel", "empty", "long", "nul", "surrogate"],
)
async def test_refusals_are_reported(profile: Profile, channel: str, text: str, error_type: str) -> None:
    async with running(Session(profile, "oregon", channels=["tech"], options=OPTIONS)) as chat:
        draft = chat.session.send(channel, text)
        refused = await chat.next(DraftRefused)
        assert (refused.draft, refused.error_type) == (draft, error_type)
        assert refused.reason.endswith((".", "allowed."))


async def test_unknown_channel_is_refused_by_the_resolver(profile: Profile) -> None:
    session = Session(profile, "oregon", channels=["tech", "nosuch"], options=OPTIONS)
    async with running(session) as chat:
        refused = await chat.next(ChannelRefused)
        assert (refused.channel, refused.error_type) == ("nosuch", "UnknownChannel")
        assert refused.reason.startswith('There is no channel "nosuch". The channels are: cars, robots, ')
        await chat.phase(Phase.LIVE)


async def test_switching_back_and_forth_in_traffic_loses_and_doubles_nothing(
    both: tuple[Driver, Driver],
) -> None:
    talker, wanderer = both
    texts = [f"message {number}" for number in range(150)]

    async def talk() -> None:
        for number, text in enumerate(texts):
            (talker if number % 3 else wanderer).session.send(CHANNELS[number % 5], text)
            await asyncio.sleep(0.005)  # spreads the traffic over the switches

    async def wander() -> None:
        for region in ("oregon", "sydney", "oregon"):
            wanderer.session.switch(region)
            await in_region(wanderer, region)

    await asyncio.gather(talk(), wander())
    for chat in both:
        await all_of(chat, texts)
        assert sorted(chat.texts) == sorted(texts)
        assert not chat.of(DraftUnsent)
        assert not chat.gaps
    assert {event.via for event in wanderer.of(MessageReceived)} == {"oregon", "sydney"}


async def test_revocation_ends_one_channel_and_the_others_resume(
    local_cloud: LocalCloud, profile: Profile, both: tuple[Driver, Driver]
) -> None:
    oregon, sydney = both
    credentials = Credentials(local_cloud.admin.access_key, local_cloud.admin.secret_key)
    async with RegionApi(profile.resolve("oregon"), credentials=credentials) as api:
        assert await api.unsubscribe("tech") == "tech"
    assert (await oregon.next(ChannelRevoked)).channel == "tech"
    await oregon.phase(Phase.RETRYING)
    state = await oregon.phase(Phase.LIVE)
    assert state.revoked == {"tech"}
    assert {(await oregon.next(GapFilled)).channel for _ in range(4)} == set(CHANNELS) - {"tech"}
    sydney.session.send("tech", "unheard")
    sydney.session.send("cars", "heard")
    await oregon.text("heard")
    assert not sydney.of(ChannelRevoked)
    oregon.session.join("tech")
    assert (await oregon.text("unheard")).filled
    filled = await oregon.next(GapFilled)
    assert (filled.channel, filled.count) == ("tech", 1)
    sydney.session.send("tech", "heard again")
    await oregon.text("heard again")
    assert oregon.texts == ["heard", "unheard", "heard again"]
    assert not oregon.gaps


async def test_key_holders_may_not_unsubscribe(profile: Profile) -> None:
    async with RegionApi(profile.resolve("oregon"), credentials=Credentials("AKIDWRONG", "wrong")) as api:
        with pytest.raises(Unauthorized):
            await api.unsubscribe("tech")


async def test_wrong_key_fails(local_cloud: LocalCloud) -> None:
    good = profile_of(local_cloud.regions).resolve("oregon")
    bad = replace(good, api_key="da2-wrong")
    async with running(Session(Profile("local", {"oregon": bad}), "oregon", options=OPTIONS)) as chat:
        assert (await chat.phase(Phase.FAILED)).remedy
    assert local_cloud.open_sockets == 0


async def test_cloud_restart_is_an_ordinary_reconnect() -> None:
    async with AsyncExitStack() as first, AsyncExitStack() as session_stack:
        cloud = await first.enter_async_context(LocalCloud.open(options=same_keys()))
        session = Session(profile_of(cloud.regions), "oregon", channels=["tech"], options=OPTIONS)
        chat = await session_stack.enter_async_context(running(session))
        await chat.phase(Phase.LIVE)
        session.send("tech", "before")
        await chat.text("before")
        await first.aclose()
        await chat.phase(Phase.RETRYING)
        draft = session.send("tech", "while down")
        assert (await chat.next(DraftUnsent)).draft == draft
        ports = [urlsplit(each.graphql_url).port or 0 for each in cloud.regions]
        async with LocalCloud.open(ports=ports, options=same_keys()):
            await chat.phase(Phase.LIVE)
            # The store of the first cloud was in memory: nothing is kept of what was missed.
            assert (await chat.next(GapFilled)).count == 0
            assert session.resend(draft.id)
            assert (await chat.text("while down")).own
            await session_stack.aclose()
        assert chat.texts == ["before", "while down"]


def same_keys() -> CloudOptions:
    """Two clouds with these options have the same keys."""
    return CloudOptions(rng=Random(1))


async def test_dropped_sockets_leave_nothing_behind(
    local_cloud: LocalCloud, both: tuple[Driver, Driver]
) -> None:
    oregon, sydney = both
    before = local_cloud.metrics["oregon"]["ConnectSuccess"]
    for socket in oregon.session._runner._sockets.values():
        websocket = socket._transport.adapter.websocket
        assert websocket is not None
        websocket.transport.abort()
    await oregon.phase(Phase.RETRYING)
    await oregon.phase(Phase.LIVE)
    assert {(await oregon.next(GapFilled)).channel for _ in CHANNELS} == set(CHANNELS)
    assert local_cloud.metrics["oregon"]["ConnectSuccess"] == before + 1
    sydney.session.send("media", "after")
    await oregon.text("after")
    await sydney.text("after")


async def test_transit_is_known_to_who_never_published(both: tuple[Driver, Driver]) -> None:
    oregon, sydney = both
    sydney.session.send("tech", "first")
    first = await oregon.text("first")
    assert first.transit_ms is not None
    assert 0 <= first.transit_ms < 5000
    assert first.transit_error_ms == 0


async def test_transit_is_known_within_bounds_where_the_clock_is_another(profile: Profile) -> None:
    """The clock of this session is 5.3 seconds fast; dates alone show by how much, and soon closely."""
    fast = Session(profile, "oregon", options=OPTIONS, clock=lambda: now_ms() + 5300)
    other = Session(profile, "sydney", options=OPTIONS)
    async with running(fast) as reader, running(other) as writer:
        await reader.phase(Phase.LIVE)
        await writer.phase(Phase.LIVE)
        errors = [1000]
        while errors[-1] >= 100:
            writer.session.send("tech", text := str(len(errors)))
            got = await reader.text(text)
            assert got.transit_ms is not None
            true = got.received_at - 5300 - got.message.sent_at
            assert abs(got.transit_ms - true) <= got.transit_error_ms + 2
            errors.append(got.transit_error_ms)
        assert errors == sorted(errors, reverse=True)


async def test_session_follows_a_cloud_that_came_back_elsewhere_with_other_keys() -> None:
    async with AsyncExitStack() as clouds:
        where = profile_of((await clouds.enter_async_context(LocalCloud.open())).regions)

        async def reload() -> Profile:
            if where.regions:
                return where
            raise Unreachable("The local cloud does not run.", remedy="Start it.")

        session = Session(where, "oregon", sender="ana", options=OPTIONS, reload=reload)
        async with running(session) as chat:
            await chat.phase(Phase.LIVE)
            where = Profile("local", {})
            await clouds.aclose()
            down = await chat.next(
                StateChanged, lambda event: event.state.reason == "The local cloud does not run."
            )
            assert (down.state.phase, down.state.remedy) == (Phase.RETRYING, "Start it.")
            where = profile_of((await clouds.enter_async_context(LocalCloud.open())).regions)
            await chat.phase(Phase.LIVE)
            session.send("tech", "still here")
            assert (await chat.text("still here")).own
            session.switch("sydney")
            await in_region(chat, "sydney")
            session.send("tech", "and there")
            assert (await chat.text("and there")).via == "sydney"


async def test_throttled_drafts_wait_and_arrive_once_in_order(
    local_cloud: LocalCloud, profile: Profile, tmp_path: Path
) -> None:
    session = Session(profile, "oregon", channels=["tech"], options=OPTIONS, outbox=tmp_path)
    async with running(session) as chat:
        await chat.phase(Phase.LIVE)
        local_cloud.faults.set("throttle", region="oregon")
        texts = ["one", "two", "three"]
        for text in texts:
            session.send("tech", text)
        assert (await chat.next(DraftWaiting)).draft.text == "one"
        assert chat.texts == []
        local_cloud.faults.clear("throttle")
        await all_of(chat, texts)
        assert chat.texts == texts

"""Long outages, sleep, other regions, wrong clocks: what the session does and says."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

import pytest
from aiohttp import web

from globalchat.client.api import RegionApi, nearest
from globalchat.client.events import ChannelRevoked, DraftAccepted, GapRecorded, StateChanged
from globalchat.client.profiles import Profile, RegionEndpoint
from globalchat.client.session import Session
from globalchat.client.state import Phase, SessionState
from globalchat.core.clock import now_ms
from globalchat.core.credentials import Credentials
from globalchat.core.errors import Unauthorized, Unreachable
from tests.client.helpers.fake_appsync import CHANNELS, FakeAppSync, profile_of
from tests.client.helpers.session_driver import QUICK, Driver, quick, running

HOUR = 3_600_000


class Clock:
    """A wall clock that a test may set ahead of the steady one, as sleep does."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return now_ms() + self.ahead


async def state(chat: Driver, where: Callable[[SessionState], bool]) -> SessionState:
    return (await chat.next(StateChanged, lambda event: where(event.state))).state


# Long outages


async def test_long_outage_suspends_and_says_since_when_messages_are_missing(oregon: FakeAppSync) -> None:
    options = quick(suspend_after=0.0, suspend_interval=0.02)
    async with running(Session(profile_of(oregon), "oregon", options=options)) as chat:
        await chat.phase(Phase.LIVE)
        assert chat.session.state.missing_since is None
        await oregon.stop()
        first = await chat.phase(Phase.RETRYING)
        suspended = await chat.phase(Phase.SUSPENDED)
        assert (first.attempt, suspended.attempt) == (1, 2)
        assert suspended.next_try_at is not None
        assert suspended.reason
        assert suspended.missing_since == first.missing_since is not None
        assert suspended.since >= first.since > 0
        assert (await chat.phase(Phase.CONNECTING)).missing_since == first.missing_since
        await oregon.start()
        assert (await chat.phase(Phase.LIVE)).missing_since is None
        gap = await chat.next(GapRecorded)
        assert gap.since == first.missing_since
        oregon.drop_all()
        assert (await chat.phase(Phase.RETRYING)).attempt == 1


async def test_suspended_waits_until_asked(oregon: FakeAppSync) -> None:
    oregon.on_init = "close"
    options = quick(suspend_after=0.0, suspend_interval=600.0)
    async with running(Session(profile_of(oregon), "oregon", options=options)) as chat:
        waiting = await chat.phase(Phase.SUSPENDED)
        assert waiting.next_try_at is not None
        assert waiting.next_try_at - now_ms() > 200_000
        oregon.on_init = "ack"
        chat.session.retry_now()
        await chat.phase(Phase.LIVE)


# Sleep


async def test_sleep_of_the_machine_reconnects_at_once_and_leaves_a_gap(oregon: FakeAppSync) -> None:
    clock = Clock()
    options = quick(sleep_check=0.01, backoff_base=600.0, backoff_cap=600.0)  # a backoff would be noticed
    session = Session(profile_of(oregon), "oregon", channels=["tech"], options=options, clock=clock)
    async with running(session) as chat:
        await chat.phase(Phase.LIVE)
        before = clock()
        clock.ahead += HOUR
        assert "slept" in str((await chat.phase(Phase.RETRYING)).reason)
        await chat.phase(Phase.LIVE)
        gap = await chat.next(GapRecorded)
        assert gap.since <= before
        assert gap.until >= before + HOUR
        await oregon.until(lambda: oregon.open_now == 1)
        clock.ahead -= HOUR  # a clock set back is no sleep
        await oregon.broadcast(oregon.message("1", text="awake"))
        await chat.text("awake")
        assert oregon.opened == 2


async def test_socket_that_died_in_sleep_is_vouched_for_until_then_only(oregon: FakeAppSync) -> None:
    clock = Clock()
    options = quick(sleep_check=600.0)  # the loss is noticed first
    async with running(Session(profile_of(oregon), "oregon", options=options, clock=clock)) as chat:
        await chat.phase(Phase.LIVE)
        before = clock()
        clock.ahead += HOUR
        oregon.drop_all()
        await chat.phase(Phase.LIVE)
        assert (await chat.next(GapRecorded)).since <= before


async def test_waking_ends_a_wait(oregon: FakeAppSync) -> None:
    clock = Clock()
    oregon.on_init = "close"
    options = quick(sleep_check=0.01, backoff_base=600.0, backoff_cap=600.0)
    async with running(Session(profile_of(oregon), "oregon", options=options, clock=clock)) as chat:
        await chat.phase(Phase.RETRYING)
        oregon.on_init = "ack"
        clock.ahead += HOUR
        await chat.phase(Phase.LIVE)


# Other regions


async def test_lost_region_offers_one_that_answers_and_the_drafts_follow(
    oregon: FakeAppSync, sydney: FakeAppSync
) -> None:
    options = quick(fail_over_attempts=2, backoff_base=0.01, backoff_cap=0.01)
    async with running(Session(profile_of(oregon, sydney), "oregon", options=options)) as chat:
        await chat.phase(Phase.LIVE)
        await oregon.stop()
        await state(chat, lambda each: each.fail_over_to == "sydney")
        assert sydney.opened == 0  # offered, not taken
        chat.session.send("tech", "follows")
        chat.session.switch("sydney")
        live = await chat.phase(Phase.LIVE)
        assert (live.region, live.fail_over_to) == ("sydney", None)
        chat.rewind()
        assert (await chat.next(DraftAccepted)).region == "ap-southeast-2"
        await oregon.start()
        chat.session.switch("oregon")
        await state(chat, lambda each: each.phase is Phase.LIVE and each.region == "oregon")


async def test_region_that_does_not_answer_is_not_offered(oregon: FakeAppSync, sydney: FakeAppSync) -> None:
    options = quick(fail_over_attempts=1)
    asked = asyncio.Event()

    def broken(body: object) -> web.Response:
        asked.set()
        return web.Response(status=500)

    sydney.on_http = broken
    async with running(Session(profile_of(oregon, sydney), "oregon", options=options)) as chat:
        await chat.phase(Phase.LIVE)
        await oregon.stop()
        await asyncio.wait_for(asked.wait(), 15)
        assert chat.session.state.fail_over_to is None
        await oregon.start()
        await chat.phase(Phase.LIVE)


async def test_what_is_found_after_a_switch_is_not_offered(
    oregon: FakeAppSync, sydney: FakeAppSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking, found = asyncio.Event(), asyncio.Event()

    async def slowly(endpoints: Sequence[RegionEndpoint]) -> RegionEndpoint:
        looking.set()
        await found.wait()
        return endpoints[0]

    monkeypatch.setattr("globalchat.client.lifecycle.runner.nearest", slowly)
    oregon.on_init = sydney.on_init = "close"
    options = quick(fail_over_attempts=1, backoff_base=600.0, backoff_cap=600.0)
    async with running(Session(profile_of(oregon, sydney), "oregon", options=options)) as chat:
        await asyncio.wait_for(looking.wait(), 15)
        sydney.on_init = "silent"
        chat.session.switch("sydney")
        await state(chat, lambda each: each.phase is Phase.CONNECTING and each.region == "sydney")
        chat.session.switch("oregon")
        found.set()  # before an event says that it is on the way back to oregon
        await state(chat, lambda each: each.phase is Phase.CONNECTING and each.region == "oregon")
    assert all(event.state.fail_over_to != event.state.region for event in chat.of(StateChanged))


async def test_key_that_fails_offers_the_other_region(oregon: FakeAppSync, sydney: FakeAppSync) -> None:
    oregon.key = "da2-another"
    async with running(Session(profile_of(oregon, sydney), "oregon", options=QUICK)) as chat:
        failed = await chat.phase(Phase.FAILED)
        assert "wrong or has expired" in str(failed.reason)
        await state(chat, lambda each: each.phase is Phase.FAILED and each.fail_over_to == "sydney")


# Which is the nearest


async def test_nearest_is_the_quickest_that_answers() -> None:
    regions = [FakeAppSync(alias).endpoint for alias in ("far", "near", "dead")]
    released = asyncio.Event()

    async def probe(endpoint: object) -> float:
        if endpoint == regions[2]:
            raise Unreachable("dead")
        if endpoint == regions[0]:
            released.set()
            return 0.2
        await released.wait()  # answers last, and yet its call took less
        return 0.1

    assert await nearest(regions, probe=probe) == regions[1]


async def test_nearest_does_not_wait_for_the_dead() -> None:
    regions = [FakeAppSync(alias).endpoint for alias in ("near", "silent")]

    async def probe(endpoint: object) -> float:
        if endpoint == regions[1]:
            await asyncio.Event().wait()
        return 0.1

    assert await nearest(regions, timeout=600.0, probe=probe) == regions[0]


async def test_nearest_tells_why_there_is_none() -> None:
    regions = [FakeAppSync(alias).endpoint for alias in ("one", "two")]

    async def dead(endpoint: object) -> float:
        raise Unreachable("It is dead.")

    async def silent(endpoint: object) -> float:
        await asyncio.Event().wait()
        return 0.0

    with pytest.raises(Unreachable, match="dead"):
        await nearest(regions, probe=dead)
    with pytest.raises(Unreachable, match="No region answered"):
        await nearest(regions, timeout=0.01, probe=silent)
    with pytest.raises(Unreachable):
        await nearest([])


async def test_nearest_measures_real_calls(oregon: FakeAppSync) -> None:
    gone = replace(oregon.endpoint, alias="gone", graphql_url="http://127.0.0.1:9/graphql")
    assert await nearest([gone, oregon.endpoint]) == oregon.endpoint


# Revocation


async def test_close_without_complete_is_an_ordinary_reconnect_of_all(oregon: FakeAppSync) -> None:
    async with running(Session(profile_of(oregon), "oregon", options=QUICK)) as chat:
        await chat.phase(Phase.LIVE)
        socket = await oregon.subscribed(*CHANNELS)
        await socket.ws.close()
        await chat.phase(Phase.RETRYING)
        assert not (await chat.phase(Phase.LIVE)).revoked
        assert set((await chat.next(GapRecorded)).channels) == set(CHANNELS)
        assert not chat.of(ChannelRevoked)


async def test_revoked_channel_stays_out_over_losses_and_switches(
    oregon: FakeAppSync, sydney: FakeAppSync
) -> None:
    async with running(Session(profile_of(oregon, sydney), "oregon", options=QUICK)) as chat:
        await chat.phase(Phase.LIVE)
        await oregon.revoke("tech")
        await chat.phase(Phase.RETRYING)
        await chat.phase(Phase.LIVE)
        oregon.drop_all()
        await chat.phase(Phase.RETRYING)
        assert (await chat.phase(Phase.LIVE)).revoked == {"tech"}
        chat.session.switch("sydney")
        await state(chat, lambda each: each.region == "sydney")
        for server in (oregon, sydney):
            assert all("tech" not in each.starts.values() for each in server.sockets)


# Keys and clocks


async def test_key_that_worked_and_does_not_any_more(oregon: FakeAppSync) -> None:
    async with running(Session(profile_of(oregon), "oregon", options=QUICK)) as chat:
        await chat.phase(Phase.LIVE)
        oregon.key = "da2-renewed"
        oregon.drop_all()
        failed = await chat.phase(Phase.FAILED)
        assert "no longer accepted" in str(failed.reason)
        assert failed.remedy
        assert failed.missing_since is not None


@pytest.fixture
async def elsewhen() -> AsyncIterator[Callable[[str], FakeAppSync]]:
    """A server whose answers carry the date that a test wants."""
    server = FakeAppSync()
    wanted = ["Tue, 24 Nov 2026 10:00:00 GMT"]
    original = server._http

    async def http(request: web.Request) -> web.StreamResponse:
        response = await original(request)
        response.headers["Date"] = wanted[0]
        return response

    server._http = http  # type: ignore[method-assign]

    def at(date: str) -> FakeAppSync:
        wanted[0] = date
        return server

    async with server:
        yield at


async def test_wrong_clock_is_a_warning_while_live(elsewhen: Callable[[str], FakeAppSync]) -> None:
    server = elsewhen("Fri, 01 Jan 2038 10:00:00 GMT")
    async with running(Session(profile_of(server), "oregon", options=QUICK)) as chat:
        live = await chat.phase(Phase.LIVE)
        assert "clock is" in str(live.reason)
        assert "behind" in str(live.reason)
        assert live.remedy


@pytest.mark.parametrize("date", ["soon", "", "Fri, 99 Jan 2038 10:00:00 GMT"])
async def test_odd_dates_tell_nothing(elsewhen: Callable[[str], FakeAppSync], date: str) -> None:
    async with running(Session(profile_of(elsewhen(date)), "oregon", options=QUICK)) as chat:
        assert (await chat.phase(Phase.LIVE)).reason is None


async def test_refused_signature_blames_the_clock_only_if_it_is_wrong(
    elsewhen: Callable[[str], FakeAppSync],
) -> None:
    server = elsewhen("Fri, 01 Jan 2038 10:00:00 GMT")
    credentials = Credentials("AKIDWRONG", "wrong")
    async with RegionApi(server.endpoint, credentials=credentials) as api:
        with pytest.raises(Unauthorized, match="clock"):
            await api.unsubscribe("tech")
    async with FakeAppSync() as punctual, RegionApi(punctual.endpoint, credentials=credentials) as api:
        with pytest.raises(Unauthorized, match="signature was not accepted"):
            await api.unsubscribe("tech")


# Proxies


async def test_proxy_that_cannot_be_reached_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    endpoint = replace(
        FakeAppSync().endpoint,
        graphql_url="https://api.example/graphql",
        realtime_url="wss://realtime.example/graphql",
    )
    async with running(Session(Profile("p", {"oregon": endpoint}), "oregon", options=QUICK)) as chat:
        assert "proxy" in str((await chat.phase(Phase.RETRYING)).reason)

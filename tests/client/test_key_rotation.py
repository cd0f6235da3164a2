"""A profile that changes while a session runs: keys are rotated, and the session follows."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from globalchat.client.api import ApiPool, RegionApi
from globalchat.client.events import DraftAccepted, DraftWaiting, StateChanged
from globalchat.client.messages import Draft
from globalchat.client.offset import ClockOffset
from globalchat.client.profiles import Profile
from globalchat.client.session import Session
from globalchat.client.state import Phase
from globalchat.core.clock import now_ms
from tests.client.helpers.fake_appsync import CHANNELS, KEY, FakeAppSync, profile_of
from tests.client.helpers.session_driver import QUICK, quick, running


class Home:
    """Where the profile lies: `key` is what it holds for one region."""

    def __init__(self, regions: Profile, alias: str, key: str) -> None:
        self._regions = regions
        self._alias = alias
        self.key = key

    @property
    def profile(self) -> Profile:
        changed = replace(self._regions.regions[self._alias], api_key=self.key)
        return replace(self._regions, regions={**self._regions.regions, self._alias: changed})

    async def reload(self) -> Profile:
        return self.profile


async def test_a_switch_that_failed_for_an_old_key_works_once_it_is_renewed(
    oregon: FakeAppSync, sydney: FakeAppSync
) -> None:
    home = Home(profile_of(oregon, sydney), "sydney", "da2-old")
    session = Session(home.profile, "oregon", options=QUICK, reload=home.reload)
    async with running(session) as chat:
        await chat.phase(Phase.LIVE)
        session.switch("sydney")
        await chat.next(StateChanged, lambda event: "Still on oregon" in str(event.state.reason))
        home.key = KEY
        session.switch("sydney")
        await chat.next(StateChanged, lambda event: event.state.region == "sydney")
    assert oregon.opened == 1


async def test_a_live_session_takes_up_a_new_key_when_the_old_one_is_refused(
    oregon: FakeAppSync, tmp_path: Path
) -> None:
    """Sockets outlive their key: the first to notice is a publish."""
    oregon.key = "da2-old"
    home = Home(profile_of(oregon), "oregon", oregon.key)
    options = quick(
        backoff_base=600.0, backoff_cap=600.0, publish_anyway_after=600.0
    )  # a draft that waits is noticed
    session = Session(home.profile, "oregon", options=options, reload=home.reload, outbox=tmp_path)
    async with running(session) as chat:
        await chat.phase(Phase.LIVE)
        oregon.key = home.key = KEY
        session.send("tech", "hello")
        assert "key" in (await chat.next(DraftWaiting)).reason
        await chat.next(DraftAccepted)
        assert (await chat.text("hello")).own
        await oregon.until(lambda: oregon.open_now == 1)
        assert not chat.gaps
    assert Phase.RETRYING not in {event.state.phase for event in chat.of(StateChanged)}


async def test_a_new_key_that_is_refused_too_is_reported_and_the_socket_kept(oregon: FakeAppSync) -> None:
    oregon.key = "da2-old"
    home = Home(profile_of(oregon), "oregon", oregon.key)
    session = Session(home.profile, "oregon", options=QUICK, reload=home.reload)
    async with running(session) as chat:
        await chat.phase(Phase.LIVE)
        oregon.key, home.key = KEY, "da2-mistyped"
        session.send("tech", "hello")
        state = (await chat.next(StateChanged, lambda event: bool(event.state.reason))).state
        assert (state.phase, state.switching_to) == (Phase.LIVE, None)
        assert str(state.reason).startswith("The API key was not accepted")
        assert state.remedy
    assert oregon.opened == 1


async def refused_after(session: Session, before: FakeAppSync, change: Callable[[], None]) -> str:
    """Be live, change where the region is or what it accepts, lose the socket; the reason of the failure."""
    async with running(session) as chat:
        await chat.phase(Phase.LIVE)
        change()
        before.drop_all()
        return str((await chat.phase(Phase.FAILED)).reason)


async def test_a_key_that_never_worked_where_the_region_is_now_is_named_with_that_address(
    oregon: FakeAppSync,
) -> None:
    """As after a local cloud that was started again: at another port, with another key."""
    async with FakeAppSync() as moved:
        moved.key = "da2-refuses-all"
        places = [oregon, moved]

        async def reload() -> Profile:
            return profile_of(places[-1])

        session = Session(profile_of(oregon), "oregon", options=QUICK, reload=reload)
        reason = await refused_after(session, oregon, lambda: None)
        assert (
            reason == f"The API key was not accepted by 127.0.0.1:{moved.port}: it is wrong or has expired."
        )


async def test_a_new_key_that_never_worked_is_not_one_that_is_no_longer_accepted(oregon: FakeAppSync) -> None:
    home = Home(profile_of(oregon), "oregon", KEY)

    def mistype() -> None:
        home.key = "da2-mistyped"

    session = Session(home.profile, "oregon", options=QUICK, reload=home.reload)
    reason = await refused_after(session, oregon, mistype)
    assert reason == f"The API key was not accepted by 127.0.0.1:{oregon.port}: it is wrong or has expired."


@pytest.mark.parametrize("reads_again", [True, False])
async def test_a_key_that_worked_is_no_longer_accepted(oregon: FakeAppSync, reads_again: bool) -> None:
    home = Home(profile_of(oregon), "oregon", KEY)

    def expire() -> None:
        oregon.key = "da2-another"

    session = Session(home.profile, "oregon", options=QUICK, reload=home.reload if reads_again else None)
    reason = await refused_after(session, oregon, expire)
    where = f"127.0.0.1:{oregon.port}"
    assert reason == f"The API key is no longer accepted by {where}: it has expired or was removed."


async def test_a_key_that_worked_at_the_former_address_and_again_here_is_no_longer_accepted(
    oregon: FakeAppSync,
) -> None:
    async with FakeAppSync() as moved:
        places = [oregon]

        async def reload() -> Profile:
            return profile_of(places[-1])

        session = Session(profile_of(oregon), "oregon", options=QUICK, reload=reload)
        async with running(session) as chat:
            await chat.phase(Phase.LIVE)
            places.append(moved)
            oregon.drop_all()
            await moved.until(lambda: moved.open_now == 1)
            await chat.phase(Phase.LIVE)
            moved.key = "da2-another"
            moved.drop_all()
            reason = str((await chat.phase(Phase.FAILED)).reason)
        assert reason.startswith(f"The API key is no longer accepted by 127.0.0.1:{moved.port}: ")


async def test_where_a_region_was_before_is_closed_unless_a_call_is_under_way(oregon: FakeAppSync) -> None:
    regions = ApiPool(timeout=10, offset=ClockOffset(), clock=now_ms)
    before, between, now = (replace(oregon.endpoint, api_id=name) for name in ("one", "two", "three"))
    oregon.publish_gate.clear()
    slow = asyncio.create_task(regions.publish(before, Draft("1", "tech", "slow", None, 0)))
    await oregon.until(lambda: bool(oregon.requests))
    for endpoint in (between, now):
        assert (await regions.describe(endpoint)).channels == CHANNELS
    await regions.close_former(now)
    assert set(regions._opened) == {before, now}
    oregon.publish_gate.set()
    assert (await slow).text == "slow"
    await regions.close_former(now)
    assert set(regions._opened) == {now}
    await regions.close()


async def test_a_former_address_that_takes_long_to_close_is_closed_once(
    oregon: FakeAppSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over TLS it takes up to a second, in which the session may become live again."""
    closing, may_end = asyncio.Event(), asyncio.Event()
    closed = 0
    close = RegionApi.__aexit__

    async def slowly(api: RegionApi, *what: None) -> None:
        nonlocal closed
        closing.set()
        await may_end.wait()
        await close(api, *what)
        closed += 1

    now = profile_of(oregon).regions["oregon"]
    former = replace(now, graphql_url=now.graphql_url.replace("127.0.0.1", "localhost"))
    regions = ApiPool(timeout=5.0, offset=ClockOffset(), clock=now_ms)
    await regions.describe(former)
    monkeypatch.setattr(RegionApi, "__aexit__", slowly)
    async with asyncio.TaskGroup() as group:
        cancelled = group.create_task(regions.close_former(now))
        await closing.wait()
        cancelled.cancel()
        await asyncio.wait({cancelled})
        for _ in range(2):
            group.create_task(regions.close_former(now))
        await asyncio.sleep(0)
        may_end.set()
    await regions.close()
    assert closed == 1

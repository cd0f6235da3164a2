"""The watch of all regions begins with the profile as it is now; a session has an outbox."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from textual.message import Message

from globalchat.client.events import StateChanged
from globalchat.client.profiles import Profile
from globalchat.client.state import Phase
from globalchat.client.watch import FromRegion
from globalchat.core.errors import Unreachable
from globalchat.core.files import user_folders
from globalchat.ui.workers import SessionOpened, SessionWorker, WatchEvents, WatchWorker
from tests.client.helpers.fake_appsync import FakeAppSync, profile_of
from tests.ui.helpers.fake_session import FakeSession, open_profile
from tests.ui.helpers.fake_watch import FakeWatch


async def test_a_watch_uses_a_key_that_was_rotated_since_the_chat_began() -> None:
    async with FakeAppSync() as region:
        old = replace(region.endpoint, api_key="da2-old")
        before = Profile("fake", {old.alias: old})

        async def reload() -> Profile:
            return profile_of(region)

        worker = WatchWorker(before, reload=reload)
        phases: list[Phase] = []

        def post(message: Message) -> bool:
            assert isinstance(message, WatchEvents)
            for event in message.events:
                if isinstance(event, FromRegion) and isinstance(event.event, StateChanged):
                    phases.append(event.event.state.phase)
                    if phases[-1] in (Phase.LIVE, Phase.FAILED):
                        worker.close()
            message.consumed.set()
            return True

        await asyncio.wait_for(worker.run(post), 10)
        assert Phase.LIVE in phases
        assert Phase.FAILED not in phases


async def test_a_profile_that_cannot_be_read_now_is_used_as_it_was() -> None:
    async with FakeAppSync() as region:
        before, used = profile_of(region), list[Profile]()

        async def fail() -> Profile:
            raise Unreachable("No local cloud runs.")

        async def other_regions() -> Profile:
            return Profile("local", {})

        def factory(profile: Profile, within: float) -> FakeWatch:
            used.append(profile)
            watch = FakeWatch()
            watch.close()
            return watch

        for reload in (fail, other_regions):
            await asyncio.wait_for(WatchWorker(before, factory, reload=reload).run(lambda _: True), 10)
        assert used == [before, before]


@pytest.mark.parametrize("is_read_only", [False, True])
async def test_a_chat_that_only_reads_has_no_outbox_with_what_an_earlier_one_left(
    is_read_only: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    outboxes: list[object] = []

    def make(*_: object, outbox: Path | None, **__: object) -> FakeSession:
        outboxes.append(outbox)
        return FakeSession()

    def post(message: Message) -> bool:
        if isinstance(message, SessionOpened):
            message.session.close()
        return False

    monkeypatch.setattr("globalchat.client.session.Session", make)
    worker = SessionWorker(open_profile, region="oregon", sender=lambda: "ana", is_read_only=is_read_only)
    await asyncio.wait_for(worker.run(post), 60)
    assert outboxes == [None if is_read_only else user_folders().state / "outbox"]

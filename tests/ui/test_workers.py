"""The watch of all regions begins with the profile as it is now."""

import asyncio
from dataclasses import replace

from textual.message import Message

from globalchat.client.events import StateChanged
from globalchat.client.profiles import Profile
from globalchat.client.state import Phase
from globalchat.client.watch import FromRegion
from globalchat.core.errors import Unreachable
from globalchat.ui.workers import WatchEvents, WatchWorker
from tests.client.helpers.fake_appsync import FakeAppSync, profile_of
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

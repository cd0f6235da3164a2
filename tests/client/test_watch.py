"""Following both regions at once: the pairing of arrivals, and two sessions that feed it."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.client.events import GapRecorded, StateChanged
from globalchat.client.messages import Message
from globalchat.client.profiles import Profile
from globalchat.client.state import Phase
from globalchat.client.watch import FromRegion, Paired, Pairing, Unpaired, Watch, WatchEvent, WatchSkipped
from globalchat.core.errors import ProfileError
from tests.client.helpers.fake_appsync import FakeAppSync, profile_of
from tests.client.helpers.session_driver import QUICK, WAIT_LIMIT, quick

MESSAGE = Message("1", "tech", "hi", None, "us-west-2", 0)
BOTH = ("oregon", "sydney")
E = TypeVar("E")


def pairing(capacity: int = 10) -> Pairing:
    return Pairing(BOTH, within=5.0, capacity=capacity)


def test_second_arrival_pairs_and_a_third_is_a_new_one() -> None:
    pairs = pairing()
    assert pairs.arrive(MESSAGE, "oregon", at=100, now=0) == []
    assert pairs.next_deadline == 5.0
    assert pairs.arrive(MESSAGE, "oregon", at=110, now=1) == []
    assert pairs.arrive(MESSAGE, "sydney", at=170, now=2) == [Paired(MESSAGE, {"oregon": 100, "sydney": 170})]
    assert pairs.next_deadline is None


def test_other_content_under_one_id_does_not_pair() -> None:
    pairs = pairing()
    forged = replace(MESSAGE, text="forged")
    pairs.arrive(MESSAGE, "oregon", at=1, now=0)
    assert pairs.arrive(forged, "sydney", at=2, now=0) == []
    assert pairs.expire(5.0) == [
        Unpaired(MESSAGE, {"oregon": 1}, ("sydney",)),
        Unpaired(forged, {"sydney": 2}, ("oregon",)),
    ]


def test_late_arrival_pairs_all_the_same_and_says_so() -> None:
    pairs = pairing()
    pairs.arrive(MESSAGE, "oregon", at=1, now=0)
    assert pairs.expire(4.9) == []
    assert pairs.expire(5.0) == [Unpaired(MESSAGE, {"oregon": 1}, ("sydney",))]
    assert pairs.arrive(MESSAGE, "sydney", at=9, now=8) == [
        Paired(MESSAGE, {"oregon": 1, "sydney": 9}, late=True)
    ]


def test_large_messages_are_given_up_for_new_ones() -> None:
    pairs = Pairing(BOTH, within=5.0, capacity=100, most_bytes=10_000)
    found: list[Paired | Unpaired] = []
    for number in range(10):
        found += pairs.arrive(replace(MESSAGE, id=str(number), text="x" * 4_000), "oregon", at=number, now=0)
    assert [each.message.id for each in found] == [str(number) for number in range(8)]
    tracemalloc.start()
    try:
        for number in range(10, 500):
            pairs.arrive(replace(MESSAGE, id=str(number), text="é" * 50_000), "oregon", at=number, now=0)
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert kept < 250_000
    # What was given up last is remembered.
    late = replace(MESSAGE, id="498", text="é" * 50_000)
    assert pairs.arrive(late, "sydney", at=999, now=0) == [
        Paired(late, {"oregon": 498, "sydney": 999}, late=True)
    ]


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.sampled_from(BOTH), st.integers(0, 3)), max_size=120),
    st.integers(1, 8),
)
def test_every_message_is_reported_once_and_memory_is_bounded(
    arrivals: list[tuple[int, str, int]], capacity: int
) -> None:
    pairs = pairing(capacity)
    found: list[Paired | Unpaired] = []
    seen: dict[str, set[str]] = {}
    now = 0
    for number, region, passed in arrivals:
        if region in seen.setdefault(str(number), set()):
            continue  # a session drops duplicates
        seen[str(number)].add(region)
        now += passed
        found += pairs.expire(now)
        found += pairs.arrive(replace(MESSAGE, id=str(number)), region, at=now, now=now)
        assert len(pairs._open) <= capacity
        assert len(pairs._given_up) <= capacity
    found += pairs.give_up_all()
    paired = [each.message.id for each in found if isinstance(each, Paired)]
    assert len(paired) == len(set(paired))
    assert set(paired) <= {number for number, regions in seen.items() if len(regions) == 2}
    assert {each.message.id for each in found} == set(seen)
    if capacity >= 8 and len(seen) <= 8:
        assert set(paired) == {number for number, regions in seen.items() if len(regions) == 2}


class Watcher:
    """The events of a watch so far."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.events: list[WatchEvent] = []

    async def next(self, kind: type[E], where: Callable[[E], bool] = lambda _: True) -> E:
        async with asyncio.timeout(WAIT_LIMIT):
            while True:
                for event in self.events:
                    if isinstance(event, kind) and where(event):
                        self.events.remove(event)
                        return event
                more = await self.watch.next_events()
                assert more, self.events
                self.events += more

    async def live(self) -> None:
        for alias in BOTH:
            await self.next(FromRegion, lambda each, alias=alias: is_live(each, alias))  # type: ignore[misc]


def is_live(found: FromRegion, alias: str) -> bool:
    event = found.event
    return found.alias == alias and isinstance(event, StateChanged) and event.state.phase is Phase.LIVE


@pytest.fixture
def regions(oregon: FakeAppSync, sydney: FakeAppSync) -> tuple[FakeAppSync, FakeAppSync]:
    return oregon, sydney


@asynccontextmanager
async def watching(watch: Watch) -> AsyncIterator[Watcher]:
    run = asyncio.create_task(watch.run())
    watcher = Watcher(watch)
    try:
        await watcher.live()
        yield watcher
    finally:
        watch.close()
        await asyncio.wait_for(run, WAIT_LIMIT)


async def test_message_arrives_in_both_regions_and_is_paired(
    regions: tuple[FakeAppSync, FakeAppSync],
) -> None:
    watch = Watch(profile_of(*regions), ["tech"], options=QUICK)
    async with watching(watch) as watcher:
        draft = watch.sessions["sydney"].send("tech", "hello")
        paired = await watcher.next(Paired)
        assert paired.message.id == draft.id
        assert set(paired.arrivals) == set(BOTH)
        assert all(at >= draft.created_at for at in paired.arrivals.values())
    while more := await watch.next_events():
        assert not any(isinstance(each, Paired | Unpaired) for each in more)
    with pytest.raises(RuntimeError):
        await watch.run()


async def test_message_that_reaches_one_region_only_is_unpaired_in_time(
    regions: tuple[FakeAppSync, FakeAppSync],
) -> None:
    oregon, sydney = regions
    watch = Watch(profile_of(*regions), ["tech"], pair_within=0.02, options=QUICK)
    async with watching(watch) as watcher:
        await oregon.broadcast(oregon.message("1"))
        unpaired = await watcher.next(Unpaired)
        assert (set(unpaired.arrivals), unpaired.missing) == ({"oregon"}, ("sydney",))
        await sydney.broadcast(oregon.message("1"))
        assert (await watcher.next(Paired)).late


async def test_end_gives_up_what_waits_and_gaps_explain(regions: tuple[FakeAppSync, FakeAppSync]) -> None:
    oregon, sydney = regions
    watch = Watch(profile_of(*regions), ["tech"], options=QUICK)
    async with watching(watch) as watcher:
        sydney.drop_all()
        await oregon.broadcast(oregon.message("1"))
        await watcher.next(
            FromRegion, lambda each: each.alias == "sydney" and isinstance(each.event, GapRecorded)
        )
    assert (await watcher.next(Unpaired)).missing == ("sydney",)


async def test_slow_listener_learns_what_it_missed(regions: tuple[FakeAppSync, FakeAppSync]) -> None:
    oregon = regions[0]
    watch = Watch(profile_of(*regions), ["tech"], options=quick(buffer=20))
    async with watching(watch) as watcher:
        for number in range(100):
            for server in regions:
                await server.broadcast(oregon.message(str(number), text=str(number)))
        await watcher.next(FromRegion, lambda each: "text='99'" in repr(each))
        assert (await watcher.next(WatchSkipped)).count > 0


async def test_slow_listener_of_large_messages_learns_what_it_missed(
    regions: tuple[FakeAppSync, FakeAppSync],
) -> None:
    oregon = regions[0]
    watch = Watch(profile_of(*regions), ["tech"], options=quick(buffer_bytes=30_000))
    async with watching(watch) as watcher:
        for number in range(20):
            for server in regions:
                await server.broadcast(oregon.message(str(number), text=f"{number} {'x' * 5_000}"))
        await watcher.next(FromRegion, lambda each: "text='19 " in repr(each))
        assert (await watcher.next(WatchSkipped)).count > 0


async def test_cancelling_ends_every_session(regions: tuple[FakeAppSync, FakeAppSync]) -> None:
    watch = Watch(profile_of(*regions), options=QUICK)
    run = asyncio.create_task(watch.run())
    for server in regions:
        await server.subscribed("tech")
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    for server in regions:
        await server.until(lambda server=server: server.open_now == 0)  # type: ignore[misc]
    while await watch.next_events():
        pass


async def test_closing_before_running_ends_the_events(regions: tuple[FakeAppSync, FakeAppSync]) -> None:
    watch = Watch(profile_of(*regions), options=QUICK)
    watch.close()
    while await watch.next_events():
        pass
    await watch.run()
    assert [region.opened for region in regions] == [0, 0]


def test_unknown_region_is_refused() -> None:
    with pytest.raises(ProfileError):
        Watch(profile_of(FakeAppSync()), regions=["mars"])


async def test_follows_a_region_that_moved_while_the_other_stays(
    regions: tuple[FakeAppSync, FakeAppSync],
) -> None:
    oregon, sydney = regions
    async with FakeAppSync() as moved:
        places = [oregon, sydney]

        async def reload() -> Profile:
            return profile_of(*places)

        options = quick(backoff_base=600.0, backoff_cap=600.0)
        watch = Watch(profile_of(*regions), ["tech"], options=options, reload=reload)
        async with watching(watch) as watcher:
            places[0] = moved
            oregon.on_init = "close"
            oregon.drop_all()
            await watcher.next(FromRegion, lambda each: each.alias == "oregon" and is_down(each))
            watch.retry_now()
            await watcher.next(FromRegion, lambda each: is_live(each, "oregon"))
        assert (moved.opened, sydney.opened) == (1, 1)


def is_down(found: FromRegion) -> bool:
    return isinstance(found.event, StateChanged) and found.event.state.phase is Phase.RETRYING

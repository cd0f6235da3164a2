"""What EventBridge has accepted survives the end of its process, at whatever moment that comes."""

import asyncio
import random
import shutil
import sqlite3
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from globalchat.core.errors import UserError
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.events.deliveries import DeliveryInterceptor, Failure, Route
from globalchat.localcloud.events.envelope import Event
from globalchat.localcloud.events.event_bridge import RedriveResult
from globalchat.localcloud.events.event_store import EventStore, count_events
from globalchat.localcloud.events.records import EventDelivery
from globalchat.localcloud.interfaces import Invocation, InvocationRefused
from tests.localcloud.helpers.eventbridge_fakes import Call, FakeInterceptor
from tests.localcloud.helpers.eventbridge_harness import PARTITION, World
from tests.localcloud.helpers.small_backend import OREGON, SYDNEY, Backend, target

NO_HOP = Failure("NO_PERMISSIONS", "not across")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.sqlite"


def open_store(path: Path) -> EventStore:
    return EventStore(path, asyncio.get_running_loop().call_soon)


@asynccontextmanager
async def world_on(path: Path, interceptor: DeliveryInterceptor | None = None) -> AsyncIterator[World]:
    """EventBridge on a file, open."""
    with closing(open_store(path)) as store:
        world = World(interceptor=interceptor, store=store)
        async with world.bridge:
            yield world


def refuse(_: Call) -> Invocation:
    raise InvocationRefused("NO_PERMISSIONS", "not this role")


async def test_what_is_delivered_at_once_is_never_written(path: Path) -> None:
    written: list[str] = []
    async with world_on(path) as world:
        connection: sqlite3.Connection = world.bridge._store._connection  # type: ignore[union-attr]
        connection.set_trace_callback(written.append)
        for number in range(5):
            (result,) = await world.put({"id": str(number)})
            assert result.event_id
        await world.bridge.settled()
        connection.set_trace_callback(None)
    assert len(world.appsync.calls) == 10
    assert written == []
    assert count_events(path) == 0


async def test_events_that_follow_each_other_are_committed_together(path: Path) -> None:
    turns: list[Callable[[], None]] = []
    commits: list[int] = []

    def pass_by() -> None:
        due = turns[:]
        turns.clear()
        for function in due:
            function()

    event = Event({"id": "1"}, 0.0)
    with closing(EventStore(path, turns.append, lambda: commits.append(len(turns)))) as store:
        # Alone it waits for nothing more.
        store.add(EventDelivery(event, "rule", "target", is_over=True))
        for _ in range(3):
            pass_by()
        assert len(commits) == 1
        assert not turns
        for _ in range(20):
            store.add(EventDelivery(event, "rule", "target", is_over=True))
            pass_by()
        while turns:
            pass_by()
        # Each waits for at most seven turns, so four commits have to do for twenty turns.
        assert 1 + 20 / 7 <= len(commits) <= 1 + 5


@pytest.mark.parametrize("passed", range(8))
async def test_what_is_written_at_once_does_not_hold_up_what_comes_later(path: Path, passed: int) -> None:
    """Write at once in each of the turns for which changes wait, and accept more afterwards."""
    event = Event({"id": "1"}, 0.0)
    with closing(open_store(path)) as store:
        store.add(EventDelivery(event, "rule", "target"))
        for _ in range(passed):
            await asyncio.sleep(0)
            store.add(EventDelivery(event, "rule", "target"))
        called: list[int] = []
        store.call_when_written(lambda: called.append(len(rows(path))))
        store.write_now()
        assert called == [passed + 1]
        store.add(EventDelivery(event, "rule", "target"))
        async with asyncio.timeout(60):
            await store.written()
        assert len(rows(path)) == passed + 2


async def test_what_hangs_is_in_the_file_once_it_is_accepted(path: Path) -> None:
    async with world_on(path) as world:
        world.appsync.gate = asyncio.Event()
        (result,) = await world.put({"id": "1"})
        # The two broadcasts: the relay is over.
        assert rows(path) == [(result.event_id, 0), (None, 1)]
    assert world.appsync.calls == []
    async with world_on(path) as again:
        await again.bridge.settled()
        assert again.appsync.received(OREGON) == again.appsync.received(SYDNEY) == [{"id": "1"}]
    assert count_events(path) == 0


@pytest.mark.parametrize("at_once", [False, True])
async def test_a_callback_comes_after_what_was_accepted_before_is_in_the_file(
    path: Path, at_once: bool
) -> None:
    async with world_on(path) as world:
        world.appsync.gate = asyncio.Event()
        store = world.bridge._store
        assert store is not None
        putting = asyncio.create_task(world.put({"id": "1"}))
        await asyncio.sleep(0)
        seen: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        store.call_when_written(lambda: seen.set_result(len(rows(path))))
        if at_once:
            store.write_now()
            assert seen.done()
        assert await seen >= 1
        await putting
        assert len(rows(path)) == 2


def rows(path: Path) -> list[tuple[str | None, int]]:
    """The deliveries of a file that is in use: the id of those that were not relayed, and retries."""
    copy = copied(path, path.with_name("copy"))
    with closing(sqlite3.connect(copy)) as connection:
        found = connection.execute(
            "SELECT json_extract(event, '$.id'), forwarded FROM deliveries ORDER BY number"
        ).fetchall()
    return [(None if forwarded else event_id, forwarded) for event_id, forwarded in found]


def copied(path: Path, folder: Path) -> Path:
    """Copy the file as a process that is killed now would leave it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for each in path.parent.glob(f"{path.name}*"):
        shutil.copy(each, folder)
    return folder / path.name


async def test_retries_go_on_with_their_number_and_age(path: Path) -> None:
    naps = asyncio.Event()

    async def sleep_for_ever(_: float) -> None:
        naps.set()
        await asyncio.Event().wait()

    with closing(open_store(path)) as store:
        world = World(interceptor=FakeInterceptor(failures=[PARTITION]), sleep=sleep_for_ever, store=store)
        async with world.bridge:
            await world.put({"id": "1"})
            await naps.wait()
    # A relay gives an event up after a day: that it lay in the file for longer counts.
    with closing(open_store(path)) as store:
        (delivery,) = store.deliveries
        assert delivery.retries == 1
        again = World(interceptor=FakeInterceptor(failures=[PARTITION] * 9), store=store)
        again.time.now += 90_000
        async with again.bridge:
            await again.bridge.settled()
        ((_, attributes),) = again.dead_letters("oregon-relay")
        assert attributes["RETRY_ATTEMPTS"] == "1"
        assert attributes["EXHAUSTED_RETRY_CONDITION"] == "MaximumEventAgeInSeconds"
        assert again.count("Relay") == {
            "Invocations": 1,
            "RetryInvocationAttempts": 1,
            "FailedInvocations": 1,
            "InvocationsSentToDlq": 1,
        }


@pytest.mark.parametrize("passed", [0.0, 100.0, 1_000.0])
async def test_a_delayed_event_waits_for_the_rest_of_its_time(path: Path, passed: float) -> None:
    async def sleep_for_ever(_: float) -> None:
        await asyncio.Event().wait()

    with closing(open_store(path)) as store:
        world = World(interceptor=FakeInterceptor(delays=(300.0,)), sleep=sleep_for_ever, store=store)
        async with world.bridge:
            await world.put({"id": "1"})
    with closing(open_store(path)) as store:
        again = World(store=store)
        again.time.now += passed
        async with again.bridge:
            await again.bridge.settled()
        assert again.appsync.received(SYDNEY) == [{"id": "1"}]
        assert sum(again.time.naps) == max(0.0, 300.0 - passed)


async def test_dead_letters_survive_and_leave_when_they_are_redriven(path: Path) -> None:
    async with world_on(path) as world:
        world.appsync.answer = refuse
        await world.put({"id": "1"}, {"id": "2"})
        await world.bridge.settled()
        kept = world.dead_letters("api")
        assert len(kept) == 4
    assert count_events(path) == 4
    async with world_on(path) as again:
        assert again.dead_letters("api") == kept
        letters = [letter for found in again.bridge.dead_letters.values() for letter in found]
        assert len({letter.number for letter in letters}) == 4
        again.appsync.answer = refuse
        await again.put({"id": "3"}, region=1)
        await again.bridge.settled()
        assert len(again.dead_letters("api")) == 6
        again.appsync.answer = lambda _: Invocation({"data": {}})
        assert await again.bridge.redrive() == RedriveResult(delivered=6, failed=0)
    assert count_events(path) == 0


async def test_a_restart_keeps_the_order_of_what_was_not_delivered(path: Path) -> None:
    numbers: list[JSON] = [{"id": str(number)} for number in range(30)]
    async with world_on(path) as world:
        world.appsync.gate = asyncio.Event()
        for number in numbers:
            await world.put(number)
    async with world_on(path) as again:
        await again.put({"id": "later"})
        await again.bridge.settled()
        assert again.appsync.received(OREGON) == [*numbers, {"id": "later"}]


class Chance:
    """Fails, delays and copies deliveries by chance."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def plan_copies(self, route: Route, event: Event) -> list[float]:
        return self._rng.choice([[0.0], [0.0], [0.5], [0.0, 2.0]])

    def failure_for(self, route: Route) -> Failure | None:
        return self._rng.choice([None, None, None, PARTITION, NO_HOP])


@pytest.mark.parametrize("seed", range(4))
async def test_whenever_the_process_is_killed_nothing_that_was_accepted_is_lost(
    tmp_path: Path, path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    accepted: set[str] = set()
    delivered: set[tuple[str, str]] = set()
    deaths: list[tuple[Path, set[str], set[tuple[str, str]]]] = []

    def may_die_here() -> None:
        if rng.random() < 0.3:
            deaths.append((copied(path, tmp_path / f"death-{len(deaths)}"), set(accepted), set(delivered)))

    def take(call: Call) -> Invocation:
        delivered.add((OREGON if OREGON in call.endpoint_arn else SYDNEY, str(call.variables["id"])))
        may_die_here()
        return Invocation({"data": {}})

    async def put(world: World, number: int) -> None:
        await world.put({"id": str(number)}, region=number % 2)
        accepted.add(str(number))
        may_die_here()

    async with world_on(path, Chance(rng)) as world:
        world.appsync.answer = take
        async with asyncio.TaskGroup() as tasks:
            for number in range(40):
                tasks.create_task(put(world, number))
                for _ in range(rng.choice([0, 0, 1, 3])):
                    await asyncio.sleep(0)
                    may_die_here()
        await world.bridge.settled()
        may_die_here()
    assert len(deaths) > 20
    for file, known, before in deaths:
        async with world_on(file) as again:
            again.appsync.answer = reached(after := set(before))
            await again.bridge.settled()
            while (await again.bridge.redrive()).delivered:
                await again.bridge.settled()
        lacking = {(region, each) for each in known for region in (OREGON, SYDNEY)} - after
        assert not lacking


def reached(found: set[tuple[str, str]]) -> Callable[[Call], Invocation]:
    """Return an AppSync that records what reaches which region."""

    def take(call: Call) -> Invocation:
        found.add((OREGON if OREGON in call.endpoint_arn else SYDNEY, str(call.variables["id"])))
        return Invocation({"data": {}})

    return take


async def test_a_full_disk_refuses_events_until_there_is_room(path: Path) -> None:
    async with world_on(path) as world:
        world.appsync.gate = asyncio.Event()
        connection: sqlite3.Connection = world.bridge._store._connection  # type: ignore[union-attr]
        connection.execute("PRAGMA query_only = ON")
        (result,) = await world.put({"id": "1"})
        assert (result.event_id, result.error_code) == (None, "InternalException")
        assert "cannot keep events" in (result.error_message or "")
        connection.execute("PRAGMA query_only = OFF")
        (result,) = await world.put({"id": "2"})
        assert result.event_id
    # The first was refused, but is under way: it is delivered at least once, as on AWS.
    async with world_on(path) as again:
        await again.bridge.settled()
        assert again.appsync.received(SYDNEY) == [{"id": "1"}, {"id": "2"}]


async def test_what_other_templates_deliver_stays_for_a_day(path: Path) -> None:
    async with world_on(path) as world:
        world.appsync.gate = asyncio.Event()
        await world.put({"id": "1"})
    backend = Backend()
    for template in (backend.oregon_api, backend.sydney_api):
        target(template, "Broadcast")["Id"] = "Other"
    deployment = backend.provision()
    for age, left in ((3_600, 2), (90_000, 0)):
        with closing(open_store(path)) as store:
            other = World(deployment, store=store)
            other.time.now += age
            async with other.bridge:
                await other.bridge.settled()
            assert other.appsync.calls == []
        assert count_events(path) == left


@pytest.fixture
def public(path: Path) -> Path:
    """A file that everyone may read."""
    path.touch(0o644)
    return path


async def test_only_the_owner_reads_the_file_and_only_one_process_opens_it(public: Path) -> None:
    with closing(open_store(public)) as store:
        assert store.set_aside is None
        assert {stat.S_IMODE(each.stat().st_mode) for each in public.parent.iterdir()} == {0o600}
        with pytest.raises(UserError, match="Another process uses"):
            open_store(public)


def garbage(path: Path) -> None:
    path.write_bytes(b"not a database, but long enough to be looked at" * 100)


def odd_event(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO deliveries VALUES (1, 'r', 't', '[1]', 0, 0, 0, 0)")
        connection.commit()


def lost_table(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE dead_letters")


@pytest.mark.parametrize("damage", [garbage, odd_event, lost_table])
async def test_a_damaged_file_is_set_aside(path: Path, damage: Callable[[Path], None]) -> None:
    open_store(path).close()
    damage(path)
    async with world_on(path) as world:
        assert world.bridge._store is not None
        assert world.bridge._store.set_aside == path.with_name("events.sqlite.damaged-1")
        world.appsync.gate = asyncio.Event()
        await world.put({"id": "1"})
    assert count_events(path) == 2


async def test_a_missing_file_holds_nothing(path: Path) -> None:
    assert count_events(path) == 0

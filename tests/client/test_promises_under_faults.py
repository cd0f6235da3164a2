"""What the session promises under every fault: nothing lost, nothing doubled, nothing left behind.

The cloud and some of the clients are processes of their own, killed with SIGKILL.
"""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from globalchat.client import profiles
from globalchat.client.events import GapReason, MessageReceived, SessionEvent
from globalchat.client.options import SessionOptions
from globalchat.client.outbox.store import FILE
from globalchat.client.session import Session
from globalchat.client.state import Phase
from globalchat.core.clock import now_ms
from tests.client.helpers.killable_processes import HERE, Cloud, Reader, kill, line, python
from tests.client.helpers.session_crowd import Crowd, Member
from tests.client.helpers.session_driver import quick

log = logging.getLogger(__name__)

CHANNELS = ("cars", "robots", "tech", "music", "media")
OPTIONS: SessionOptions = quick(
    stable_after=0.2,
    overlap=0.5,
    ping_interval=1.0,
    drain_timeout=5.0,
    sleep_check=0.1,
    buffer=1_000_000,
    outgoing=20_000,
    fill_limit=20_000,
    history_interval=30.0,
)


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[Cloud]:
    state = tmp_path / "cloud"
    state.mkdir()
    cloud = Cloud(seed=4, state=state)
    await cloud.start()
    yield cloud
    await cloud.kill()


class SleeperClock:
    """The wall clock of a machine that slept for `slept` ms."""

    def __init__(self) -> None:
        self.slept = 0

    def __call__(self) -> int:
        return now_ms() + self.slept


class Talk:
    """Who says what: `share` messages of each phase, spread over sessions and channels."""

    def __init__(self, crowd: Crowd) -> None:
        self.said = 0
        self._crowd = crowd

    def say(self, count: int) -> None:
        for _ in range(count):
            member = self._crowd.members[self.said % len(self._crowd.members)]
            channel = CHANNELS[self.said // len(self._crowd.members) % len(CHANNELS)]
            member.session.send(channel, f"message {self.said}")
            self.said += 1


@pytest.fixture
async def reader(cloud: Cloud, tmp_path: Path) -> AsyncIterator[Reader]:
    profiles.save(cloud.profile, tmp_path / "config")
    reader = Reader(tmp_path / "config", tmp_path / "history", CHANNELS)
    await reader.start()
    yield reader
    await reader.kill()


@pytest.mark.parametrize("messages", [300, pytest.param(10_000, marks=pytest.mark.soak)])
async def test_every_accepted_message_arrives_once(
    cloud: Cloud,
    reader: Reader,
    tmp_path: Path,
    messages: int,
    record_property: Callable[[str, object], None],
) -> None:
    clock = SleeperClock()
    outbox = tmp_path / "outbox"
    sessions = [
        Session(
            cloud.profile,
            alias,
            channels=CHANNELS,
            sender=f"{alias} {n}",
            options=OPTIONS,
            outbox=outbox,
            history=tmp_path / "history",
            clock=clock if n else now_ms,
        )
        for alias in ("oregon", "sydney")
        for n in range(2)
    ]
    async with Crowd(sessions) as crowd:
        talk = Talk(crowd)
        await crowd.live()
        await disturbed_deliveries_and_sockets(cloud, crowd, talk, messages // 6)
        await readers_that_are_away(cloud, crowd, talk, messages // 6, reader=reader, clock=clock)
        await partition_and_failing_history(cloud, crowd, talk, messages // 6)
        await a_killed_cloud(cloud, crowd, talk, messages // 6)
        await a_silent_region_and_one_that_is_down(cloud, crowd, talk, messages // 6)
        await switches_in_traffic(cloud, crowd, talk, messages // 12)
        await cloud.kill()
        await cloud.start(backoff=0.005)
        await crowd.live()
        dead = await dead_letters(cloud, crowd, talk, messages - talk.said)
        await everything_arrived(crowd, cloud)
        await reader.has_received({f"message {number}" for number in range(talk.said)})
    account(crowd, talk, record_property)
    account_of_lives(reader, talk, record_property)
    record_property("dead letters", dead)
    assert left_in(outbox) == 0


async def disturbed_deliveries_and_sockets(cloud: Cloud, crowd: Crowd, talk: Talk, messages: int) -> None:
    await cloud.set("duplicate=30%", "reorder=30%", "relay-delay=5ms..50ms")
    for region in ("oregon", "sydney", None):
        talk.say(messages // 6)
        await cloud.set("drop-sockets", region=region)
        talk.say(messages // 6)
        await crowd.delivered()
        await crowd.live()


async def readers_that_are_away(
    cloud: Cloud, crowd: Crowd, talk: Talk, messages: int, *, reader: Reader, clock: SleeperClock
) -> None:
    """One reader is killed in traffic and started later, then stopped for a while; two machines sleep."""
    talk.say(messages // 3)
    await reader.kill()
    talk.say(messages // 3)
    await crowd.delivered()
    await reader.start()
    reader.stop()
    clock.slept = 3_600_000
    talk.say(messages // 3)
    await cloud.set("drop-sockets", region="oregon")
    await crowd.delivered()
    reader.go_on()
    await crowd.live()


async def partition_and_failing_history(cloud: Cloud, crowd: Crowd, talk: Talk, messages: int) -> None:
    await cloud.set("relay-partition", "history-slow=20ms")
    talk.say(messages // 2)
    await cloud.set("drop-sockets")
    await crowd.delivered()
    await cloud.clear()
    # On a busy machine the partition may last longer than all retries.
    if await cloud.settle():
        assert await cloud.redrive() == 0
    await crowd.live()
    talk.say(messages - messages // 2)
    await crowd.delivered()
    assert await cloud.settle() == 0
    # What is stored by now is read in spite of failures; a put that fails would be one of the exceptions.
    await cloud.set("history-failing=70%")
    await cloud.set("drop-sockets")
    await crowd.live()
    await everything_arrived(crowd, cloud)
    await cloud.clear()


async def a_killed_cloud(cloud: Cloud, crowd: Crowd, talk: Talk, messages: int) -> None:
    """The cloud is killed with relays that it has accepted and not delivered."""
    await cloud.set("relay-delay=200ms")
    talk.say(messages // 2)
    await crowd.delivered()
    await cloud.kill()
    talk.say(messages - messages // 2)
    await cloud.start()
    await crowd.delivered()
    await crowd.live()


async def a_silent_region_and_one_that_is_down(cloud: Cloud, crowd: Crowd, talk: Talk, messages: int) -> None:
    for fault in ("half-open", "region-down"):
        noticed = losses_in(crowd, "sydney")
        await cloud.set(fault, region="sydney")
        talk.say(messages // 2)
        await crowd.until(noticed, f"noticed by everybody in Sydney: {fault}")
        await cloud.clear()
        await crowd.live()


async def switches_in_traffic(cloud: Cloud, crowd: Crowd, talk: Talk, messages: int) -> None:
    first, other = crowd.members[0].session, crowd.members[2].session
    first.switch("sydney")
    other.switch("oregon")
    talk.say(messages)
    await switched(crowd, first, "sydney")
    await switched(crowd, other, "oregon")
    await crowd.delivered()


async def dead_letters(cloud: Cloud, crowd: Crowd, talk: Talk, messages: int) -> int:
    """Relays that fail until they are dead letters, and are delivered again; how many they were."""
    await cloud.set("relay-partition")
    talk.say(messages)
    await crowd.delivered()
    dead = await cloud.settle()
    assert dead > 0
    await cloud.clear()
    assert await cloud.redrive() == 0
    assert await cloud.settle() == 0
    return dead


async def switched(crowd: Crowd, session: Session, region: str) -> None:
    """Wait until a session is live in a region; ask again where it gave up, as it may on a busy machine."""

    def is_decided() -> bool:
        state = session.state
        return state.phase is Phase.LIVE and state.switching_to is None

    while session.state.region != region or session.state.phase is not Phase.LIVE:
        session.switch(region)
        await asyncio.sleep(0)
        await crowd.until(is_decided, "switched")


def losses_in(crowd: Crowd, region: str) -> Callable[[], bool]:
    """A condition: every member in a region has lost its socket once more."""
    before = {id(each): each.losses for each in crowd.members if each.session.state.region == region}
    assert before
    return lambda: all(each.losses > before.get(id(each), -1) for each in crowd.members)


async def everything_arrived(crowd: Crowd, cloud: Cloud) -> None:
    """Wait until every member has every accepted message."""
    accepted = {id_: event for member in crowd.members for id_, event in member.accepted.items()}

    def lacking() -> list[tuple[str, str]]:
        return [
            (member.session.state.region, id_)
            for member in crowd.members
            for id_ in accepted.keys() - member.received.keys()
        ]

    try:
        await crowd.until(lambda: not lacking(), "arrived")
    except AssertionError as error:
        # Stored, it is the session that has not read it; else it is the cloud that has lost it.
        found = [(region, accepted[id_], cloud.stored(id_)) for region, id_ in lacking()]
        raise AssertionError(f"{error}; they lack (and stored is): {found}") from None


def account(crowd: Crowd, talk: Talk, record_property: Callable[[str, object], None]) -> None:
    """Compare what was accepted with what each session got."""
    accepted = {id_: event for member in crowd.members for id_, event in member.accepted.items()}
    for member in crowd.members:
        assert not member.troubles, member.troubles[:3]
        assert not member.failures
        assert not member.conflicts
        assert set(member.received.values()) == {1}, "doubled"
        assert set(member.received) == set(accepted), "lost, or from nowhere"
        assert {gap.reason for gap in member.gaps} <= {GapReason.UNREACHABLE}
    assert len(accepted) == talk.said, "lost before it was accepted"
    figures = {
        "accepted": len(accepted),
        "subscribers": len(crowd.members),
        "delivered": sum(len(member.received) for member in crowd.members),
        "of these filled": sum(member.filled for member in crowd.members),
        "duplicates dropped": sum(member.session.duplicates for member in crowd.members),
        "losses": sum(member.losses for member in crowd.members),
        "gaps": sum(len(member.gaps) for member in crowd.members),
    }
    assert figures["delivered"] == figures["accepted"] * figures["subscribers"]
    assert figures["of these filled"] > 0
    assert figures["duplicates dropped"] > 0
    assert figures["losses"] > 8
    for name, figure in figures.items():
        record_property(name, figure)
    log.info("%s", figures)


def account_of_lives(reader: Reader, talk: Talk, record_property: Callable[[str, object], None]) -> None:
    """Check that every text was received, each once in a life."""
    assert set(reader.received) == {f"message {number}" for number in range(talk.said)}
    assert all(set(life.values()) == {1} for life in reader.lives)
    # A message that was received in the moment before SIGKILL may be shown once more.
    again = sum(reader.received.values()) - talk.said
    assert again <= talk.said // 10
    record_property("shown again after SIGKILL", again)


def left_in(outbox: Path) -> int:
    """Return how many drafts the outbox on disk still holds."""
    with closing(sqlite3.connect(outbox / FILE)) as database:
        (count,) = database.execute("SELECT count(*) FROM drafts").fetchone()
    assert isinstance(count, int)
    return count


@pytest.mark.parametrize("messages", [60, pytest.param(1_000, marks=pytest.mark.soak)])
async def test_killed_client_sends_what_it_had_when_it_is_started_again(
    cloud: Cloud, tmp_path: Path, messages: int
) -> None:
    config, outbox = tmp_path / "config", tmp_path / "outbox"
    profiles.save(cloud.profile, config)
    writer = [str(HERE / "writer_process.py"), str(config), str(outbox)]
    reader = Session(cloud.profile, "sydney", channels=["tech"], options=OPTIONS)
    async with Crowd([reader]) as crowd:
        await crowd.live()
        texts: list[str] = []
        (member,) = crowd.members
        take = Member.take.__get__(member)

        def note(event: SessionEvent) -> None:
            take(event)
            if isinstance(event, MessageReceived):
                texts.append(event.message.text)

        member.take = note  # type: ignore[method-assign]
        async with python(*writer, str(messages), "draft ") as killed:
            assert await line(killed) == "queued"
            assert await line(killed) == "accepted"
            await kill(killed)
        async with python(*writer, "0", "") as restarted:
            while await line(restarted) != "empty":
                pass
        assert await cloud.settle() == 0
        await crowd.until(lambda: len(member.received) >= messages, "all arrived")
        assert sorted(texts) == sorted(f"draft {number}" for number in range(messages))
        assert not member.gaps
    assert left_in(outbox) == 0

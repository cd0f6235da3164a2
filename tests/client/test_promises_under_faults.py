"""What the session promises under every fault: nothing lost, nothing doubled, nothing left behind.

The cloud and one of the clients are processes of their own, killed with SIGKILL.
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
from tests.client.helpers.killable_processes import HERE, Cloud, kill, line, python
from tests.client.helpers.session_crowd import Crowd, Member
from tests.client.helpers.session_driver import quick

log = logging.getLogger(__name__)

CHANNELS = ("cars", "robots", "tech", "music", "media")
OPTIONS: SessionOptions = quick(
    stable_after=0.2,
    overlap=0.5,
    ping_interval=1.0,
    drain_timeout=5.0,
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


@pytest.mark.parametrize("messages", [300, pytest.param(10_000, marks=pytest.mark.soak)])
async def test_every_accepted_message_arrives_once(
    cloud: Cloud, tmp_path: Path, messages: int, record_property: Callable[[str, object], None]
) -> None:
    share = messages // 12
    outbox = tmp_path / "outbox"
    sessions = [
        Session(
            cloud.profile, alias, channels=CHANNELS, sender=f"{alias} {n}", options=OPTIONS, outbox=outbox
        )
        for alias in ("oregon", "sydney")
        for n in range(2)
    ]
    async with Crowd(sessions) as crowd:
        talk = Talk(crowd)
        await crowd.live()

        await cloud.set("duplicate=30%", "reorder=30%", "relay-delay=5ms..50ms")
        talk.say(2 * share)
        await crowd.delivered()

        for region in ("oregon", "sydney", None):
            talk.say(share // 2)
            await cloud.set("drop-sockets", region=region)
            talk.say(share // 6)
            await crowd.delivered()
            await crowd.live()

        await cloud.set("relay-partition")
        talk.say(2 * share)
        await crowd.delivered()
        await cloud.clear()
        assert await cloud.settle() == 0

        talk.say(share)
        await cloud.kill()
        talk.say(share)
        await cloud.start()
        await crowd.delivered()
        await crowd.live()

        noticed = losses_in(crowd, "sydney")
        await cloud.set("half-open", region="sydney")
        talk.say(share)
        await crowd.until(noticed, "noticed by everybody in sydney")
        await cloud.clear()
        await crowd.live()

        noticed = losses_in(crowd, "sydney")
        await cloud.set("region-down", region="sydney")
        talk.say(share)
        await crowd.until(noticed, "noticed by everybody in sydney")
        await cloud.clear()
        await crowd.live()

        sessions[0].switch("sydney")
        sessions[2].switch("oregon")
        talk.say(messages - talk.said)
        await switched(crowd, sessions[0], "sydney")
        await crowd.delivered()
        await crowd.live()
        assert await cloud.settle() == 0
        await everything_arrived(crowd)
    account(crowd, talk, record_property)
    assert left_in(outbox) == 0


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


async def everything_arrived(crowd: Crowd) -> None:
    """Wait until every member has every accepted message."""
    accepted = {id_ for member in crowd.members for id_ in member.accepted}
    await crowd.until(lambda: all(accepted <= set(member.received) for member in crowd.members), "arrived")


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

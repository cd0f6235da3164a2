"""A session led through random troubles: whatever comes, it ends live, honest and whole."""

import asyncio
from contextlib import suppress
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from globalchat.client.events import DraftAccepted, GapRecorded, StateChanged
from globalchat.client.session import Session
from globalchat.client.state import LEGAL, Phase
from tests.client.helpers.fake_appsync import FakeAppSync, Socket, profile_of
from tests.client.helpers.session_driver import WAIT_LIMIT, Driver, quick, running

TROUBLES = (
    "drop",
    "close",
    "revoke",
    "rejoin",
    "stop",
    "start",
    "expire",
    "renew",
    "oregon",
    "sydney",
    "join",
    "leave",
    "again",
    "say",
    "yield",
)
OPTIONS = quick(
    suspend_after=0.02,
    suspend_interval=0.02,
    fail_over_attempts=1,
    overlap=0.01,
    backoff_cap=0.02,
    publish_anyway_after=0.02,
)


class World:
    """Two fake regions and a session, and what may happen to them."""

    def __init__(self, oregon: FakeAppSync, sydney: FakeAppSync, session: Session) -> None:
        self.oregon = oregon
        self.sydney = sydney
        self.session = session
        self.up = True
        self.said: list[str] = []
        self.doomed: set[Socket] = set()

    async def suffer(self, trouble: str) -> None:
        oregon, session = self.oregon, self.session
        if trouble in ("drop", "close", "stop"):
            self.doomed.update(oregon.sockets)
        match trouble:
            case "drop":
                oregon.drop_all()
            case "close":
                for socket in list(oregon.sockets):
                    await socket.ws.close()
            case "revoke":
                for region in (oregon, self.sydney):
                    self.doomed.update(each for each in region.sockets if "tech" in each.starts.values())
                    with suppress(ConnectionError):  # of a socket that was dropped before
                        await region.revoke("tech")
            case "rejoin":
                session.join("tech")
            case "stop" if self.up:
                self.up = False
                await oregon.stop()
            case "start":
                await self.restart()
            case "expire":
                oregon.key = "da2-another"
            case "renew":
                oregon.key = oregon.endpoint.api_key
            case "oregon" | "sydney":
                session.switch(trouble)
            case "join":
                session.join("cars")
            case "leave":
                session.leave("cars")
            case "again":
                session.retry_now()
            case "say":
                self.said.append(session.send("robots", f"text {len(self.said)}").id)
            case _:
                for _ in range(20):
                    await asyncio.sleep(0)

    async def restart(self) -> None:
        if not self.up:
            self.up = True
            await self.oregon.start()

    async def heal(self) -> None:
        await self.restart()
        self.oregon.key = self.oregon.endpoint.api_key
        self.session.join("tech")
        self.session.retry_now()


async def whole(chat: Driver, world: World) -> None:
    """Wait until the session is live, with everything confirmed on a socket that nothing happened to."""
    session = world.session

    def is_whole() -> bool:
        state = session.state
        region = world.oregon if state.region == "oregon" else world.sydney
        sockets = [each for each in region.sockets if each not in world.doomed]
        return (
            state.phase is Phase.LIVE
            and not state.joining
            and state.switching_to is None
            and state.missing_since is None
            and "tech" in session.channels
            and any(set(session.channels) <= set(each.starts.values()) for each in sockets)
        )

    async with asyncio.timeout(WAIT_LIMIT), chat._grew:
        while not is_whole():
            if session.state.phase is Phase.FAILED:
                session.retry_now()  # it failed before the key was renewed
            if session.state.revoked:
                session.join("tech")  # its event came after the healing
            await chat._grew.wait()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(TROUBLES), max_size=14))
def test_random_troubles_end_well(troubles: list[str]) -> None:
    asyncio.run(walk(troubles))


async def walk(troubles: list[str]) -> None:
    async with FakeAppSync() as oregon, FakeAppSync("sydney", "ap-southeast-2") as sydney:
        session = Session(
            profile_of(oregon, sydney), "oregon", channels=["tech", "robots", "cars"], options=OPTIONS
        )
        async with running(session) as chat:
            world = World(oregon, sydney, session)
            await chat.phase(Phase.LIVE)
            for trouble in troubles:
                await world.suffer(trouble)
            await world.heal()
            await whole(chat, world)
            last = session.send("robots", "the end")
            await chat.next(DraftAccepted, lambda event: event.draft == last)
        check(chat)


def check(chat: Driver) -> None:
    """Every state that was shown follows the one before, and says what it must."""
    states: list[Any] = [event.state for event in chat.of(StateChanged)]
    phases = [Phase.IDLE, *(state.phase for state in states)]
    for old, new in pairwise(phases):
        assert new is old or new in LEGAL[old]
    for state in states:
        if state.phase in (Phase.RETRYING, Phase.SUSPENDED):
            assert state.attempt
            assert state.next_try_at
        if state.phase in (Phase.RETRYING, Phase.SUSPENDED, Phase.FAILED):
            assert state.reason
        assert state.fail_over_to != state.region
    losses = sum(
        old.phase is Phase.LIVE and new.phase in (Phase.RETRYING, Phase.FAILED)
        for old, new in pairwise(states)
    )
    assert not losses or chat.of(GapRecorded)
    assert all(gap.since <= gap.until for gap in chat.gaps)

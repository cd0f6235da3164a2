"""Several sessions that talk and listen, and the account of what each of them got."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from globalchat.client.events import (
    DraftAccepted,
    DraftHeld,
    DraftRefused,
    DraftUnsent,
    EventsSkipped,
    GapRecorded,
    MessageReceived,
    SessionEvent,
    StateChanged,
)
from globalchat.client.session import Session
from globalchat.client.state import Phase


@dataclass
class Member:
    """A session and its events."""

    session: Session
    received: Counter[str] = field(default_factory=Counter)
    filled: int = 0
    conflicts: int = 0
    gaps: list[GapRecorded] = field(default_factory=list)
    accepted: dict[str, DraftAccepted] = field(default_factory=dict)
    troubles: list[SessionEvent] = field(default_factory=list)
    losses: int = 0
    was_live: bool = False
    failures: list[str] = field(default_factory=list)

    def take(self, event: SessionEvent) -> None:
        match event:
            case MessageReceived():
                self.received[event.message.id] += 1
                self.filled += event.filled
                self.conflicts += event.conflicting
            case GapRecorded():
                self.gaps.append(event)
            case DraftAccepted():
                assert event.draft.id not in self.accepted
                self.accepted[event.draft.id] = event
            case DraftRefused() | DraftUnsent() | DraftHeld() | EventsSkipped():
                self.troubles.append(event)
            case StateChanged():
                self.losses += self.was_live and event.state.phase not in (Phase.LIVE, Phase.CLOSED)
                self.was_live = event.state.phase is Phase.LIVE
                if event.state.phase is Phase.FAILED:
                    self.failures.append(str(event.state.reason))


class Crowd:
    """The members, and a way to wait for something about them."""

    def __init__(self, sessions: Iterable[Session]) -> None:
        self.members = [Member(session) for session in sessions]
        self._grew = asyncio.Condition()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Crowd":
        for member in self.members:
            self._tasks.append(asyncio.create_task(member.session.run()))
            self._tasks.append(asyncio.create_task(self._pump(member)))
        return self

    async def __aexit__(self, *exc: object) -> None:
        for member in self.members:
            member.session.close()
        await asyncio.gather(*self._tasks)

    async def until(self, condition: Callable[[], bool], what: str, limit: float = 180.0) -> None:
        try:
            async with asyncio.timeout(limit), self._grew:
                await self._grew.wait_for(condition)
        except TimeoutError:
            states = [member.session.state for member in self.members]
            raise AssertionError(f"never {what}; the sessions: {states}") from None

    async def live(self) -> None:
        await self.until(
            lambda: all(member.session.state.phase is Phase.LIVE for member in self.members), "all live"
        )

    async def delivered(self) -> None:
        """Wait until every draft is accepted."""
        await self.until(lambda: not any(member.session.waiting for member in self.members), "all accepted")

    async def _pump(self, member: Member) -> None:
        while events := await member.session.next_events():
            async with self._grew:
                for event in events:
                    member.take(event)
                self._grew.notify_all()

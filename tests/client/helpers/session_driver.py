"""Runs a session in a test and waits for what it says."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar

from globalchat.client.events import GapRecorded, MessageReceived, SessionEvent, StateChanged
from globalchat.client.options import SessionOptions
from globalchat.client.session import Session
from globalchat.client.state import Phase, SessionState

E = TypeVar("E")

WAIT_LIMIT = 15.0
"""Seconds after which a wait has failed: far more than even a busy machine needs."""

QUICK = SessionOptions(
    backoff_base=0.01,
    backoff_cap=0.05,
    publish_anyway_after=0.05,
    stable_after=0.0,
    regroup=0.01,
    connect_timeout=10.0,
    subscribe_timeout=10.0,
    http_timeout=10.0,
    close_timeout=0.2,
    overlap=0.05,
    drain_timeout=0.3,
    send_attempts=3,
    fill_jitter=0.0,
    fill_again_after=0.05,
)


def quick(**changes: object) -> SessionOptions:
    """Options with tiny waits, and these changes."""
    return replace(QUICK, **changes)  # type: ignore[arg-type]


class Driver:
    """What a running session said so far; each wait goes on where the last one found its event."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.events: list[SessionEvent] = []
        self._at = 0
        self._grew = asyncio.Condition()
        self.ended = False

    async def pump(self) -> None:
        while events := await self.session.next_events():
            async with self._grew:
                self.events += events
                self._grew.notify_all()
        async with self._grew:
            self.ended = True
            self._grew.notify_all()

    async def next(self, kind: type[E], where: Callable[[E], bool] = lambda _: True) -> E:
        """The next event of this kind for which `where` holds."""
        async with asyncio.timeout(WAIT_LIMIT), self._grew:
            while True:
                while self._at < len(self.events):
                    event = self.events[self._at]
                    self._at += 1
                    if isinstance(event, kind) and where(event):
                        return event
                assert not self.ended, f"the session ended; no {kind.__name__} in {self.events}"
                await self._grew.wait()

    def rewind(self) -> None:
        """Let the next wait start from the first event."""
        self._at = 0

    async def phase(self, phase: Phase) -> SessionState:
        return (await self.next(StateChanged, lambda event: event.state.phase is phase)).state

    async def text(self, text: str) -> MessageReceived:
        return await self.next(MessageReceived, lambda event: event.message.text == text)

    def of(self, kind: type[E]) -> list[E]:
        """All events of a kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def texts(self) -> list[str]:
        return [event.message.text for event in self.of(MessageReceived)]

    @property
    def gaps(self) -> list[GapRecorded]:
        return self.of(GapRecorded)


@asynccontextmanager
async def running(session: Session) -> AsyncIterator[Driver]:
    """A session that runs inside the block and is closed at its end, leaving no task or error behind."""
    before = asyncio.all_tasks()
    unhandled: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: unhandled.append(context))
    driver = Driver(session)
    run = asyncio.create_task(session.run())
    pump = asyncio.create_task(driver.pump())
    try:
        yield driver
    finally:
        session.close()
        async with asyncio.timeout(WAIT_LIMIT):
            await run
            await pump
        left = {task for task in asyncio.all_tasks() - before if "client/" in repr(task.get_coro())}
        assert not left, left
        assert session.state.phase is Phase.CLOSED
        gc.collect()  # an exception that was never retrieved is reported when its task is collected
        assert not unhandled, unhandled

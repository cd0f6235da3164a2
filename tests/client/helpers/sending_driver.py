"""Runs the sending of a session in a test: with an outbox and a scripted backend, without a socket."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import TypeVar

from globalchat.client.events import (
    SessionEvent,
)
from globalchat.client.messages import Draft, Message
from globalchat.client.options import SessionOptions
from globalchat.client.outbox.outbox import Outbox
from globalchat.client.state import Phase, SessionState
from globalchat.core.errors import Refused, Unreachable, UserError

E = TypeVar("E")

SLOW = SessionOptions(
    backoff_base=600.0, backoff_cap=600.0, publish_anyway_after=600.0, drain_timeout=5.0, draft_max_age=900.0
)
"""Nothing is retried automatically while a test runs."""
QUICK = replace(SLOW, backoff_base=0.001, backoff_cap=0.001, publish_anyway_after=0.001)


class Script:
    """A backend: each publish takes the next step of the script, and is accepted when that is at its end."""

    def __init__(self, *steps: UserError | asyncio.Event) -> None:
        self.steps = list(steps)
        self.tried: list[str] = []
        self.accepted: list[str] = []
        self.changed = asyncio.Event()

    async def publish(self, draft: Draft) -> Message:
        self.tried.append(draft.text)
        self.changed.set()
        step = self.steps.pop(0) if self.steps else None
        if isinstance(step, asyncio.Event):
            await step.wait()
        elif step is not None:
            raise step
        self.accepted.append(draft.text)
        return echo_of(draft)


def echo_of(draft: Draft) -> Message:
    return Message(draft.id, draft.channel, draft.text, draft.sender, "us-west-2", 7)


@dataclass(eq=False)
class Sending:
    """An outbox, and the events that it emitted."""

    folder: Path | None
    script: Script
    options: SessionOptions = SLOW
    now: int = 1_000
    events: list[SessionEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.grew = asyncio.Event()
        self.outbox = Outbox(
            self.folder,
            "local",
            publish=self.script.publish,
            emit=self.emit,
            clock=lambda: self.now,
            options=self.options,
            rng=Random(1),
        )
        self.store = self.outbox.store
        self.drafts = self.outbox.drafts

    def emit(self, event: SessionEvent) -> None:
        self.events.append(event)
        self.grew.set()

    def send(self, text: str, channel: str = "tech") -> Draft:
        draft = Draft(f"id {text}", channel, text, "ada", self.now)
        self.outbox.submit(draft)
        return draft

    def phase(self, phase: Phase, region: str = "oregon", reason: str | None = None) -> None:
        self.outbox.update(SessionState(phase, region, reason=reason, remedy=reason and "Do something."))

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not condition():
                self.grew.clear()
                self.script.changed.clear()
                waits = [asyncio.ensure_future(each.wait()) for each in (self.grew, self.script.changed)]
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                for wait in waits:
                    wait.cancel()

    async def emitted(self, kind: type[E], count: int = 1) -> E:
        await self.until(lambda: len(self.of(kind)) >= count)
        return self.of(kind)[count - 1]


async def settled() -> None:
    """Let everything run that can run without time passing."""
    for _ in range(50):
        await asyncio.sleep(0)


@asynccontextmanager
async def running(sending: Sending, phase: Phase | None = Phase.LIVE) -> AsyncIterator[Sending]:
    """The sending runs inside the block, and is closed at its end."""
    task = asyncio.create_task(sending.outbox.run())
    if phase is not None:
        sending.phase(phase)
    try:
        yield sending
    finally:
        sending.outbox.close()
        await asyncio.wait_for(task, 15)


def gone() -> Unreachable:
    return Unreachable("Nothing listens there.", remedy="Start it.")


def throttled(after: float | None) -> Refused:
    return Refused("Too often.", error_type="ThrottlingException", retryable=True, retry_after=after)

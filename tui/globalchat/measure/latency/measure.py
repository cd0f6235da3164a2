"""Measures latencies: publishes on a schedule, and notes every arrival by this machine's steady clock.

Publish and arrivals are told by one clock, that of this process, so that no clock of a region plays a part.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

from globalchat.client.api import Api
from globalchat.client.faults import unknown_channel
from globalchat.client.ids import IdFactory
from globalchat.client.messages import Backend, Draft, Message
from globalchat.client.profiles import Profile
from globalchat.client.signal import Signal
from globalchat.core.clock import now_ms
from globalchat.core.errors import Refused, UserError
from globalchat.measure.latency.ear import Ear
from globalchat.measure.latency.plan import LatencyPlan
from globalchat.measure.latency.tally import Result, Tally
from globalchat.measure.stopping import unless

SENDER = "globalchat-latency"
IN_FLIGHT = 64
"""Publishes that may wait for their answer at once; more would measure this machine."""
LINGER = 0.3
"""Seconds that duplicates are awaited once every message is there."""

Note = Callable[[str], None]
Tell = Callable[[int, int], None]
"""Hears how many messages were published, of how many."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured in which channel; `reopened` tells how often each region's socket was lost.

    `complete` is False if the measurement was ended early, perhaps before the channel was known.
    """

    channel: str
    result: Result
    reopened: dict[str, int]
    complete: bool


async def measure(
    profile: Profile, plan: LatencyPlan, *, stop: asyncio.Event, note: Note, tell: Tell
) -> Measured:
    """Measure until the plan is done or `stop` is set.

    Raises:
        UserError: a region cannot be reached or refuses, before anything was measured.
    """
    async with AsyncExitStack() as stack:
        apis = {
            alias: await stack.enter_async_context(Api(profile.resolve(alias), timeout=plan.timeout))
            for alias in plan.sources
        }
        backend = await unless(stop, apis[plan.sources[0]].describe())
        channel = _channel(plan, backend) if backend else plan.channel or ""
        if backend:
            note(f"measuring in the channel {channel}, between {', '.join(plan.regions)}")
        return await _Measurement(plan, channel, apis, stop, tell).run(profile, stack)


class _Measurement:
    def __init__(
        self, plan: LatencyPlan, channel: str, apis: dict[str, Api], stop: asyncio.Event, tell: Tell
    ) -> None:
        self._plan = plan
        self._channel = channel
        self._apis = apis
        self._stop = stop
        self._tell = tell
        self._ids = IdFactory()
        self._changed = Signal()
        self._tally = self._new_tally()
        self._unanswered = 0
        self._patience = round(plan.timeout * 1e9)
        self._lost_after = 0

    async def run(self, profile: Profile, stack: AsyncExitStack) -> Measured:
        ears = {
            alias: Ear(profile.resolve(alias), self._channel, partial(self._hear, alias))
            for alias in self._plan.regions
        }
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await unless(self._stop, self._prepare(ears, stack, stopping))
            self._tally = self._new_tally()
            await self._publish_all(stopping)
        finally:
            stopping.cancel()
        return Measured(
            self._channel,
            self._tally.result(now=time.monotonic_ns(), patience=self._patience),
            {alias: ear.reopened for alias, ear in ears.items()},
            complete=not self._stop.is_set(),
        )

    async def _prepare(
        self, ears: dict[str, Ear], stack: AsyncExitStack, stopping: asyncio.Task[bool]
    ) -> None:
        """Listen everywhere, then warm up."""
        for ear in ears.values():
            await stack.enter_async_context(ear.listening())
        await self._warm_up(stopping)

    def _new_tally(self) -> Tally:
        return Tally({source: self._plan.awaited(source) for source in self._plan.sources})

    async def _warm_up(self, stopping: asyncio.Task[bool]) -> None:
        """Open every connection and run every resolver once; what fails here would fail always."""
        for number in range(self._plan.warmup):
            for source in self._plan.sources:
                draft = self._draft(f"warm-up {number + 1}")
                self._sent(draft, source)
                await self._apis[source].publish(draft)
                self._tally.accepted(draft.id, at=time.monotonic_ns())
        await self._settle(stopping)

    async def _publish_all(self, stopping: asyncio.Task[bool]) -> None:
        """Publish on schedule and wait for what was published; on `stopping` nothing is waited for."""
        publishes: list[asyncio.Task[None]] = []
        async with asyncio.TaskGroup() as group:
            async for source, number in self._schedule(stopping):
                self._unanswered += 1
                publishes.append(group.create_task(self._publish(source, number)))
                self._tell(len(publishes), self._plan.count * len(self._plan.sources))
            await asyncio.sleep(0)  # The last one begins: its time is what the others wait for.
            await self._settle(stopping)
            if self._stop.is_set():
                for each in publishes:
                    each.cancel()

    async def _schedule(self, stopping: asyncio.Task[bool]) -> AsyncIterator[tuple[str, int]]:
        """Source and number of each message, when it is due.

        One region after the other, evenly: none has this machine's attention at the other's cost.
        """
        loop, plan = asyncio.get_running_loop(), self._plan
        began, sources = loop.time(), len(plan.sources)
        for position in range(plan.count * sources):
            source = plan.sources[position % sources]
            due = began + position / sources / plan.rate
            await asyncio.wait({stopping}, timeout=max(0.0, due - loop.time()))
            while self._unanswered >= IN_FLIGHT and not self._stop.is_set():
                await self._changed.race(stopping)
            if self._stop.is_set():
                return
            yield source, position // sources + 1

    async def _publish(self, source: str, number: int) -> None:
        draft = self._draft(f"{number} of {self._plan.count}")
        self._sent(draft, source)
        try:
            await self._apis[source].publish(draft)
            self._tally.accepted(draft.id, at=time.monotonic_ns())
        except UserError as error:
            self._tally.failed(draft.id, str(error))
        finally:
            self._unanswered -= 1
            self._changed.fire()

    def _sent(self, draft: Draft, source: str) -> None:
        now = time.monotonic_ns()
        self._tally.sent(draft.id, source, at=now)
        self._lost_after = now + self._patience

    async def _settle(self, stopping: asyncio.Task[bool]) -> None:
        """Wait until everything has arrived, and a little for duplicates; at most until the rest is lost."""
        while (left := self._lost_after - time.monotonic_ns()) > 0 and not self._stop.is_set():
            if not self._unanswered and self._tally.complete:
                await asyncio.wait({stopping}, timeout=LINGER)
                return
            await self._changed.race(stopping, timeout=left / 1e9)

    def _hear(self, alias: str, message: Message) -> None:
        self._tally.arrived(message.id, alias, at=time.monotonic_ns())
        self._changed.fire()

    def _draft(self, what: str) -> Draft:
        text = f"globalchat latency: {what} ".ljust(self._plan.size, ".")[: self._plan.size]
        return Draft(self._ids.new(), self._channel, text, SENDER, now_ms())


def _channel(plan: LatencyPlan, backend: Backend) -> str:
    if plan.size > backend.limits.message:
        raise Refused(
            f"A message may have {backend.limits.message} characters, not {plan.size}.",
            error_type="MessageTooLong",
            remedy="Give a smaller --size.",
        )
    if plan.channel is not None and plan.channel not in backend.channels:
        raise unknown_channel(plan.channel, backend.channels)
    return plan.channel or backend.channels[0]

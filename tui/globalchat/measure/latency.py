"""Measures latency: publishes on a schedule, and records every arrival.

Publishes and arrivals are timed by this process's monotonic clock, so the clocks of the regions play no part.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from random import Random

from globalchat.client.api import RegionApi
from globalchat.client.messages import Backend, Draft, IdFactory, Message
from globalchat.client.options import DEFAULTS
from globalchat.client.profiles import Profile, RegionEndpoint
from globalchat.client.region_connection import RegionConnection
from globalchat.client.response_errors import unknown_channel_error
from globalchat.client.retry import full_jitter
from globalchat.core.clock import now_ms
from globalchat.core.errors import Refused, UserError
from globalchat.core.tasks import WakeEvent, run_unless_set
from globalchat.measure.tally import LatencyResult, LatencyTally

SENDER = "globalchat-latency"
MAX_IN_FLIGHT = 64
"""Publishes that may wait for their answer at once; more would measure this machine."""
LINGER = 0.3
"""Seconds to wait for duplicates once every message has arrived."""
_BACKOFF_BASE, _BACKOFF_CAP = 0.2, 2.0
"""Seconds before a lost socket is reopened: short, since everything missed meanwhile counts as lost."""

PrintLine = Callable[[str], None]
OnPublished = Callable[[int, int], None]
"""Called with how many messages were published, of how many."""


@dataclass(frozen=True, slots=True)
class LatencyPlan:
    """Messages from each of `sources`, expected in that region itself and in each of `targets` (aliases).

    `channel` None is the backend's first. `count` and `rate` (a second) are those of one source, `size` is in
    characters, `timeout` the seconds after which a message is lost. `warmup` messages are sent first and not
    counted.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    channel: str | None = None
    count: int = 50
    rate: float = 10.0
    size: int = 100
    timeout: float = 10.0
    warmup: int = 3

    @property
    def regions(self) -> tuple[str, ...]:
        """Every region that takes part."""
        return tuple(dict.fromkeys((*self.sources, *self.targets)))

    def expected(self, source: str) -> tuple[str, ...]:
        """Return the regions in which messages from a source should arrive: its own first."""
        return tuple(dict.fromkeys((source, *self.targets)))


@dataclass(frozen=True, slots=True)
class LatencyMeasurement:
    """The result of a measurement and its channel; `reconnects` counts the losses of each region's socket.

    `complete` is False if the measurement ended early, perhaps before the channel was known.
    """

    channel: str
    result: LatencyResult
    reconnects: dict[str, int]
    complete: bool


async def measure_latency(
    profile: Profile,
    plan: LatencyPlan,
    *,
    stop: asyncio.Event,
    print_line: PrintLine,
    on_published: OnPublished,
) -> LatencyMeasurement:
    """Measure until the plan is done or `stop` is set.

    Raises:
        UserError: a region cannot be reached or refuses, before anything was measured.
    """
    async with AsyncExitStack() as stack:
        apis = {
            alias: await stack.enter_async_context(RegionApi(profile.resolve(alias), timeout=plan.timeout))
            for alias in plan.sources
        }
        # One region is enough: a deployment has the same channels and limits everywhere.
        backend = await run_unless_set(stop, apis[plan.sources[0]].describe())
        channel = _channel(plan, backend) if backend else plan.channel or ""
        if backend:
            print_line(f"measuring in the channel {channel}, between {', '.join(plan.regions)}")
        return await _Measurement(plan, channel, apis, stop, on_published).run(profile, stack)


def _channel(plan: LatencyPlan, backend: Backend) -> str:
    """Return the channel to measure in.

    Raises:
        Refused: the backend has no such channel, or accepts no message of that size.
    """
    if plan.size > backend.limits.message:
        raise Refused(
            f"A message may have {backend.limits.message} characters, not {plan.size}.",
            error_type="MessageTooLong",
            remedy="Give a smaller --size.",
        )
    if plan.channel is not None and plan.channel not in backend.channels:
        raise unknown_channel_error(plan.channel, backend.channels)
    return plan.channel or backend.measuring_channel


class LatencySubscriber:
    """Receives a channel in one region, without dropping duplicates; reopens a lost socket.

    `on_message` is called with every arrival, twice if the same message arrives twice.

    Attributes:
        reconnects: How often the socket was reopened.
    """

    def __init__(self, endpoint: RegionEndpoint, channel: str, on_message: Callable[[Message], None]) -> None:
        self._endpoint = endpoint
        self._channel = channel
        self._on_message = on_message
        self._rng = Random()
        self.reconnects = 0

    @asynccontextmanager
    async def subscribed(self) -> AsyncIterator[None]:
        """Receive until the end of the block; the subscription is confirmed when the block is entered.

        Raises:
            UserError: the region cannot be reached, or refuses the channel.
        """
        name = f"latency subscriber {self._endpoint.alias}"
        # The first connection is opened here, so that the caller gets its error.
        task = asyncio.create_task(self._keep_open(await self._open()), name=name)
        try:
            yield
        finally:
            task.cancel()
            # `wait` raises nothing: an error of the block comes before one of the task.
            await asyncio.wait({task})
        if not task.cancelled():
            task.result()

    async def _keep_open(self, connection: RegionConnection) -> None:
        while True:
            try:
                await asyncio.wait({connection.lost})
            finally:
                await connection.close()
            connection = await self._reopen()

    async def _reopen(self) -> RegionConnection:
        attempt = 0
        while True:
            attempt += 1
            await asyncio.sleep(full_jitter(attempt, base=_BACKOFF_BASE, cap=_BACKOFF_CAP, rng=self._rng))
            try:
                connection = await self._open()
            # The measurement goes on: what a region misses meanwhile counts as lost.
            except UserError:
                continue
            self.reconnects += 1
            return connection

    async def _open(self) -> RegionConnection:
        connection = RegionConnection(
            self._endpoint,
            on_message=self._on_message,
            on_unreadable=lambda _: None,  # Not one of the measured messages.
            on_revoked=lambda _: connection.abort(UserError("The subscription was ended.")),
            options=DEFAULTS,
        )
        try:
            await connection.open()
            await connection.subscribe(self._channel)
        except BaseException:
            await connection.close()
            raise
        return connection


class _Measurement:
    def __init__(
        self,
        plan: LatencyPlan,
        channel: str,
        apis: dict[str, RegionApi],
        stop: asyncio.Event,
        on_published: OnPublished,
    ) -> None:
        self._plan = plan
        self._channel = channel
        self._apis = apis
        self._stop = stop
        self._on_published = on_published
        self._ids = IdFactory()
        self._changed = WakeEvent()
        self._tally = self._new_tally()
        self._unanswered = 0
        self._timeout = round(plan.timeout * 1e9)
        self._lost_after = 0

    async def run(self, profile: Profile, stack: AsyncExitStack) -> LatencyMeasurement:
        subscribers = {
            alias: LatencySubscriber(profile.resolve(alias), self._channel, partial(self._received, alias))
            for alias in self._plan.regions
        }
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await run_unless_set(self._stop, self._prepare(subscribers, stack, stopping))
            # Forgets the warm-up messages.
            self._tally = self._new_tally()
            await self._publish_all(stopping)
        finally:
            stopping.cancel()
        return LatencyMeasurement(
            self._channel,
            self._tally.result(now=time.monotonic_ns(), timeout=self._timeout),
            {alias: each.reconnects for alias, each in subscribers.items()},
            complete=not self._stop.is_set(),
        )

    async def _prepare(
        self, subscribers: dict[str, LatencySubscriber], stack: AsyncExitStack, stopping: asyncio.Task[bool]
    ) -> None:
        """Subscribe in every region, then warm up."""
        # One after the other, so that the first region that fails is reported.
        for subscriber in subscribers.values():
            await stack.enter_async_context(subscriber.subscribed())
        await self._warm_up(stopping)

    def _new_tally(self) -> LatencyTally:
        return LatencyTally({source: self._plan.expected(source) for source in self._plan.sources})

    async def _warm_up(self, stopping: asyncio.Task[bool]) -> None:
        """Open every connection and run every resolver once; a failure here would recur for every message."""
        for number in range(self._plan.warmup):
            for source in self._plan.sources:
                draft = self._draft(f"warm-up {number + 1}")
                self._record_sent(draft, source)
                await self._apis[source].publish(draft)
                self._tally.accepted(draft.id, at=time.monotonic_ns())
        await self._settle(stopping)

    async def _publish_all(self, stopping: asyncio.Task[bool]) -> None:
        """Publish on schedule, then wait for the arrivals. Return at once when `stopping` is done."""
        publishes: list[asyncio.Task[None]] = []
        async with asyncio.TaskGroup() as group:
            async for source, number in self._schedule(stopping):
                self._unanswered += 1
                publishes.append(group.create_task(self._publish(source, number)))
                self._on_published(len(publishes), self._plan.count * len(self._plan.sources))
            await asyncio.sleep(0)  # Lets the last publish start: its time decides how long to wait.
            await self._settle(stopping)
            if self._stop.is_set():
                # Answers that are still missing would keep the group open after Ctrl-C.
                for each in publishes:
                    each.cancel()

    async def _schedule(self, stopping: asyncio.Task[bool]) -> AsyncIterator[tuple[str, int]]:
        """Yield the source and the number of each message when it is due.

        The sources take turns at even intervals, so that this machine delays all of them equally.
        """
        loop, plan = asyncio.get_running_loop(), self._plan
        started, sources = loop.time(), len(plan.sources)
        for position in range(plan.count * sources):
            source = plan.sources[position % sources]
            # Counted from the start, so that delays do not add up.
            due = started + position / sources / plan.rate
            await asyncio.wait({stopping}, timeout=max(0.0, due - loop.time()))
            # A backend that does not answer must not pile up tasks and connections here.
            while self._unanswered >= MAX_IN_FLIGHT and not self._stop.is_set():
                await self._changed.race(stopping)
            if self._stop.is_set():
                return
            yield source, position // sources + 1

    async def _publish(self, source: str, number: int) -> None:
        draft = self._draft(f"{number} of {self._plan.count}")
        self._record_sent(draft, source)
        try:
            await self._apis[source].publish(draft)
            self._tally.accepted(draft.id, at=time.monotonic_ns())
        except UserError as error:
            self._tally.failed(draft.id, str(error))
        finally:
            self._unanswered -= 1
            self._changed.set()

    def _record_sent(self, draft: Draft, source: str) -> None:
        # Taken before the request is made, so that this machine's share of the time is included.
        now = time.monotonic_ns()
        self._tally.sent(draft.id, source, at=now)
        self._lost_after = now + self._timeout

    async def _settle(self, stopping: asyncio.Task[bool]) -> None:
        """Wait until every message has arrived or counts as lost, then a little for duplicates."""
        while (left := self._lost_after - time.monotonic_ns()) > 0 and not self._stop.is_set():
            if not self._unanswered and self._tally.complete:
                await asyncio.wait({stopping}, timeout=LINGER)
                return
            await self._changed.race(stopping, timeout=left / 1e9)

    def _received(self, alias: str, message: Message) -> None:
        self._tally.arrived(message.id, alias, at=time.monotonic_ns())
        self._changed.set()

    def _draft(self, what: str) -> Draft:
        # Readable, since everyone in the channel sees it.
        text = f"globalchat latency: {what} ".ljust(self._plan.size, ".")[: self._plan.size]
        return Draft(self._ids.new(), self._channel, text, SENDER, now_ms())

"""The worker that publishes on schedule."""

import asyncio
import time
from collections import Counter
from contextlib import AsyncExitStack

from globalchat.client.api import RegionApi
from globalchat.client.messages import Draft, IdFactory
from globalchat.core.clock import now_ms
from globalchat.core.errors import UserError
from globalchat.core.tasks import task_group
from globalchat.measure.histogram import Histogram
from globalchat.measure.load.delivery import WARM_UP, NumberSet, PayloadTag
from globalchat.measure.load.plan import RegionChannel
from globalchat.measure.load.protocol import (
    Order,
    Publish,
    PublisherProgress,
    PublisherResult,
    Ready,
    Send,
    StartAt,
    Stop,
    WarmedUp,
    WarmUp,
)
from globalchat.measure.process import SPARE_FILES, raise_open_file_limit

REPORT_INTERVAL = 0.5
"""Seconds between two progress reports."""
GRACE = 0.5
"""Seconds after the end in which a message that was due before may still be published."""
STOP_TIMEOUT = 2.0
"""Seconds that publishes in flight get when the load test is stopped early."""
SENDER = "globalchat-bench"


class AckWatermark:
    """The smallest unsettled number of `first`, `first + step`, and so on. Pure."""

    def __init__(self, first: int, step: int) -> None:
        self.value = first
        self._step = step
        self._above: set[int] = set()

    def settle(self, number: int) -> None:
        """Record that a number was accepted or refused."""
        self._above.add(number)
        while self.value in self._above:
            self._above.remove(self.value)
            self.value += self._step


async def run_publisher(order: Publish, orders: asyncio.Queue[Order], send: Send) -> None:
    """Execute an order to publish: connect, warm up, publish on schedule, send the result.

    Raises:
        UserError: a region cannot be reached or refuses the first message, or the open-file limit is too low.
    """
    raise_open_file_limit(
        order.plan.connections + SPARE_FILES, who="The process that publishes", instead="a lower --rate"
    )
    publisher = _Publisher(order)
    async with AsyncExitStack() as stack:
        await publisher.connect(stack)
        await send(Ready())
        running: asyncio.Task[None] | None = None
        while running is None or not running.done():
            match await _next_order(orders, running):
                case WarmUp():
                    await publisher.warm_up()
                    await send(WarmedUp())
                case StartAt(at):
                    running = asyncio.create_task(_publish_and_report(publisher, at, send))
                case Stop():
                    publisher.stop()
        running.result()


async def _next_order(orders: asyncio.Queue[Order], running: asyncio.Task[None] | None) -> Order | None:
    """Return the next order, or None if publishing ended first."""
    getting = asyncio.create_task(orders.get())
    await asyncio.wait({getting, running} if running else {getting}, return_when=asyncio.FIRST_COMPLETED)
    if getting.done():
        return getting.result()
    getting.cancel()
    return None


async def _publish_and_report(publisher: "_Publisher", at: int, send: Send) -> None:
    async with asyncio.TaskGroup() as tasks:
        reporting = tasks.create_task(_report(publisher, send))
        result = await publisher.run(at)
        reporting.cancel()
    await send(result)


async def _report(publisher: "_Publisher", send: Send) -> None:
    while True:
        await asyncio.sleep(REPORT_INTERVAL)
        await send(publisher.progress())


class _Publisher:
    """All connections of the plan, and what they published."""

    def __init__(self, order: Publish) -> None:
        plan = order.plan
        self._order = order
        self._plan = plan
        self._places = plan.places
        self._ids = IdFactory()
        self._apis: list[RegionApi] = []
        self._watermarks = [AckWatermark(number, len(self._places)) for number in range(len(self._places))]
        self._stopping = asyncio.get_running_loop().create_future()
        self._connections: list[asyncio.Task[None]] = []
        self._accepted = NumberSet()
        self._failures: Counter[str] = Counter()
        self._times, self._lag = Histogram(), Histogram()
        self._first_at = self._last_at = 0

    async def connect(self, stack: AsyncExitStack) -> None:
        """Open every connection and use it once.

        Raises:
            UserError: a region cannot be reached, or does not accept the key.
        """
        for number in range(self._plan.connections):
            # One HTTP client each, so that none waits for a connection of a shared pool.
            endpoint = self._order.endpoints[self._places[number % len(self._places)].region]
            self._apis.append(await stack.enter_async_context(RegionApi(endpoint)))
        async with task_group() as tasks:
            for api in self._apis:
                tasks.create_task(api.describe())

    async def warm_up(self) -> None:
        """Publish one message in every place.

        Raises:
            UserError: a message is refused, or not answered.
        """
        # The first connections cover each place once.
        for api, place in zip(self._apis, self._places, strict=False):
            await api.publish(self._draft(place, WARM_UP, 0, time.monotonic_ns()))

    async def run(self, start: int) -> PublisherResult:
        """Publish on schedule, starting at `start` (ns, monotonic), and return the result."""
        cpu = time.process_time()
        async with asyncio.TaskGroup() as tasks:
            self._connections = [
                tasks.create_task(self._run_connection(number, start))
                for number in range(self._plan.connections)
            ]
        return PublisherResult(
            accepted=self._accepted.pack(),
            failures=dict(self._failures),
            unsent=self._plan.messages - self._times.count - self._failures.total(),
            times=self._times,
            lag=self._lag,
            first_at=self._first_at,
            last_at=self._last_at,
            cpu=time.process_time() - cpu,
        )

    def stop(self) -> None:
        """Start no more publishes, and cancel those in flight after `STOP_TIMEOUT`."""
        if self._stopping.done():
            return
        self._stopping.set_result(None)
        for connection in self._connections:
            # They get a moment, since their answers would count.
            asyncio.get_running_loop().call_later(STOP_TIMEOUT, connection.cancel)

    def progress(self) -> PublisherProgress:
        """Return the counts so far."""
        return PublisherProgress(self._times.count, self._failures.total())

    async def _run_connection(self, connection: int, start: int) -> None:
        end = start + round((self._plan.seconds + GRACE) * 1e9)
        for number in range(connection, self._plan.messages, self._plan.connections):
            due = start + round(number / self._plan.rate * 1e9)
            await asyncio.wait({self._stopping}, timeout=max(0, due - time.monotonic_ns()) / 1e9)
            now = time.monotonic_ns()
            # A slow backend must not prolong the load test: what is left counts as not sent.
            if self._stopping.done() or now > end:
                return
            # The schedule does not wait for other connections, so a slow backend shows up here.
            self._lag.add(max(0, now - due))
            await self._publish(self._apis[connection], number)

    async def _publish(self, api: RegionApi, number: int) -> None:
        origin = number % len(self._places)
        sent_at = self._last_at = time.monotonic_ns()
        self._first_at = self._first_at or sent_at
        draft = self._draft(self._places[origin], number, self._watermarks[origin].value, sent_at)
        try:
            await api.publish(draft)
        except UserError as error:
            self._failures[str(error)] += 1
        except asyncio.CancelledError:
            self._failures["The load test was stopped before the answer came."] += 1
            raise
        else:
            self._times.add(time.monotonic_ns() - sent_at)
            self._accepted.add(number)
        # Not reached after a cancellation: the message may still be accepted, so the mark stays below it.
        self._watermarks[origin].settle(number)

    def _draft(self, place: RegionChannel, number: int, watermark: int, sent_at: int) -> Draft:
        tag = PayloadTag(self._order.run, number, watermark, sent_at)
        return Draft(self._ids.new(), place.channel, tag.text(self._plan.size), SENDER, now_ms())

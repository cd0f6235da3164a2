"""The part of a worker that publishes on schedule."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from globalchat.client.api import Api
from globalchat.client.ids import IdFactory
from globalchat.client.messages import Draft
from globalchat.core.clock import now_ms
from globalchat.core.errors import UserError
from globalchat.core.tasks import task_group
from globalchat.measure.histogram import Histogram
from globalchat.measure.load import mark
from globalchat.measure.load.floor import Floor
from globalchat.measure.load.mark import WARM_UP, Mark
from globalchat.measure.load.numbers import Numbers
from globalchat.measure.load.open_files import SPARE_FILES, raise_open_files
from globalchat.measure.load.orders import (
    Answer,
    Go,
    Order,
    Publish,
    Published,
    Publishing,
    Ready,
    Stop,
    Warmed,
    WarmUp,
)
from globalchat.measure.load.plan import Place

EVERY = 0.5
"""Seconds between two reports."""
GRACE = 0.5
"""Seconds after the end in which what was due before may still be begun."""
PATIENCE = 2.0
"""Seconds that publishes under way get when the run is ended early."""
SENDER = "globalchat-bench"

Tell = Callable[[Answer], Awaitable[None]]


class _Publishers:
    """All lanes of the plan, and the account of what they published."""

    def __init__(self, order: Publish) -> None:
        plan = order.plan
        self._order = order
        self._plan = plan
        self._places = plan.places
        self._ids = IdFactory()
        self._apis: list[Api] = []
        self._floors = [Floor(number, len(self._places)) for number in range(len(self._places))]
        self._stopping = asyncio.get_running_loop().create_future()
        self._lanes: list[asyncio.Task[None]] = []
        self._accepted = Numbers()
        self._failures: Counter[str] = Counter()
        self._times, self._lag = Histogram(), Histogram()
        self._began_at = self._ended_at = 0

    async def connect(self, stack: AsyncExitStack) -> None:
        """Give each lane a connection of its own, and use it once.

        Raises:
            UserError: a region cannot be reached, or does not take the key.
        """
        for lane in range(self._plan.lanes):
            endpoint = self._order.endpoints[self._places[lane % len(self._places)].region]
            self._apis.append(await stack.enter_async_context(Api(endpoint)))
        async with task_group() as tasks:
            for api in self._apis:
                tasks.create_task(api.describe())

    async def warm_up(self) -> None:
        """Publish one message in every place.

        Raises:
            UserError: it is refused, or not answered.
        """
        for api, place in zip(self._apis, self._places, strict=False):
            await api.publish(self._draft(place, WARM_UP, 0, time.monotonic_ns()))

    async def run(self, start: int) -> Published:
        """Publish on schedule from `start` (ns, steady) on; what was done."""
        cpu = time.process_time()
        async with asyncio.TaskGroup() as tasks:
            self._lanes = [tasks.create_task(self._run_lane(lane, start)) for lane in range(self._plan.lanes)]
        return Published(
            accepted=self._accepted.pack(),
            failures=dict(self._failures),
            unsent=self._plan.messages - self._times.count - self._failures.total(),
            times=self._times,
            lag=self._lag,
            began_at=self._began_at,
            ended_at=self._ended_at,
            cpu=time.process_time() - cpu,
        )

    def stop(self) -> None:
        """Begin no further publish, and do not wait long for those under way."""
        if self._stopping.done():
            return
        self._stopping.set_result(None)
        for lane in self._lanes:
            asyncio.get_running_loop().call_later(PATIENCE, lane.cancel)

    def publishing(self) -> Publishing:
        """How far it is."""
        return Publishing(self._times.count, self._failures.total())

    async def _run_lane(self, lane: int, start: int) -> None:
        end = start + round((self._plan.seconds + GRACE) * 1e9)
        for number in range(lane, self._plan.messages, self._plan.lanes):
            due = start + round(number / self._plan.rate * 1e9)
            await asyncio.wait({self._stopping}, timeout=max(0, due - time.monotonic_ns()) / 1e9)
            now = time.monotonic_ns()
            if self._stopping.done() or now > end:
                return
            self._lag.add(max(0, now - due))
            await self._publish(self._apis[lane], number)

    async def _publish(self, api: Api, number: int) -> None:
        origin = number % len(self._places)
        sent_at = self._ended_at = time.monotonic_ns()
        self._began_at = self._began_at or sent_at
        try:
            await api.publish(self._draft(self._places[origin], number, self._floors[origin].value, sent_at))
        except UserError as error:
            self._failures[str(error)] += 1
        except asyncio.CancelledError:
            self._failures["No answer came before the run was ended."] += 1
            raise
        else:
            self._times.add(time.monotonic_ns() - sent_at)
            self._accepted.add(number)
        self._floors[origin].settle(number)

    def _draft(self, place: Place, number: int, floor: int, sent_at: int) -> Draft:
        text = mark.write(Mark(self._order.run, number, floor, sent_at), self._plan.size)
        return Draft(self._ids.new(), place.channel, text, SENDER, now_ms())


async def publish(order: Publish, orders: asyncio.Queue[Order], tell: Tell) -> None:
    """Publish what the order asks for, from connecting to the account.

    Raises:
        UserError: a region cannot be reached, or refuses the first message; too few files may be open.
    """
    raise_open_files(
        order.plan.lanes + SPARE_FILES, who="The process that publishes", instead="a lower --rate"
    )
    publishers = _Publishers(order)
    async with AsyncExitStack() as stack:
        await publishers.connect(stack)
        await tell(Ready())
        running: asyncio.Task[None] | None = None
        while running is None or not running.done():
            match await _next(orders, running):
                case WarmUp():
                    await publishers.warm_up()
                    await tell(Warmed())
                case Go(at):
                    running = asyncio.create_task(_run(publishers, at, tell))
                case Stop():
                    publishers.stop()
        running.result()


async def _next(orders: asyncio.Queue[Order], running: asyncio.Task[None] | None) -> Order | None:
    """The next order; None if the run ended before one came."""
    getting = asyncio.create_task(orders.get())
    await asyncio.wait({getting, running} if running else {getting}, return_when=asyncio.FIRST_COMPLETED)
    if getting.done():
        return getting.result()
    getting.cancel()
    return None


async def _run(publishers: _Publishers, at: int, tell: Tell) -> None:
    async with asyncio.TaskGroup() as tasks:
        reporting = tasks.create_task(_report(publishers, tell))
        published = await publishers.run(at)
        reporting.cancel()
    await tell(published)


async def _report(publishers: _Publishers, tell: Tell) -> None:
    while True:
        await asyncio.sleep(EVERY)
        await tell(publishers.publishing())

"""The worker that holds subscribers."""

import asyncio
import time
from random import Random

from globalchat.client.retry import full_jitter
from globalchat.core.errors import Refused, Unauthorized, UserError
from globalchat.core.tasks import task_group
from globalchat.measure.load.delivery import DeliveryTracker, NumberSet
from globalchat.measure.load.plan import socket_groups
from globalchat.measure.load.protocol import (
    AllDelivered,
    Expect,
    Finish,
    Order,
    Ready,
    Send,
    StartAt,
    Subscribe,
    SubscriberProgress,
    SubscriberResult,
)
from globalchat.measure.load.subscriber_socket import (
    Decoder,
    DeliveredMessage,
    SubscriberSocket,
    SubscriptionEnded,
    open_socket,
)
from globalchat.measure.process import SPARE_FILES, raise_open_file_limit

MAX_ATTEMPTS = 4
MAX_OPENING = 100
"""Sockets that one process opens at the same time."""
REPORT_INTERVAL = 0.5
"""Seconds between two progress reports."""


async def run_subscribers(order: Subscribe, orders: asyncio.Queue[Order], send: Send) -> None:
    """Execute an order to subscribe: open the subscribers, count what they receive, send the result.

    Raises:
        UserError: they could not all be opened.
    """
    subscribers = _Subscribers(order)
    try:
        async with task_group() as tasks:
            helpers = [
                tasks.create_task(each(subscribers, send)) for each in (_report, _report_all_delivered)
            ]
            await subscribers.open()
            await send(subscribers.progress())
            await send(Ready())
            await _follow_orders(subscribers, orders, send)
            for each in helpers:
                each.cancel()
    finally:
        subscribers.close()


async def _follow_orders(subscribers: "_Subscribers", orders: asyncio.Queue[Order], send: Send) -> None:
    # Measured from the start of publishing, as connecting is not included.
    cpu = time.process_time()
    while True:
        match await orders.get():
            case StartAt():
                cpu = time.process_time()
            case Expect(accepted):
                subscribers.tracker.expect(NumberSet(accepted))
                subscribers.changed.set()
            case Finish():
                await send(SubscriberResult(subscribers.tracker.finish(), time.process_time() - cpu))
                return


async def _report(subscribers: "_Subscribers", send: Send) -> None:
    while True:
        await asyncio.sleep(REPORT_INTERVAL)
        await send(subscribers.progress())


async def _report_all_delivered(subscribers: "_Subscribers", send: Send) -> None:
    # None until it is known which messages were accepted.
    while subscribers.tracker.missing != 0:
        await subscribers.changed.wait()
        subscribers.changed.clear()
    await send(AllDelivered())


class _Subscribers:
    """The sockets of this process, and the messages they received."""

    def __init__(self, order: Subscribe) -> None:
        self._order = order
        self._rng = Random()
        self._decoder = Decoder()
        self._open: list[SubscriberSocket] = []
        self.live = 0
        self.tracker = DeliveryTracker(
            order.run, order.plan.places, order.subscribers, messages=order.plan.messages
        )
        self.changed = asyncio.Event()

    async def open(self) -> None:
        """Open every socket, at the rate of the plan.

        Raises:
            UserError: one could not be opened after several attempts.
        """
        plan, loop = self._order.plan, asyncio.get_running_loop()
        # Each process opens its share of the rate.
        interval = plan.processes / plan.connect_rate
        opening, started = asyncio.Semaphore(MAX_OPENING), loop.time()
        # Before any is opened: running out of files halfway would distort the measurement.
        groups = socket_groups(list(self._order.subscribers), plan.per_socket)
        raise_open_file_limit(len(groups) + SPARE_FILES)
        async with task_group() as tasks:
            for number, positions in enumerate(groups):
                await asyncio.sleep(max(0.0, started + number * interval - loop.time()))
                await opening.acquire()
                task = tasks.create_task(self._open_one(positions))
                task.add_done_callback(lambda _: opening.release())

    async def _open_one(self, positions: list[int]) -> None:
        """Open the socket that these subscribers share."""
        endpoint = self._order.endpoints[self._order.subscribers[positions[0]].region]
        channels = [self._order.subscribers[position].channel for position in positions]

        def make() -> SubscriberSocket:
            # For this attempt to open the socket; a further attempt starts with all of them.
            live = set(range(len(positions)))

            def lost() -> None:
                for subscription in tuple(live):
                    self._end(live, subscription)

            return SubscriberSocket(
                endpoint,
                channels,
                on_frame=lambda frame, at: self._receive(positions, live, frame, at),
                on_lost=lost,
            )

        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                self._open.append(await open_socket(endpoint, make))
            except UserError as error:
                permanent = isinstance(error, Refused) and not error.retryable
                if permanent or isinstance(error, Unauthorized) or attempt == MAX_ATTEMPTS:
                    raise
                await asyncio.sleep(full_jitter(attempt, base=0.5, cap=5.0, rng=self._rng))
            else:
                self.live += len(positions)
                return

    def close(self) -> None:
        for socket in self._open:
            socket.close()

    def _receive(self, positions: list[int], live: set[int], frame: bytes, at: int) -> None:
        match self._decoder.read(frame):
            case DeliveredMessage(subscription, tag) if subscription < len(positions):
                self.tracker.receive(positions[subscription], tag, at=at)
                if self.tracker.missing == 0:
                    self.changed.set()
            case SubscriptionEnded(subscription):
                self._end(live, subscription)

    def _end(self, live: set[int], subscription: int) -> None:
        """Count a subscription as ended, but once: AppSync closes the whole socket after ending one."""
        if subscription in live:
            live.remove(subscription)
            self.tracker.stats.subscriptions_ended += 1
            self.live -= 1

    def progress(self) -> SubscriberProgress:
        stats = self.tracker.stats
        return SubscriberProgress(
            self.live, stats.warm_ups, stats.deliveries, stats.duplicates, stats.subscriptions_ended
        )

"""The part of a worker that holds subscribers."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from random import Random

from globalchat.client.backoff import full_jitter
from globalchat.core.errors import Refused, Unauthorized, UserError
from globalchat.core.tasks import task_group
from globalchat.measure.load.audience import Audience
from globalchat.measure.load.decoder import Decoder, Delivered, Ended
from globalchat.measure.load.numbers import Numbers
from globalchat.measure.load.open_files import SPARE_FILES, raise_open_files
from globalchat.measure.load.orders import (
    Answer,
    Expect,
    Finish,
    Go,
    Hearing,
    Listen,
    Order,
    Ready,
    Result,
    Settled,
)
from globalchat.measure.load.plan import sockets
from globalchat.measure.load.socket import SubscriberSocket, open_socket

ATTEMPTS = 4
AT_ONCE = 100
"""Sockets that are opened at the same time by one process."""
EVERY = 0.5
"""Seconds between two reports."""

Tell = Callable[[Answer], Awaitable[None]]


class _Listeners:
    def __init__(self, order: Listen) -> None:
        self._order = order
        self._rng = Random()
        self._decoder = Decoder()
        self._open: list[SubscriberSocket] = []
        self.live = 0
        self.audience = Audience(order.run, order.plan.places, order.seats, messages=order.plan.messages)
        self.changed = asyncio.Event()

    async def open(self) -> None:
        """Open every socket, not all at once.

        Raises:
            UserError: one could not be opened after some attempts.
        """
        plan, loop = self._order.plan, asyncio.get_running_loop()
        pace = plan.processes / plan.connect_rate
        room, began = asyncio.Semaphore(AT_ONCE), loop.time()
        groups = sockets(list(self._order.seats), plan.per_socket)
        raise_open_files(len(groups) + SPARE_FILES)
        async with task_group() as tasks:
            for number, seats in enumerate(groups):
                await asyncio.sleep(max(0.0, began + number * pace - loop.time()))
                await room.acquire()
                task = tasks.create_task(self._open_one(seats))
                task.add_done_callback(lambda _: room.release())

    async def _open_one(self, seats: list[int]) -> None:
        endpoint = self._order.endpoints[self._order.seats[seats[0]].region]
        channels = [self._order.seats[seat].channel for seat in seats]

        def make() -> SubscriberSocket:
            live = set(range(len(seats)))

            def lost() -> None:
                for subscription in tuple(live):
                    self._end(live, subscription)

            return SubscriberSocket(
                endpoint,
                channels,
                on_frame=lambda frame, at: self._hear(seats, live, frame, at),
                on_lost=lost,
            )

        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._open.append(await open_socket(endpoint, make))
            except UserError as error:
                final = isinstance(error, Refused) and not error.retryable
                if final or isinstance(error, Unauthorized) or attempt == ATTEMPTS:
                    raise
                await asyncio.sleep(full_jitter(attempt, base=0.5, cap=5.0, rng=self._rng))
            else:
                self.live += len(seats)
                return

    def close(self) -> None:
        for socket in self._open:
            socket.close()

    def _hear(self, seats: list[int], live: set[int], frame: bytes, at: int) -> None:
        match self._decoder.read(frame):
            case Delivered(subscription, mark) if subscription < len(seats):
                self.audience.hear(seats[subscription], mark, at=at)
                if self.audience.missing == 0:
                    self.changed.set()
            case Ended(subscription):
                self._end(live, subscription)

    def _end(self, live: set[int], subscription: int) -> None:
        """Count a subscription as ended once: when AppSync ends one, it closes the whole socket after it."""
        if subscription in live:
            live.remove(subscription)
            self.audience.heard.ended += 1
            self.live -= 1

    def hearing(self) -> Hearing:
        heard = self.audience.heard
        return Hearing(self.live, heard.warmed, heard.deliveries, heard.duplicates, heard.ended)


async def listen(order: Listen, orders: asyncio.Queue[Order], tell: Tell) -> None:
    """Be the subscribers that the order asks for, from opening to the result.

    Raises:
        UserError: they could not all be opened.
    """
    listeners = _Listeners(order)
    try:
        async with task_group() as tasks:
            helpers = [tasks.create_task(each(listeners, tell)) for each in (_report, _settle)]
            await listeners.open()
            await tell(listeners.hearing())
            await tell(Ready())
            await _obey(listeners, orders, tell)
            for each in helpers:
                each.cancel()
    finally:
        listeners.close()


async def _obey(listeners: _Listeners, orders: asyncio.Queue[Order], tell: Tell) -> None:
    cpu = time.process_time()
    while True:
        match await orders.get():
            case Go():
                cpu = time.process_time()
            case Expect(accepted):
                listeners.audience.expect(Numbers(accepted))
                listeners.changed.set()
            case Finish():
                await tell(Result(listeners.audience.conclude(), time.process_time() - cpu))
                return


async def _report(listeners: _Listeners, tell: Tell) -> None:
    while True:
        await asyncio.sleep(EVERY)
        await tell(listeners.hearing())


async def _settle(listeners: _Listeners, tell: Tell) -> None:
    while listeners.audience.missing != 0:
        await listeners.changed.wait()
        listeners.changed.clear()
    await tell(Settled())

"""Publishes the items of a stream, a window of them at once."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress

from globalchat.client.bulk.items import Item, Ledger, Report
from globalchat.client.bulk.pacer import Pacer
from globalchat.client.bulk.recovery import Recovery, is_hopeless, may_pass
from globalchat.client.messages import Draft, Message
from globalchat.core.errors import Refused, Unreachable, UserError
from globalchat.core.logs import log_event

log = logging.getLogger(__name__)

Publish = Callable[[Draft], Awaitable[Message]]
Compose = Callable[[Item], Draft]
"""Makes the draft of an item, as late as possible. Raises Refused if it cannot be one."""

DRAIN = 1.0
"""Seconds that what is in flight gets to be answered after `stop`."""


class BulkPublisher:
    """Takes items as its window has room, and tries each with one id until it is settled.

    A window of 1 keeps the order. Memory holds the window, however many items there are; whoever is told of
    an item holds its place meanwhile, so a slow listener slows the publishing down.
    """

    def __init__(
        self,
        *,
        publish: Publish,
        compose: Compose,
        accepted: Callable[[Item, Message], Awaitable[None]],
        refused: Callable[[Item, UserError], Awaitable[None]],
        troubled: Callable[[UserError], Awaitable[None]],
        recovery: Recovery,
        pacer: Pacer,
        window: int = 1,
        drain: float = DRAIN,
    ) -> None:
        """`troubled` hears the first failure of each outage; `accepted` and `refused` what became of each."""
        self._publish = publish
        self._compose = compose
        self._accepted = accepted
        self._refused = refused
        self._troubled = troubled
        self._recovery = recovery
        self._pacer = pacer
        self._slots = asyncio.Semaphore(window)
        self._drain = drain
        self._ledger = Ledger()
        self._stopping = asyncio.Event()
        self._feeding: asyncio.Task[None] | None = None
        self._workers: set[asyncio.Task[None]] = set()
        self._complete = False
        self._error: UserError | None = None

    async def run(self, items: AsyncGenerator[Item, None]) -> Report:
        """Publish until there are no more items, or `stop`; return how far it got. Runs once.

        Raises:
            UserError: a failure that cannot pass, or of `items`; `report` says how far it got.
        """
        async with asyncio.TaskGroup() as group:
            self._feeding = group.create_task(self._feed(group, items), name="feed")
            if self._stopping.is_set():
                self._feeding.cancel()
        report = self.report
        log_event(
            log,
            logging.INFO,
            "bulk ended",
            accepted=report.accepted,
            refused=report.refused,
            left=len(report.left),
            following=report.following,
        )
        if self._error is not None:
            raise self._error
        return report

    @property
    def report(self) -> Report:
        """How far it got until now."""
        return self._ledger.report(complete=self._complete)

    def stop(self) -> None:
        """Begin nothing new, and let `run` end soon."""
        self._stop(None)

    def _stop(self, error: UserError | None) -> None:
        """Stop because of an error, which `run` is to raise, or of none."""
        if self._stopping.is_set():
            return
        self._error = error or self._error
        self._stopping.set()
        log_event(log, logging.INFO, "bulk stopped", reason=None if error is None else str(error))
        if self._feeding is not None:
            self._feeding.cancel()
            asyncio.get_running_loop().call_later(self._drain, self._cut)

    async def _feed(self, group: asyncio.TaskGroup, items: AsyncGenerator[Item, None]) -> None:
        try:
            async with aclosing(items):
                async for item in items:
                    self._ledger.begin(item.number)
                    await self._begin(group, item)
        except UserError as error:  # there is no next item; those before it are still seen through
            self._error = error
            return
        self._complete = True

    async def _begin(self, group: asyncio.TaskGroup, item: Item) -> None:
        """Start to publish an item once there is room for it and it is due."""
        await self._slots.acquire()
        if wait := self._pacer.take(asyncio.get_running_loop().time()):
            await asyncio.sleep(wait)
        worker = group.create_task(self._work(item), name="publish")
        self._workers.add(worker)
        worker.add_done_callback(self._workers.discard)

    async def _work(self, item: Item) -> None:
        try:
            await self._settle(item)
        except asyncio.CancelledError:
            self._ledger.doubt(item.number)
            raise
        finally:
            self._slots.release()

    async def _settle(self, item: Item) -> None:
        try:
            draft = self._compose(item)
        except Refused as error:
            await self._refuse(item, error)
            return
        now = asyncio.get_running_loop().time
        while await self._may_try():
            began = now()
            try:
                message = await self._publish(draft)
            except UserError as error:
                if not await self._bear(item, error, began=began, now=now()):
                    return
                continue
            self._recovery.succeeded()
            self._ledger.accept(item.number)
            _note(logging.DEBUG, "draft accepted", item, id=message.id, origin=message.region)
            await self._accepted(item, message)
            return

    async def _may_try(self) -> bool:
        """Wait until a try may begin; False once it is all over."""
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set() and (wait := self._recovery.quiet_until - loop.time()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._stopping.wait()
        return not self._stopping.is_set()

    async def _bear(self, item: Item, error: UserError, *, began: float, now: float) -> bool:
        """Take a failed try in; whether there is to be another one."""
        if is_hopeless(error):
            self._stop(error)
        elif not may_pass(error):
            self._recovery.succeeded()
            await self._refuse(item, error)
        else:
            retry = self._recovery.failed(error, began=began, now=now)
            if isinstance(error, Unreachable) and error.sent:
                self._ledger.doubt(item.number)
            if retry is None:
                self._stop(error)
                return False
            _note(logging.INFO, "draft waiting", item, reason=str(error), delay=round(retry.delay, 3))
            if retry.is_first:
                await self._troubled(error)
            return True
        return False

    async def _refuse(self, item: Item, error: UserError) -> None:
        self._ledger.refuse(item.number)
        _note(logging.WARNING, "draft refused", item, reason=str(error))
        await self._refused(item, error)

    def _cut(self) -> None:
        for worker in self._workers:
            worker.cancel()


def _note(level: int, event: str, item: Item, **fields: object) -> None:
    log_event(log, level, event, private={"text": item.text}, number=item.number, **fields)

"""Publishes the items of a stream to one region, a window at a time."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from globalchat.client.api import ApiPool
from globalchat.client.bulk.builder import Item
from globalchat.client.messages import Draft, Message
from globalchat.client.offset import ClockOffset
from globalchat.client.options import DEFAULTS
from globalchat.client.profiles import EndpointResolver, Profile, RegionEndpoint, Reload
from globalchat.client.retry import RetryPolicy, fails_every_message, is_retryable, outcome_unknown
from globalchat.core.clock import WallClock
from globalchat.core.errors import Refused, Unauthorized, Unreachable, UserError
from globalchat.core.logs import log_event

log = logging.getLogger(__name__)

Publish = Callable[[Draft], Awaitable[Message]]
Build = Callable[[Item], Draft]
"""Makes the draft of an item as late as possible. Raises Refused if that is not possible."""

# Long enough for an answer from the other side of the world, short enough for Ctrl-C.
DRAIN = 1.0
"""Seconds after `stop` in which publishes in flight may still be answered."""

CREDIT = 1.0
"""Seconds of lateness that are made up for: after a longer stall the rest is not sent in a burst."""


class RateLimiter:
    """Decides when each message is due, at a steady rate without drift. Pure.

    Times are in seconds of a monotonic clock. `rate` is in messages a second; None sets no limit.
    """

    def __init__(self, rate: float | None, *, credit: float = CREDIT) -> None:
        self._interval = 0.0 if rate is None else 1.0 / rate
        self._credit = credit
        self._due: float | None = None

    def reserve(self, now: float) -> float:
        """Return the seconds to wait before the next message, and count it as sent at that time.

        Lateness does not delay the messages after it, so a slow one does not lower the rate.
        """
        due = now if self._due is None else max(self._due, now - self._credit)
        self._due = due + self._interval
        return max(0.0, due - now)


@dataclass(frozen=True, slots=True)
class BulkReport:
    """The progress of a bulk, or its result.

    Attributes:
        accepted: How many the backend accepted.
        refused: How many it refused, or that could not be sent at all.
        left: Numbers of the items that were started but are neither, in order.
        following: Number of the first item that was not started.
        doubtful: Those of `left` that may have been accepted: no answer came.
        complete: There was no further item.
    """

    accepted: int
    refused: int
    left: tuple[int, ...]
    following: int
    doubtful: tuple[int, ...]
    complete: bool

    @property
    def unsent(self) -> tuple[tuple[int, int | None], ...]:
        """The items still to be sent, as spans of numbers (first, last); None as last means no end."""
        spans: list[tuple[int, int | None]] = []
        for number in self.left:
            first, last = spans[-1] if spans else (0, -1)
            if spans and last == number - 1:
                spans[-1] = (first, number)
            else:
                spans.append((number, number))
        if not self.complete:
            if spans and spans[-1][1] == self.following - 1:
                spans[-1] = (spans[-1][0], None)
            else:
                spans.append((self.following, None))
        return tuple(spans)


class BulkProgress:
    """Counts the items; remembers only unsettled ones."""

    def __init__(self) -> None:
        self.accepted = 0
        self.refused = 0
        self._following = 1
        self._left: set[int] = set()
        self._doubtful: set[int] = set()

    def start(self, number: int) -> None:
        """Record that an item was started; items start in the order of their numbers."""
        self._following = number + 1
        self._left.add(number)

    def accept(self, number: int) -> None:
        """Record that an item was accepted."""
        self.accepted += 1
        self._settle(number)

    def refuse(self, number: int) -> None:
        """Record that an item was refused."""
        self.refused += 1
        self._settle(number)

    def doubt(self, number: int) -> None:
        """Record that an item was sent and that its outcome is unknown."""
        if number in self._left:
            self._doubtful.add(number)

    def report(self, *, complete: bool) -> BulkReport:
        """Return the report."""
        return BulkReport(
            accepted=self.accepted,
            refused=self.refused,
            left=tuple(sorted(self._left)),
            following=self._following,
            doubtful=tuple(sorted(self._doubtful)),
            complete=complete,
        )

    def _settle(self, number: int) -> None:
        self._left.discard(number)
        self._doubtful.discard(number)


class BulkTarget:
    """Publishes to one region and reads the profile again after a failure. An async context manager.

    So a bulk follows a restarted local cloud and a rotated key. `clock` gives epoch ms.
    """

    def __init__(
        self, profile: Profile, endpoint: RegionEndpoint, reload: Reload | None, clock: WallClock
    ) -> None:
        self._endpoint = endpoint
        self._resolver = EndpointResolver(profile, reload)
        self._apis = ApiPool(timeout=DEFAULTS.http_timeout, offset=ClockOffset(), clock=clock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._apis.close()

    async def publish(self, draft: Draft) -> Message:
        """Publish a draft, and retry once if the key has changed meanwhile.

        Raises:
            Refused, Unauthorized, Unreachable: as in `RegionApi.publish`.
        """
        endpoint = await self._resolve()
        try:
            message = await self._apis.publish(endpoint, draft)
        except Unauthorized:
            self._resolver.mark_stale()
            # The profile has the same key still, so another attempt would be refused in the same way.
            if await self._resolve() == endpoint:
                raise
            message = await self._apis.publish(self._endpoint, draft)
        except Unreachable:
            self._resolver.mark_stale()
            raise
        self._resolver.mark_fresh()
        return message

    async def _resolve(self) -> RegionEndpoint:
        try:
            self._endpoint = await self._resolver.resolve(self._endpoint)
        except Unreachable as error:
            # Only the profile was read: the outcome is certain, and the draft need not be doubted.
            error.sent = False
            raise
        return self._endpoint


class BulkPublisher:
    """Takes items as its window has room, and retries each under one id until it is settled.

    A window of 1 keeps the order. Memory use depends on the window, not on the number of items. A callback
    about an item occupies its place, so a slow listener slows publishing down. `on_outage` gets the first
    failure of each outage.
    """

    def __init__(
        self,
        *,
        publish: Publish,
        build: Build,
        on_accepted: Callable[[Item, Message], Awaitable[None]],
        on_refused: Callable[[Item, UserError], Awaitable[None]],
        on_outage: Callable[[UserError], Awaitable[None]],
        retry: RetryPolicy,
        limiter: RateLimiter,
        window: int = 1,
        drain: float = DRAIN,
    ) -> None:
        self._publish = publish
        self._build = build
        self._on_accepted = on_accepted
        self._on_refused = on_refused
        self._on_outage = on_outage
        self._retry = retry
        self._limiter = limiter
        self._slots = asyncio.Semaphore(window)
        self._drain = drain
        self._progress = BulkProgress()
        self._stopping = asyncio.Event()
        self._feeding: asyncio.Task[None] | None = None
        self._workers: set[asyncio.Task[None]] = set()
        self._complete = False
        self._error: UserError | None = None

    async def run(self, items: AsyncGenerator[Item, None]) -> BulkReport:
        """Publish until there are no more items or `stop` is called; return the report. Runs once.

        Raises:
            UserError: a permanent failure, or one of `items`; `report` has the progress.
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
    def report(self) -> BulkReport:
        """The report as of now."""
        return self._progress.report(complete=self._complete)

    def stop(self) -> None:
        """Start no further item, and let `run` end soon."""
        self._stop(None)

    def _stop(self, error: UserError | None) -> None:
        """Stop; `run` raises the error, if there is one."""
        if self._stopping.is_set():
            return
        self._error = error or self._error
        self._stopping.set()
        log_event(log, logging.INFO, "bulk stopped", reason=None if error is None else str(error))
        # `stop` may come before `run`, which then cancels the feed itself.
        if self._feeding is not None:
            self._feeding.cancel()
            asyncio.get_running_loop().call_later(self._drain, self._cancel_workers)

    async def _feed(self, group: asyncio.TaskGroup, items: AsyncGenerator[Item, None]) -> None:
        try:
            async with aclosing(items):
                async for item in items:
                    self._progress.start(item.number)
                    await self._start(group, item)
        except UserError as error:  # There is no next item; earlier ones are still completed.
            self._error = error
            return
        self._complete = True

    async def _start(self, group: asyncio.TaskGroup, item: Item) -> None:
        """Start publishing an item once there is room and it is due."""
        # The slot before the rate: reserved first, a due time would pass while the window is full.
        await self._slots.acquire()
        if wait := self._limiter.reserve(asyncio.get_running_loop().time()):
            await asyncio.sleep(wait)
        worker = group.create_task(self._work(item), name="publish")
        self._workers.add(worker)
        worker.add_done_callback(self._workers.discard)

    async def _work(self, item: Item) -> None:
        try:
            await self._settle(item)
        except asyncio.CancelledError:
            self._progress.doubt(item.number)
            raise
        finally:
            self._slots.release()

    async def _settle(self, item: Item) -> None:
        try:
            # Here and not in the feed, so that `{time}` is when it is sent; and once, since all attempts
            # share one id.
            draft = self._build(item)
        except Refused as error:
            await self._refuse(item, error)
            return
        now = asyncio.get_running_loop().time
        while await self._may_try():
            started = now()
            try:
                message = await self._publish(draft)
            except UserError as error:
                if not await self._handle_failure(item, error, started=started, now=now()):
                    return
                continue
            self._retry.succeed()
            # Before the callback, which may be cancelled or raise: the message is accepted whatever happens
            # to the report.
            self._progress.accept(item.number)
            _log_item(logging.DEBUG, "draft accepted", item, id=message.id, origin=message.region)
            await self._on_accepted(item, message)
            return

    async def _may_try(self) -> bool:
        """Wait until an attempt may start; return False once the bulk stops."""
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set() and (wait := self._retry.quiet_until - loop.time()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._stopping.wait()
        return not self._stopping.is_set()

    async def _handle_failure(self, item: Item, error: UserError, *, started: float, now: float) -> bool:
        """Record a failed attempt; return True if the item should be retried."""
        # The item stays among those left, so that a later run sends it once the cause is removed.
        if fails_every_message(error):
            self._stop(error)
        elif not is_retryable(error):
            self._retry.succeed()
            await self._refuse(item, error)
        else:
            retry = self._retry.fail(error, started=started, now=now)
            if outcome_unknown(error):
                self._progress.doubt(item.number)
            if retry is None:
                self._stop(error)
                return False
            _log_item(logging.INFO, "draft waiting", item, reason=str(error), delay=round(retry.delay, 3))
            if retry.is_first:
                await self._on_outage(error)
            return True
        return False

    async def _refuse(self, item: Item, error: UserError) -> None:
        self._progress.refuse(item.number)
        _log_item(logging.WARNING, "draft refused", item, reason=str(error))
        await self._on_refused(item, error)

    def _cancel_workers(self) -> None:
        for worker in self._workers:
            worker.cancel()


def _log_item(level: int, event: str, item: Item, **fields: object) -> None:
    log_event(log, level, event, private={"text": item.text}, number=item.number, **fields)

"""The deliveries from a rule to one of its targets: a bounded queue, one worker, retries beside it.

EventBridge promises no order. A queue keeps it anyway while nothing fails, so a local chat reads
naturally; an event that failed waits for its next attempt without holding up the others.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from globalchat.core.clock import EpochClock
from globalchat.localcloud.events.delivery import (
    DeadLetterQueues,
    DeliveryInterceptor,
    Failure,
    InFlight,
    Route,
    RuleCounters,
    make_dead_letter,
)
from globalchat.localcloud.events.envelope import Event
from globalchat.localcloud.events.targets import TargetPort
from globalchat.localcloud.interfaces import AppSyncErrors

_TURN = 16
"""Deliveries in a row before the worker lets others run: a target in the same process may never wait."""


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """Bounds and timing of deliveries; times in seconds.

    A full queue throttles PutEvents; more than `waiting` retries at once end as dead letters, and as many
    events that an interceptor delays throttle as well.
    """

    queue: int = 10_000
    waiting: int = 10_000
    backoff_base: float = 0.5
    backoff_cap: float = 60.0
    appsync_errors: AppSyncErrors = "ignored"


@dataclass(frozen=True, slots=True)
class DeliveryContext:
    """What all queues of an EventBridge share."""

    settings: DeliverySettings
    interceptor: DeliveryInterceptor
    dead_letters: DeadLetterQueues
    in_flight: InFlight
    clock: EpochClock
    sleep: Callable[[float], Awaitable[None]]
    rng: random.Random


class TargetQueue:
    """Delivers one rule's events to one of its targets."""

    def __init__(
        self, route: Route, port: TargetPort, counters: RuleCounters, context: DeliveryContext
    ) -> None:
        self._route = route
        self._port = port
        self._counters = counters
        self._context = context
        self._queue: asyncio.Queue[tuple[Event, float]] = asyncio.Queue(context.settings.queue)
        self._waiting = 0
        self._delayed = 0
        queue_arn = route.target.dead_letter_arn
        self._admitted = queue_arn is not None and context.dead_letters.admits(queue_arn, route.rule.arn)

    @property
    def full(self) -> bool:
        """Return True if the next event would find no room."""
        return self._queue.full() or self._delayed >= self._context.settings.waiting

    @property
    def key(self) -> tuple[str, str]:
        """Return which queue this is: the rule's ARN and the target's id."""
        return self._route.rule.arn, self._route.target.id

    def offer(self, event: Event) -> None:
        """Take an event for delivery; the interceptor may lose, delay or copy it (if there is room)."""
        for delay in self._context.interceptor.plan_copies(self._route, event):
            if not self._queue.full():
                self._counters.invocations += 1
                self._delayed += delay > 0
                self._context.in_flight.add()
                self._queue.put_nowait((event, delay))

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as later:
            turn = 0
            while True:
                event, delay = await self._queue.get()
                if delay > 0:
                    later.create_task(self._attempt_later(later, event, delay))
                else:
                    await self._attempt(later, event, retries=0)
                turn = (turn + 1) % _TURN
                if turn == 0:
                    await asyncio.sleep(0)

    async def redeliver(self, event: Event) -> Failure | None:
        """Deliver a dead letter's event at once and without retries; return what went wrong, or None."""
        self._counters.invocations += 1
        failure = self._context.interceptor.failure_for(self._route) or await self._port.deliver(event)
        if failure is None:
            self._counters.successful_invocation_attempts += 1
        else:
            self._counters.failed_invocations += 1
        return failure

    async def _attempt_later(self, later: asyncio.TaskGroup, event: Event, delay: float) -> None:
        await self._context.sleep(delay)
        self._delayed -= 1
        await self._attempt(later, event, retries=0)

    async def _attempt_again(
        self, later: asyncio.TaskGroup, event: Event, delay: float, *, retries: int
    ) -> None:
        await self._context.sleep(delay)
        self._waiting -= 1
        await self._attempt(later, event, retries=retries)

    async def _attempt(self, later: asyncio.TaskGroup, event: Event, *, retries: int) -> None:
        if retries:
            self._counters.retry_invocation_attempts += 1
        failure = self._context.interceptor.failure_for(self._route) or await self._port.deliver(event)
        if failure is None:
            self._counters.successful_invocation_attempts += 1
            self._context.in_flight.done()
        elif not failure.retryable or self._waiting >= self._context.settings.waiting:
            self._give_up(event, failure, retries, None)
        elif retries >= self._route.target.retry.maximum_attempts:
            self._give_up(event, failure, retries, "MaximumRetryAttempts")
        else:
            self._retry(later, event, failure, retries)

    def _retry(self, later: asyncio.TaskGroup, event: Event, failure: Failure, retries: int) -> None:
        """Wait longer each time, but never beyond the age at which the event is given up."""
        age = self._context.clock() - event.arrived_at
        remaining = self._route.target.retry.maximum_age_seconds - age
        if remaining <= 0:
            self._give_up(event, failure, retries, "MaximumEventAgeInSeconds")
            return
        settings = self._context.settings
        backoff = min(settings.backoff_cap, settings.backoff_base * 2.0 ** min(retries, 60))
        delay = min(remaining, backoff * self._context.rng.uniform(0.5, 1.0))
        self._waiting += 1
        later.create_task(self._attempt_again(later, event, delay, retries=retries + 1))

    def _give_up(self, event: Event, failure: Failure, retries: int, exhausted: str | None) -> None:
        self._counters.failed_invocations += 1
        queue_arn = self._route.target.dead_letter_arn
        if queue_arn is None:
            self._counters.dropped += 1
        elif not self._admitted:
            self._counters.invocations_failed_to_be_sent_to_dlq += 1
        else:
            now = self._context.clock()
            self._context.dead_letters.add(
                queue_arn,
                make_dead_letter(self._route, event, failure, retries=retries, exhausted=exhausted, now=now),
            )
            self._counters.invocations_sent_to_dlq += 1
        self._context.in_flight.done()

"""Deliveries from a rule to one of its targets: a bounded queue, one worker, retries, dead letters.

EventBridge does not guarantee order. A queue keeps it anyway while nothing fails, so that a local chat reads
naturally; a failed event waits for its next attempt without delaying the others.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from globalchat.core.clock import EpochClock
from globalchat.localcloud.definition import Queue, Rule, RuleTarget
from globalchat.localcloud.events.envelope import Event
from globalchat.localcloud.events.records import DeadLetter, EventDelivery
from globalchat.localcloud.iam import allows_service
from globalchat.localcloud.interfaces import AppSyncErrors

if TYPE_CHECKING:
    from globalchat.localcloud.events.event_store import EventStore

SERVICE: Final = "events.amazonaws.com"
"""The principal that EventBridge acts as."""


_NAMES = {"graphql_errors": "GraphQLErrors"}
CAPACITY = 10_000
"""The most messages of a queue; above that the oldest is dropped."""

_TURN = 16
"""Deliveries in a row before the worker yields, since a target in the same process may never block."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a delivery failed: EventBridge's dead-letter code, and whether a retry may help."""

    code: str
    message: str
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """The route from a rule to one of its targets. On a relay, the two regions differ."""

    rule: Rule
    target: RuleTarget
    from_region: str
    to_region: str


class DeliveryInterceptor(Protocol):
    """Decides how each matched event travels. Both calls return at once."""

    def plan_copies(self, route: Route, event: Event) -> Sequence[float]:
        """Return the delay in seconds of each copy of an event; `(0.0,)` is undisturbed.

        No copy loses the event, two duplicate it, unequal delays reorder it.
        """
        ...

    def failure_for(self, route: Route) -> Failure | None:
        """Return the failure that stops an attempt now, such as a partition between regions, or None."""
        ...


class DirectDelivery:
    """Delivers each event once, at once."""

    def plan_copies(self, route: Route, event: Event) -> Sequence[float]:  # noqa: ARG002
        """Return one copy without delay."""
        return (0.0,)

    def failure_for(self, route: Route) -> Failure | None:  # noqa: ARG002
        """Return None: nothing stops an attempt."""
        return None


@dataclass(slots=True)
class RuleCounters:
    """Counts what happened to a rule's events; `as_dict` has CloudWatch's names.

    Two are our own: `graphql_errors` counts AppSync's answers of 200 with `errors`, `dropped` the events
    that failed permanently without a dead-letter queue.
    """

    matched_events: int = 0
    invocations: int = 0
    """Events passed to a target, whatever the result; retries do not count again."""
    successful_invocation_attempts: int = 0
    retry_invocation_attempts: int = 0
    failed_invocations: int = 0
    """Invocations that failed permanently."""
    invocations_sent_to_dlq: int = 0
    invocations_failed_to_be_sent_to_dlq: int = 0
    """Dead letters that the queue's policy refused, or whose queue is gone."""
    graphql_errors: int = 0
    dropped: int = 0

    def as_dict(self) -> dict[str, int]:
        """Return the counters by names such as `MatchedEvents`."""
        return {_NAMES.get(name, _camel(name)): value for name, value in asdict(self).items()}


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


class InFlight:
    """Counts the deliveries in progress."""

    def __init__(self) -> None:
        self._count = 0
        self._none = asyncio.Event()
        self._none.set()

    def add(self) -> None:
        """Count one more."""
        if self._count == 0:
            self._none.clear()
        self._count += 1

    def done(self) -> None:
        """Count one less."""
        self._count -= 1
        if self._count == 0:
            self._none.set()

    async def settled(self) -> None:
        """Wait until there are no deliveries in progress."""
        await self._none.wait()


class DeadLetterQueues:
    """All dead-letter queues of a deployment, bounded.

    Args:
        queues: the queues.
        store: keeps what is in them; None keeps it in memory.
    """

    def __init__(self, queues: Iterable[Queue], store: "EventStore | None" = None) -> None:
        self._definitions = {queue.arn: queue for queue in queues}
        self._messages: dict[str, dict[int, DeadLetter]] = {arn: {} for arn in self._definitions}
        self._last_number = 0
        self._store = store
        for queue_arn, dead_letter in () if store is None else store.dead_letters:
            self._last_number = max(self._last_number, dead_letter.number)
            # Those of a queue that other templates have stay in the file.
            if queue_arn in self._messages:
                self._messages[queue_arn][dead_letter.number] = dead_letter

    @property
    def messages(self) -> dict[str, list[DeadLetter]]:
        """The messages of every queue, oldest first, by the queue's ARN."""
        return {arn: list(messages.values()) for arn, messages in self._messages.items()}

    def admits(self, queue_arn: str, rule_arn: str) -> bool:
        """Return True if a queue's policy lets EventBridge send on behalf of a rule."""
        queue = self._definitions.get(queue_arn)
        return queue is not None and admits(queue, rule_arn)

    def add(self, queue_arn: str, dead_letter: DeadLetter) -> None:
        """Put a message into a queue; a full one drops its oldest."""
        messages = self._messages[queue_arn]
        if len(messages) >= CAPACITY:
            self._remove(queue_arn, next(iter(messages)))
        self._last_number += 1
        numbered = replace(dead_letter, number=self._last_number)
        messages[numbered.number] = numbered
        if self._store is not None:
            self._store.add_letter(queue_arn, numbered)

    def remove(self, queue_arn: str, dead_letter: DeadLetter) -> None:
        """Remove a message, unless a full queue has dropped it meanwhile."""
        if dead_letter.number in self._messages[queue_arn]:
            self._remove(queue_arn, dead_letter.number)

    def _remove(self, queue_arn: str, number: int) -> None:
        del self._messages[queue_arn][number]
        if self._store is not None:
            self._store.remove_letter(number)


def make_dead_letter(
    route: Route, event: Event, failure: Failure, *, retries: int, exhausted: str | None, now: float
) -> DeadLetter:
    """Make a dead letter; a failure that was not retried has neither attempts nor condition."""
    attributes = {
        "RULE_ARN": route.rule.arn,
        "TARGET_ARN": route.target.arn,
        "ERROR_CODE": failure.code,
        "ERROR_MESSAGE": failure.message,
    }
    if failure.retryable:
        attributes["RETRY_ATTEMPTS"] = str(retries)
    if exhausted is not None:
        attributes["EXHAUSTED_RETRY_CONDITION"] = exhausted
    return DeadLetter(event, attributes, now, route.target.id)


def admits(queue: Queue, rule_arn: str) -> bool:
    """Return True if a queue's policy lets EventBridge send on behalf of a rule."""
    return allows_service(
        queue.statements,
        service=SERVICE,
        action="sqs:SendMessage",
        resource=queue.arn,
        context={**on_behalf_of(rule_arn), "aws:SecureTransport": "true"},
    )


def on_behalf_of(rule_arn: str) -> dict[str, str]:
    """Return the condition keys of EventBridge's calls for a rule."""
    return {"aws:SourceArn": rule_arn, "aws:SourceAccount": rule_arn.split(":")[4]}


class DeliveryTarget(Protocol):
    """One target, ready to be delivered to."""

    async def deliver(self, event: Event) -> Failure | None:
        """Deliver an event; return the failure, or None."""
        ...


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """Bounds and timing of deliveries; times in seconds.

    A full queue throttles PutEvents. Retries above `waiting` at once become dead letters; the same number
    of events delayed by an interceptor throttles PutEvents, too.
    """

    queue: int = 10_000
    waiting: int = 10_000
    backoff_base: float = 0.5
    backoff_cap: float = 60.0
    appsync_errors: AppSyncErrors = "ignored"


@dataclass(frozen=True, slots=True)
class DeliveryContext:
    """The context that all queues of an EventBridge share.

    Without a `store` deliveries end with the process.
    """

    settings: DeliverySettings
    interceptor: DeliveryInterceptor
    dead_letters: DeadLetterQueues
    in_flight: InFlight
    clock: EpochClock
    sleep: Callable[[float], Awaitable[None]]
    rng: random.Random
    store: "EventStore | None" = None


class TargetQueue:
    """Delivers one rule's events to one of its targets."""

    def __init__(
        self, route: Route, target: DeliveryTarget, counters: RuleCounters, context: DeliveryContext
    ) -> None:
        self._route = route
        self._target = target
        self._counters = counters
        self._context = context
        self._queue: asyncio.Queue[tuple[EventDelivery, float]] = asyncio.Queue(context.settings.queue)
        self._restored: list[EventDelivery] = []
        self._waiting = 0
        self._delayed = 0
        queue_arn = route.target.dead_letter_arn
        self._admitted = queue_arn is not None and context.dead_letters.admits(queue_arn, route.rule.arn)

    @property
    def full(self) -> bool:
        """True if the next event would find no room."""
        return self._queue.full() or self._delayed >= self._context.settings.waiting

    @property
    def key(self) -> tuple[str, str]:
        """The identity of the queue: the rule's ARN and the target's id."""
        return self._route.rule.arn, self._route.target.id

    def offer(self, event: Event) -> None:
        """Queue an event for delivery; the interceptor may lose, delay or copy it (if there is room)."""
        for delay in self._context.interceptor.plan_copies(self._route, event):
            # There is room for the first copy, since the bus has checked `full`, but perhaps not for another.
            if not self._queue.full():
                self._counters.invocations += 1
                self._delayed += delay > 0
                self._context.in_flight.add()
                delivery = EventDelivery(event, *self.key)
                if self._context.store is not None:
                    # By the wall clock, since a later process may have to wait for it.
                    delivery.due = self._context.clock() + delay if delay > 0 else 0.0
                    self._context.store.add(delivery)
                self._queue.put_nowait((delivery, delay))

    def restore(self, delivery: EventDelivery) -> None:
        """Take a delivery of an earlier process, before `run`: it goes on where it was."""
        self._counters.invocations += 1
        self._context.in_flight.add()
        self._restored.append(delivery)

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as later:
            await self._go_on(later)
            turn = 0
            while True:
                delivery, delay = await self._queue.get()
                # A delayed event must not delay those behind it: they are to overtake it.
                if delay > 0:
                    later.create_task(self._attempt_later(later, delivery, delay))
                else:
                    await self._attempt(later, delivery)
                turn = (turn + 1) % _TURN
                if turn == 0:
                    await asyncio.sleep(0)

    async def _go_on(self, later: asyncio.TaskGroup) -> None:
        """Deliver what an earlier process has left, in its order; what is to wait still waits."""
        restored, self._restored = self._restored, []
        for delivery in restored:
            delay = delivery.due - self._context.clock()
            if delivery.retries:
                self._waiting += 1
                later.create_task(self._attempt_again(later, delivery, max(0.0, delay)))
            elif delay > 0:
                self._delayed += 1
                later.create_task(self._attempt_later(later, delivery, delay))
            else:
                await self._attempt(later, delivery)
                await asyncio.sleep(0)

    async def redeliver(self, event: Event) -> Failure | None:
        """Deliver a dead letter's event at once and without retries; return the failure, or None."""
        self._counters.invocations += 1
        failure = self._context.interceptor.failure_for(self._route) or await self._target.deliver(event)
        if failure is None:
            self._counters.successful_invocation_attempts += 1
        else:
            self._counters.failed_invocations += 1
        return failure

    async def _attempt_later(self, later: asyncio.TaskGroup, delivery: EventDelivery, delay: float) -> None:
        await self._context.sleep(delay)
        self._delayed -= 1
        await self._attempt(later, delivery)

    async def _attempt_again(self, later: asyncio.TaskGroup, delivery: EventDelivery, delay: float) -> None:
        await self._context.sleep(delay)
        self._waiting -= 1
        await self._attempt(later, delivery)

    async def _attempt(self, later: asyncio.TaskGroup, delivery: EventDelivery) -> None:
        if delivery.retries:
            self._counters.retry_invocation_attempts += 1
        failure = self._context.interceptor.failure_for(self._route) or await self._target.deliver(
            delivery.event
        )
        if failure is None:
            self._counters.successful_invocation_attempts += 1
            self._end(delivery)
        elif not failure.retryable or self._waiting >= self._context.settings.waiting:
            self._give_up(delivery, failure, None)
        elif delivery.retries >= self._route.target.retry.maximum_attempts:
            self._give_up(delivery, failure, "MaximumRetryAttempts")
        else:
            self._retry(later, delivery, failure)

    def _retry(self, later: asyncio.TaskGroup, delivery: EventDelivery, failure: Failure) -> None:
        """Wait longer for each retry, but never beyond the maximum age of the event."""
        now = self._context.clock()
        remaining = self._route.target.retry.maximum_age_seconds - (now - delivery.event.arrived_at)
        if remaining <= 0:
            self._give_up(delivery, failure, "MaximumEventAgeInSeconds")
            return
        settings = self._context.settings
        # The power would overflow with more than 1,023 retries; the cap applies long before.
        backoff = min(settings.backoff_cap, settings.backoff_base * 2.0 ** min(delivery.retries, 60))
        # Random, so that events that failed together are not tried again together.
        # The last attempt is made when the maximum age is reached, not before.
        delay = min(remaining, backoff * self._context.rng.uniform(0.5, 1.0))
        self._waiting += 1
        delivery.retries += 1
        delivery.due = now + delay
        if self._context.store is not None:
            self._context.store.changed(delivery)
        later.create_task(self._attempt_again(later, delivery, delay))

    def _end(self, delivery: EventDelivery) -> None:
        delivery.is_over = True
        if self._context.store is not None:
            self._context.store.changed(delivery)
        self._context.in_flight.done()

    def _give_up(self, delivery: EventDelivery, failure: Failure, exhausted: str | None) -> None:
        self._counters.failed_invocations += 1
        queue_arn = self._route.target.dead_letter_arn
        if queue_arn is None:
            self._counters.dropped += 1
        elif not self._admitted:  # The policy of a queue cannot change while the cloud runs.
            self._counters.invocations_failed_to_be_sent_to_dlq += 1
        else:
            now = self._context.clock()
            self._context.dead_letters.add(
                queue_arn,
                make_dead_letter(
                    self._route,
                    delivery.event,
                    failure,
                    retries=delivery.retries,
                    exhausted=exhausted,
                    now=now,
                ),
            )
            self._counters.invocations_sent_to_dlq += 1
        self._end(delivery)

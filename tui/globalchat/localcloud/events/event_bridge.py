"""EventBridge over all regions of a cloud: PutEvents in, deliveries to APIs, buses and queues out."""

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Self

from globalchat.core.clock import EpochClock
from globalchat.localcloud.definition import JSON, CloudDefinition, Rule
from globalchat.localcloud.events.deliveries import (
    DeadLetterQueues,
    DeliveryContext,
    DeliveryInterceptor,
    DeliverySettings,
    DeliveryTarget,
    DirectDelivery,
    Failure,
    InFlight,
    Route,
    RuleCounters,
    TargetQueue,
)
from globalchat.localcloud.events.envelope import Event, accept, check_request
from globalchat.localcloud.events.pattern import Matcher, compile_pattern
from globalchat.localcloud.events.records import DeadLetter, EventsNotStored
from globalchat.localcloud.events.targets import AppSyncTarget, BusTarget, QueueTarget
from globalchat.localcloud.iam import data_source_may
from globalchat.localcloud.interfaces import EntryResult, GraphQLTarget, PutEventsEntry, PutEventsError

if TYPE_CHECKING:
    from globalchat.localcloud.events.event_store import EventStore

_LONGEST_AGE = 86_400.0
"""The greatest age in seconds that a rule may give an event."""
_THROTTLED = "Rate exceeded: the local cloud's queue for a target is full."


@dataclass(frozen=True, slots=True)
class ActiveRule:
    """An enabled rule."""

    matches: Matcher
    counters: RuleCounters
    queues: tuple[TargetQueue, ...]


@dataclass(frozen=True, slots=True)
class ActiveBus:
    """A bus with its enabled rules."""

    rules: Sequence[ActiveRule]

    def put(self, event: Event) -> bool:
        """Pass an event to all matching rules; return False, and pass it to none, if a queue has no room."""
        # All or none: a throttled entry is put again as a whole, and must not reach a target twice.
        matched = [rule for rule in self.rules if rule.matches(event.document)]
        for rule in matched:
            for queue in rule.queues:
                if queue.full:
                    return False
        for rule in matched:
            rule.counters.matched_events += 1
            for queue in rule.queues:
                queue.offer(event)
        return True


@dataclass(frozen=True, slots=True)
class RedriveResult:
    """The numbers of dead letters that were delivered, and that failed again and stay."""

    delivered: int
    failed: int


class EventBridge:
    """The buses of a deployment; implements `EventSink`.

    It exists before the APIs that put events on its buses and that its rules call: `connect` activates the
    rules. Deliveries run while the object is open (`async with`). Those in progress at its end go on when
    another is opened on the same store; without a store they are lost.

    Args:
        deployment: the deployment whose buses, rules and queues to run.
        clock: epoch seconds.
        rng: event ids and jitter.
        sleep: how a retry waits.
        settings: bounds, timing, and the meaning of GraphQL errors.
        store: keeps what is accepted and not delivered yet, and dead letters; None keeps them in memory.
    """

    def __init__(
        self,
        deployment: CloudDefinition,
        *,
        clock: EpochClock = time.time,
        rng: random.Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        settings: DeliverySettings | None = None,
        store: "EventStore | None" = None,
    ) -> None:
        self._store = store
        self._deployment = deployment
        self._clock = clock
        self._rng = rng or random.Random()
        self._context = DeliveryContext(
            settings=settings or DeliverySettings(),
            interceptor=DirectDelivery(),
            dead_letters=DeadLetterQueues(
                (queue for region in deployment.regions for queue in region.queues), store
            ),
            in_flight=InFlight(),
            clock=clock,
            sleep=sleep,
            rng=self._rng,
            store=store,
        )
        self._rules = [rule for region in deployment.regions for rule in region.rules]
        self._counters = {rule.arn: RuleCounters() for rule in self._rules}
        self._buses: dict[str, ActiveBus] = {}
        self._target_queues: dict[tuple[str, str], TargetQueue] = {}
        self._permitted: dict[tuple[str, str], bool] = {}
        self._group = asyncio.TaskGroup()
        self._workers: list[asyncio.Task[None]] = []

    def connect(self, graphql: GraphQLTarget, interceptor: DeliveryInterceptor | None = None) -> None:
        """Activate the enabled rules. Call it once, before the first event and before `async with`.

        Args:
            graphql: the AppSync APIs that rules call.
            interceptor: disturbs deliveries, for tests and drills.
        """
        self._context = replace(self._context, interceptor=interceptor or DirectDelivery())
        active: dict[str, list[ActiveRule]] = {
            bus.arn: [] for region in self._deployment.regions for bus in region.buses
        }
        for rule in self._rules:
            if rule.enabled and rule.bus_arn in active:
                active[rule.bus_arn].append(self._activate(rule, graphql))
        self._buses = {arn: ActiveBus(rules) for arn, rules in active.items()}
        self._target_queues = {
            queue.key: queue for bus in self._buses.values() for rule in bus.rules for queue in rule.queues
        }

    @property
    def counters(self) -> dict[str, dict[str, int]]:
        """The counters of every rule, as in CloudWatch, by the rule's ARN."""
        return {arn: counters.as_dict() for arn, counters in self._counters.items()}

    @property
    def queues(self) -> DeadLetterQueues:
        """The queues of all regions."""
        return self._context.dead_letters

    @property
    def dead_letters(self) -> dict[str, list[DeadLetter]]:
        """The messages of every queue, oldest first, by the queue's ARN."""
        return self._context.dead_letters.messages

    async def put_events(
        self, *, bus_arn: str, entries: Sequence[PutEventsEntry], role_arn: str
    ) -> list[EntryResult]:
        """Put 1 to 10 entries on a bus as a role that AppSync assumes; return the results in order.

        As on AWS, a bus that does not exist accepts everything, and each throttled entry is an error of its
        own.

        Raises:
            PutEventsError: the role may not, or the call is malformed.
        """
        self._authorize(role_arn, bus_arn)
        check_request(entries)
        return await self._kept([self._put(bus_arn, entry) for entry in entries])

    async def put_on_buses(self, entries: Sequence[tuple[str, PutEventsEntry]]) -> list[EntryResult]:
        """Put 1 to 10 entries, each on the bus of an ARN, for a permitted caller.

        Return the results in order.

        Raises:
            PutEventsError: the call is malformed.
        """
        check_request([entry for _, entry in entries])
        return await self._kept([self._put(bus_arn, entry) for bus_arn, entry in entries])

    async def redrive(self, queue_arn: str | None = None) -> RedriveResult:
        """Deliver dead letters once more, each to its rule's target; delivered ones leave the queue.

        Messages that a rule put into a queue as its target are not dead letters, and stay.

        EventBridge has no redrive: on AWS an operator does this with a script.

        Args:
            queue_arn: the queue; None is every queue.

        Raises:
            KeyError: there is no such queue.
        """
        dead_letters = self.dead_letters
        chosen = dead_letters if queue_arn is None else {queue_arn: dead_letters[queue_arn]}
        delivered = failed = 0
        for arn, found in chosen.items():
            for dead_letter in found:
                if not dead_letter.attributes:
                    continue  # A message whose rule delivered it here.
                if await self._redeliver(dead_letter):
                    self._context.dead_letters.remove(arn, dead_letter)
                    delivered += 1
                else:
                    failed += 1
        return RedriveResult(delivered, failed)

    async def settled(self) -> None:
        """Wait until no delivery is in progress, including retries."""
        await self._context.in_flight.settled()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._restore()
        self._workers = [self._group.create_task(queue.run()) for queue in self._target_queues.values()]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.cancel()
        # The group has to see a cancellation from outside, in order to pass it on.
        if isinstance(error, asyncio.CancelledError):
            await self._group.__aexit__(kind, error, trace)
        else:  # An error of the block is raised as it is, not in an exception group.
            await self._group.__aexit__(None, None, None)

    def _restore(self) -> None:
        """Take the deliveries that an earlier process has left to their queues."""
        if self._store is None:
            return
        for delivery in self._store.deliveries:
            queue = self._target_queues.get((delivery.rule_arn, delivery.target_id))
            if queue is not None:
                queue.restore(delivery)
            elif self._clock() - delivery.event.arrived_at > _LONGEST_AGE:
                # Other templates may have the rule: what could still be delivered there stays in the file.
                delivery.is_over = True
                self._store.changed(delivery)

    async def _kept(self, results: list[EntryResult]) -> list[EntryResult]:
        """Return the results once what was accepted survives the end of the process."""
        if self._store is None:
            return results
        try:
            await self._store.written()
        except EventsNotStored as error:
            failed = EntryResult(error_code="InternalException", error_message=str(error))
            return [failed if result.error_code is None else result for result in results]
        return results

    def _put(self, bus_arn: str, entry: PutEventsEntry) -> EntryResult:
        _, _, _, region, account, _ = bus_arn.split(":", 5)
        event = accept(entry, event_id=self._new_id(), region=region, account=account, now=self._clock())
        if isinstance(event, EntryResult):
            return event
        bus = self._buses.get(bus_arn)
        if bus is not None and not bus.put(event):
            return EntryResult(error_code="ThrottlingException", error_message=_THROTTLED)
        return EntryResult(event_id=event.id)

    async def _redeliver(self, dead_letter: DeadLetter) -> bool:
        queue = self._target_queues.get((dead_letter.attributes["RULE_ARN"], dead_letter.target_id))
        return queue is not None and await queue.redeliver(dead_letter.event) is None

    def _authorize(self, role_arn: str, bus_arn: str) -> None:
        permitted = self._permitted.get((role_arn, bus_arn))
        if permitted is None:
            permitted = self._permitted[role_arn, bus_arn] = data_source_may(
                self._deployment, role_arn, action="events:PutEvents", resource=bus_arn
            )
        if not permitted:
            raise PutEventsError(
                "AccessDeniedException",
                f"{role_arn} is not authorized to perform: events:PutEvents on resource: {bus_arn}",
            )

    def _activate(self, rule: Rule, graphql: GraphQLTarget) -> ActiveRule:
        counters = self._counters[rule.arn]
        queues = []
        for target in rule.targets:
            route = Route(rule, target, rule.arn.split(":")[3], target.arn.split(":")[3])
            port = self._make_target(route, counters, graphql)
            queues.append(TargetQueue(route, port, counters, self._context))
        return ActiveRule(compile_pattern(rule.pattern), counters, tuple(queues))

    def _make_target(self, route: Route, counters: RuleCounters, graphql: GraphQLTarget) -> DeliveryTarget:
        roles = self._deployment.roles
        if ":sqs:" in route.target.arn:
            return QueueTarget(route, self._context.dead_letters, self._clock)
        if route.target.graphql_operation is None:
            return BusTarget(route, roles, self._forward, self._new_id)
        errors = self._context.settings.appsync_errors
        return AppSyncTarget(route, roles, graphql, counters, errors)

    def _forward(self, bus_arn: str, document: dict[str, JSON]) -> Failure | None:
        bus = self._buses.get(bus_arn)
        if bus is None:
            return Failure("NO_RESOURCE", f"The bus {bus_arn} does not exist.")
        if bus.put(Event(document, self._clock(), forwarded=True)):
            return None
        return Failure("THROTTLING", _THROTTLED, retryable=True)

    def _new_id(self) -> str:
        return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))

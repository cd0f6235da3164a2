"""Queues: what EventBridge could not deliver or was to deliver there, if the queue's policy lets it in."""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Final, Protocol

from globalchat.localcloud.definition import Queue, Rule, RuleTarget
from globalchat.localcloud.events.envelope import Event
from globalchat.localcloud.iam import allows_service

SERVICE: Final = "events.amazonaws.com"
"""The principal that EventBridge acts as."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a delivery failed: a dead-letter code of EventBridge's, and whether trying again may help."""

    code: str
    message: str
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """From a rule to one of its targets. The regions differ on a relay."""

    rule: Rule
    target: RuleTarget
    from_region: str
    to_region: str


class DeliveryInterceptor(Protocol):
    """Decides how each matched event travels. Both calls return at once."""

    def plan_copies(self, route: Route, event: Event) -> Sequence[float]:
        """Return for each copy of an event after how many seconds it goes out: `(0.0,)` is undisturbed.

        No copy loses the event, two duplicate it, unequal delays reorder it.
        """
        ...

    def failure_for(self, route: Route) -> Failure | None:
        """Return what stops an attempt now, such as a partition between two regions; None if nothing."""
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
    """What happened to a rule's events; `as_dict` spells the names as CloudWatch does.

    Two are ours: `graphql_errors` counts AppSync's answers of 200 with `errors`, `dropped` the events that
    failed for good and had no queue to go to.
    """

    matched_events: int = 0
    invocations: int = 0
    """Events handed to a target, whatever came of it; retries do not count again."""
    successful_invocation_attempts: int = 0
    retry_invocation_attempts: int = 0
    failed_invocations: int = 0
    """Invocations that failed for good."""
    invocations_sent_to_dlq: int = 0
    invocations_failed_to_be_sent_to_dlq: int = 0
    """The queue's policy refused, or the queue is gone."""
    graphql_errors: int = 0
    dropped: int = 0

    def as_dict(self) -> dict[str, int]:
        """Return the counters by names such as `MatchedEvents`."""
        return {_NAMES.get(name, _camel(name)): value for name, value in asdict(self).items()}


_NAMES = {"graphql_errors": "GraphQLErrors"}


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


class InFlight:
    """How many deliveries are under way."""

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
        """Wait until there are none."""
        await self._none.wait()


CAPACITY = 10_000
"""Letters that a queue keeps; beyond, the oldest goes."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message in a queue: an event, and EventBridge's message attributes (none from a queue as a target).

    `sent_at` is epoch seconds, `target_id` the Id of the rule's target. Attributes: RULE_ARN, TARGET_ARN,
    ERROR_CODE, ERROR_MESSAGE; after retries RETRY_ATTEMPTS too, and EXHAUSTED_RETRY_CONDITION if it was the
    policy that ended them.
    """

    event: Event = field(repr=False)
    attributes: Mapping[str, str]
    sent_at: float
    target_id: str


class DeadLetterQueues:
    """All dead-letter queues of a deployment, in memory and bounded."""

    def __init__(self, queues: Iterable[Queue]) -> None:
        self._definitions = {queue.arn: queue for queue in queues}
        self._letters: dict[str, deque[DeadLetter]] = {
            arn: deque(maxlen=CAPACITY) for arn in self._definitions
        }

    @property
    def letters(self) -> dict[str, list[DeadLetter]]:
        """Return the messages of every queue, oldest first, by the queue's ARN."""
        return {arn: list(letters) for arn, letters in self._letters.items()}

    def admits(self, queue_arn: str, rule_arn: str) -> bool:
        """Return True if a queue's policy lets EventBridge send on behalf of a rule."""
        queue = self._definitions.get(queue_arn)
        return queue is not None and admits(queue, rule_arn)

    def add(self, queue_arn: str, dead_letter: DeadLetter) -> None:
        """Put a message into a queue; a full one drops its oldest."""
        self._letters[queue_arn].append(dead_letter)

    def remove(self, queue_arn: str, dead_letter: DeadLetter) -> None:
        """Take a message out, unless a full queue has dropped it meanwhile."""
        with suppress(ValueError):
            self._letters[queue_arn].remove(dead_letter)


def make_dead_letter(
    route: Route, event: Event, failure: Failure, *, retries: int, exhausted: str | None, now: float
) -> DeadLetter:
    """Make a dead letter; a failure that was not retried carries neither attempts nor condition."""
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
    """Return the condition keys of what EventBridge does for a rule."""
    return {"aws:SourceArn": rule_arn, "aws:SourceAccount": rule_arn.split(":")[4]}

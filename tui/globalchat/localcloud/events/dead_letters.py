"""Queues: what EventBridge could not deliver or was to deliver there, if the queue's policy lets it in."""

from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from globalchat.localcloud.definition import Queue
from globalchat.localcloud.events.courier import Failure, Route
from globalchat.localcloud.events.envelope import Event
from globalchat.localcloud.events.permissions import admits

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


class DeadLetters:
    """All dead-letter queues of a deployment, in memory and bounded."""

    def __init__(self, queues: Iterable[Queue]) -> None:
        self._definitions = {queue.arn: queue for queue in queues}
        self._letters: dict[str, deque[DeadLetter]] = {
            arn: deque(maxlen=CAPACITY) for arn in self._definitions
        }

    @property
    def letters(self) -> dict[str, list[DeadLetter]]:
        """The letters of every queue, oldest first, by the queue's ARN."""
        return {arn: list(letters) for arn, letters in self._letters.items()}

    def admits(self, queue_arn: str, rule_arn: str) -> bool:
        """Whether a queue's policy lets EventBridge send on behalf of a rule."""
        queue = self._definitions.get(queue_arn)
        return queue is not None and admits(queue, rule_arn)

    def add(self, queue_arn: str, letter: DeadLetter) -> None:
        """Put a letter into a queue."""
        self._letters[queue_arn].append(letter)

    def remove(self, queue_arn: str, letter: DeadLetter) -> None:
        """Take a letter out; one that a full queue has dropped meanwhile is gone already."""
        with suppress(ValueError):
            self._letters[queue_arn].remove(letter)


def letter(
    route: Route, event: Event, failure: Failure, *, retries: int, exhausted: str | None, now: float
) -> DeadLetter:
    """Write a letter. A failure that was not retried carries neither attempts nor condition."""
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

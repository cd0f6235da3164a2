"""What EventBridge keeps: deliveries that are under way, and the messages of queues."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from globalchat.localcloud.events.envelope import Event


@dataclass(slots=True, eq=False)
class EventDelivery:
    """An event on its way to a target of a rule.

    Attributes:
        event: What is delivered.
        rule_arn: The rule that matched it.
        target_id: The Id of the rule's target.
        due: When the next attempt is made, in epoch seconds; 0 is at once.
        retries: How many attempts have failed.
        is_over: It was delivered, or given up.
        number: Its row in the file of events.
        is_stored: The file has it.
    """

    event: Event
    rule_arn: str
    target_id: str
    due: float = 0.0
    retries: int = 0
    is_over: bool = False
    number: int = 0
    is_stored: bool = False


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message in a queue: an event, and EventBridge's message attributes (none from a queue as a target).

    `sent_at` is epoch seconds, `target_id` the Id of the rule's target; the queues number their messages.
    Attributes: RULE_ARN, TARGET_ARN, ERROR_CODE, ERROR_MESSAGE; after retries RETRY_ATTEMPTS too, and
    EXHAUSTED_RETRY_CONDITION if it was the policy that ended them.
    """

    event: Event = field(repr=False)
    attributes: Mapping[str, str]
    sent_at: float
    target_id: str
    number: int = field(default=0, compare=False)


class EventsNotStored(Exception):
    """The file of events cannot be written; the message says why."""

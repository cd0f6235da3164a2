"""What the rules of broadcast and relay share: event patterns, retries, and their queue for dead letters."""

from collections.abc import Iterable, Mapping
from typing import Any

from aws_cdk import Acknowledgment, Duration, Validations, aws_sqs
from constructs import Construct

SOURCE = "globalchat"
DETAIL_TYPE = "message published"
"""Source and detail type, as `resolvers/publish.js` writes them."""

RETRY_ATTEMPTS = 10
MAXIMUM_AGE_SECONDS = 300
"""EventBridge's default, 185 attempts in 24 hours, would bring yesterday's messages into a live chat."""


def message_pattern(fields: Iterable[str]) -> Mapping[str, Any]:
    """Return the pattern of messages, in the CDK's spelling: of our source, with every required field."""
    return {
        "source": [SOURCE],
        "detail_type": [DETAIL_TYPE],
        "detail": {field: [{"exists": True}] for field in fields},
    }


def malformed_pattern(fields: Iterable[str]) -> Mapping[str, Any]:
    """Return the pattern, as EventBridge spells it, of what has our source but is not a message.

    A pattern cannot be negated as a whole, so each way to miss `message_pattern` is an alternative. A field
    that is null exists and counts as present: CloudFormation takes no null in a template.
    """
    return {
        "source": [SOURCE],
        "$or": [
            {"detail-type": [{"anything-but": [DETAIL_TYPE]}]},
            *({"detail": {field: [{"exists": False}]}} for field in fields),
        ],
    }


def dead_letter_queue(scope: Construct, *, name: str) -> aws_sqs.Queue:
    """Return an SQS queue that keeps undelivered events for 14 days, encrypted by SQS, over TLS only.

    A queue under an AWS managed KMS key is closed to EventBridge (its user guide, dead-letter queues).
    """
    queue = aws_sqs.Queue(
        scope,
        "DeadLetters",
        queue_name=name,
        retention_period=Duration.days(14),
        encryption=aws_sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
    )
    Validations.of(queue).acknowledge(
        Acknowledgment(
            id="AwsSolutions::AwsSolutions-SQS3",
            reason="It is a dead-letter queue itself: of a rule's target, not of another queue.",
        )
    )
    return queue

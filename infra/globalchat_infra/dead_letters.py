"""The queue for events that a rule's target could not take."""

from aws_cdk import Acknowledgment, Duration, Validations, aws_sqs
from constructs import Construct


def dead_letter_queue(scope: Construct, *, name: str) -> aws_sqs.Queue:
    """An SQS queue that keeps undelivered events for 14 days, encrypted by SQS, over TLS only.

    A queue under an AWS managed KMS key is closed to EventBridge (its user guide, dead-letter queues).
    """
    queue = aws_sqs.Queue(
        scope,
        "DeadLetterQueues",
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

"""Broadcast: delivers messages on a region's bus to its API's subscribers, malformed ones to a queue."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from aws_cdk import (
    Acknowledgment,
    Duration,
    Validations,
    aws_appsync,
    aws_events,
    aws_events_targets,
    aws_iam,
    aws_sqs,
)
from constructs import Construct

from globalchat_infra import names
from globalchat_infra.schema import SchemaFile

RETRY_ATTEMPTS = 10
MAXIMUM_AGE_SECONDS = 300
"""EventBridge's default, 185 attempts in 24 hours, would bring yesterday's messages into a live chat."""
MUTATION = "publishFromBus"
"""The mutation that the rule calls."""


def message_pattern(fields: Iterable[str], *detail_types: str) -> Mapping[str, Any]:
    """Return the pattern of messages, in the CDK's spelling: our source, with every required field."""
    return {
        "source": [names.EVENT_SOURCE],
        "detail_type": [*detail_types],
        "detail": {field: [{"exists": True}] for field in fields},
    }


def malformed_pattern(fields: Iterable[str]) -> Mapping[str, Any]:
    """Return the pattern, in EventBridge's spelling, of events that have our source but are not messages.

    A pattern cannot be negated as a whole, so each way to miss `message_pattern` is an alternative. A null
    field counts as present, since CloudFormation accepts no null in a template.
    """
    return {
        "source": [names.EVENT_SOURCE],
        "$or": [
            {"detail-type": [{"anything-but": [names.PUBLISHED, names.REPAIRED]}]},
            *({"detail": {field: [{"exists": False}]}} for field in fields),
        ],
    }


def dead_letter_queue(scope: Construct, *, name: str) -> aws_sqs.Queue:
    """Return an SQS queue that keeps undelivered events for 14 days; encrypted by SQS, TLS only.

    EventBridge cannot send to a queue with an AWS managed KMS key (its user guide, dead-letter queues).
    """
    queue = aws_sqs.Queue(
        scope,
        "DeadLetters",
        queue_name=name,
        # The longest that SQS allows (developer guide, message quotas): over a holiday, too.
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


class Broadcast(Construct):
    """A rule that calls `publishFromBus` with each message, under a role that may call nothing else.

    `resolver` is that of `publishFromBus`; `dead_letters` is the rule's queue.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        prefix: str,
        alias: str,
        schema: SchemaFile,
        bus: aws_events.IEventBus,
        api: aws_appsync.GraphqlApi,
        resolver: aws_appsync.Resolver,
    ) -> None:
        super().__init__(scope, id)
        role = aws_iam.Role(
            self,
            "Role",
            role_name=names.role(prefix, alias, "broadcast"),
            assumed_by=aws_iam.ServicePrincipal("events.amazonaws.com"),
        )
        # The CDK's grant writes the ARN in its parts, at four times the length.
        field = f"{api.arn}/types/Mutation/fields/{MUTATION}"
        role.add_to_policy(aws_iam.PolicyStatement(actions=["appsync:GraphQL"], resources=[field]))
        self.dead_letters = dead_letter_queue(self, name=names.dead_letters(prefix, "broadcast"))
        target = aws_events_targets.AppSync(
            api,
            graph_ql_operation=schema.call_of(MUTATION),
            # The variables are the unchanged message: no text is inserted into a template.
            variables=aws_events.RuleTargetInput.from_event_path("$.detail"),
            event_role=role,
            retry_attempts=RETRY_ATTEMPTS,
            max_event_age=Duration.seconds(MAXIMUM_AGE_SECONDS),
            dead_letter_queue=self.dead_letters,
        )
        required = schema.required_arguments(MUTATION)
        rule = aws_events.Rule(
            self,
            "Rule",
            rule_name=names.broadcast_rule(prefix),
            description="Hands each message, of any region, to the subscribers of this one.",
            event_bus=bus,
            event_pattern=aws_events.EventPattern(
                **message_pattern(required, names.PUBLISHED, names.REPAIRED)
            ),
            targets=[target],
        )
        # If the rule existed before its role's policy, the first messages would become dead letters.
        rule.node.add_dependency(role.node.find_child("DefaultPolicy"))
        # If an update changed the operation before the schema that it selects from, AppSync would refuse
        # every message until the schema is there, with an answer of 200. A resolver waits for its schema.
        rule.node.add_dependency(resolver)


class Malformed(Construct):
    """A rule that puts events into a queue that have our source but not what `publishFromBus` requires.

    Sent to the API, such an event would cause a validation error: an answer of 200 that EventBridge may treat
    as a delivery, and that no log or metric of a resolver shows. It is not put on a bus again: a queue
    separate from the broadcast's excludes it from redrives.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        prefix: str,
        schema: SchemaFile,
        bus: aws_events.IEventBus,
    ) -> None:
        super().__init__(scope, id)
        queue = dead_letter_queue(self, name=names.dead_letters(prefix, "malformed"))
        rule = aws_events.Rule(
            self,
            "Rule",
            rule_name=names.malformed_rule(prefix),
            description="Keeps what has our source, but is not a message.",
            event_bus=bus,
            # Replaced below; the construct requires a pattern.
            event_pattern=aws_events.EventPattern(source=[names.EVENT_SOURCE]),
            targets=[aws_events_targets.SqsQueue(queue)],
        )
        # The typed pattern does not support `$or` next to the source.
        pattern = malformed_pattern(schema.required_arguments(MUTATION))
        cast(aws_events.CfnRule, rule.node.default_child).add_property_override("EventPattern", pattern)

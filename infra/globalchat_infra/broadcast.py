"""Broadcast: the messages on a region's bus go to the subscribers of its API, malformed ones to a queue."""

from aws_cdk import Duration, aws_appsync, aws_events, aws_events_targets, aws_iam
from constructs import Construct

from globalchat_infra import delivery, names
from globalchat_infra.delivery import dead_letter_queue
from globalchat_infra.schema import SchemaFile

MUTATION = "publishFromBus"


class Broadcast(Construct):
    """A rule that calls `publishFromBus` with each message, as a role that may call nothing else.

    `dead_letters` is its queue.
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
    ) -> None:
        super().__init__(scope, id)
        role = aws_iam.Role(
            self,
            "Role",
            role_name=names.role(prefix, alias, "broadcast"),
            assumed_by=aws_iam.ServicePrincipal("events.amazonaws.com"),
        )
        api.grant_mutation(role, MUTATION)
        self.dead_letters = dead_letter_queue(self, name=names.dead_letters(prefix, "broadcast"))
        target = aws_events_targets.AppSync(
            api,
            graph_ql_operation=schema.call_of(MUTATION),
            # The variables are the message as it is: no text is pasted into a template.
            variables=aws_events.RuleTargetInput.from_event_path("$.detail"),
            event_role=role,
            retry_attempts=delivery.RETRY_ATTEMPTS,
            max_event_age=Duration.seconds(delivery.MAXIMUM_AGE_SECONDS),
            dead_letter_queue=self.dead_letters,
        )
        rule = aws_events.Rule(
            self,
            "Rule",
            rule_name=names.broadcast_rule(prefix),
            description="Hands each message, of any region, to the subscribers of this one.",
            event_bus=bus,
            event_pattern=aws_events.EventPattern(
                **delivery.message_pattern(schema.required_arguments(MUTATION))
            ),
            targets=[target],
        )
        # A rule that exists before its role's policy would dead-letter the first messages.
        rule.node.add_dependency(role.node.find_child("DefaultPolicy"))


class Malformed(Construct):
    """A rule that puts into a queue what has our source, but lacks what `publishFromBus` requires.

    Handed to the API, such an event would be an error of validation: an answer of 200 that EventBridge may
    take for a delivery, and that no log or metric of a resolver shows. It is not put on a bus again: another
    queue than the broadcast's keeps it out of redrives.
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
            event_pattern=aws_events.EventPattern(source=[delivery.SOURCE]),
            targets=[aws_events_targets.SqsQueue(queue)],
        )
        # The typed pattern has no `$or` beside the source.
        pattern = delivery.malformed_pattern(schema.required_arguments(MUTATION))
        rule.node.default_child.add_property_override("EventPattern", pattern)

"""Relay: forwards the messages that a region accepted to the buses of all other regions."""

from collections.abc import Sequence

from aws_cdk import Stack, aws_events, aws_events_targets, aws_iam
from constructs import Construct

from globalchat_infra import names
from globalchat_infra.broadcast import dead_letter_queue, message_pattern


class Relay(Construct):
    """Rules from this region's bus to every peer's, under a role that may put events only on those buses.

    `peers` are AWS regions. A rule matches only messages that its own region accepted: EventBridge refuses a
    second hop, so a message from a peer would become a dead letter. What repairs one region is not relayed.
    `dead_letters` is the rules' queue.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        prefix: str,
        alias: str,
        peers: Sequence[str],
        fields: Sequence[str],
    ) -> None:
        super().__init__(scope, id)
        self._prefix = prefix
        self._pattern = message_pattern(fields, names.PUBLISHED)
        self.dead_letters = dead_letter_queue(self, name=names.dead_letters(prefix, "relay"))
        self._role = aws_iam.Role(
            self,
            "Role",
            role_name=names.role(prefix, alias, "relay"),
            assumed_by=aws_iam.ServicePrincipal("events.amazonaws.com"),
        )
        source = self._bus(Stack.of(self).region)
        # Several rules, since a rule has at most five targets (EventBridge quotas).
        for number, (name, some) in enumerate(names.relay_rules(prefix, peers).items(), 1):
            self._add_rule(f"Rule{number}", name, source, some)

    def _add_rule(self, id: str, name: str, source: aws_events.IEventBus, peers: Sequence[str]) -> None:  # noqa: A002
        rule = aws_events.Rule(
            self,
            id,
            rule_name=name,
            description=f"Passes the messages that this region accepted to {', '.join(peers)}.",
            event_bus=source,
            # The envelope's region is where the event was put first, so a relayed event does not match again.
            event_pattern=aws_events.EventPattern(**self._pattern, region=[Stack.of(self).region]),
        )
        for peer in peers:
            # No retry policy: CloudFormation's schema has one, but according to the CDK bus targets do
            # not support it (EventBusProps), and a refusal would stop the whole deployment.
            target = aws_events_targets.EventBus(
                self._bus(peer), role=self._role, dead_letter_queue=self.dead_letters
            )
            rule.add_target(target)
        # If the rule existed before its role's policy, the first messages would become dead letters.
        rule.node.add_dependency(self._role.node.find_child("DefaultPolicy"))

    def _bus(self, region: str) -> aws_events.IEventBus:
        """Return a region's bus by its fixed name: a cross-region reference would need a Lambda function."""
        stack = Stack.of(self)
        arn = names.bus_arn(self._prefix, region, stack.account, partition=stack.partition)
        return aws_events.EventBus.from_event_bus_arn(self, f"Bus-{region}", arn)

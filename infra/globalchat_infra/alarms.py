"""Alarms: a message that was not delivered makes a noise, and an e-mail if an address is given."""

from aws_cdk import (
    Stack,
    aws_cloudwatch,
    aws_cloudwatch_actions,
    aws_iam,
    aws_logs,
    aws_sns,
    aws_sns_subscriptions,
    aws_sqs,
)
from constructs import Construct

from globalchat_infra import names
from globalchat_infra.metrics import failed_invocations, letters, refused

REFUSALS = {
    "FieldInError": '{ $.fieldName = "publishFromBus" && $.fieldInError IS TRUE }',
    "Unauthorized": '"Not Authorized to access publishFromBus"',
}
"""Lines of AppSync's log that tell of a failed `publishFromBus`: the resolver's, and the denial before it."""


class AlarmTopic(Construct):
    """An SNS topic that mails what this deployment's alarms publish, over TLS only.

    AWS asks the address for its consent by e-mail. A topic under an AWS managed KMS key would be closed to
    CloudWatch.
    """

    def __init__(self, scope: Construct, id: str, *, prefix: str, email: str) -> None:  # noqa: A002
        super().__init__(scope, id)
        topic = aws_sns.Topic(self, "Topic", topic_name=names.topic(prefix), enforce_ssl=True)
        topic.add_subscription(aws_sns_subscriptions.EmailSubscription(email))
        # A policy of its own replaces the default one, under which the account's alarms could publish.
        topic.add_to_resource_policy(
            aws_iam.PolicyStatement(
                sid="AllowAlarms",
                principals=[aws_iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={"ArnLike": {"aws:SourceArn": _alarm_arns(self, prefix)}},
            )
        )


class Alarms(Construct):
    """The alarms of one stack; `email` says whether the region has a topic that they publish to."""

    def __init__(self, scope: Construct, id: str, *, prefix: str, email: bool) -> None:  # noqa: A002
        super().__init__(scope, id)
        self._prefix = prefix
        self._actions: list[aws_cloudwatch_actions.SnsAction] = []
        if email:
            # By name: the topic may be another stack's, and an export would tie the two together.
            stack = Stack.of(self)
            arn = f"arn:{stack.partition}:sns:{stack.region}:{stack.account}:{names.topic(prefix)}"
            topic = aws_sns.Topic.from_topic_arn(self, "Topic", arn)
            self._actions.append(aws_cloudwatch_actions.SnsAction(topic))

    def on_dead_letters(self, part: str, queue: aws_sqs.IQueue) -> None:
        """Alarm when a queue for dead letters holds any; `part` is broadcast or relay."""
        text = f"Messages that the {part} could not deliver wait in {names.dead_letters(self._prefix, part)}."
        self._add(f"{part}-dead-letters", letters(queue.queue_name), text)

    def on_failed_invocations(self, rule: str, bus: str) -> None:
        """Alarm when EventBridge gave up a delivery of a rule; both names as they are on AWS."""
        part = rule.removeprefix(f"{self._prefix}-")
        self._add(f"{part}-failed", failed_invocations(rule, bus), f"Deliveries of the rule {rule} failed.")

    def on_refused_broadcasts(self, log: aws_logs.ILogGroup) -> None:
        """Alarm when AppSync answers `publishFromBus` with an error.

        Such an answer has the HTTP status 200: EventBridge may take it for a delivery, then no queue gets it.
        """
        metric = refused(self._prefix)
        for name, pattern in REFUSALS.items():
            aws_logs.MetricFilter(
                self,
                name,
                log_group=log,
                filter_pattern=aws_logs.FilterPattern.literal(pattern),
                metric_namespace=metric.namespace,
                metric_name=metric.metric_name,
                metric_value="1",
            )
        self._add(
            "broadcast-refused", metric, "AppSync refused messages that the bus handed to publishFromBus."
        )

    def _add(self, name: str, metric: aws_cloudwatch.Metric, description: str) -> None:
        alarm = aws_cloudwatch.Alarm(
            self,
            "".join(word.title() for word in name.split("-")),
            alarm_name=f"{self._prefix}-{name}",
            alarm_description=f"{description} What to do: docs/operations.md, Alarms.",
            metric=metric,
            threshold=0,
            comparison_operator=aws_cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            # Neither EventBridge nor a metric filter writes a zero.
            treat_missing_data=aws_cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        if self._actions:
            alarm.add_alarm_action(*self._actions)


def _alarm_arns(scope: Construct, prefix: str) -> str:
    stack = Stack.of(scope)
    return f"arn:{stack.partition}:cloudwatch:{stack.region}:{stack.account}:alarm:{prefix}-*"

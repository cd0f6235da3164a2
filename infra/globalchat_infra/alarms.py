"""Alarms on undelivered messages, with e-mails if an address is given, and their metrics."""

from aws_cdk import (
    Duration,
    Fn,
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

# The finest period of AWS's own metrics.
MINUTE = Duration.minutes(1)
REFUSED, DENIED = "PublishFromBusErrors", "PublishFromBusDenials"
"""The metrics that filters of AppSync's log count."""
FILTERS = {
    REFUSED: '{ $.fieldName = "publishFromBus" && $.fieldInError IS TRUE }',
    DENIED: '"Not Authorized to access publishFromBus"',
}
"""Lines of AppSync's log about a failed `publishFromBus`: an error of the field, and a denial."""
HISTORY_LOST = "HistoryPutsLost"
HISTORY_LOST_PATTERN = '"history lost" -"GraphQL Query"'
"""The log line of `publishFromBus.js` about a message that could not be stored.

AppSync also logs the document of each request, in which a client may write anything; its line has the second
phrase (AppSync developer guide, monitoring; CloudWatch Logs user guide, filter pattern syntax).
"""


def api_metric(name: str, api_id: str, statistic: str = "Sum") -> aws_cloudwatch.Metric:
    """Return a metric of an AppSync API (its developer guide, monitoring)."""
    return aws_cloudwatch.Metric(
        namespace="AWS/AppSync",
        metric_name=name,
        dimensions_map={"GraphQLAPIId": api_id},
        statistic=statistic,
        period=MINUTE,
    )


def rule_metric(name: str, rule: str, bus: str) -> aws_cloudwatch.Metric:
    """Return a metric of a rule; a custom bus adds a dimension (EventBridge user guide, monitoring)."""
    return aws_cloudwatch.Metric(
        namespace="AWS/Events",
        metric_name=name,
        dimensions_map={"EventBusName": bus, "RuleName": rule},
        statistic="Sum",
        period=MINUTE,
    )


def resolver_errors(api_id: str) -> aws_cloudwatch.MathExpression:
    """Return the errors of the measured resolvers (`MetricsConfig`), as a Metrics Insights query.

    The metric's name and the dimension `API_Id` are documented, but not how `Resolver` spells a field; since
    only one resolver is measured, the query does not need it (AppSync developer guide, enhanced metrics).
    """
    return aws_cloudwatch.MathExpression(
        expression=f"SELECT SUM(GraphQLError) FROM \"AWS/AppSync\" WHERE API_Id = '{api_id}'",
        label="publishFromBus GraphQLError",
        period=MINUTE,
    )


def waiting_dead_letters(queue: str) -> aws_cloudwatch.Metric:
    """Return the metric of the messages that wait in a queue."""
    return aws_cloudwatch.Metric(
        namespace="AWS/SQS",
        metric_name="ApproximateNumberOfMessagesVisible",
        dimensions_map={"QueueName": queue},
        # SQS reports the number of messages, so a sum over the period would count each several times.
        statistic="Maximum",
        period=MINUTE,
    )


def log_metric(prefix: str, name: str) -> aws_cloudwatch.Metric:
    """Return the count of a filter of AppSync's log; each deployment has its own namespace."""
    return aws_cloudwatch.Metric(
        namespace=f"globalchat/{prefix}",
        metric_name=name,
        statistic="Sum",
        period=MINUTE,
    )


class AlarmTopic(Construct):
    """An SNS topic that sends this deployment's alarms by e-mail; TLS only.

    AWS asks the address for its consent by e-mail. With an AWS managed KMS key, CloudWatch could not publish
    to the topic.
    """

    def __init__(self, scope: Construct, id: str, *, prefix: str, email: str) -> None:  # noqa: A002
        super().__init__(scope, id)
        self.topic = topic = aws_sns.Topic(self, "Topic", topic_name=names.topic(prefix), enforce_ssl=True)
        topic.add_subscription(aws_sns_subscriptions.EmailSubscription(email))
        # Its own policy replaces the default one, by which the account's alarms may publish.
        topic.add_to_resource_policy(
            aws_iam.PolicyStatement(
                sid="AllowAlarms",
                principals=[aws_iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={"ArnLike": {"aws:SourceArn": _alarm_arns(prefix)}},
            )
        )


def topic_of_api_stack(scope: Construct, prefix: str) -> aws_sns.ITopic:
    """Return the region's topic by its name for another stack, as an export would couple the two stacks."""
    arn = Fn.sub(f"arn:${{AWS::Partition}}:sns:${{AWS::Region}}:${{AWS::AccountId}}:{names.topic(prefix)}")
    return aws_sns.Topic.from_topic_arn(scope, "AlarmTopic", arn)


class Alarms(Construct):
    """The alarms of one stack; they publish to the region's `topic`, if it has one."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        prefix: str,
        topic: aws_sns.ITopic | None,
    ) -> None:
        super().__init__(scope, id)
        self._prefix = prefix
        self._actions = [] if topic is None else [aws_cloudwatch_actions.SnsAction(topic)]

    def on_dead_letters(self, part: str, queue: aws_sqs.IQueue) -> None:
        """Add an alarm for dead letters in a queue; `part` is broadcast or relay."""
        text = f"Messages that the {part} could not deliver wait in {names.dead_letters(self._prefix, part)}."
        self._add(f"{part}-dead-letters", waiting_dead_letters(queue.queue_name), text)

    def on_rule(self, rule: str, bus: str) -> None:
        """Add alarms for incidents of a rule: deliveries that went to its queue, and those that could not.

        The queue's alarm stays on until the queue is emptied. These alarms count the events of a minute, so
        they return to OK and a second incident raises them again. Both names are those on AWS.
        """
        part = rule.removeprefix(f"{self._prefix}-")
        sent, lost = (
            rule_metric(name, rule, bus)
            for name in ("InvocationsSentToDlq", "InvocationsFailedToBeSentToDlq")
        )
        self._add(f"{part}-failed", sent, f"EventBridge gave up deliveries of the rule {rule}: dead letters.")
        self._add(f"{part}-lost", lost, f"Not even the queue took what the rule {rule} could not deliver.")

    def on_malformed(self, rule: str, bus: str) -> None:
        """Add an alarm for malformed events."""
        queue = names.dead_letters(self._prefix, "malformed")
        text = f"Events of our source that are not messages wait in {queue}."
        self._add("malformed-events", rule_metric("Invocations", rule, bus), text)

    def on_refused_broadcasts(self, api_id: str, log: aws_logs.ILogGroup) -> None:
        """Add alarms for errors with which AppSync answers `publishFromBus`.

        Such an answer has the HTTP status 200: EventBridge may treat it as delivered, and then no queue gets
        it. Both the resolver's metric and a log filter count it, in case one of them does not work as
        documented. Denials before the resolver have a separate alarm without e-mail, since clients
        can cause them by calling `publishFromBus`.
        """
        metric = {name: self._count(log, name, pattern) for name, pattern in FILTERS.items()}
        self._add("broadcast-errors", resolver_errors(api_id), "The resolver of publishFromBus failed.")
        self._add("broadcast-refused", metric[REFUSED], "AppSync's log has errors of publishFromBus.")
        text = "Calls of publishFromBus were denied: harmless if a client tried it."
        self._add("broadcast-denied", metric[DENIED], text, notifies=False)

    def on_lost_history(self, log: aws_logs.ILogGroup) -> None:
        """Add an alarm for messages that could not be stored.

        They were delivered, but are missing in the history.
        """
        metric = self._count(log, HISTORY_LOST, HISTORY_LOST_PATTERN)
        self._add(names.HISTORY_ALARM, metric, "Messages were delivered, but not stored in the history.")

    def _count(self, log: aws_logs.ILogGroup, name: str, pattern: str) -> aws_cloudwatch.Metric:
        """Return a metric that counts the lines of a log that match a pattern."""
        metric = log_metric(self._prefix, name)
        aws_logs.MetricFilter(
            self,
            name,
            log_group=log,
            filter_pattern=aws_logs.FilterPattern.literal(pattern),
            metric_namespace=metric.namespace,
            metric_name=metric.metric_name,
            metric_value="1",
        )
        return metric

    def _add(
        self, name: str, metric: aws_cloudwatch.IMetric, description: str, *, notifies: bool = True
    ) -> None:
        alarm = aws_cloudwatch.Alarm(
            self,
            "".join(word.title() for word in name.split("-")),
            alarm_name=f"{self._prefix}-{name}",
            alarm_description=f"{description} What to do: docs/operations.md, Alarms.",
            metric=metric,
            # A single lost message matters, and in normal operation there is none.
            threshold=0,
            comparison_operator=aws_cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            # Neither EventBridge nor a metric filter writes zeros.
            treat_missing_data=aws_cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        if self._actions and notifies:
            alarm.add_alarm_action(*self._actions)


def _alarm_arns(prefix: str) -> str:
    arns: str = Fn.sub(
        f"arn:${{AWS::Partition}}:cloudwatch:${{AWS::Region}}:${{AWS::AccountId}}:alarm:{prefix}-*"
    )
    return arns

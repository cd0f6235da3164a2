"""The CloudWatch metrics that alarms and the dashboard read, each as a sum (or the maximum) of one minute."""

from aws_cdk import Duration, aws_cloudwatch

MINUTE = Duration.minutes(1)


def of_api(name: str, api_id: str, statistic: str = "Sum") -> aws_cloudwatch.Metric:
    """A metric of an AppSync API (its developer guide, monitoring)."""
    return aws_cloudwatch.Metric(
        namespace="AWS/AppSync",
        metric_name=name,
        dimensions_map={"GraphQLAPIId": api_id},
        statistic=statistic,
        period=MINUTE,
    )


def of_rule(name: str, rule: str, bus: str) -> aws_cloudwatch.Metric:
    """A metric of a rule; one on a custom bus has both dimensions (EventBridge user guide, monitoring)."""
    return aws_cloudwatch.Metric(
        namespace="AWS/Events",
        metric_name=name,
        dimensions_map={"EventBusName": bus, "RuleName": rule},
        statistic="Sum",
        period=MINUTE,
    )


def failed_invocations(rule: str, bus: str) -> aws_cloudwatch.Metric:
    """Deliveries that EventBridge gave up for good."""
    return of_rule("FailedInvocations", rule, bus)


def letters(queue: str) -> aws_cloudwatch.Metric:
    """How many messages wait in a queue."""
    return aws_cloudwatch.Metric(
        namespace="AWS/SQS",
        metric_name="ApproximateNumberOfMessagesVisible",
        dimensions_map={"QueueName": queue},
        statistic="Maximum",
        period=MINUTE,
    )


def refused(prefix: str) -> aws_cloudwatch.Metric:
    """Errors of `publishFromBus` in AppSync's log; a namespace of its own keeps deployments apart."""
    return aws_cloudwatch.Metric(
        namespace=f"globalchat/{prefix}",
        metric_name="PublishFromBusErrors",
        statistic="Sum",
        period=MINUTE,
    )

"""The CloudWatch metrics that alarms and the dashboard read, each as a sum (or the maximum) of one minute."""

from aws_cdk import Duration, aws_cloudwatch

MINUTE = Duration.minutes(1)
REFUSED, DENIED = "PublishFromBusErrors", "PublishFromBusDenials"
"""What filters count in AppSync's log."""


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


def resolver_errors(api_id: str) -> aws_cloudwatch.MathExpression:
    """Errors of the resolvers with metrics of their own (`MetricsConfig`), as a Metrics Insights query.

    Documented are the metric's name and the dimension `API_Id`, but not how `Resolver` spells a field; since
    only one resolver is measured, the query does not ask for it (AppSync developer guide, enhanced metrics).
    """
    return aws_cloudwatch.MathExpression(
        expression=f"SELECT SUM(GraphQLError) FROM \"AWS/AppSync\" WHERE API_Id = '{api_id}'",
        label="publishFromBus GraphQLError",
        period=MINUTE,
    )


def letters(queue: str) -> aws_cloudwatch.Metric:
    """How many messages wait in a queue."""
    return aws_cloudwatch.Metric(
        namespace="AWS/SQS",
        metric_name="ApproximateNumberOfMessagesVisible",
        dimensions_map={"QueueName": queue},
        statistic="Maximum",
        period=MINUTE,
    )


def in_log(prefix: str, name: str) -> aws_cloudwatch.Metric:
    """Return what a filter counts in AppSync's log; a namespace of its own keeps deployments apart."""
    return aws_cloudwatch.Metric(
        namespace=f"globalchat/{prefix}",
        metric_name=name,
        statistic="Sum",
        period=MINUTE,
    )

"""A CloudWatch dashboard of one region: who is connected, what is published, what is not delivered."""

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch
from constructs import Construct

from globalchat_infra import names
from globalchat_infra.alarms import DENIED, REFUSED, api_metric, log_metric, rule_metric, waiting_dead_letters


class Dashboard(Construct):
    """One dashboard; names are those on AWS, so that it may show what another stack of the region holds."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        prefix: str,
        alias: str,
        api_id: str,
        bus: str,
        rules: Sequence[str],
        malformed: str,
        queues: Sequence[str],
    ) -> None:
        super().__init__(scope, id)
        name = names.dashboard(prefix, alias)
        board = aws_cloudwatch.Dashboard(self, "Dashboard", dashboard_name=name)
        board.add_widgets(
            _graph(
                "Clients",
                [
                    api_metric(name, api_id, "Maximum")
                    for name in ("ActiveConnections", "ActiveSubscriptions")
                ],
            ),
            _graph("Requests", [api_metric(name, api_id) for name in ("Requests", "4XXError", "5XXError")]),
            _graph(
                "Latency (ms)", [api_metric("Latency", api_id, statistic) for statistic in ("p50", "p99")]
            ),
        )
        board.add_widgets(
            _graph(
                "Updates sent",
                [
                    api_metric(name, api_id)
                    for name in ("PublishDataMessageSuccess", "PublishDataMessageClientError")
                ],
            ),
            _graph("Deliveries", [rule_metric("Invocations", rule, bus) for rule in rules]),
            _graph(
                "Not delivered",
                [
                    *(rule_metric("FailedInvocations", rule, bus) for rule in rules),
                    rule_metric("Invocations", malformed, bus),
                    *(waiting_dead_letters(queue) for queue in queues),
                    *(log_metric(prefix, name) for name in (REFUSED, DENIED)),
                ],
            ),
        )


def _graph(title: str, metrics: Sequence[aws_cloudwatch.Metric]) -> aws_cloudwatch.GraphWidget:
    return aws_cloudwatch.GraphWidget(title=title, left=list(metrics), width=8, height=6)

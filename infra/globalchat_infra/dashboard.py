"""A CloudWatch dashboard of one region: who is connected, what is published, what is not delivered."""

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch
from constructs import Construct

from globalchat_infra import names
from globalchat_infra.alarms import DENIED, REFUSED, in_log, of_api, of_rule, waiting_dead_letters


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
                [of_api(name, api_id, "Maximum") for name in ("ActiveConnections", "ActiveSubscriptions")],
            ),
            _graph("Requests", [of_api(name, api_id) for name in ("Requests", "4XXError", "5XXError")]),
            _graph("Latency (ms)", [of_api("Latency", api_id, statistic) for statistic in ("p50", "p99")]),
        )
        board.add_widgets(
            _graph(
                "Updates sent",
                [
                    of_api(name, api_id)
                    for name in ("PublishDataMessageSuccess", "PublishDataMessageClientError")
                ],
            ),
            _graph("Deliveries", [of_rule("Invocations", rule, bus) for rule in rules]),
            _graph(
                "Not delivered",
                [
                    *(of_rule("FailedInvocations", rule, bus) for rule in rules),
                    of_rule("Invocations", malformed, bus),
                    *(waiting_dead_letters(queue) for queue in queues),
                    *(in_log(prefix, name) for name in (REFUSED, DENIED)),
                ],
            ),
        )


def _graph(title: str, metrics: Sequence[aws_cloudwatch.Metric]) -> aws_cloudwatch.GraphWidget:
    return aws_cloudwatch.GraphWidget(title=title, left=list(metrics), width=8, height=6)

"""A CloudWatch dashboard of one region: connections, published messages, undelivered messages."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Fn, aws_cloudwatch
from constructs import Construct

from globalchat_infra import names
from globalchat_infra.alarms import DENIED, REFUSED, api_metric, log_metric, rule_metric, waiting_dead_letters

WIDTH, HEIGHT, COLUMNS = 8, 6, 3
"""The size of a graph in cells of the dashboard's grid, and how many graphs a row has."""
_API = "${Api}"
"""Stands for the id of the API in the body's text."""


@dataclass(frozen=True, slots=True)
class DashboardSubject:
    """What a dashboard shows, by its names on AWS: some of it belongs to another stack of the region."""

    prefix: str
    alias: str
    api_id: str
    bus: str
    rules: Sequence[str]
    malformed: str
    queues: Sequence[str]


class Dashboard(Construct):
    """One dashboard.

    The CDK's own construct writes every metric in full, three times the text; a template has no room for it.
    """

    def __init__(self, scope: Construct, id: str, subject: DashboardSubject) -> None:  # noqa: A002
        super().__init__(scope, id)
        aws_cloudwatch.CfnDashboard(
            # Under the logical id of the CDK's own construct: another would be a second dashboard.
            Construct(self, "Dashboard"),
            "Resource",
            dashboard_name=names.dashboard(subject.prefix, subject.alias),
            dashboard_body=Fn.sub(_body(_graphs(subject)), {"Api": subject.api_id}),
        )


_Graph = tuple[str, Sequence[aws_cloudwatch.Metric]]
"""A title, and what is drawn."""


def _graphs(subject: DashboardSubject) -> list[_Graph]:
    bus = subject.bus
    clients = ("ActiveConnections", "ActiveSubscriptions")
    updates = ("PublishDataMessageSuccess", "PublishDataMessageClientError")
    return [
        ("Clients", [api_metric(name, _API, "Maximum") for name in clients]),
        ("Requests", [api_metric(name, _API) for name in ("Requests", "4XXError", "5XXError")]),
        ("Latency (ms)", [api_metric("Latency", _API, statistic) for statistic in ("p50", "p99")]),
        ("Updates sent", [api_metric(name, _API) for name in updates]),
        ("Deliveries", [rule_metric("Invocations", rule, bus) for rule in subject.rules]),
        (
            "Not delivered",
            [
                *(rule_metric("FailedInvocations", rule, bus) for rule in subject.rules),
                rule_metric("Invocations", subject.malformed, bus),
                *(waiting_dead_letters(queue) for queue in subject.queues),
                *(log_metric(subject.prefix, name) for name in (REFUSED, DENIED)),
            ],
        ),
    ]


def _body(graphs: Sequence[_Graph]) -> str:
    """Return the JSON text of the dashboard (CloudWatch API reference, dashboard body structure)."""
    widgets = [
        {
            "type": "metric",
            "x": WIDTH * (number % COLUMNS),
            "y": HEIGHT * (number // COLUMNS),
            "width": WIDTH,
            "height": HEIGHT,
            "properties": _properties(*graph),
        }
        for number, graph in enumerate(graphs)
    ]
    return json.dumps({"widgets": widgets}, separators=(",", ":"))


def _properties(title: str, metrics: Sequence[aws_cloudwatch.Metric]) -> dict[str, object]:
    """Return what a graph shows. Its period and statistic hold for each metric that names no other."""
    usual = metrics[0].statistic
    rows: list[list[object]] = []
    before: list[str] = []
    for metric in metrics:
        pairs = [word for pair in (metric.dimensions or {}).items() for word in pair]
        words = [metric.namespace, metric.metric_name, *pairs]
        rows.append([*_shortened(words, before), *_option(metric.statistic, usual)])
        before = words
    return {
        "title": title,
        "view": "timeSeries",
        "region": "${AWS::Region}",
        "period": metrics[0].period.to_seconds(),
        "stat": usual,
        "metrics": rows,
    }


def _shortened(words: list[str], before: list[str]) -> list[str]:
    """Return a metric as CloudWatch's console writes it below another.

    A dot stands for the same word in the same place, three dots for all words but the last.
    """
    if len(words) == len(before) and words[:-1] == before[:-1]:
        return ["...", words[-1]]
    return ["." if before[place : place + 1] == [word] else word for place, word in enumerate(words)]


def _option(statistic: str, usual: str) -> list[dict[str, str]]:
    return [] if statistic == usual else [{"stat": statistic}]

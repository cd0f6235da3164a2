"""What is off unless the context asks for it: the dashboard and the web firewall."""

import json
from typing import Any

import pytest

from globalchat_infra.config import Config
from tests.infra.helpers.synthesised_templates import Templates, logical, only, resources, text

pytestmark = pytest.mark.infra


@pytest.fixture
def template(everything: Config, full_templates: Templates) -> dict[str, Any]:
    return full_templates[f"{everything.prefix}-{'o' * 20}-api"]


def test_both_are_off_by_default(templates: Templates) -> None:
    for template in templates.values():
        assert not resources(template, "AWS::CloudWatch::Dashboard")
        assert not resources(template, "AWS::WAFv2::WebACL")


def test_a_dashboard_per_region_has_a_name_of_its_own(everything: Config, full_templates: Templates) -> None:
    names = [
        board["DashboardName"]
        for template in full_templates.values()
        for board in resources(template, "AWS::CloudWatch::Dashboard").values()
    ]
    assert names == [f"{everything.prefix}_{alias}" for alias in everything.regions]


def test_a_dashboard_shows_clients_requests_deliveries_and_losses(
    template: dict[str, Any], everything: Config
) -> None:
    body = json.loads(text(only(template, "AWS::CloudWatch::Dashboard")["DashboardBody"]))
    graphs = {each["properties"]["title"]: spelled_out(each["properties"]) for each in body["widgets"]}
    api = f"${{{logical(template, 'AWS::AppSync::GraphQLApi')}.ApiId}}"
    assert [metric[:4] for metric in graphs["Clients"]] == [
        ["AWS/AppSync", "ActiveConnections", "GraphQLAPIId", api],
        ["AWS/AppSync", "ActiveSubscriptions", "GraphQLAPIId", api],
    ]
    prefix = everything.prefix
    rules = [f"{prefix}-broadcast", f"{prefix}-relay-1"]
    assert [metric[5] for metric in graphs["Deliveries"]] == rules
    lost = [metric[:2] + metric[3:-1:2] for metric in graphs["Not delivered"]]
    assert [each[:4] for each in lost[:2]] == [
        ["AWS/Events", "FailedInvocations", f"{prefix}-bus", rule] for rule in rules
    ]
    assert lost[2][:4] == ["AWS/Events", "Invocations", f"{prefix}-bus", f"{prefix}-malformed"]
    assert [each[:3] for each in lost[3:6]] == [
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", f"{prefix}-{part}-dlq"]
        for part in ("broadcast", "malformed", "relay")
    ]
    assert [each[:2] for each in lost[6:]] == [
        [f"globalchat/{prefix}", name] for name in ("PublishFromBusErrors", "PublishFromBusDenials")
    ]

    assert {(graph, metric[-1]) for graph, metrics in graphs.items() for metric in metrics} == {
        ("Clients", "Maximum"), ("Requests", "Sum"), ("Updates sent", "Sum"), ("Deliveries", "Sum"),
        ("Latency (ms)", "p50"), ("Latency (ms)", "p99"),
        ("Not delivered", "Sum"), ("Not delivered", "Maximum"),
    }  # fmt: skip
    places = {(each["x"], each["y"], each["width"], each["height"]) for each in body["widgets"]}
    assert places == {(x, y, 8, 6) for x in (0, 8, 16) for y in (0, 6)}
    for each in body["widgets"]:
        assert (each["properties"]["region"], each["properties"]["period"]) == ("${AWS::Region}", 60)


def spelled_out(graph: dict[str, Any]) -> list[list[str]]:
    """The metrics of a graph in full, each with its statistic at the end, as CloudWatch reads them."""
    metrics: list[list[str]] = []
    for row in graph["metrics"]:
        words = [each for each in row if isinstance(each, str)]
        before = metrics[-1][:-1] if metrics else []
        if words[0] == "...":
            words = before[: -len(words[1:])] + words[1:]
        words = [before[place] if word == "." else word for place, word in enumerate(words)]
        options = row[-1] if isinstance(row[-1], dict) else {}
        metrics.append([*words, options.get("stat", graph["stat"])])
    return metrics


def test_the_firewall_stands_before_the_api_and_lets_all_pass_but_too_many(template: dict[str, Any]) -> None:
    acl = only(template, "AWS::WAFv2::WebACL")
    assert acl["Scope"] == "REGIONAL"
    assert acl["DefaultAction"] == {"Allow": {}}
    (rule,) = acl["Rules"]
    assert rule["Action"] == {"Block": {}}
    rate = rule["Statement"]["RateBasedStatement"]
    assert (rate["AggregateKeyType"], rate["Limit"]) == ("IP", 2000)
    association = only(template, "AWS::WAFv2::WebACLAssociation")
    assert association == {
        "ResourceArn": {"Fn::GetAtt": [logical(template, "AWS::AppSync::GraphQLApi"), "Arn"]},
        "WebACLArn": {"Fn::GetAtt": [logical(template, "AWS::WAFv2::WebACL"), "Arn"]},
    }


def test_the_firewall_counts_only_calls_that_may_carry_a_key(template: dict[str, Any]) -> None:
    (rule,) = only(template, "AWS::WAFv2::WebACL")["Rules"]
    scope = rule["Statement"]["RateBasedStatement"]["ScopeDownStatement"]["OrStatement"]["Statements"]
    constraints = [each["SizeConstraintStatement"] for each in scope]
    assert [each["FieldToMatch"] for each in constraints] == [
        {"SingleHeader": {"Name": "x-api-key"}},
        {"SingleHeader": {"Name": "sec-websocket-protocol"}},
        {"QueryString": {}},
    ]
    assert {(each["ComparisonOperator"], each["Size"]) for each in constraints} == {("GT", 0)}


def test_the_firewall_keeps_no_samples_for_they_would_show_keys(template: dict[str, Any]) -> None:
    acl = only(template, "AWS::WAFv2::WebACL")
    for config in (acl["VisibilityConfig"], acl["Rules"][0]["VisibilityConfig"]):
        assert config["SampledRequestsEnabled"] is False

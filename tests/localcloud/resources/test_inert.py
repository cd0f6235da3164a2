"""Alarms, dashboards, topics and firewalls are accepted, have no effect, and their properties are checked."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from globalchat.localcloud.problems import TemplateError
from globalchat.localcloud.provisioning import assembly
from globalchat.localcloud.provisioning.provisioner import provision
from globalchat_infra.snapshot import write
from tests.infra.helpers.synthesised_templates import assemblies
from tests.localcloud.helpers.small_backend import URLS, Backend

ALARM = {"ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1}
FILTER = {
    "FilterPattern": "x",
    "LogGroupName": "g",
    "MetricTransformations": [{"MetricName": "m", "MetricNamespace": "n", "MetricValue": "1"}],
}
GOOD: dict[str, dict[str, Any]] = {
    "AWS::CloudWatch::Alarm": ALARM,
    "AWS::CloudWatch::Dashboard": {"DashboardBody": "{}"},
    "AWS::Logs::MetricFilter": FILTER,
    "AWS::SNS::Topic": {"TopicName": "t"},
    "AWS::SNS::Subscription": {"TopicArn": "arn", "Protocol": "email", "Endpoint": "a@example.com"},
    "AWS::WAFv2::WebACL": {"Scope": "REGIONAL", "DefaultAction": {"Allow": {}}, "Rules": []},
    "AWS::WAFv2::WebACLAssociation": {"ResourceArn": "a", "WebACLArn": "b"},
}


def with_resource(kind: str, properties: dict[str, Any]) -> Backend:
    backend = Backend()
    backend.oregon_api["Resources"]["Extra"] = {"Type": kind, "Properties": properties}
    return backend


@pytest.mark.parametrize("kind", GOOD)
def test_they_change_nothing(kind: str) -> None:
    assert with_resource(kind, GOOD[kind]).provision() == Backend().provision()


@pytest.mark.parametrize("kind", GOOD)
def test_an_unknown_property_is_refused_by_name(kind: str) -> None:
    with pytest.raises(TemplateError, match=f"{kind} property Colour is not emulated"):
        with_resource(kind, GOOD[kind] | {"Colour": "red"}).provision()


@pytest.mark.parametrize(
    ("kind", "properties", "sentence"),
    [
        ("AWS::CloudWatch::Alarm", {"EvaluationPeriods": 1}, "property ComparisonOperator is missing"),
        ("AWS::CloudWatch::Alarm", ALARM | {"TreatMissingData": "never"}, "has the value never"),
        ("AWS::CloudWatch::Dashboard", {}, "property DashboardBody is missing"),
        ("AWS::CloudWatch::Dashboard", {"DashboardBody": "{}", "DashboardName": "a b"}, "DashboardName"),
        ("AWS::Logs::MetricFilter", FILTER | {"MetricTransformations": []}, "takes at least 1"),
        ("AWS::Logs::MetricFilter", FILTER | {"MetricTransformations": [{}]}, "MetricName is missing"),
        ("AWS::SNS::Subscription", {"TopicArn": "arn", "Protocol": "lambda"}, "has the value lambda"),
        ("AWS::WAFv2::WebACL", {"Scope": "CLOUDFRONT"}, "has the value CLOUDFRONT"),
        ("AWS::WAFv2::WebACLAssociation", {"ResourceArn": "a"}, "property WebACLArn is missing"),
    ],
)
def test_a_wrong_property_is_refused(kind: str, properties: dict[str, Any], sentence: str) -> None:
    with pytest.raises(TemplateError, match=sentence):
        with_resource(kind, properties).provision()


@pytest.mark.infra
def test_a_deployment_with_every_option_boots(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    write(assemblies(tmp_path_factory)["every option"], tmp_path)
    full, plain = (provision(assembly.read(folder), urls=URLS) for folder in (tmp_path, None))
    for ours, theirs in zip(full.regions, plain.regions, strict=True):
        # One output lists the options.
        assert replace(ours, outputs={**ours.outputs, "settings": theirs.outputs["settings"]}) == theirs

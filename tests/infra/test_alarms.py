"""A message that is not delivered makes a noise."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from globalchat_infra import cost
from globalchat_infra.config import Config
from tests.infra.helpers.synthesised_templates import Resource, Templates, logical, only, resources, text

pytestmark = pytest.mark.infra

Alarm = tuple[str, str, str, dict[str, str]]


def alarms(template: Mapping[str, Any]) -> dict[str, Resource]:
    return {alarm["AlarmName"]: alarm for alarm in resources(template, "AWS::CloudWatch::Alarm").values()}


def watched(template: Mapping[str, Any]) -> dict[str, Alarm]:
    """Alarm name → namespace, metric, statistic and dimensions."""
    return {
        name: (
            alarm["Namespace"],
            alarm["MetricName"],
            alarm["Statistic"],
            {each["Name"]: text(each["Value"]) for each in alarm.get("Dimensions", [])},
        )
        for name, alarm in alarms(template).items()
    }


def test_queue_rule_and_log_of_the_broadcast_are_watched(templates: Templates) -> None:
    for alias in ("oregon", "sydney"):
        template = templates[f"globalchat-{alias}-api"]
        queue = f"${{{logical(template, 'AWS::SQS::Queue')}.QueueName}}"
        assert watched(template) == {
            "globalchat-broadcast-dead-letters": (
                "AWS/SQS",
                "ApproximateNumberOfMessagesVisible",
                "Maximum",
                {"QueueName": queue},
            ),
            "globalchat-broadcast-failed": (
                "AWS/Events",
                "FailedInvocations",
                "Sum",
                {"EventBusName": "globalchat-bus", "RuleName": "globalchat-broadcast"},
            ),
            "globalchat-broadcast-refused": ("globalchat/globalchat", "PublishFromBusErrors", "Sum", {}),
        }
        # What the dimensions spell out are the names of what is there.
        assert only(template, "AWS::Events::Rule")["Name"] == "globalchat-broadcast"
        assert only(template, "AWS::Events::EventBus")["Name"] == "globalchat-bus"


def test_queue_and_rule_of_the_relay_are_watched(templates: Templates) -> None:
    for alias in ("oregon", "sydney"):
        template = templates[f"globalchat-{alias}-relay"]
        queue = f"${{{logical(template, 'AWS::SQS::Queue')}.QueueName}}"
        assert {name: alarm[3] for name, alarm in watched(template).items()} == {
            "globalchat-relay-dead-letters": {"QueueName": queue},
            "globalchat-relay-1-failed": {
                "EventBusName": "globalchat-bus",
                "RuleName": "globalchat-relay-1",
            },
        }
        assert only(template, "AWS::Events::Rule")["Name"] == "globalchat-relay-1"


def test_every_queue_and_every_rule_has_its_alarm(full_templates: Templates) -> None:
    for template in full_templates.values():
        dimensions = [alarm[3] for alarm in watched(template).values()]
        for queue in resources(template, "AWS::SQS::Queue"):
            assert {"QueueName": f"${{{queue}.QueueName}}"} in dimensions
        rules = {rule["Name"] for rule in resources(template, "AWS::Events::Rule").values()}
        assert {each["RuleName"] for each in dimensions if "RuleName" in each} == rules


def test_the_estimate_of_costs_knows_how_many_there_are(
    templates: Templates, full_templates: Templates
) -> None:
    for made, regions in ((templates, 2), (full_templates, 3)):
        assert sum(len(alarms(template)) for template in made.values()) == regions * cost.alarms(regions)


def test_one_is_enough_and_silence_is_good(full_templates: Templates) -> None:
    found = [alarm for template in full_templates.values() for alarm in alarms(template).values()]
    assert len(found) == 3 * 3 + 3 * 2
    for alarm in found:
        assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
        assert (alarm["Threshold"], alarm["EvaluationPeriods"], alarm["Period"]) == (0, 1, 60)
        assert alarm["TreatMissingData"] == "notBreaching"
        assert "docs/operations.md" in alarm["AlarmDescription"]


def test_errors_in_appsync_s_log_are_counted(templates: Templates) -> None:
    template = templates["globalchat-oregon-api"]
    filters = list(resources(template, "AWS::Logs::MetricFilter").values())
    assert {each["FilterPattern"] for each in filters} == {
        '{ $.fieldName = "publishFromBus" && $.fieldInError IS TRUE }',
        '"Not Authorized to access publishFromBus"',
    }
    for each in filters:
        assert each["LogGroupName"] == {"Ref": logical(template, "AWS::Logs::LogGroup")}
        (made,) = each["MetricTransformations"]
        alarm = alarms(template)["globalchat-broadcast-refused"]
        assert (made["MetricNamespace"], made["MetricName"]) == (alarm["Namespace"], alarm["MetricName"])
        assert made["MetricValue"] == "1"
        # Without matches there is no metric, and so nothing to pay for.
        assert "DefaultValue" not in made


def test_without_an_address_alarms_mail_nobody(templates: Templates) -> None:
    for template in templates.values():
        for alarm in alarms(template).values():
            assert "AlarmActions" not in alarm


def test_an_address_gets_every_alarm_of_every_region(everything: Config, full_templates: Templates) -> None:
    for alias, region in everything.regions.items():
        api = full_templates[f"{everything.prefix}-{alias}-api"]
        assert only(api, "AWS::SNS::Topic")["TopicName"] == f"{everything.prefix}-alarms"
        subscription = only(api, "AWS::SNS::Subscription")
        assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", everything.alarm_email)
        assert subscription["TopicArn"] == {"Ref": logical(api, "AWS::SNS::Topic")}
        arn = f"arn:${{AWS::Partition}}:sns:{region}:${{AWS::AccountId}}:{everything.prefix}-alarms"
        for template in (api, full_templates[f"{everything.prefix}-{alias}-relay"]):
            for alarm in alarms(template).values():
                assert [text(action) for action in alarm["AlarmActions"]] == [arn]
                # The topic lets alarms of this name publish.
                assert re.match(f"{everything.prefix}-", alarm["AlarmName"])

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
    """Alarm name → namespace, metric, statistic and dimensions; of a query its text alone."""
    found: dict[str, Alarm] = {}
    for name, alarm in alarms(template).items():
        if "Metrics" in alarm:
            (query,) = alarm["Metrics"]
            assert query["ReturnData"] is True
            found[name] = ("", text(query["Expression"]), "", {})
            continue
        dimensions = {each["Name"]: text(each["Value"]) for each in alarm.get("Dimensions", [])}
        found[name] = (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"], dimensions)
    return found


def of_queue(template: Mapping[str, Any], name: str) -> Alarm:
    """The depth of the queue of this name."""
    (queue,) = (
        logical_id
        for logical_id, each in resources(template, "AWS::SQS::Queue").items()
        if each["QueueName"] == name
    )
    return (
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        "Maximum",
        {"QueueName": f"${{{queue}.QueueName}}"},
    )


def rule_metric(metric: str, rule: str) -> Alarm:
    return ("AWS/Events", metric, "Sum", {"EventBusName": "globalchat-bus", "RuleName": rule})


def test_queue_rules_resolver_and_log_of_the_broadcast_are_watched(templates: Templates) -> None:
    for alias in ("oregon", "sydney"):
        template = templates[f"globalchat-{alias}-api"]
        api = logical(template, "AWS::AppSync::GraphQLApi")
        query = f"SELECT SUM(GraphQLError) FROM \"AWS/AppSync\" WHERE API_Id = '${{{api}.ApiId}}'"
        assert watched(template) == {
            "globalchat-broadcast-dead-letters": of_queue(template, "globalchat-broadcast-dlq"),
            "globalchat-broadcast-failed": rule_metric("InvocationsSentToDlq", "globalchat-broadcast"),
            "globalchat-broadcast-lost": rule_metric(
                "InvocationsFailedToBeSentToDlq", "globalchat-broadcast"
            ),
            "globalchat-broadcast-errors": ("", query, "", {}),
            "globalchat-broadcast-refused": ("globalchat/globalchat", "PublishFromBusErrors", "Sum", {}),
            "globalchat-broadcast-denied": ("globalchat/globalchat", "PublishFromBusDenials", "Sum", {}),
            "globalchat-malformed-events": rule_metric("Invocations", "globalchat-malformed"),
            "globalchat-history-lost": ("globalchat/globalchat", "HistoryPutsLost", "Sum", {}),
        }
        # What the dimensions spell out are the names of what is there.
        rules = {rule["Name"] for rule in resources(template, "AWS::Events::Rule").values()}
        assert rules == {"globalchat-broadcast", "globalchat-malformed"}
        assert only(template, "AWS::Events::EventBus")["Name"] == "globalchat-bus"


def test_one_resolver_alone_has_the_metrics_that_an_alarm_reads(templates: Templates) -> None:
    template = templates["globalchat-oregon-api"]
    assert only(template, "AWS::AppSync::GraphQLApi")["EnhancedMetricsConfig"] == {
        "ResolverLevelMetricsBehavior": "PER_RESOLVER_METRICS",
        "DataSourceLevelMetricsBehavior": "PER_DATA_SOURCE_METRICS",
        "OperationLevelMetricsConfig": "DISABLED",
    }
    measured = [
        each["FieldName"]
        for each in resources(template, "AWS::AppSync::Resolver").values()
        if each.get("MetricsConfig") == "ENABLED"
    ]
    assert measured == ["publishFromBus"]
    assert not [
        each for each in resources(template, "AWS::AppSync::DataSource").values() if "MetricsConfig" in each
    ]


def test_queue_and_rule_of_the_relay_are_watched(templates: Templates) -> None:
    for alias in ("oregon", "sydney"):
        template = templates[f"globalchat-{alias}-relay"]
        assert watched(template) == {
            "globalchat-relay-dead-letters": of_queue(template, "globalchat-relay-dlq"),
            "globalchat-relay-1-failed": rule_metric("InvocationsSentToDlq", "globalchat-relay-1"),
            "globalchat-relay-1-lost": rule_metric("InvocationsFailedToBeSentToDlq", "globalchat-relay-1"),
        }
        assert only(template, "AWS::Events::Rule")["Name"] == "globalchat-relay-1"


def test_every_queue_for_dead_letters_and_every_rule_has_its_alarms(full_templates: Templates) -> None:
    for template in full_templates.values():
        found = watched(template).values()
        watched_queues = {alarm[3]["QueueName"] for alarm in found if "QueueName" in alarm[3]}
        watched_rules = {(alarm[3]["RuleName"], alarm[1]) for alarm in found if "RuleName" in alarm[3]}
        expected: set[tuple[str, str]] = set()
        for rule in resources(template, "AWS::Events::Rule").values():
            (letters,) = {
                text(each["DeadLetterConfig"]["Arn"]) for each in rule["Targets"] if "RoleArn" in each
            } or {""}
            if letters:
                assert letters.replace(".Arn}", ".QueueName}") in watched_queues
                metrics = ("InvocationsSentToDlq", "InvocationsFailedToBeSentToDlq")
                expected |= {(rule["Name"], metric) for metric in metrics}
            else:
                # Its queue is its target: each event is an incident.
                expected.add((rule["Name"], "Invocations"))
        assert watched_rules == expected


def test_the_estimate_of_costs_knows_how_many_there_are(
    templates: Templates, full_templates: Templates
) -> None:
    for made, regions in ((templates, 2), (full_templates, 3)):
        assert sum(len(alarms(template)) for template in made.values()) == regions * cost.alarm_count(
            regions, history=True
        )


def test_one_is_enough_and_silence_is_good(full_templates: Templates) -> None:
    found = [alarm for template in full_templates.values() for alarm in alarms(template).values()]
    assert len(found) == 3 * 8 + 3 * 3
    for alarm in found:
        assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
        assert (alarm["Threshold"], alarm["EvaluationPeriods"]) == (0, 1)
        assert {each["Period"] for each in alarm.get("Metrics", [alarm])} == {60}
        assert alarm["TreatMissingData"] == "notBreaching"
        assert "docs/operations.md" in alarm["AlarmDescription"]


def test_errors_in_appsync_s_log_are_counted(templates: Templates) -> None:
    template = templates["globalchat-oregon-api"]
    filters = list(resources(template, "AWS::Logs::MetricFilter").values())
    counted = {
        '{ $.fieldName = "publishFromBus" && $.fieldInError IS TRUE }': "broadcast-refused",
        '"Not Authorized to access publishFromBus"': "broadcast-denied",
        # What `publishFromBus.js` writes.
        '"history lost" -"GraphQL Query"': "history-lost",
    }
    assert {each["FilterPattern"] for each in filters} == counted.keys()
    for each in filters:
        assert each["LogGroupName"] == {"Ref": logical(template, "AWS::Logs::LogGroup")}
        (made,) = each["MetricTransformations"]
        alarm = alarms(template)[f"globalchat-{counted[each['FilterPattern']]}"]
        assert (made["MetricNamespace"], made["MetricName"]) == (alarm["Namespace"], alarm["MetricName"])
        assert made["MetricValue"] == "1"
        # Without matches there is no metric, and so nothing to pay for.
        assert "DefaultValue" not in made


def test_without_an_address_alarms_mail_no_one(templates: Templates) -> None:
    for template in templates.values():
        for alarm in alarms(template).values():
            assert "AlarmActions" not in alarm


@pytest.mark.parametrize(
    ("line", "is_counted"),
    [
        # The forms of AppSync's lines: the id of the request, then what a resolver or AppSync writes.
        ('0a1b ERROR - code.js:38:5: "history lost: DynamoDB:AccessDeniedException"', True),
        ('0a1b GraphQL Query: { history(name: "history lost") { next } }, Operation: null', False),
        ("0a1b GraphQL Query: query history_lost { channels }, Operation: null, Variables: {}", False),
        ('0a1b ERROR - code.js:9:5: "history unread: DynamoDB:AccessDeniedException"', False),
    ],
)
def test_no_document_of_a_client_counts_as_a_message_that_was_not_stored(line: str, is_counted: bool) -> None:
    from globalchat_infra.alarms import HISTORY_LOST_PATTERN

    terms = re.findall(r'(-?)"([^"]+)"', HISTORY_LOST_PATTERN)
    assert all((phrase in line) != (sign == "-") for sign, phrase in terms) is is_counted


def test_a_holder_of_the_key_causes_no_mail(everything: Config, full_templates: Templates) -> None:
    for alias in everything.regions:
        found = alarms(full_templates[f"{everything.prefix}-{alias}-api"])
        denied = found[f"{everything.prefix}-broadcast-denied"]
        assert "AlarmActions" not in denied
        assert "a client tried it" in denied["AlarmDescription"]
        # Nor does another one count what comes before the resolver.
        paged = [alarm for alarm in found.values() if "AlarmActions" in alarm]
        assert "PublishFromBusDenials" not in str(paged)


def test_an_address_gets_every_alarm_of_every_region(everything: Config, full_templates: Templates) -> None:
    for alias in everything.regions:
        api = full_templates[f"{everything.prefix}-{alias}-api"]
        assert only(api, "AWS::SNS::Topic")["TopicName"] == f"{everything.prefix}-alarms"
        subscription = only(api, "AWS::SNS::Subscription")
        assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", everything.alarm_email)
        assert subscription["TopicArn"] == {"Ref": logical(api, "AWS::SNS::Topic")}
        own = f"${{{logical(api, 'AWS::SNS::Topic')}}}"
        arn = f"arn:${{AWS::Partition}}:sns:${{AWS::Region}}:${{AWS::AccountId}}:{everything.prefix}-alarms"
        for topic, template in ((own, api), (arn, full_templates[f"{everything.prefix}-{alias}-relay"])):
            for alarm in alarms(template).values():
                if alarm["AlarmName"].endswith("-denied"):
                    continue
                assert [text(action) for action in alarm["AlarmActions"]] == [topic]
                # The topic lets alarms of this name publish.
                assert re.match(f"{everything.prefix}-", alarm["AlarmName"])

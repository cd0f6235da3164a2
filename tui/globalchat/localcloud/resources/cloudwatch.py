"""AWS::CloudWatch resource types: nothing is measured locally, no alarm sounds, no graph is drawn."""

from globalchat.localcloud.resources.resource_type import Identity, ResourceType, Values
from globalchat.localcloud.resources.shape import Properties, Shape, name, only, optional_text, text, whole

_MEASURED = "metrics are not kept locally"
_NOBODY = "without metrics no alarm changes its state"


def _alarm(identity: Identity, properties: Properties) -> Values:
    own = optional_text(properties, "AlarmName") or identity.generated_name(255)
    return Values(own, {"Arn": identity.arn("cloudwatch", f"alarm:{own}")})


def _dashboard(identity: Identity, properties: Properties) -> Values:
    return Values(optional_text(properties, "DashboardName") or identity.generated_name(255), {})


ALARM = ResourceType(
    name="AWS::CloudWatch::Alarm",
    shape=Shape(
        required={
            "ComparisonOperator": only(
                "GreaterThanThreshold",
                "GreaterThanOrEqualToThreshold",
                "LessThanThreshold",
                "LessThanOrEqualToThreshold",
            ),
            "EvaluationPeriods": whole(1, 1440),
        },
        optional={
            "AlarmName": name(r"[^\x00-\x1f]", 255),
            "TreatMissingData": only("breaching", "notBreaching", "ignore", "missing"),
        },
        without_effect={
            "ActionsEnabled": _NOBODY,
            "AlarmActions": _NOBODY,
            "AlarmDescription": "nothing reads it",
            "DatapointsToAlarm": _MEASURED,
            "Dimensions": _MEASURED,
            "InsufficientDataActions": _NOBODY,
            "MetricName": _MEASURED,
            "Metrics": _MEASURED,
            "Namespace": _MEASURED,
            "OKActions": _NOBODY,
            "Period": _MEASURED,
            "Statistic": _MEASURED,
            "Tags": "nothing reads them",
            "Threshold": _MEASURED,
            "Unit": _MEASURED,
        },
    ),
    values=_alarm,
)

DASHBOARD = ResourceType(
    name="AWS::CloudWatch::Dashboard",
    shape=Shape(
        required={"DashboardBody": text},
        optional={"DashboardName": name("[A-Za-z0-9_-]", 255)},
        without_effect={"Tags": "nothing reads them"},
    ),
    values=_dashboard,
)

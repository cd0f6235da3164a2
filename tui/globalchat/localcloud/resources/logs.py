"""AWS::Logs resource types; logs are not kept locally, but policies and metric filters name the groups."""

from globalchat.localcloud.resources.resource_type import Identity, ResourceType, Values
from globalchat.localcloud.resources.shape import Properties, Shape, list_of, name, optional_text, text


def _log_group(identity: Identity, properties: Properties) -> Values:
    own = optional_text(properties, "LogGroupName") or identity.generated_name(512)
    return Values(own, {"Arn": identity.arn("logs", f"log-group:{own}:*")})


LOG_GROUP = ResourceType(
    name="AWS::Logs::LogGroup",
    shape=Shape(
        optional={"LogGroupName": name("[A-Za-z0-9_/.#-]", 512)},
        without_effect={
            "LogGroupClass": "logs are not kept locally",
            "RetentionInDays": "logs are not kept locally",
            "Tags": "nothing reads them",
        },
    ),
    values=_log_group,
)

METRIC_FILTER = ResourceType(
    name="AWS::Logs::MetricFilter",
    shape=Shape(
        required={
            "FilterPattern": text,
            "LogGroupName": text,
            "MetricTransformations": list_of(
                Shape(
                    required={"MetricName": text, "MetricNamespace": text, "MetricValue": text},
                    without_effect={
                        "DefaultValue": "metrics are not kept locally",
                        "Dimensions": "metrics are not kept locally",
                        "Unit": "metrics are not kept locally",
                    },
                ),
                minimum=1,
                maximum=1,
            ),
        },
        optional={"FilterName": text},
    ),
    values=lambda identity, properties: Values(
        optional_text(properties, "FilterName") or identity.generated_name(512), {}
    ),
)

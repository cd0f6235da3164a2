"""AWS::Logs resource types; logs are not kept locally, but policies name the groups."""

from localcloud.resources.resource_type import Identity, ResourceType, Values
from localcloud.resources.shape import Properties, Shape, optional_text, text


def _log_group(identity: Identity, properties: Properties) -> Values:
    name = optional_text(properties, "LogGroupName") or identity.generated_name(512)
    return Values(name, {"Arn": identity.arn("logs", f"log-group:{name}:*")})


LOG_GROUP = ResourceType(
    name="AWS::Logs::LogGroup",
    shape=Shape(
        optional={"LogGroupName": text},
        without_effect={
            "LogGroupClass": "logs are not kept locally",
            "RetentionInDays": "logs are not kept locally",
            "Tags": "nothing reads them",
        },
    ),
    values=_log_group,
)

"""AWS::Logs resource types; logs are not kept locally, but policies name the groups."""

from localcloud.resources.resource_type import Identity, ResourceType, Values
from localcloud.resources.shape import Properties, Shape, name, optional_text


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

"""AWS::CDK resource types."""

from globalchat.localcloud.resources.resource_type import ResourceType, Values
from globalchat.localcloud.resources.shape import Shape

METADATA = ResourceType(
    name="AWS::CDK::Metadata",
    shape=Shape(without_effect={"Analytics": "usage figures for the CDK's makers"}),
    values=lambda identity, _: Values(identity.generated_name(128), {}),
)

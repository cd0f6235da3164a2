"""AWS::WAFv2 resource types: the local cloud has no firewall, for all of its clients have one address."""

from globalchat.localcloud.resources.resource_type import Identity, ResourceType, Values
from globalchat.localcloud.resources.shape import Properties, Shape, name, only, optional_text, text

_UNFILTERED = "every local client has the same address, so none is held back"


def _acl(identity: Identity, properties: Properties) -> Values:
    own = optional_text(properties, "Name") or identity.generated_name(128)
    acl_id = identity.token(36)
    arn = identity.arn("wafv2", f"regional/webacl/{own}/{acl_id}")
    return Values(f"{own}|{acl_id}|REGIONAL", {"Arn": arn, "Id": acl_id})


WEB_ACL = ResourceType(
    name="AWS::WAFv2::WebACL",
    shape=Shape(
        required={"Scope": only("REGIONAL")},
        optional={"Name": name("[A-Za-z0-9_-]", 128)},
        without_effect={
            "DefaultAction": _UNFILTERED,
            "Description": "nothing reads it",
            "Rules": _UNFILTERED,
            "Tags": "nothing reads them",
            "VisibilityConfig": "metrics are not kept locally",
        },
    ),
    values=_acl,
)

WEB_ACL_ASSOCIATION = ResourceType(
    name="AWS::WAFv2::WebACLAssociation",
    shape=Shape(required={"ResourceArn": text, "WebACLArn": text}),
    values=lambda identity, _: Values(identity.generated_name(128), {}),
)

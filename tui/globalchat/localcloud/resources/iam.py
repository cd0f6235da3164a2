"""AWS::IAM resource types."""

from globalchat.localcloud.definition import JSON
from globalchat.localcloud.errors import Unsupported
from globalchat.localcloud.principals import unique_id
from globalchat.localcloud.resources.policies import identity_policy, trust_policy
from globalchat.localcloud.resources.resource_type import Identity, ResourceType, Values
from globalchat.localcloud.resources.shape import Properties, Shape, list_of, name, only, optional_text, text

_LOG_POLICY = "policy/service-role/AWSAppSyncPushToCloudWatchLogs"


def managed_policy(value: JSON, path: str) -> None:
    """Only the policy that lets AppSync write logs: logs are not kept locally, so it grants nothing here."""
    if not isinstance(value, str) or not value.endswith(_LOG_POLICY):
        raise Unsupported(f"property {path} names the managed policy {value}, which is not emulated")


def _role(identity: Identity, properties: Properties) -> Values:
    own = optional_text(properties, "RoleName") or identity.generated_name(64)
    arn = identity.arn("iam", f"role/{own}", region="")
    return Values(own, {"Arn": arn, "RoleId": unique_id("AROA", arn)})


ROLE = ResourceType(
    name="AWS::IAM::Role",
    shape=Shape(
        required={"AssumeRolePolicyDocument": trust_policy},
        optional={
            "RoleName": name(r"[\w+=,.@-]", 64),
            "Path": only("/"),
            "Policies": list_of(Shape(required={"PolicyName": text, "PolicyDocument": identity_policy})),
            "ManagedPolicyArns": list_of(managed_policy),
        },
        without_effect={
            "Description": "shown by AWS alone",
            "MaxSessionDuration": "no session is handed out",
            "Tags": "nothing reads them",
        },
    ),
    values=_role,
)

POLICY = ResourceType(
    name="AWS::IAM::Policy",
    shape=Shape(
        required={"PolicyName": text, "PolicyDocument": identity_policy, "Roles": list_of(text, minimum=1)},
    ),
    values=lambda identity, _: Values(identity.generated_name(128), {}),
)

"""AWS::DynamoDB resource types."""

from globalchat.localcloud.definition import JSON
from globalchat.localcloud.problems import Invalid
from globalchat.localcloud.resources.property_schema import (
    Properties,
    PropertySchema,
    ResourceIdentity,
    ResourceType,
    ResourceValues,
    list_of,
    name,
    only,
    optional_text,
    text,
    whole,
)

_ATTRIBUTE_NAME = name(r"[\s\S]", 255)
_SWITCH = only(True, False)


def table_name(value: JSON, path: str) -> None:
    """Check the name of a table: 3 to 255 characters."""
    name("[a-zA-Z0-9_.-]", 255)(value, path)
    if len(str(value)) < 3:
        raise Invalid(f"property {path} has {len(str(value))} characters; AWS takes at least 3")


def _table(identity: ResourceIdentity, properties: Properties) -> ResourceValues:
    own = optional_text(properties, "TableName") or identity.generated_name(255)
    return ResourceValues(own, {"Arn": identity.arn("dynamodb", f"table/{own}")})


TABLE = ResourceType(
    name="AWS::DynamoDB::Table",
    schema=PropertySchema(
        required={
            "AttributeDefinitions": list_of(
                PropertySchema(required={"AttributeName": _ATTRIBUTE_NAME, "AttributeType": only("S", "N")})
            ),
            "BillingMode": only("PAY_PER_REQUEST"),
            "KeySchema": list_of(
                PropertySchema(required={"AttributeName": _ATTRIBUTE_NAME, "KeyType": only("HASH", "RANGE")}),
                minimum=1,
                maximum=2,
            ),
        },
        optional={
            "TableName": table_name,
            "TimeToLiveSpecification": PropertySchema(
                required={"Enabled": _SWITCH}, optional={"AttributeName": _ATTRIBUTE_NAME}
            ),
            # Checked, but without effect: no table is encrypted, restored or deleted here.
            "DeletionProtectionEnabled": _SWITCH,
            "PointInTimeRecoverySpecification": PropertySchema(
                optional={"PointInTimeRecoveryEnabled": _SWITCH, "RecoveryPeriodInDays": whole(1, 35)}
            ),
            "SSESpecification": PropertySchema(
                required={"SSEEnabled": _SWITCH},
                optional={"KMSMasterKeyId": text, "SSEType": only("KMS")},
            ),
        },
        ignored={
            "ContributorInsightsSpecification": "metrics are not kept locally",
            "TableClass": "nothing is billed",
            "Tags": "nothing reads them",
        },
        unsupported={
            "GlobalSecondaryIndexes": "secondary indexes",
            "KinesisStreamSpecification": "streams",
            "LocalSecondaryIndexes": "secondary indexes",
            "ProvisionedThroughput": "provisioned capacity",
            "StreamSpecification": "streams",
        },
        replaces={"ProvisionedThroughput": ("BillingMode",)},
        absent={"BillingMode": "the default, PROVISIONED, is not emulated"},
    ),
    values=_table,
)

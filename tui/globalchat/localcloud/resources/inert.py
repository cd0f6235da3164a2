"""Resource types that are checked, but do nothing locally: logs, metrics, alarms, topics, the firewall.

Nothing is measured, so no alarm changes its state and no mail is sent; policies and metric filters still
refer to log groups. There is no firewall, since all local clients have the same address.
"""

from globalchat.localcloud.resources.policies import resource_policy
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
    text_of,
    whole,
)

_MEASURED = "metrics are not kept locally"
_NOBODY = "without metrics no alarm changes its state"


_UNFILTERED = "every local client has the same address, so none is held back"


def _alarm(identity: ResourceIdentity, properties: Properties) -> ResourceValues:
    own = optional_text(properties, "AlarmName") or identity.generated_name(255)
    return ResourceValues(own, {"Arn": identity.arn("cloudwatch", f"alarm:{own}")})


def _dashboard(identity: ResourceIdentity, properties: Properties) -> ResourceValues:
    return ResourceValues(optional_text(properties, "DashboardName") or identity.generated_name(255), {})


ALARM = ResourceType(
    name="AWS::CloudWatch::Alarm",
    schema=PropertySchema(
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
        ignored={
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
    schema=PropertySchema(
        required={"DashboardBody": text},
        optional={"DashboardName": name("[A-Za-z0-9_-]", 255)},
        ignored={"Tags": "nothing reads them"},
    ),
    values=_dashboard,
)


def _log_group(identity: ResourceIdentity, properties: Properties) -> ResourceValues:
    own = optional_text(properties, "LogGroupName") or identity.generated_name(512)
    return ResourceValues(own, {"Arn": identity.arn("logs", f"log-group:{own}:*")})


LOG_GROUP = ResourceType(
    name="AWS::Logs::LogGroup",
    schema=PropertySchema(
        optional={"LogGroupName": name("[A-Za-z0-9_/.#-]", 512)},
        ignored={
            "LogGroupClass": "logs are not kept locally",
            "RetentionInDays": "logs are not kept locally",
            "Tags": "nothing reads them",
        },
    ),
    values=_log_group,
)

METRIC_FILTER = ResourceType(
    name="AWS::Logs::MetricFilter",
    schema=PropertySchema(
        required={
            "FilterPattern": text,
            "LogGroupName": text,
            "MetricTransformations": list_of(
                PropertySchema(
                    required={"MetricName": text, "MetricNamespace": text, "MetricValue": text},
                    ignored={
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
    values=lambda identity, properties: ResourceValues(
        optional_text(properties, "FilterName") or identity.generated_name(512), {}
    ),
)


def _topic(identity: ResourceIdentity, properties: Properties) -> ResourceValues:
    own = optional_text(properties, "TopicName") or identity.generated_name(256)
    arn = identity.arn("sns", own)
    return ResourceValues(arn, {"TopicArn": arn, "TopicName": own})


def _subscription(identity: ResourceIdentity, properties: Properties) -> ResourceValues:
    arn = f"{text_of(properties, 'TopicArn')}:{identity.token(36)}"
    return ResourceValues(arn, {"Arn": arn})


TOPIC = ResourceType(
    name="AWS::SNS::Topic",
    schema=PropertySchema(
        optional={"TopicName": name("[A-Za-z0-9_-]", 256)},
        ignored={
            "DisplayName": "no mail is sent locally",
            "KmsMasterKeyId": "nothing is published locally",
            "Tags": "nothing reads them",
        },
    ),
    values=_topic,
)

TOPIC_POLICY = ResourceType(
    name="AWS::SNS::TopicPolicy",
    schema=PropertySchema(required={"Topics": list_of(text, minimum=1), "PolicyDocument": resource_policy}),
    values=lambda identity, _: ResourceValues(identity.generated_name(128), {}),
)

SUBSCRIPTION = ResourceType(
    name="AWS::SNS::Subscription",
    schema=PropertySchema(
        required={"TopicArn": text, "Protocol": only("email", "email-json")},
        optional={"Endpoint": text},
    ),
    values=_subscription,
)


def _acl(identity: ResourceIdentity, properties: Properties) -> ResourceValues:
    own = optional_text(properties, "Name") or identity.generated_name(128)
    acl_id = identity.token(36)
    arn = identity.arn("wafv2", f"regional/webacl/{own}/{acl_id}")
    return ResourceValues(f"{own}|{acl_id}|REGIONAL", {"Arn": arn, "Id": acl_id})


WEB_ACL = ResourceType(
    name="AWS::WAFv2::WebACL",
    schema=PropertySchema(
        required={"Scope": only("REGIONAL")},
        optional={"Name": name("[A-Za-z0-9_-]", 128)},
        ignored={
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
    schema=PropertySchema(required={"ResourceArn": text, "WebACLArn": text}),
    values=lambda identity, _: ResourceValues(identity.generated_name(128), {}),
)


METADATA = ResourceType(
    name="AWS::CDK::Metadata",
    schema=PropertySchema(ignored={"Analytics": "usage figures for the CDK's makers"}),
    values=lambda identity, _: ResourceValues(identity.generated_name(128), {}),
)

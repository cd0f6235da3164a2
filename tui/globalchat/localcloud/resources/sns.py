"""AWS::SNS resource types: topics of alarms, which never sound locally, so no mail is ever sent."""

from globalchat.localcloud.resources.policies import resource_policy
from globalchat.localcloud.resources.resource_type import Identity, ResourceType, Values
from globalchat.localcloud.resources.shape import (
    Properties,
    Shape,
    list_of,
    name,
    only,
    optional_text,
    text,
    text_of,
)


def _topic(identity: Identity, properties: Properties) -> Values:
    own = optional_text(properties, "TopicName") or identity.generated_name(256)
    arn = identity.arn("sns", own)
    return Values(arn, {"TopicArn": arn, "TopicName": own})


def _subscription(identity: Identity, properties: Properties) -> Values:
    arn = f"{text_of(properties, 'TopicArn')}:{identity.token(36)}"
    return Values(arn, {"Arn": arn})


TOPIC = ResourceType(
    name="AWS::SNS::Topic",
    shape=Shape(
        optional={"TopicName": name("[A-Za-z0-9_-]", 256)},
        without_effect={
            "DisplayName": "no mail is sent locally",
            "KmsMasterKeyId": "nothing is published locally",
            "Tags": "nothing reads them",
        },
    ),
    values=_topic,
)

TOPIC_POLICY = ResourceType(
    name="AWS::SNS::TopicPolicy",
    shape=Shape(required={"Topics": list_of(text, minimum=1), "PolicyDocument": resource_policy}),
    values=lambda identity, _: Values(identity.generated_name(128), {}),
)

SUBSCRIPTION = ResourceType(
    name="AWS::SNS::Subscription",
    shape=Shape(
        required={"TopicArn": text, "Protocol": only("email", "email-json")},
        optional={"Endpoint": text},
    ),
    values=_subscription,
)

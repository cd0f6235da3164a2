"""AWS::SQS resource types: dead-letter queues."""

from globalchat.localcloud.resources.policies import resource_policy
from globalchat.localcloud.resources.resource_type import Identity, ResourceType, Values
from globalchat.localcloud.resources.shape import Properties, Shape, list_of, name, only, optional_text, text


def _queue(identity: Identity, properties: Properties) -> Values:
    own = optional_text(properties, "QueueName") or identity.generated_name(80)
    url = f"https://sqs.{identity.region}.amazonaws.com/{identity.account}/{own}"
    return Values(url, {"Arn": identity.arn("sqs", own), "QueueName": own, "QueueUrl": url})


QUEUE = ResourceType(
    name="AWS::SQS::Queue",
    shape=Shape(
        optional={
            "QueueName": name("[A-Za-z0-9_-]", 80),
            # EventBridge takes standard queues only (EventBridge user guide, dead-letter queues).
            "FifoQueue": only(False, "false"),
        },
        without_effect={
            "DelaySeconds": "dead letters are there at once",
            "MaximumMessageSize": "events are smaller than any limit that AWS takes",
            "MessageRetentionPeriod": "letters live as long as the local cloud",
            "ReceiveMessageWaitTimeSeconds": "ReceiveMessage answers at once",
            "SqsManagedSseEnabled": "letters stay in memory",
            "Tags": "nothing reads them",
            "VisibilityTimeout": "a call says how long, else it is 30 s",
        },
    ),
    values=_queue,
)

QUEUE_POLICY = ResourceType(
    name="AWS::SQS::QueuePolicy",
    shape=Shape(required={"Queues": list_of(text, minimum=1), "PolicyDocument": resource_policy}),
    values=lambda identity, _: Values(identity.generated_name(128), {}),
)

"""AWS::Events and AWS::SQS resource types: buses, rules with their targets, and queues."""

import json

from graphql import GraphQLSyntaxError
from graphql import parse as parse_graphql

from globalchat.localcloud.definition import JSON, InputTransformer
from globalchat.localcloud.events.pattern import compile_pattern
from globalchat.localcloud.events.target_input import InputPath, Transformer
from globalchat.localcloud.problems import Invalid, Unsupported
from globalchat.localcloud.resources.policies import parse, resource_policy
from globalchat.localcloud.resources.property_schema import (
    Properties,
    PropertySchema,
    ResourceIdentity,
    ResourceType,
    ResourceValues,
    list_of,
    name,
    object_of,
    only,
    optional_text,
    text,
    text_of,
    whole,
)

_NAME = "[._A-Za-z0-9-]"
# EventBridge's quota of the size of a pattern.
_PATTERN_LIMIT = 2048


def bus_name(value: JSON, path: str) -> None:
    """Check the name of a custom bus."""
    name(_NAME, 256)(value, path)
    if value == "default":
        raise Unsupported(
            f"property {path} is default, the name of the account's own bus, which is not emulated"
        )


def rules_bus(value: JSON, path: str) -> None:
    """Check the name or ARN of the custom bus of a rule."""
    text(value, path)
    if str(value).rpartition("/")[2] == "default":
        raise Unsupported(
            f"property {path} is default, the name of the account's own bus, which is not emulated"
        )


def event_pattern(value: JSON, path: str) -> None:
    """Check that EventBridge would accept a pattern (at most 2,048 characters)."""
    if not isinstance(value, dict):
        raise Invalid(f"property {path} is not an object")
    if len(json.dumps(value, separators=(",", ":"), ensure_ascii=False)) > _PATTERN_LIMIT:
        raise Invalid(f"property {path} has more than {_PATTERN_LIMIT} characters")
    try:
        compile_pattern(value)
    except Invalid as error:
        raise Invalid(*error.within(f"property {path}: ")) from None


def json_text(value: JSON, path: str) -> None:
    """Check a string that contains JSON."""
    text(value, path)
    try:
        json.loads(str(value))
    except (ValueError, RecursionError):
        raise Invalid(f"property {path} does not hold JSON") from None


def graphql_operation(value: JSON, path: str) -> None:
    """Check the syntax of a GraphQL document; its fields are checked at each delivery, as on AWS."""
    text(value, path)
    try:
        parse_graphql(str(value))
    except GraphQLSyntaxError as error:
        raise Invalid(f"property {path}: {error.message.rstrip('.')}") from None
    except RecursionError:
        raise Invalid(f"property {path} is nested too deep") from None


def input_path(value: JSON, path: str) -> None:
    """Check a JSON path of the emulated subset."""
    text(value, path)
    try:
        InputPath.parse(str(value))
    except Invalid as error:
        raise Invalid(*error.within(f"property {path}: ")) from None


def input_transformer(value: JSON, path: str) -> None:
    """Check a template and the paths of its placeholders, as PutTargets does."""
    _INPUT_TRANSFORMER(value, path)
    try:
        Transformer(transformer_of(value), rule_arn="", rule_name="")
    except Invalid as error:
        raise Invalid(*error.within(f"property {path}: ")) from None


def transformer_of(value: JSON) -> InputTransformer:
    """Return the transformer in a property that has passed its check."""
    properties = value if isinstance(value, dict) else {}
    paths = object_of(properties, "InputPathsMap")
    return InputTransformer(
        {name: text_of(paths, name) for name in paths}, text_of(properties, "InputTemplate")
    )


def _texts_by_name(value: JSON, path: str) -> None:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise Invalid(f"property {path} is not an object of strings")


_INPUT_TRANSFORMER = PropertySchema(
    required={"InputTemplate": text}, optional={"InputPathsMap": _texts_by_name}
)


def allowing_policy(value: JSON, path: str) -> None:
    """Check a bus policy, which may only allow. It has no effect, since the caller's role decides."""
    # The property is one statement, and `parse` takes a document.
    document: dict[str, JSON] = {"Version": "2012-10-17", "Statement": [value]}
    if any(statement.effect == "Deny" for statement in parse(document, path, "resource")):
        raise Unsupported(f"property {path} denies, which is not emulated for a bus")


def _bus(identity: ResourceIdentity, properties: Properties) -> ResourceValues:
    own = text_of(properties, "Name")
    return ResourceValues(own, {"Arn": identity.arn("events", f"event-bus/{own}"), "Name": own})


def _rule(identity: ResourceIdentity, properties: Properties) -> ResourceValues:
    own = optional_text(properties, "Name") or identity.generated_name(64)
    bus = text_of(properties, "EventBusName").rpartition("event-bus/")[2]
    return ResourceValues(f"{bus}|{own}", {"Arn": identity.arn("events", f"rule/{bus}/{own}")})


EVENT_BUS = ResourceType(
    name="AWS::Events::EventBus",
    schema=PropertySchema(
        required={"Name": bus_name},
        ignored={
            "Description": "nothing reads it",
            "LogConfig": "logs are not kept locally",
            "Tags": "nothing reads them",
        },
    ),
    values=_bus,
)

EVENT_BUS_POLICY = ResourceType(
    name="AWS::Events::EventBusPolicy",
    schema=PropertySchema(
        required={"StatementId": text, "EventBusName": text},
        optional={"Statement": allowing_policy},
        ignored={
            "Action": "within one account the caller's role decides",
            "Principal": "within one account the caller's role decides",
        },
    ),
    values=lambda identity, _: ResourceValues(identity.generated_name(128), {}),
)

_TARGET = PropertySchema(
    required={"Id": name(_NAME, 64), "Arn": text},
    optional={
        "RoleArn": text,
        "AppSyncParameters": PropertySchema(required={"GraphQLOperation": graphql_operation}),
        "DeadLetterConfig": PropertySchema(required={"Arn": text}),
        "Input": json_text,
        "InputPath": input_path,
        "InputTransformer": input_transformer,
        # EventBridge's limits; the upper ones are its defaults.
        "RetryPolicy": PropertySchema(
            optional={
                "MaximumRetryAttempts": whole(0, 185),
                "MaximumEventAgeInSeconds": whole(60, 86_400),
            }
        ),
    },
)

RULE = ResourceType(
    name="AWS::Events::Rule",
    schema=PropertySchema(
        required={"EventBusName": rules_bus, "EventPattern": event_pattern},
        optional={
            "Name": name(_NAME, 64),
            "State": only("ENABLED", "DISABLED"),
            "Targets": list_of(_TARGET, maximum=5),
        },
        ignored={"Description": "nothing reads it", "Tags": "nothing reads them"},
        unsupported={"ScheduleExpression": "schedules"},
        replaces={"ScheduleExpression": ("EventPattern", "EventBusName")},
        absent={"EventBusName": "the account's default bus is not emulated"},
    ),
    values=_rule,
)


def _queue(identity: ResourceIdentity, properties: Properties) -> ResourceValues:
    own = optional_text(properties, "QueueName") or identity.generated_name(80)
    # As on AWS; GetQueueUrl of the AWS endpoint answers one that can be reached.
    url = f"https://sqs.{identity.region}.amazonaws.com/{identity.account}/{own}"
    return ResourceValues(url, {"Arn": identity.arn("sqs", own), "QueueName": own, "QueueUrl": url})


QUEUE = ResourceType(
    name="AWS::SQS::Queue",
    schema=PropertySchema(
        optional={
            "QueueName": name("[A-Za-z0-9_-]", 80),
            # EventBridge accepts only standard queues (EventBridge user guide, dead-letter queues).
            "FifoQueue": only(False, "false"),
        },
        ignored={
            "DelaySeconds": "dead letters are there at once",
            "MaximumMessageSize": "events are smaller than any limit that AWS takes",
            "MessageRetentionPeriod": "dead letters live as long as the local cloud",
            "ReceiveMessageWaitTimeSeconds": "ReceiveMessage answers at once",
            "SqsManagedSseEnabled": "dead letters stay in memory",
            "Tags": "nothing reads them",
            "VisibilityTimeout": "a call says how long, else it is 30 s",
        },
    ),
    values=_queue,
)

QUEUE_POLICY = ResourceType(
    name="AWS::SQS::QueuePolicy",
    schema=PropertySchema(required={"Queues": list_of(text, minimum=1), "PolicyDocument": resource_policy}),
    values=lambda identity, _: ResourceValues(identity.generated_name(128), {}),
)

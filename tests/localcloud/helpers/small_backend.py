"""A small backend of two regions as templates, and ways to change them before they are provisioned."""

import copy
from typing import Any

from globalchat.localcloud.definition import JSON, CloudDefinition
from globalchat.localcloud.provisioning.assembly import CloudAssembly, Stack
from globalchat.localcloud.provisioning.provisioner import provision

URLS = {"us-west-2": "http://127.0.0.1:5001", "ap-southeast-2": "http://127.0.0.1:5002"}
OREGON, SYDNEY = "us-west-2", "ap-southeast-2"

Template = dict[str, Any]

SCHEMA = """
type Message @aws_api_key @aws_iam { id: ID! name: String! }
type Query { channels: [String!]! }
type Mutation {
  publish(name: String!): Message
  publishFromBus(id: ID!, name: String!): Message @aws_iam
}
"""
CODE = "export function request(ctx) { return {}; }\nexport function response(ctx) { return ctx.result; }\n"

BOOTSTRAP: JSON = {
    "Type": "AWS::SSM::Parameter::Value<String>",
    "Default": "/cdk-bootstrap/hnb659fds/version",
}
"""The parameter that the CDK's usual synthesizer adds to every template."""


def role(service: str, name: str | None = None) -> dict[str, Any]:
    statement = {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": service}}
    properties: dict[str, Any] = {
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}
    }
    if name:
        properties["RoleName"] = name
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def policy(role_id: str, action: str, resource: JSON) -> dict[str, Any]:
    return {
        "Type": "AWS::IAM::Policy",
        "Properties": {
            "PolicyName": f"{role_id}Policy",
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [{"Action": action, "Effect": "Allow", "Resource": resource}],
            },
            "Roles": [{"Ref": role_id}],
        },
    }


def queue_policy(queue_id: str, rule_id: str) -> dict[str, Any]:
    statements = [
        {
            "Action": "sqs:*",
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Resource": get_att(queue_id, "Arn"),
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        {
            "Action": "sqs:SendMessage",
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Resource": get_att(queue_id, "Arn"),
            "Condition": {"ArnEquals": {"aws:SourceArn": get_att(rule_id, "Arn")}},
        },
    ]
    return {
        "Type": "AWS::SQS::QueuePolicy",
        "Properties": {
            "Queues": [{"Ref": queue_id}],
            "PolicyDocument": {"Version": "2012-10-17", "Statement": statements},
        },
    }


def get_att(name: str, attribute: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [name, attribute]}


def resolver(type_name: str, field_name: str, source_id: str) -> dict[str, Any]:
    return {
        "Type": "AWS::AppSync::Resolver",
        "DependsOn": ["Schema"],
        "Properties": {
            "ApiId": get_att("Api", "ApiId"),
            "TypeName": type_name,
            "FieldName": field_name,
            "DataSourceName": get_att(source_id, "Name"),
            "Kind": "UNIT",
            "Runtime": {"Name": "APPSYNC_JS", "RuntimeVersion": "1.0.0"},
            "Code": CODE,
        },
    }


def api_template(alias: str) -> Template:
    api_id = get_att("Api", "ApiId")
    field = "/types/Mutation/fields/publishFromBus"
    return {
        "Metadata": {"globalchat": {"alias": alias}},
        "Resources": {
            "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "chat-bus"}},
            "Api": {
                "Type": "AWS::AppSync::GraphQLApi",
                "Properties": {
                    "Name": f"chat-{alias}",
                    "AuthenticationType": "API_KEY",
                    "AdditionalAuthenticationProviders": [{"AuthenticationType": "AWS_IAM"}],
                    "EnvironmentVariables": {"REGION": {"Ref": "AWS::Region"}},
                },
            },
            "Schema": {
                "Type": "AWS::AppSync::GraphQLSchema",
                "Properties": {"ApiId": api_id, "Definition": SCHEMA},
            },
            "Key": {
                "Type": "AWS::AppSync::ApiKey",
                "Properties": {"ApiId": api_id, "Expires": 1_000_000_000},
            },
            "PublishRole": role("appsync.amazonaws.com"),
            "PublishPolicy": policy("PublishRole", "events:PutEvents", get_att("Bus", "Arn")),
            "BusSource": {
                "Type": "AWS::AppSync::DataSource",
                "Properties": {
                    "ApiId": api_id,
                    "Name": "bus",
                    "Type": "AMAZON_EVENTBRIDGE",
                    "ServiceRoleArn": get_att("PublishRole", "Arn"),
                    "EventBridgeConfig": {"EventBusArn": get_att("Bus", "Arn")},
                },
            },
            "NoneSource": {
                "Type": "AWS::AppSync::DataSource",
                "Properties": {"ApiId": api_id, "Name": "none", "Type": "NONE"},
            },
            "Publish": resolver("Mutation", "publish", "BusSource"),
            "PublishFromBus": resolver("Mutation", "publishFromBus", "NoneSource"),
            "BroadcastRole": role("events.amazonaws.com"),
            "BroadcastPolicy": policy(
                "BroadcastRole", "appsync:GraphQL", {"Fn::Join": ["", [get_att("Api", "Arn"), field]]}
            ),
            "Letters": {"Type": "AWS::SQS::Queue", "Properties": {"MessageRetentionPeriod": 60}},
            "LettersPolicy": queue_policy("Letters", "Broadcast"),
            "Broadcast": {
                "Type": "AWS::Events::Rule",
                "Properties": {
                    "EventBusName": {"Ref": "Bus"},
                    "EventPattern": {"source": ["chat"]},
                    "Targets": [
                        {
                            "Id": "Target0",
                            "Arn": get_att("Api", "GraphQLEndpointArn"),
                            "RoleArn": get_att("BroadcastRole", "Arn"),
                            "AppSyncParameters": {
                                "GraphQLOperation": "mutation P($id: ID!, $name: String!)"
                                " { publishFromBus(id: $id, name: $name) { id name } }"
                            },
                            "InputPath": "$.detail",
                            "DeadLetterConfig": {"Arn": get_att("Letters", "Arn")},
                            "RetryPolicy": {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 300},
                        }
                    ],
                },
            },
        },
        "Outputs": {"graphqlUrl": {"Value": get_att("Api", "GraphQLUrl")}},
    }


def relay_template(region: str, peer: str) -> Template:
    peer_bus: JSON = {
        "Fn::Sub": f"arn:${{AWS::Partition}}:events:{peer}:${{AWS::AccountId}}:event-bus/chat-bus"
    }
    return {
        "Resources": {
            "RelayRole": role("events.amazonaws.com"),
            "RelayPolicy": policy("RelayRole", "events:PutEvents", peer_bus),
            "Letters": {"Type": "AWS::SQS::Queue"},
            "LettersPolicy": queue_policy("Letters", "Relay"),
            "Relay": {
                "Type": "AWS::Events::Rule",
                "Properties": {
                    "EventBusName": "chat-bus",
                    "EventPattern": {"source": ["chat"], "region": [region]},
                    "Targets": [
                        {
                            "Id": "Target0",
                            "Arn": peer_bus,
                            "RoleArn": get_att("RelayRole", "Arn"),
                            "DeadLetterConfig": {"Arn": get_att("Letters", "Arn")},
                        }
                    ],
                },
            },
        }
    }


class Backend:
    """The templates of two regions, to be changed by a test and then provisioned."""

    def __init__(self) -> None:
        self.oregon_api = api_template("oregon")
        self.oregon_relay = relay_template(OREGON, SYDNEY)
        self.sydney_api = api_template("sydney")
        self.sydney_relay = relay_template(SYDNEY, OREGON)

    def assembly(self) -> CloudAssembly:
        return CloudAssembly(
            (
                _stack("chat-oregon-api", OREGON, self.oregon_api),
                _stack("chat-sydney-api", SYDNEY, self.sydney_api),
                _stack("chat-oregon-relay", OREGON, self.oregon_relay),
                _stack("chat-sydney-relay", SYDNEY, self.sydney_relay),
            )
        )

    def provision(self) -> CloudDefinition:
        return provision(self.assembly(), urls=URLS)


def _stack(name: str, region: str, template: Template) -> Stack:
    return Stack(name, region, f"{name}.template.json", copy.deepcopy(template))


def properties(template: Template, logical_id: str) -> dict[str, Any]:
    found: dict[str, Any] = template["Resources"][logical_id].setdefault("Properties", {})
    return found


def target(template: Template, logical_id: str) -> dict[str, Any]:
    found: dict[str, Any] = properties(template, logical_id)["Targets"][0]
    return found

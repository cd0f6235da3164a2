"""A small app as a cloud assembly: notes in a DynamoDB table, put and queried by AppSync."""

import json
from pathlib import Path
from typing import Any

from tests.localcloud.helpers.small_backend import Template, get_att, policy, resolver, role

REGION = "us-west-2"
TABLE_ARN = f"arn:aws:dynamodb:{REGION}:000000000000:table/notes"

SCHEMA = """
type Note { topic: ID! place: String! text: String tags: [String!] weight: Float done: Boolean }
type Notes { items: [Note!]! nextToken: String scannedCount: Int! }
type Query {
  notes(
    topic: ID!, after: String, prefix: String, heavier: Float, limit: Int, nextToken: String, newest: Boolean
  ): Notes!
  raw(request: AWSJSON!): AWSJSON
}
type Mutation {
  put(topic: ID!, place: String, text: String, tags: [String!], weight: Float, done: Boolean): Note
  putOnce(topic: ID!, place: String!, text: String): Note
}
"""
IMPORT = "import { util } from '@aws-appsync/utils';\n"
ANSWER = """
export function response(ctx) {
  if (ctx.error) util.error(ctx.error.message, ctx.error.type, ctx.result);
  return ctx.result;
}
"""
PUT = """
export function request(ctx) {
  const { topic, place, tags, ...rest } = ctx.args;
  const attributeValues = util.dynamodb.toMapValues({ ...rest, expires: util.time.nowEpochSeconds() + 3600 });
  if (tags) attributeValues.tags = util.dynamodb.toStringSet(tags);
  return {
    operation: 'PutItem',
    key: util.dynamodb.toMapValues({ topic, place: place ?? util.autoUlid() }),
    attributeValues,
  };
}
"""
PUT_ONCE = """
export function request(ctx) {
  const { topic, place, text } = ctx.args;
  return {
    operation: 'PutItem',
    key: { topic: util.dynamodb.toString(topic), place: util.dynamodb.toString(place) },
    attributeValues: util.dynamodb.toMapValues({ text, putAt: util.time.nowEpochMilliSeconds() }),
    condition: { expression: 'attribute_not_exists(topic)', equalsIgnore: ['putAt'] },
  };
}
"""
NOTES = """
export function request(ctx) {
  const { topic, after, prefix, heavier, limit, nextToken, newest } = ctx.args;
  const values = { ':topic': topic };
  let expression = '#topic = :topic';
  if (after) { expression += ' AND place > :edge'; values[':edge'] = after; }
  if (prefix) { expression += ' AND begins_with(place, :edge)'; values[':edge'] = prefix; }
  return {
    operation: 'Query',
    query: {
      expression, expressionNames: { '#topic': 'topic' }, expressionValues: util.dynamodb.toMapValues(values),
    },
    filter: heavier
      ? { expression: 'weight > :heavier', expressionValues: { ':heavier': util.dynamodb.toNumber(heavier) } }
      : null,
    limit, nextToken, scanIndexForward: !newest, consistentRead: true,
  };
}
"""
RAW = """
export function request(ctx) { return ctx.args.request; }
"""
CODES = {
    ("Mutation", "put"): IMPORT + PUT + ANSWER,
    ("Mutation", "putOnce"): IMPORT + PUT_ONCE + ANSWER,
    ("Query", "notes"): IMPORT + NOTES + ANSWER,
    ("Query", "raw"): IMPORT + RAW + ANSWER,
}


def table() -> dict[str, Any]:
    return {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "TableName": "notes",
            "AttributeDefinitions": [
                {"AttributeName": "topic", "AttributeType": "S"},
                {"AttributeName": "place", "AttributeType": "S"},
            ],
            "KeySchema": [
                {"AttributeName": "topic", "KeyType": "HASH"},
                {"AttributeName": "place", "KeyType": "RANGE"},
            ],
            "BillingMode": "PAY_PER_REQUEST",
            "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True},
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            "SSESpecification": {"SSEEnabled": True},
            "DeletionProtectionEnabled": False,
            "Tags": [{"Key": "app", "Value": "notes"}],
        },
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
    }


def template() -> Template:
    api_id = get_att("Api", "ApiId")
    resources: dict[str, Any] = {
        "Table": table(),
        "Role": role("appsync.amazonaws.com"),
        "PutPolicy": policy("Role", "dynamodb:PutItem", get_att("Table", "Arn")),
        "QueryPolicy": policy("Role", "dynamodb:Query", get_att("Table", "Arn")),
        "GetPolicy": policy("Role", "dynamodb:GetItem", get_att("Table", "Arn")),
        "Api": {
            "Type": "AWS::AppSync::GraphQLApi",
            "Properties": {"Name": "notes", "AuthenticationType": "API_KEY"},
        },
        "Schema": {
            "Type": "AWS::AppSync::GraphQLSchema",
            "Properties": {"ApiId": api_id, "Definition": SCHEMA},
        },
        "Key": {"Type": "AWS::AppSync::ApiKey", "Properties": {"ApiId": api_id}},
        "Source": {
            "Type": "AWS::AppSync::DataSource",
            "Properties": {
                "ApiId": api_id,
                "Name": "notes",
                "Type": "AMAZON_DYNAMODB",
                "ServiceRoleArn": get_att("Role", "Arn"),
                "DynamoDBConfig": {"AwsRegion": {"Ref": "AWS::Region"}, "TableName": {"Ref": "Table"}},
            },
        },
    }
    for (type_name, field_name), code in CODES.items():
        resources[field_name.title()] = resolver(type_name, field_name, "Source")
        resources[field_name.title()]["Properties"]["Code"] = code
    return {"Resources": resources, "Outputs": {"table": {"Value": get_att("Table", "Arn")}}}


def write(folder: Path, content: Template | None = None) -> Path:
    """Write the assembly as `cdk synth` does, and return its folder."""
    manifest = {
        "artifacts": {
            "notes": {
                "type": "aws:cloudformation:stack",
                "environment": f"aws://unknown-account/{REGION}",
                "properties": {"templateFile": "notes.template.json"},
            }
        }
    }
    folder.mkdir(exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "notes.template.json").write_text(json.dumps(content or template()), encoding="utf-8")
    return folder

"""A deployment "small" in two regions of moto, with its channels and the tables of its history."""

from collections.abc import Iterable
from typing import Any

from globalchat.client.history import cursor_at
from globalchat.core.clock import now_ms
from globalchat_infra import stack_interface
from globalchat_infra.deployer.aws import Aws
from tests.infra.helpers.moto_account import ACCOUNT, END, User
from tests.infra.helpers.small_stacks import make_stack, tags

REGIONS = {"oregon": "us-west-2", "sydney": "ap-southeast-2"}
CHANNELS = ("cars", "robots", "tech")
API_ID = {"Fn::GetAtt": ["Api", "ApiId"]}
HOUR = 3_600_000


def table(alias: str, *, owner: str = "small") -> dict[str, Any]:
    """Return a table as a stack of this deployment holds it, with the tags of `owner`."""
    keys = {"name": "HASH", "arrival": "RANGE"}
    return {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "TableName": f"small-{alias}-history",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key in keys],
            "KeySchema": [{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()],
            "Tags": tags(owner, alias),
        },
    }


def deploy(user: User, *, tables: Iterable[str] = REGIONS, owner: str = "small") -> User:
    """Stand a deployment "small" in two regions, and write its profile."""
    for alias, region in REGIONS.items():
        api = {
            "Name": f"small-{alias}",
            "AuthenticationType": "API_KEY",
            "LogConfig": {},
            "EnvironmentVariables": {"CHANNELS": ",".join(CHANNELS), "REGION": region},
        }
        key = {"ApiId": API_ID, "Expires": END, "Description": stack_interface.KEY_DESCRIPTION}
        resources = {
            "Api": {"Type": "AWS::AppSync::GraphQLApi", "Properties": {**api, "Tags": tags("small", alias)}},
            "Key": {"Type": "AWS::AppSync::ApiKey", "Properties": key},
            **({"Table": table(alias, owner=owner)} if alias in tables else {}),
        }
        values = {
            "graphqlUrl": {"Fn::GetAtt": ["Api", "GraphQLUrl"]},
            "realtimeUrl": {"Fn::GetAtt": ["Api", "RealtimeUrl"]},
            "apiId": API_ID,
            "eventBus": f"arn:aws:events:{region}:{ACCOUNT}:event-bus/small-bus",
        }
        body = {"Resources": resources, "Outputs": {name: {"Value": value} for name, value in values.items()}}
        make_stack(f"small-{alias}-api", region, body, tags=tags("small", alias))
    regions = ",".join(f"{alias}={region}" for alias, region in REGIONS.items())
    ran = user.run("outputs", "--refresh", "--stack-prefix", "small", "--regions", regions)
    assert ran.exit_code == 0, ran.output
    return user


def store(count: int, *, channel: str = "tech", alias: str = "oregon", at: int = 0, size: int = 0) -> None:
    """Put items that arrived from `at` (epoch ms) on, one a millisecond."""
    arrivals = [cursor_at((at or now_ms() - HOUR) + place) for place in range(count)]
    items = [
        {"name": {"S": channel}, "arrival": {"S": each}, "message": {"S": "x" * (size + 1)}}
        for each in arrivals
    ]
    for start in range(0, count, 25):
        requests = [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]
        table = f"small-{alias}-history"
        Aws().call("dynamodb", REGIONS[alias], "batch_write_item", RequestItems={table: requests})


def left(channel: str = "tech", alias: str = "oregon") -> int:
    """Return how many items of a channel a table holds."""
    answer = Aws().call(
        *("dynamodb", REGIONS[alias], "query"),
        TableName=f"small-{alias}-history",
        KeyConditionExpression="#name = :name",
        ExpressionAttributeNames={"#name": "name"},
        ExpressionAttributeValues={":name": {"S": channel}},
        Select="COUNT",
    )
    return int(answer["Count"])

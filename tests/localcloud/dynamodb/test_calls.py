"""Tables on the AWS endpoint of a real local cloud, as boto3 sees them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from globalchat.localcloud.server.cloud import LocalCloud
from tests.localcloud.helpers import notes_app
from tests.localcloud.helpers.aws_clients import AwsClients
from tests.localcloud.helpers.notes_app import TABLE_ARN

QUERY: dict[str, Any] = {
    "TableName": "notes",
    "KeyConditionExpression": "topic = :t",
    "ExpressionAttributeValues": {":t": {"S": "tea"}},
}


@pytest.fixture
async def aws(tmp_path: Path) -> AsyncIterator[AwsClients]:
    async with LocalCloud.open(notes_app.write(tmp_path / "app")) as cloud:
        yield AwsClients(cloud)


def put(place: str, **more: object) -> dict[str, Any]:
    return {"PutRequest": {"Item": {"topic": {"S": "tea"}, "place": {"S": place}, **more}}}


def delete(place: str) -> dict[str, Any]:
    return {"DeleteRequest": {"Key": {"topic": {"S": "tea"}, "place": {"S": place}}}}


async def write(aws: AwsClients, *writes: dict[str, Any]) -> dict[str, Any]:
    return await aws.call("dynamodb", "batch_write_item", RequestItems={"notes": list(writes)})


async def places(aws: AwsClients, **more: Any) -> list[str]:  # noqa: ANN401 - any parameter
    answer = await aws.call("dynamodb", "query", **{**QUERY, **more})
    return [item["place"]["S"] for item in answer["Items"]]


async def test_a_batch_writes_and_a_query_reads(aws: AwsClients) -> None:
    assert await write(aws, put("a", weight={"N": "01.50"}), put("b"), put("c")) == {"UnprocessedItems": {}}
    await write(aws, delete("b"), put("d"))
    answer = await aws.call("dynamodb", "query", **QUERY)
    assert answer["Items"][0] == {"topic": {"S": "tea"}, "place": {"S": "a"}, "weight": {"N": "1.5"}}
    assert (answer["Count"], answer["ScannedCount"], answer.get("LastEvaluatedKey")) == (3, 3, None)
    assert await places(aws, ScanIndexForward=False, ConsistentRead=True) == ["d", "c", "a"]
    assert await places(aws, TableName=TABLE_ARN) == ["a", "c", "d"]


async def test_pages_filters_projections_and_counts(aws: AwsClients) -> None:
    await write(aws, *(put(place, weight={"N": str(number)}) for number, place in enumerate("abcd")))
    found: list[int] = []
    start: dict[str, Any] = {}
    while True:
        answer = await aws.call("dynamodb", "query", **QUERY, Limit=3, **start)
        found.append(answer["Count"])
        if "LastEvaluatedKey" not in answer:
            break
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
    assert found == [3, 1]
    values = {":t": {"S": "tea"}, ":w": {"N": "2"}}
    more: dict[str, Any] = {"FilterExpression": "weight >= :w", "ExpressionAttributeValues": values}
    assert await places(aws, **more) == ["c", "d"]
    answer = await aws.call("dynamodb", "query", **{**QUERY, **more}, Select="COUNT")
    assert answer == {"Count": 2, "ScannedCount": 4}
    answer = await aws.call(
        "dynamodb",
        "query",
        **QUERY,
        ProjectionExpression="#w",
        ExpressionAttributeNames={"#w": "weight"},
        Limit=1,
    )
    assert answer["Items"] == [{"weight": {"N": "0"}}]


async def test_a_table_is_described(aws: AwsClients) -> None:
    await write(aws, put("a"))
    table = (await aws.call("dynamodb", "describe_table", TableName="notes"))["Table"]
    assert (table["TableArn"], table["TableStatus"], table["ItemCount"]) == (TABLE_ARN, "ACTIVE", 1)
    assert table["BillingModeSummary"] == {"BillingMode": "PAY_PER_REQUEST"}


@pytest.mark.parametrize(
    ("operation", "parameters", "code", "message"),
    [
        ("describe_table", {"TableName": "other"}, "ResourceNotFoundException", "Table: other not found"),
        (
            "query",
            {**QUERY, "TableName": "other"},
            "ResourceNotFoundException",
            "Requested resource not found",
        ),
        ("query", {"TableName": "notes"}, "ValidationException", "Either the KeyConditions or"),
        ("query", {**QUERY, "IndexName": "byText"}, "ValidationException", "specified index: byText"),
        (
            "query",
            {**QUERY, "FilterExpression": "name = :t"},
            "ValidationException",
            "reserved keyword: name",
        ),
        (
            "query",
            {**QUERY, "ReturnConsumedCapacity": "TOTAL"},
            "ValidationException",
            "does not emulate the parameter ReturnConsumedCapacity",
        ),
        (
            "batch_write_item",
            {"RequestItems": {"notes": [put(str(number)) for number in range(26)]}},
            "ValidationException",
            "length less than or equal to 25",
        ),
        (
            "batch_write_item",
            {"RequestItems": {"notes": [put("a"), delete("a")]}},
            "ValidationException",
            "Provided list of item keys contains duplicates",
        ),
        (
            "batch_write_item",
            {"RequestItems": {"notes": [{**put("a"), **delete("b")}]}},
            "SerializationException",
            "either a PutRequest or a DeleteRequest",
        ),
        (
            "batch_write_item",
            {"RequestItems": {"other": [put("a")]}},
            "ResourceNotFoundException",
            "Requested resource not found",
        ),
        ("get_item", {"TableName": "notes", "Key": {}}, "UnknownOperationException", "dynamodb:GetItem"),
    ],
)
async def test_what_is_refused(
    aws: AwsClients, operation: str, parameters: dict[str, Any], code: str, message: str
) -> None:
    found = await aws.refusal("dynamodb", operation, **parameters)
    assert found[:2] == (code, 400)
    assert message in found[2]


async def test_a_cloud_without_tables_has_none(local_cloud: LocalCloud) -> None:
    found = await AwsClients(local_cloud).refusal("dynamodb", "query", **QUERY)
    assert found[:2] == ("ResourceNotFoundException", 400)


async def test_strangers_are_refused(aws: AwsClients) -> None:
    stranger = {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "x" * 40}
    found = await aws.refusal("dynamodb", "query", **QUERY, credentials=stranger)
    assert found[:2] == ("UnrecognizedClientException", 400)

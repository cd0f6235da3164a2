"""Amazon DynamoDB.

Query, BatchWriteItem and DescribeTable, as far as purging and inspecting a table need them. Source: DynamoDB
API reference. The operations load only when a deployment has a table.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from globalchat.localcloud.aws.model import AwsCall, AwsError, AwsOperation, AwsService, text
from globalchat.localcloud.definition import JSON

if TYPE_CHECKING:
    from globalchat.localcloud.dynamodb.calls import TableCalls


def service(calls: "TableCalls | None") -> AwsService:
    """Return the service over the tables of a deployment; None if it has none."""

    def handled_by(name: str) -> AwsOperation:
        async def handle(call: AwsCall) -> Mapping[str, JSON]:
            if calls is None:
                raise AwsError("ResourceNotFoundException", "Requested resource not found")
            return calls.handle(name, call)

        resources = _tables_of_batch if name == "BatchWriteItem" else _table
        return AwsOperation(name, handle, resources)

    operations = [handled_by(name) for name in ("Query", "BatchWriteItem", "DescribeTable")]
    return AwsService("dynamodb", operations, target="DynamoDB_20120810")


def table_arn(call: AwsCall, name: str) -> str:
    """Return the ARN of a table that a call names by name or ARN."""
    if name.startswith("arn:"):
        return name
    return f"arn:aws:dynamodb:{call.region}:{call.principal.account}:table/{name}"


def _table(call: AwsCall) -> Sequence[str]:
    return [table_arn(call, text(call.parameters, "TableName"))]


def _tables_of_batch(call: AwsCall) -> Sequence[str]:
    items = call.parameters.get("RequestItems")
    if not isinstance(items, dict):
        raise AwsError("SerializationException", "RequestItems must be a map of tables to lists of writes.")
    return [table_arn(call, name) for name in items]

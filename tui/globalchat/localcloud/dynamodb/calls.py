"""DynamoDB's API for SDKs: from the parameters of a call to an operation on a table, and back."""

from collections.abc import Mapping
from typing import Final, Literal, TypeVar, cast

from globalchat.localcloud.aws.dynamodb import table_arn
from globalchat.localcloud.aws.model import AwsCall, AwsError, Parameters, text
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.dynamodb.items import DynamoDBError, Value, invalid, read_item, read_value
from globalchat.localcloud.dynamodb.tables import MAX_WRITES, QueryRequest, Tables, Write

T = TypeVar("T")

_QUERY_PARAMETERS: Final = frozenset(
    (
        "TableName", "KeyConditionExpression", "FilterExpression", "ProjectionExpression",
        "ExpressionAttributeNames", "ExpressionAttributeValues", "Limit", "ExclusiveStartKey",
        "ScanIndexForward", "ConsistentRead", "Select",
    )
)  # fmt: skip
_TYPE_NAMES: Final[Mapping[type, str]] = {
    bool: "a boolean",
    int: "an integer",
    str: "a string",
    dict: "a map",
}


class TableCalls:
    """Answers calls of SDKs and the AWS CLI that are permitted.

    Args:
        tables: the tables of all regions.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def handle(self, operation: str, call: AwsCall) -> Mapping[str, JSON]:
        """Answer a call of Query, BatchWriteItem or DescribeTable.

        Raises:
            AwsError: it fails, in DynamoDB's words.
        """
        try:
            if operation == "Query":
                return self._query(call)
            if operation == "BatchWriteItem":
                return self._write(call)
            return self._describe(call)
        except DynamoDBError as error:
            raise AwsError(error.code, error.message, status=error.status) from None

    def _query(self, call: AwsCall) -> Mapping[str, JSON]:
        parameters = call.parameters
        # No table here has an index, so AWS would answer the same.
        if parameters.get("IndexName") is not None:
            name = text(parameters, "IndexName")[:255]
            raise invalid(f"The table does not have the specified index: {name}")
        _check_names(parameters, _QUERY_PARAMETERS)
        _given(parameters, "ConsistentRead", bool)
        condition = _given(parameters, "KeyConditionExpression", str)
        if condition is None:
            raise invalid(
                "Either the KeyConditions or KeyConditionExpression parameter must be specified in the "
                "request."
            )
        start = _given(parameters, "ExclusiveStartKey", dict)
        request = QueryRequest(
            key_condition=condition,
            filter=_given(parameters, "FilterExpression", str),
            projection=_given(parameters, "ProjectionExpression", str),
            names=_names(parameters),
            values=_values(parameters),
            limit=_given(parameters, "Limit", int),
            start=None if start is None else read_item(start),
            forward=_given(parameters, "ScanIndexForward", bool) is not False,
            select=_given(parameters, "Select", str),
        )
        page = self._tables.query(table_arn(call, text(parameters, "TableName")), request)
        answer: dict[str, JSON] = {"Count": page.count, "ScannedCount": page.scanned_count}
        if request.select != "COUNT":
            answer["Items"] = cast("list[JSON]", list(page.items))
        if page.last_key is not None:
            answer["LastEvaluatedKey"] = cast("JSON", page.last_key)
        return answer

    def _write(self, call: AwsCall) -> Mapping[str, JSON]:
        _check_names(call.parameters, frozenset(("RequestItems",)))
        items = call.parameters["RequestItems"]
        writes = [
            self._one_write(call, name, request)
            for name, requests in cast("dict[str, JSON]", items).items()
            for request in _list(requests)
        ]
        if not 1 <= len(writes) <= MAX_WRITES:
            raise invalid(
                "1 validation error detected: Value at 'requestItems' failed to satisfy constraint: "
                f"Map value must satisfy constraint: [Member must have length less than or equal to "
                f"{MAX_WRITES}, Member must have length greater than or equal to 1]"
            )
        self._tables.write_batch(writes)
        # All writes are made, or none; AWS may leave some to the caller.
        return {"UnprocessedItems": {}}

    def _one_write(self, call: AwsCall, name: str, request: JSON) -> Write:
        table = self._tables.find(table_arn(call, name))
        forms: tuple[tuple[str, str, Literal["put", "delete"]], ...] = (
            ("PutRequest", "Item", "put"),
            ("DeleteRequest", "Key", "delete"),
        )
        for key, member, kind in forms:
            if isinstance(request, dict) and request.keys() == {key}:
                inner = request[key]
                if isinstance(inner, dict):
                    return Write(table, kind, read_item(inner.get(member)))
        raise AwsError("SerializationException", "A write is either a PutRequest or a DeleteRequest.")

    def _describe(self, call: AwsCall) -> Mapping[str, JSON]:
        name = text(call.parameters, "TableName")
        try:
            table = self._tables.find(table_arn(call, name))
        except DynamoDBError as error:
            message = f"{error.message}: Table: {name.rpartition('/')[2][:255]} not found"
            raise DynamoDBError(error.code, message) from None
        return {"Table": self._tables.describe(table)}


def _check_names(parameters: Parameters, emulated: frozenset[str]) -> None:
    """Refuse parameters that are not emulated; with the value NONE, those that ask for reports are absent."""
    for name, value in parameters.items():
        if name not in emulated and value not in (None, "NONE"):
            raise invalid(f"The local cloud does not emulate the parameter {name[:100]}.")


def _given(parameters: Parameters, name: str, kind: type[T]) -> T | None:
    """Return a parameter that may be absent."""
    value = parameters.get(name)
    if value is None:
        return None
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise AwsError("SerializationException", f"{name} must be {_TYPE_NAMES[kind]}.")
    return value


def _names(parameters: Parameters) -> Mapping[str, str] | None:
    names = _given(parameters, "ExpressionAttributeNames", dict)
    if names is not None and not all(isinstance(name, str) for name in names.values()):
        raise AwsError("SerializationException", "ExpressionAttributeNames must be a map of strings.")
    return names


def _values(parameters: Parameters) -> Mapping[str, Value] | None:
    values = _given(parameters, "ExpressionAttributeValues", dict)
    return None if values is None else {key: read_value(value) for key, value in values.items()}


def _list(value: JSON) -> list[JSON]:
    if not isinstance(value, list):
        raise AwsError("SerializationException", "RequestItems must be a map of tables to lists of writes.")
    return value

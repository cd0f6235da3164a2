"""AppSync's DynamoDB data source: from a resolver's request to its `ctx.result` and `ctx.error`.

Sources: the AppSync developer guide, `js-resolver-reference-dynamodb` (PutItem, Query, type system, condition
expressions); the form of errors follows responses pasted in aws-appsync-community#220 and
terraform-aws-appsync#7, that of a bad `nextToken` amplify-cli#3411.
"""

import base64
import binascii
import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol, TypeVar, cast

from globalchat.localcloud import json_text
from globalchat.localcloud.appsync.graphql_errors import FieldError
from globalchat.localcloud.definition import JSON, CloudDefinition, DataSource
from globalchat.localcloud.dynamodb.items import (
    DynamoDBError,
    Item,
    Value,
    equal_items,
    invalid,
    plain_item,
    read_item,
    read_value,
)
from globalchat.localcloud.dynamodb.tables import ConditionFailed, PutRequest, QueryRequest, Tables
from globalchat.localcloud.iam import data_source_may

T = TypeVar("T")

Outcome = Mapping[str, JSON]
"""`result` and, if the operation failed, `error`."""

_PUT_KEYS: Final = frozenset(("operation", "version", "key", "attributeValues", "condition"))
_QUERY_KEYS: Final = frozenset(
    (
        "operation", "version", "query", "filter", "projection", "limit", "nextToken", "scanIndexForward",
        "consistentRead", "select",
    )
)  # fmt: skip
_EXPRESSION_KEYS: Final = frozenset(("expression", "expressionNames", "expressionValues"))
_CONDITION_KEYS: Final = _EXPRESSION_KEYS | {
    "equalsIgnore",
    "consistentRead",
    "conditionalCheckFailedHandler",
}
_PROJECTION_KEYS: Final = frozenset(("expression", "expressionNames"))
_NOT_EMULATED: Final = frozenset(("_version", "customPartitionKey", "populateIndexFields", "index"))
"""AppSync features that are not emulated: versioned data sources, secondary indexes."""

_EXCEPTIONS: Final = {
    "ConditionalCheckFailedException": "ConditionalCheckFailedException",
    "InternalServerError": "InternalServerErrorException",
    "ResourceNotFoundException": "ResourceNotFoundException",
}
"""The errors that the Java SDK behind AppSync has classes for; all others are its DynamoDbException."""


class TableInterceptor(Protocol):
    """Disturbs operations on the tables of an AWS region. Both calls return at once."""

    def delay(self, region: str) -> float:
        """Return how many seconds the next operation waits."""
        ...

    def fails(self, region: str) -> bool:
        """Return True if the next operation fails."""
        ...


class TableDataSources:
    """All DynamoDB data sources of a deployment.

    Args:
        tables: the tables.
        definition: the deployment, for the roles of the data sources.
        entropy: returns random bytes, for the ids of requests.
        interceptor: disturbs operations, for tests and drills.

    Attributes:
        failed: How many operations failed, by name: those that a resolver sees as `ctx.error`.
    """

    def __init__(
        self,
        tables: Tables,
        definition: CloudDefinition,
        *,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
        interceptor: TableInterceptor | None = None,
    ) -> None:
        self.failed = {"PutItem": 0, "Query": 0}
        self._tables = tables
        self._definition = definition
        self._entropy = entropy
        self._interceptor = interceptor
        # Roles and policies never change while the local cloud runs: each question is asked once.
        self._permitted: dict[tuple[str, str, str], bool] = {}

    def delay(self, source: DataSource) -> float:
        """Return how many seconds the next operation of a data source waits."""
        return 0.0 if self._interceptor is None else self._interceptor.delay(_region(source.table_arn or ""))

    def run(
        self,
        source: DataSource,
        request: JSON,
        *,
        may_commit_later: bool = False,
        is_result_read: bool = True,
    ) -> Outcome:
        """Run the operation that a resolver asks for.

        Args:
            source: the data source.
            request: what the request handler returned.
            may_commit_later: a write need not be committed at once.
            is_result_read: the response handler reads the result: else that of a put is not made.

        Raises:
            FieldError: the request does not have the documented shape, or is for another operation.
        """
        document = _object(request, "$", None)
        operation = _required(document, "operation", "$")
        if operation not in ("PutItem", "Query"):
            raise _malformed(f"The local cloud does not emulate the DynamoDB operation '{operation}'.")
        arn = cast("str", source.table_arn)
        try:
            if operation == "PutItem":
                outcome = self._put(source, arn, document, is_result_read=is_result_read)
            else:
                outcome = self._query(source, arn, document)
            # Within the `try`: if the commit fails, so has the operation.
            if not may_commit_later:
                self._tables.commit()
            return outcome
        except DynamoDBError as error:
            self.failed[operation] += 1
            return {"result": None, "error": self._error(error)}

    def _put(
        self, source: DataSource, arn: str, document: dict[str, JSON], *, is_result_read: bool
    ) -> Outcome:
        _object(document, "$", _PUT_KEYS)
        key = _attributes(_required(document, "key", "$"), "$[key]")
        item = key | _attributes(document.get("attributeValues") or {}, "$[attributeValues]")
        condition = _expression(document.get("condition"), "$[condition]", _CONDITION_KEYS)
        _check_strategy(condition)
        request = PutRequest(item, _text_of(condition), _names(condition), _values(condition))
        # IAM decides before DynamoDB looks at table, key or condition.
        self._require(source, arn, "PutItem")
        try:
            self._tables.put(arn, request)
        except ConditionFailed as error:
            return self._after_failed_condition(source, arn, item, condition or {}, error)
        return {"result": plain_item(item)} if is_result_read else {}

    def _after_failed_condition(
        self, source: DataSource, arn: str, item: Item, condition: dict[str, JSON], error: ConditionFailed
    ) -> Outcome:
        """Compare the stored item with the new one: if they are equal, the put has not failed.

        AppSync reads it by GetItem, for which the role needs the permission.
        """
        self._require(source, arn, "GetItem")
        stored = self._tables.get(arn, item)
        if stored is None:
            return {"result": None, "error": self._error(error)}
        ignored = condition.get("equalsIgnore") or []
        if not isinstance(ignored, list):
            raise _malformed("Value for field '$[condition][equalsIgnore]' is not a list.")

        def compared(each: Item) -> Item:
            return {name: value for name, value in each.items() if name not in ignored}

        if equal_items(compared(stored), compared(item)):
            return {"result": plain_item(stored)}
        return {"result": plain_item(stored), "error": self._error(error)}

    def _query(self, source: DataSource, arn: str, document: dict[str, JSON]) -> Outcome:
        _object(document, "$", _QUERY_KEYS)
        query = _expression(_required(document, "query", "$"), "$[query]", _EXPRESSION_KEYS)
        chosen = _expression(document.get("filter"), "$[filter]", _EXPRESSION_KEYS)
        projection = _expression(document.get("projection"), "$[projection]", _PROJECTION_KEYS)
        _optional(document, "consistentRead", bool)
        forward = _optional(document, "scanIndexForward", bool)
        parts = (query, chosen, projection)
        names, values = [_names(part) for part in parts], [_values(part) for part in parts]
        # AppSync reads the token itself: a wrong one is an error even if the role may not query.
        try:
            start = _start(arn, _optional(document, "nextToken", str))
        except _InvalidToken:
            return {"result": None, "error": _INVALID_TOKEN}
        self._require(source, arn, "Query")
        page = self._tables.query(
            arn,
            QueryRequest(
                key_condition=str(_text_of(query)),
                filter=_text_of(chosen),
                projection=_text_of(projection),
                # AppSync has names and values per expression, DynamoDB has them together.
                names=_merged(names),
                values=_merged(values),
                limit=_optional(document, "limit", int),
                start=start,
                forward=forward is not False,
                select=_optional(document, "select", str),
            ),
        )
        return {
            "result": {
                "items": [plain_item(item) for item in page.items],
                "nextToken": None if page.last_key is None else _token(arn, page.last_key),
                "scannedCount": page.scanned_count,
            }
        }

    def _require(self, source: DataSource, arn: str, operation: str) -> None:
        """Check that the data source's role permits an operation on the table.

        Raises:
            DynamoDBError: it may not, or AppSync may not assume it.
        """
        role = cast("str", source.role_arn)
        action = f"dynamodb:{operation}"
        asked = (role, action, arn)
        if asked not in self._permitted:
            self._permitted[asked] = data_source_may(self._definition, role, action=action, resource=arn)
        if not self._permitted[asked]:
            account, name = role.split(":")[4], role.rpartition("/")[2]
            raise DynamoDBError(
                "AccessDeniedException",
                f"User: arn:aws:sts::{account}:assumed-role/{name}/APPSYNC_ASSUME_ROLE is not authorized to "
                f"perform: {action} on resource: {arn} because no identity-based policy allows the {action} "
                "action",
            )
        # After the permission, so that a disturbance never hides a missing one.
        if self._interceptor is not None and self._interceptor.fails(_region(arn)):
            raise DynamoDBError("InternalServerError", "Internal server error", status=500)

    def _error(self, error: DynamoDBError) -> JSON:
        # DynamoDB's request ids have 52 capital letters and digits.
        request_id = base64.b32encode(self._entropy(32)).decode().rstrip("=")
        where = f"(Service: DynamoDb, Status Code: {error.status}, Request ID: {request_id})"
        kind = _EXCEPTIONS.get(error.code, "DynamoDbException")
        return {"message": f"{error.message} {where}", "type": f"DynamoDB:{kind}"}


def _region(arn: str) -> str:
    return arn.split(":", 4)[3]


_INVALID_TOKEN: Final[JSON] = {
    "message": "com.amazonaws.deepdish.common.pagination.InvalidPaginationTokenException: "
    "Invalid pagination token given.",
    "type": "DynamoDB:UserIllegalArgumentException",
}


class _InvalidToken(Exception):
    """A `nextToken` is not one of this table's."""


def _token(arn: str, last_key: Item) -> str:
    """Encode the position where a query continues as an opaque string."""
    # With the ARN, so that another table refuses the token.
    return base64.urlsafe_b64encode(json_text.write([arn, cast("JSON", last_key)]).encode()).decode()


def _start(arn: str, token: str | None) -> Item | None:
    if token is None:
        return None
    try:
        document = json.loads(base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True))
        of_table, key = document
        if of_table != arn:
            raise _InvalidToken
        return read_item(key)
    # The token is a text from the client: anything may be in it.
    except (ValueError, TypeError, RecursionError, binascii.Error, DynamoDBError):
        raise _InvalidToken from None


def _attributes(document: JSON, path: str) -> Item:
    return {name: _attribute(value) for name, value in _object(document, path, None).items()}


def _attribute(document: JSON) -> Value:
    """Check a typed value of a request, and convert it to the form of DynamoDB's API."""
    # Most values are texts in ASCII: there is nothing to check or convert.
    if isinstance(document, dict) and len(document) == 1:
        text = document.get("S")
        if isinstance(text, str) and text.isascii():
            return document
    return read_value(_typed(document))


def _typed(document: JSON) -> JSON:
    """Convert a typed value to the form of DynamoDB's API: numbers as strings, NULL with true."""
    if not isinstance(document, dict):
        return document
    match document:
        # In Python, true is an integer, too.
        case {"N": int() | float() as number} if not isinstance(number, bool):
            return {**document, "N": repr(number)}
        case {"NS": list(numbers)}:
            return {**document, "NS": [_number(each) for each in numbers]}
        case {"NULL": None}:
            return {**document, "NULL": True}
        case {"L": list(elements)}:
            return {**document, "L": [_typed(each) for each in elements]}
        case {"M": dict(members)}:
            return {**document, "M": {name: _typed(each) for name, each in members.items()}}
    return document


def _number(document: JSON) -> JSON:
    is_number = isinstance(document, int | float) and not isinstance(document, bool)
    return repr(document) if is_number else document


def _expression(document: JSON, path: str, allowed: frozenset[str]) -> dict[str, JSON] | None:
    """Return an object with an expression, None if it is absent."""
    if document is None:
        return None
    expression = _object(document, path, allowed)
    text = _required(expression, "expression", path)
    if not isinstance(text, str):
        raise _malformed(f"Value for field '{path}[expression]' is not a string.")
    return expression


def _text_of(expression: dict[str, JSON] | None) -> str | None:
    return None if expression is None else str(expression["expression"])


def _names(expression: dict[str, JSON] | None) -> Mapping[str, str] | None:
    names = (expression or {}).get("expressionNames")
    if not names:
        return None
    if not isinstance(names, dict):
        raise _malformed("Value for field 'expressionNames' is not an object.")
    texts = {key: name for key, name in names.items() if isinstance(name, str)}
    if len(texts) < len(names):
        raise _malformed("A value of 'expressionNames' is not a string.")
    return texts


def _values(expression: dict[str, JSON] | None) -> Mapping[str, Value] | None:
    values = (expression or {}).get("expressionValues")
    if not values:
        return None
    return _attributes(values, "expressionValues")


def _merged(parts: Iterable[Mapping[str, T] | None]) -> Mapping[str, T] | None:
    """Merge the names or values of a request's expressions, as DynamoDB expects them.

    Raises:
        DynamoDBError: two of them contradict each other.
    """
    merged: dict[str, T] = {}
    for part in parts:
        for key, value in (part or {}).items():
            if merged.setdefault(key, value) != value:
                raise invalid(f"The expressions of the request differ about {key[:100]}")
    return merged or None


def _check_strategy(condition: dict[str, JSON] | None) -> None:
    handler = (condition or {}).get("conditionalCheckFailedHandler")
    if handler is None:
        return
    strategy = _object(handler, "$[condition][conditionalCheckFailedHandler]", None).get("strategy")
    if strategy != "Reject":
        raise _malformed(
            f"The local cloud does not emulate the strategy '{strategy}' of conditionalCheckFailedHandler."
        )


def _optional(document: dict[str, JSON], key: str, kind: type[T]) -> T | None:
    """Return a field that may be absent or null."""
    value = document.get(key)
    if value is None:
        return None
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise _malformed(f"Value for field '$[{key}]' is not of type {_TYPE_NAMES[kind]}.")
    return value


_TYPE_NAMES: Final[Mapping[type, str]] = {bool: "Boolean", int: "Integer", str: "String"}


def _object(value: JSON, path: str, allowed: frozenset[str] | None) -> dict[str, JSON]:
    """Return an object whose keys are all allowed (None allows any).

    Raises:
        FieldError: it is something else.
    """
    if not isinstance(value, dict):
        raise _malformed(f"Value for field '{path}' is not an object.")
    for key in value if allowed is not None else ():
        if key in _NOT_EMULATED and value[key] is not None:
            raise _malformed(f"The local cloud does not emulate '{path}[{key}]'.")
        if allowed is not None and key not in allowed | _NOT_EMULATED:
            raise _malformed(f"Unsupported element '{path}[{key}]'.")
    return value


def _required(value: dict[str, JSON], key: str, path: str) -> JSON:
    if value.get(key) is None:
        raise _malformed(f"Value for field '{path}[{key}]' not found.")
    return value[key]


def _malformed(message: str) -> FieldError:
    return FieldError(message, "MappingTemplate")

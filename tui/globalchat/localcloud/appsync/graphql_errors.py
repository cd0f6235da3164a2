"""GraphQL errors in AppSync's shape."""

import re
from collections.abc import Sequence
from typing import Final

from graphql import GraphQLError, GraphQLSchema, get_named_type

from globalchat.localcloud.definition import JSON

_NULL_IN_NON_NULL: Final = re.compile(r"Cannot return null for non-nullable field (\w+)\.(\w+)\.")
_ENGINE_REPORTS: Final = ("Expected Iterable", "Expected value of type", "Abstract type")


class FieldError(Exception):
    """A field failed; `data` and `info` are the arguments of `util.error`."""

    def __init__(
        self, message: str, error_type: str | None = None, data: JSON = None, info: JSON = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.error_type = error_type
        self.data = data
        self.info = info


def not_authorized(field_name: str, type_name: str) -> FieldError:
    """Return the error for a field that the caller may not use."""
    return FieldError(f"Not Authorized to access {field_name} on type {type_name}", "Unauthorized")


def too_deep() -> FieldError:
    """Return the error for a field beyond the depth limit; the type is AWS's, the message ours."""
    return FieldError("Query depth limit reached.", "QueryDepthLimitReached")


def too_many_resolvers() -> FieldError:
    """Return the error for a resolver beyond the limit; the type is AWS's, the message ours."""
    return FieldError("Resolver execution limit reached.", "ResolverExecutionLimitReached")


def timed_out() -> FieldError:
    """Return the error for a request that timed out.

    The type is as reported by users, as AWS does not document it.
    """
    return FieldError("Execution timed out.", "ExecutionTimeout")


def request_error(message: str) -> dict[str, JSON]:
    """Return an error for a whole request: it has neither `errorType` nor a location."""
    return {"path": None, "locations": None, "message": message}


def unsupported_operation(kind: str) -> dict[str, JSON]:
    """Return the error for a `start` that is not a subscription: a `query`, a `mutation`, or `unknown`."""
    message = f"{kind} not supported through the realtime channel"
    return {"errorType": "UnsupportedOperation", "message": message}


def locations(error: GraphQLError) -> JSON:
    """Return the locations of an error as graphql-java prints them, with `sourceName`; None without any."""
    if not error.locations:
        return None
    return [{"line": place.line, "column": place.column, "sourceName": None} for place in error.locations]


def field_error(error: FieldError, path: Sequence[str | int], places: JSON) -> dict[str, JSON]:
    """Return the error for a field that failed."""
    return {
        "path": list(path),
        "data": error.data,
        "errorType": error.error_type,
        "errorInfo": error.info,
        "locations": places,
        "message": error.message,
    }


def execution_error(error: GraphQLError, schema: GraphQLSchema) -> dict[str, JSON]:
    """Translate an error that graphql-core collected while executing.

    Raises:
        Exception: a defect, since no request can cause it.
    """
    path = list(error.path or ())
    cause = error.original_error
    if isinstance(cause, FieldError):
        return field_error(cause, path, locations(error))
    # graphql-core has no class of its own for this error.
    null = _NULL_IN_NON_NULL.match(error.message)
    if null and isinstance(cause, TypeError):
        return null_error(path, _type_of(schema, *null.groups()), null.group(1))
    if error.message.startswith("Argument "):
        return {"path": list(path), "locations": locations(error), "message": error.message}
    if cause is None or isinstance(cause, GraphQLError) or error.message.startswith(_ENGINE_REPORTS):
        message = f"Can't serialize value ({print_path(path)}) : {error.message}"
        return {"path": list(path), "locations": None, "message": message}
    raise cause


def null_error(path: Sequence[str | int], type_name: str, parent: str) -> dict[str, JSON]:
    """Return the error for a null where the type forbids it; it has neither `errorType` nor locations."""
    place = f"within parent '{parent}' ({print_path(path)})"
    message = f"Cannot return null for non-nullable type: '{type_name}' {place}"
    return {"path": list(path), "locations": None, "message": message}


def print_path(path: Sequence[str | int]) -> str:
    """Print a response path as graphql-java does: `/a/b[0]`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f"/{part}" for part in path)


def _type_of(schema: GraphQLSchema, type_name: str, field_name: str) -> str:
    parent = schema.type_map[type_name]
    return get_named_type(parent.fields[field_name].type).name  # type: ignore[attr-defined,no-any-return]

"""GraphQL errors in AppSync's shape."""

import re
from collections.abc import Sequence
from typing import Final

from graphql import GraphQLError, GraphQLSchema, get_named_type

from globalchat.localcloud.definition import JSON

_NULL_IN_NON_NULL: Final = re.compile(r"Cannot return null for non-nullable field (\w+)\.(\w+)\.")
_ENGINE_REPORTS: Final = ("Expected Iterable", "Expected value of type", "Abstract type")


class FieldError(Exception):
    """A field failed; `data` and `info` are what `util.error` was given."""

    def __init__(
        self, message: str, error_type: str | None = None, data: JSON = None, info: JSON = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.error_type = error_type
        self.data = data
        self.info = info


class NotOrdinary(Exception):
    """Compiled code met what it does not judge: graphql-core is to say what becomes of it."""


def not_authorized(field_name: str, type_name: str) -> FieldError:
    """What AppSync says of a field that the caller may not use."""
    return FieldError(f"Not Authorized to access {field_name} on type {type_name}", "Unauthorized")


def request_error(message: str) -> dict[str, JSON]:
    """Make an error of a request as a whole: it has neither `errorType` nor a place."""
    return {"path": None, "locations": None, "message": message}


def unsupported_operation(kind: str) -> dict[str, JSON]:
    """Refuse what is no subscription: a `query`, a `mutation`, or what is `unknown`."""
    message = f"{kind} not supported through the realtime channel"
    return {"errorType": "UnsupportedOperation", "message": message}


def locations(error: GraphQLError) -> JSON:
    """Give the places of an error as graphql-java prints them, `sourceName` included; None if it has none."""
    if not error.locations:
        return None
    return [{"line": place.line, "column": place.column, "sourceName": None} for place in error.locations]


def field_error(error: FieldError, path: Sequence[str | int], places: JSON) -> dict[str, JSON]:
    """Make an error of a field that failed."""
    return {
        "path": list(path),
        "data": error.data,
        "errorType": error.error_type,
        "errorInfo": error.info,
        "locations": places,
        "message": error.message,
    }


def execution_error(error: GraphQLError, schema: GraphQLSchema) -> dict[str, JSON]:
    """Make an error of one that graphql-core collected while executing.

    Raises:
        Exception: the cause is none that a request can bring about, so it is a defect: it surfaces.
    """
    path = list(error.path or ())
    cause = error.original_error
    if isinstance(cause, FieldError):
        return field_error(cause, path, locations(error))
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
    """Make the error of a null in a place that must not be null; it has neither `errorType` nor locations."""
    place = f"within parent '{parent}' ({print_path(path)})"
    message = f"Cannot return null for non-nullable type: '{type_name}' {place}"
    return {"path": list(path), "locations": None, "message": message}


def print_path(path: Sequence[str | int]) -> str:
    """Write a response path as graphql-java does: `/a/b[0]`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f"/{part}" for part in path)


def _type_of(schema: GraphQLSchema, type_name: str, field_name: str) -> str:
    parent = schema.type_map[type_name]
    return get_named_type(parent.fields[field_name].type).name  # type: ignore[attr-defined,no-any-return]

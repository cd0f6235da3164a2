"""What a subscriber sees of a publication: the mutation's selection intersected with its own."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLOutputType,
    get_named_type,
    is_list_type,
    is_non_null_type,
)

from globalchat.localcloud.appsync.execution.fields import Resolution
from globalchat.localcloud.appsync.execution.selection import Selection
from globalchat.localcloud.appsync.graphql_errors import (
    FieldError,
    field_error,
    locations,
    not_authorized,
    null_error,
)
from globalchat.localcloud.appsync.limits import too_deep
from globalchat.localcloud.appsync.model import Caller
from globalchat.localcloud.definition import JSON

Path = tuple[str | int, ...]


class _Bubble(Exception):
    """A null stands where none may: the nearest nullable place becomes null."""


@dataclass(frozen=True, slots=True)
class _Hidden:
    """Why a subscriber does not see a field, and where that stands in the document."""

    message: str
    error_type: str | None
    places: JSON


@dataclass(frozen=True, slots=True)
class _Field:
    key: str
    name: str
    parent: str
    type: GraphQLOutputType
    hidden: _Hidden | None
    children: tuple["_Field", ...]

    def signature(self) -> JSON:
        refused = [self.hidden.message, self.hidden.places] if self.hidden else None
        return [self.key, self.name, refused, [child.signature() for child in self.children]]


class Projection:
    """Renders publications for one subscription field, as selected by one operation of one caller.

    A field that the mutation did not select arrives as null, and as an error if it must not be null. One that
    the subscriber may not read, or that is beyond the API's depth, arrives as null and as an error.
    """

    def __init__(self, root: _Field) -> None:
        self._root = root
        self.key = json.dumps(root.signature(), separators=(",", ":"))

    def __call__(self, value: Mapping[str, JSON]) -> Mapping[str, JSON]:
        """Turn a publication's value into the payload of a data frame."""
        errors: list[JSON] = []
        root = self._root
        try:
            data: JSON = {root.key: _complete(root, root.type, dict(value), (root.key,), errors)}
        except _Bubble:
            data = None
        return {"data": data, "errors": errors} if errors else {"data": data}


def plan(
    selection: Selection,
    resolution: Resolution,
    caller: Caller,
    root: GraphQLObjectType,
    key: str,
    nodes: Sequence[FieldNode],
) -> Projection:
    """Plan the projection of a subscription field, that is of what its nodes select."""

    def field(parent: GraphQLObjectType, key: str, nodes: Sequence[FieldNode], depth: int) -> _Field:
        name = nodes[0].name.value
        definition = selection.schema.get_field(parent, name)
        assert definition is not None, "the document was validated"
        hidden: _Hidden | None = None
        try:
            check(parent.name, name, depth)
        except FieldError as error:
            hidden = _Hidden(error.message, error.error_type, locations(GraphQLError("", nodes)))
        named = get_named_type(definition.type)
        children: tuple[_Field, ...] = ()
        if isinstance(named, GraphQLObjectType) and hidden is None:
            selected = selection.children(named, nodes)
            children = tuple(field(named, inner, selected[inner], depth + 1) for inner in selected)
        return _Field(key, name, parent.name, definition.type, hidden, children)

    def check(type_name: str, field_name: str, depth: int) -> None:
        """Raise FieldError if the subscriber may not see the field, or it is too deep."""
        if field_name.startswith("__"):
            return
        if not resolution.authorization.permits(caller, type_name, field_name):
            raise not_authorized(field_name, type_name)
        if 0 < resolution.limits.depth < depth:
            raise too_deep()

    return Projection(field(root, key, nodes, 1))


def _resolve(field: _Field, source: Mapping[str, JSON], path: Path, errors: list[JSON]) -> JSON:
    if field.name == "__typename":
        return field.parent
    if field.hidden is not None:
        error = FieldError(field.hidden.message, field.hidden.error_type)
        errors.append(field_error(error, path, field.hidden.places))
        if is_non_null_type(field.type):
            raise _Bubble
        return None
    return _complete(field, field.type, source.get(field.name), path, errors)


def _complete(field: _Field, type_: GraphQLOutputType, value: JSON, path: Path, errors: list[JSON]) -> JSON:
    if is_non_null_type(type_):
        if value is None:
            errors.append(null_error(path, str(get_named_type(type_)), field.parent))
            raise _Bubble
        completed = _complete(field, type_.of_type, value, path, errors)
        if completed is None:
            raise _Bubble
        return completed
    if value is None:
        return None
    try:
        if is_list_type(type_) and isinstance(value, list):
            return [
                _complete(field, type_.of_type, item, (*path, index), errors)
                for index, item in enumerate(value)
            ]
        if field.children and isinstance(value, dict):
            return {child.key: _resolve(child, value, (*path, child.key), errors) for child in field.children}
    except _Bubble:
        return None
    return value

"""Compiles the completion of a field's value: from what its resolver answered to what the response shows.

The compiled code completes values that fit their type. It stops at the first one that does not, since what
becomes of that one (an error, a null that bubbles up) is graphql-core's to tell.
"""

from collections.abc import Callable, Sequence

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLOutputType,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from globalchat.localcloud.appsync.execution.fields import Resolution
from globalchat.localcloud.appsync.execution.selection import Selection
from globalchat.localcloud.appsync.graphql_errors import NotOrdinary
from globalchat.localcloud.definition import JSON, AuthMode

Complete = Callable[[JSON], JSON]
"""Completes a value; raises NotOrdinary if it does not fit its type."""

_TYPE_NAME = "__typename"
_MAX_DEPTH = 50
"""Levels of fields that are compiled: compiled code calls itself once a level."""


class CompletionCompiler:
    """Compiles the completion of one top-level field.

    `modes` are the authorization modes that may use every field so far, `depth` is the number of levels of
    fields, `renames` tells whether the response's keys differ from the names of the fields.
    """

    def __init__(self, selection: Selection, resolution: Resolution) -> None:
        self._selection = selection
        self._resolution = resolution
        self.modes: frozenset[AuthMode] = frozenset(resolution.authorization.modes)
        self.depth = 0
        self.renames = False

    def permit(self, type_name: str, field_name: str) -> None:
        """Note which modes may use a field."""
        self.modes &= frozenset(self._resolution.authorization.modes_of(type_name, field_name))

    def compile(self, type_: GraphQLOutputType, nodes: Sequence[FieldNode], depth: int = 1) -> Complete:
        """Compile the completion of a value of a type, whose subfields the nodes select.

        Raises:
            NotOrdinary: it holds an abstract type, introspection, or a subfield with a resolver or arguments.
        """
        self.depth = max(self.depth, depth)
        if is_non_null_type(type_):
            return _not_null(self.compile(type_.of_type, nodes, depth))
        if is_list_type(type_):
            return _list(self.compile(type_.of_type, nodes, depth))
        if is_leaf_type(type_):
            return _leaf(type_)
        if not isinstance(type_, GraphQLObjectType) or depth >= _MAX_DEPTH:
            raise NotOrdinary
        return self._object(type_, nodes, depth + 1)

    def _object(self, type_: GraphQLObjectType, nodes: Sequence[FieldNode], depth: int) -> Complete:
        fields: list[tuple[str, str, Complete]] = []
        for key, inner in self._selection.children(type_, nodes).items():
            name = inner[0].name.value
            self.renames = self.renames or key != name or name == _TYPE_NAME
            if name == _TYPE_NAME:
                fields.append((key, name, _constant(type_.name)))
            else:
                field = self._plain(type_, name)
                fields.append((key, name, self.compile(field.type, inner, depth)))
        return _object(fields)

    def _plain(self, type_: GraphQLObjectType, name: str) -> GraphQLField:
        field: GraphQLField | None = type_.fields.get(name)
        if field is None or field.args or (type_.name, name) in self._resolution.resolvers:
            raise NotOrdinary
        self.permit(type_.name, name)
        return field


def _not_null(complete: Complete) -> Complete:
    def complete_not_null(value: JSON) -> JSON:
        if value is None:
            raise NotOrdinary
        return complete(value)

    return complete_not_null


def _list(complete: Complete) -> Complete:
    def complete_list(value: JSON) -> JSON:
        if value is None:
            return None
        if not isinstance(value, list):
            raise NotOrdinary
        return [complete(item) for item in value]

    return complete_list


def _leaf(type_: GraphQLLeafType) -> Complete:
    convert = type_.coerce_output_value

    def complete_leaf(value: JSON) -> JSON:
        if value is None:
            return None
        try:
            completed: JSON = convert(value)
        except Exception as problem:
            raise NotOrdinary from problem
        if completed is None:
            raise NotOrdinary
        return completed

    return complete_leaf


def _constant(text: str) -> Complete:
    return lambda _: text


def _object(fields: Sequence[tuple[str, str, Complete]]) -> Complete:
    def complete_object(value: JSON) -> JSON:
        if value is None:
            return None
        if not isinstance(value, dict):
            raise NotOrdinary
        return {key: complete(value.get(name)) for key, name, complete in fields}

    return complete_object

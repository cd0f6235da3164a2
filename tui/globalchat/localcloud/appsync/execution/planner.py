"""Plans subscriptions: checks them, runs their resolvers for filters, and projects publications."""

import asyncio
import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLOutputType,
    OperationType,
    get_named_type,
    is_list_type,
    is_non_null_type,
)
from graphql.execution.values import get_argument_values

from globalchat.localcloud.appsync.execution.documents import Documents, variable_error
from globalchat.localcloud.appsync.execution.fields import Resolution, appended_errors, with_filtered_data
from globalchat.localcloud.appsync.execution.resolver import Effects, FieldCall
from globalchat.localcloud.appsync.execution.selection import InvalidVariables, Selection, select
from globalchat.localcloud.appsync.graphql_errors import (
    FieldError,
    field_error,
    locations,
    not_authorized,
    null_error,
    timed_out,
    too_deep,
    unsupported_operation,
)
from globalchat.localcloud.appsync.model import (
    Caller,
    FilterGroup,
    GraphQLRequest,
    RequestRejected,
    SubscriptionPlan,
)
from globalchat.localcloud.appsync.realtime.filters import parse_filter
from globalchat.localcloud.appsync.schema import ApiSchema
from globalchat.localcloud.definition import JSON


class SubscriptionPlanner:
    """Plans the subscriptions of one API."""

    def __init__(self, schema: ApiSchema, resolution: Resolution, documents: Documents) -> None:
        self._schema = schema
        self._resolution = resolution
        self._documents = documents

    async def plan(self, request: GraphQLRequest, caller: Caller) -> SubscriptionPlan:
        """Check a subscription, run its resolver and return its plan.

        Raises:
            RequestRejected: it is not a valid subscription, or its resolver failed.
        """
        operation = self._documents.operation(request)
        root = self._schema.graphql.subscription_type
        if operation.node.operation is not OperationType.SUBSCRIPTION or root is None:
            raise RequestRejected(unsupported_operation(operation.node.operation.value))
        try:
            selection = select(self._schema.graphql, operation.fragments, operation.node, request.variables)
        except InvalidVariables as invalid:
            raise RequestRejected(*(variable_error(error) for error in invalid.errors)) from None
        fields = selection.collect(root, [operation.node.selection_set])
        if not fields:
            message = "The subscription selects no field."
            raise RequestRejected({"errorType": "BadRequestException", "message": message})
        # Validation allows one top-level field.
        key, nodes = next(iter(fields.items()))
        return await self._plan(selection, caller, root, key, nodes)

    async def _plan(
        self, selection: Selection, caller: Caller, root: GraphQLObjectType, key: str, nodes: list[FieldNode]
    ) -> SubscriptionPlan:
        name = nodes[0].name.value
        effects = Effects()
        try:
            arguments = get_argument_values(root.fields[name], nodes[0], selection.variables)
        except GraphQLError as error:
            problem: JSON = {"path": [key], "locations": locations(error), "message": error.message}
            raise RequestRejected(problem) from None
        call = FieldCall(
            caller,
            root.name,
            name,
            arguments,
            None,
            selection,
            root.fields[name].type,
            nodes,
            [key],
        )
        try:
            await self._run_resolver(call, effects)
            parsed = _parse_filter(effects.filter), _parse_filter(effects.invalidation_filter)
        except FieldError as error:
            failure = field_error(with_filtered_data(error, call), [key], locations(GraphQLError("", nodes)))
            raise RequestRejected(failure, *appended_errors(effects, call)) from None
        if effects.errors:
            raise RequestRejected(*appended_errors(effects, call))
        projection = plan_projection(selection, self._resolution, caller, root, key, nodes)
        mutations = self._schema.subscriptions[name]
        return SubscriptionPlan(name, mutations, arguments, *parsed, projection, projection.key)

    async def _run_resolver(self, call: FieldCall, effects: Effects) -> None:
        # Both checks precede the resolver, as for queries and mutations.
        authorization = self._resolution.authorization
        for permits in (authorization.permits, authorization.policy_permits):
            if not permits(call.caller, call.parent_type, call.field_name):
                raise not_authorized(call.field_name, call.parent_type)
        resolver = self._resolution.resolvers.get((call.parent_type, call.field_name))
        value = resolver.resolve(call, effects) if resolver else None
        if inspect.iscoroutine(value):
            try:
                async with asyncio.timeout(self._resolution.limits.seconds) as timeout:
                    await value
            except TimeoutError:
                # A TimeoutError of the data source itself is a defect, not the request's time limit.
                if timeout.expired():
                    raise timed_out() from None
                raise


def _parse_filter(document: JSON) -> FilterGroup | None:
    """Parse a filter that a resolver set. AppSync's error for a filter beyond its limits is not known."""
    if document is None:
        return None
    try:
        return parse_filter(document)
    except ValueError as problem:
        raise FieldError(str(problem), "BadRequestException") from None


Path = tuple[str | int, ...]


class _NullPropagation(Exception):
    """Raised for a null where the type forbids it: the nearest nullable parent becomes null."""


@dataclass(frozen=True, slots=True)
class _Hidden:
    """The error of a field that a subscriber may not see, and its locations in the document."""

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
    children: tuple["_Field", ...] | None
    """None if it is no object; an object may have none, as directives may exclude all of its fields."""

    def signature(self) -> JSON:
        refused = [self.hidden.message, self.hidden.places] if self.hidden else None
        return [self.key, self.name, refused, [child.signature() for child in self.children or ()]]


class Projection:
    """Renders publications for one subscription field, as selected by one operation of one caller.

    The subscriber gets the mutation's selection intersected with its own. A field that the mutation did not
    select is null, with an error if the type forbids that. A field that the subscriber may not read, or
    beyond the API's depth, is null with an error.
    """

    def __init__(self, root: _Field) -> None:
        self._root = root
        # Equal for plans that render the same payload, so that the hub encodes it once for thousands of them.
        self.key = json.dumps(root.signature(), separators=(",", ":"))

    def __call__(self, value: Mapping[str, JSON]) -> Mapping[str, JSON]:
        """Return the payload of a data frame for a publication's value."""
        errors: list[JSON] = []
        root = self._root
        try:
            data: JSON = {root.key: _complete(root, root.type, dict(value), (root.key,), errors)}
        except _NullPropagation:
            data = None
        return {"data": data, "errors": errors} if errors else {"data": data}


def plan_projection(
    selection: Selection,
    resolution: Resolution,
    caller: Caller,
    root: GraphQLObjectType,
    key: str,
    nodes: Sequence[FieldNode],
) -> Projection:
    """Return the projection of a subscription field whose nodes hold the selection."""

    def field(parent: GraphQLObjectType, key: str, nodes: Sequence[FieldNode], depth: int) -> _Field:
        name = nodes[0].name.value
        definition = selection.schema.get_field(parent, name)
        assert definition is not None, "the document was validated"
        hidden: _Hidden | None = None
        try:
            check(parent.name, name, depth)
        except FieldError as error:
            # The subscription is accepted, and every message carries the error.
            hidden = _Hidden(error.message, error.error_type, locations(GraphQLError("", nodes)))
        named = get_named_type(definition.type)
        children: tuple[_Field, ...] | None = None
        if isinstance(named, GraphQLObjectType) and hidden is None:
            selected = selection.children(named, nodes)
            children = tuple(field(named, inner, selected[inner], depth + 1) for inner in selected)
        return _Field(key, name, parent.name, definition.type, hidden, children)

    def check(type_name: str, field_name: str, depth: int) -> None:
        """Raise FieldError if the subscriber may not see the field or it is too deep."""
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
            raise _NullPropagation
        return None
    return _complete(field, field.type, source.get(field.name), path, errors)


def _complete(field: _Field, type_: GraphQLOutputType, value: JSON, path: Path, errors: list[JSON]) -> JSON:
    if is_non_null_type(type_):
        if value is None:
            errors.append(null_error(path, str(get_named_type(type_)), field.parent))
            raise _NullPropagation
        completed = _complete(field, type_.of_type, value, path, errors)
        # Null because of a nested error, which is already reported.
        if completed is None:
            raise _NullPropagation
        return completed
    if value is None:
        return None
    try:
        if is_list_type(type_) and isinstance(value, list):
            return [
                _complete(field, type_.of_type, item, (*path, index), errors)
                for index, item in enumerate(value)
            ]
        if field.children is not None and isinstance(value, dict):
            return {child.key: _resolve(child, value, (*path, child.key), errors) for child in field.children}
    except _NullPropagation:
        return None
    return value

"""The execution of one GraphQL request: resolves its fields and collects its errors."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from graphql import (
    GraphQLError,
    GraphQLOutputType,
    GraphQLResolveInfo,
    is_composite_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from globalchat.localcloud.appsync.access import Authorization
from globalchat.localcloud.appsync.execution.resolver import Effects, FieldCall, FieldResolver, handler_error
from globalchat.localcloud.appsync.execution.selection import Selection
from globalchat.localcloud.appsync.graphql_errors import (
    FieldError,
    field_error,
    locations,
    not_authorized,
    print_path,
    too_deep,
    too_many_resolvers,
)
from globalchat.localcloud.appsync.model import Caller, Invalidation, RequestLimits
from globalchat.localcloud.definition import JSON

MAX_INVALIDATIONS: Final = 5
"""AppSync's limit of `extensions.invalidateSubscriptions` in one request."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """The rules and resolvers of an API's fields. `resolvers` is keyed by type and field name."""

    authorization: Authorization
    resolvers: Mapping[tuple[str, str], FieldResolver]
    invalidate: Callable[[Invalidation], None]
    limits: RequestLimits


@dataclass(frozen=True, slots=True)
class PrecomputedResult:
    """The outcome (value or error) of the only top-level field's resolver, which ran before graphql-core."""

    value: JSON = None
    error: FieldError | None = None


@dataclass(slots=True)
class Execution:
    """The state of one request; the context value of graphql-core.

    Attributes:
        resolution: the rules and resolvers of the API.
        caller: the authenticated caller.
        policy_checked: the caller's policy is known to permit all top-level fields.
        errors: the errors that `util.appendError` added.
        invalidations: the number of invalidations so far.
        resolved: the number of resolvers that graphql-core ran.
        selection: the selection of the operation, once its variables are known.
        precomputed: the outcome of the top-level field's resolver, if it has run already.
    """

    resolution: Resolution
    caller: Caller
    policy_checked: bool = False
    errors: list[JSON] = field(default_factory=list)
    invalidations: int = 0
    resolved: int = 0
    selection: Selection | None = None
    precomputed: PrecomputedResult | None = None

    def policy_permits(self, type_name: str, field_name: str) -> bool:
        """Return True if the caller's policy lets it call a top-level field."""
        permits = self.resolution.authorization.policy_permits
        return self.policy_checked or permits(self.caller, type_name, field_name)


def resolve_field(
    source: JSON, info: "GraphQLResolveInfo[Execution]", /, **arguments: JSON
) -> "JSON | Coroutine[None, None, JSON]":
    """Resolve a field for graphql-core, with its resolver or else from the parent's value.

    Raises:
        FieldError: the caller may not use the field, a limit is exceeded, or its resolver failed.
    """
    execution = info.context
    resolution, limits = execution.resolution, execution.resolution.limits
    type_name, field_name = info.parent_type.name, info.field_name
    if not resolution.authorization.permits(execution.caller, type_name, field_name):
        raise not_authorized(field_name, type_name)
    # Policies name top-level fields only; directives apply to every field.
    if info.path.prev is None:
        if not execution.policy_permits(type_name, field_name):
            raise not_authorized(field_name, type_name)
        if execution.selection is None:
            execution.selection = Selection(info.schema, info.fragments, info.variable_values)
    # Indexes of lists do not count as levels.
    if limits.depth and sum(isinstance(key, str) for key in info.path.as_list()) > limits.depth:
        raise too_deep()
    resolver = resolution.resolvers.get((type_name, field_name))
    if resolver is not None:
        execution.resolved += 1
        if execution.resolved > limits.resolvers:
            raise too_many_resolvers()
        # Only operations with one resolver are compiled, so this is the field that it belongs to.
        if execution.precomputed is not None:
            if execution.precomputed.error is not None:
                raise execution.precomputed.error
            return execution.precomputed.value
        return run_resolver(resolver, _call(source, info, arguments), execution)
    value = source.get(field_name) if isinstance(source, dict) else None
    if not _is_plain(info.return_type):
        _check_shape(value, info.return_type, info.path.as_list())
    return value


def run_resolver(
    resolver: FieldResolver, call: FieldCall, execution: Execution
) -> "JSON | Coroutine[None, None, JSON]":
    """Run a field's resolver and apply its effects: appended errors, invalidations.

    Raises:
        FieldError: it failed, or its value does not have the shape of the field's type.
    """
    effects = Effects()

    def finish(value: JSON) -> JSON:
        if effects.errors:
            execution.errors += appended_errors(effects, call)
        _check_shape(value, call.return_type, call.path)
        if effects.invalidations:
            _invalidate(execution, effects.invalidations)
        return value

    def failed(error: FieldError) -> FieldError:
        # Errors that were appended before the failure are reported too; invalidations are dropped.
        execution.errors += appended_errors(effects, call)
        return with_filtered_data(error, call)

    async def wait(pending: Coroutine[None, None, JSON]) -> JSON:
        try:
            value = await pending
        except FieldError as error:
            raise failed(error) from None
        return finish(value)

    try:
        value = resolver.resolve(call, effects)
    except FieldError as error:
        raise failed(error) from None
    # Most resolvers are synchronous: only those that wait for their data source need a coroutine.
    return wait(value) if isinstance(value, Coroutine) else finish(value)


def _invalidate(execution: Execution, invalidations: Sequence[Invalidation]) -> None:
    """Invalidate subscriptions, unless the request has made too many invalidations."""
    execution.invalidations += len(invalidations)
    if execution.invalidations > MAX_INVALIDATIONS:
        message = f"At most {MAX_INVALIDATIONS} calls of extensions.invalidateSubscriptions are allowed."
        raise FieldError(message, "BadRequestException")
    # If there are too many in total, none of this resolver's invalidations happens.
    for invalidation in invalidations:
        execution.resolution.invalidate(invalidation)


def _call(source: JSON, info: "GraphQLResolveInfo[Execution]", arguments: Mapping[str, JSON]) -> FieldCall:
    selection = info.context.selection
    assert selection is not None, "the top-level fields are resolved first"
    return FieldCall(
        caller=info.context.caller,
        parent_type=info.parent_type.name,
        field_name=info.field_name,
        arguments=arguments,
        source=source,
        selection=selection,
        return_type=info.return_type,
        nodes=info.field_nodes,
        path=info.path.as_list(),
    )


def appended_errors(effects: Effects, call: FieldCall) -> list[JSON]:
    """Return the response's errors for those that `util.appendError` added."""
    places = locations(GraphQLError("", call.nodes))
    return [
        field_error(with_filtered_data(handler_error(entry), call), call.path, places)
        for entry in effects.errors
        if isinstance(entry, dict)
    ]


def with_filtered_data(error: FieldError, call: FieldCall) -> FieldError:
    """Filter the data that `util.error` attached to an error by the field's selection set."""
    error.data = call.selection.filter(error.data, call.return_type, call.nodes)
    return error


@lru_cache(maxsize=4096)
def _is_plain(type_: GraphQLOutputType) -> bool:
    """Return True if values of this type are neither lists nor objects, as for most fields."""
    return is_leaf_type(type_.of_type if is_non_null_type(type_) else type_)


def _check_shape(value: JSON, type_: GraphQLOutputType, path: Sequence[str | int]) -> None:
    """Raise FieldError, in AppSync's words, if a value is a list and the type an object, and the like."""
    if value is None:
        return
    if is_non_null_type(type_):
        type_ = type_.of_type
    if is_list_type(type_):
        if not isinstance(value, list):
            raise FieldError(
                f"Can't resolve value ({print_path(path)}) : type mismatch error, expected type LIST"
            )
        for index, item in enumerate(value):
            _check_shape(item, type_.of_type, (*path, index))
    elif is_composite_type(type_) and not isinstance(value, dict):
        raise FieldError(
            f"Can't resolve value ({print_path(path)}) : type mismatch error, expected type OBJECT"
        )

"""One GraphQL request while it is executed: resolves fields, collects errors."""

import asyncio
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

from globalchat.localcloud.appsync.authorization import Authorization
from globalchat.localcloud.appsync.execution.context import Effects, FieldCall
from globalchat.localcloud.appsync.execution.resolver import FieldResolver, raised
from globalchat.localcloud.appsync.execution.selection import Selection
from globalchat.localcloud.appsync.graphql_errors import (
    FieldError,
    field_error,
    locations,
    not_authorized,
    print_path,
)
from globalchat.localcloud.appsync.limits import RequestLimits, too_deep, too_many
from globalchat.localcloud.appsync.model import Caller, Invalidation
from globalchat.localcloud.definition import JSON

MAX_INVALIDATIONS: Final = 5
"""AppSync's limit of `extensions.invalidateSubscriptions` in one request."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What an API's fields are resolved with. `resolvers` is keyed by type and field name."""

    authorization: Authorization
    resolvers: Mapping[tuple[str, str], FieldResolver]
    invalidate: Callable[[Invalidation], None]
    limits: RequestLimits


@dataclass(slots=True)
class Execution:
    """The context value of graphql-core.

    `errors` holds what `util.appendError` added, `selection` what the operation selects (once it has begun).
    `answer` is done if the one top-level field's resolver was run before graphql-core: with what it answered,
    or the FieldError with which it failed.
    `policy_asked`: the caller's policy has permitted all top-level fields, so it need not be asked again.
    """

    resolution: Resolution
    caller: Caller
    policy_asked: bool = False
    errors: list[JSON] = field(default_factory=list)
    invalidations: int = 0
    resolved: int = 0
    selection: Selection | None = None
    answer: asyncio.Future[JSON] | None = None

    def policy_permits(self, type_name: str, field_name: str) -> bool:
        """Tell whether the caller's policy lets it call a top-level field."""
        permits = self.resolution.authorization.policy_permits
        return self.policy_asked or permits(self.caller, type_name, field_name)


def resolve_field(
    source: JSON, info: "GraphQLResolveInfo[Execution]", /, **arguments: JSON
) -> "JSON | Coroutine[None, None, JSON]":
    """Resolve a field, with its resolver or else from the parent's value, for graphql-core.

    Raises:
        FieldError: the caller may not use the field, it is beyond a limit, or its resolver failed.
    """
    execution = info.context
    resolution, limits = execution.resolution, execution.resolution.limits
    type_name, field_name = info.parent_type.name, info.field_name
    if not resolution.authorization.permits(execution.caller, type_name, field_name):
        raise not_authorized(field_name, type_name)
    if info.path.prev is None:
        if not execution.policy_permits(type_name, field_name):
            raise not_authorized(field_name, type_name)
        if execution.selection is None:
            execution.selection = Selection(info.schema, info.fragments, info.variable_values)
    if limits.depth and sum(isinstance(key, str) for key in info.path.as_list()) > limits.depth:
        raise too_deep()
    resolver = resolution.resolvers.get((type_name, field_name))
    if resolver is not None:
        execution.resolved += 1
        if execution.resolved > limits.resolvers:
            raise too_many()
        if execution.answer is not None:
            return execution.answer.result()
        return run_resolver(resolver, _call(source, info, arguments), execution)
    value = source.get(field_name) if isinstance(source, dict) else None
    if not _is_plain(info.return_type):
        _check_shape(value, info.return_type, info.path.as_list())
    return value


def run_resolver(
    resolver: FieldResolver, call: FieldCall, execution: Execution
) -> "JSON | Coroutine[None, None, JSON]":
    """Run a field's resolver and what it caused: appended errors, invalidations.

    Raises:
        FieldError: it failed, or its value has not the form of the field's type.
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
        execution.errors += appended_errors(effects, call)
        return filtered(error, call)

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
    return wait(value) if isinstance(value, Coroutine) else finish(value)


def _invalidate(execution: Execution, invalidations: Sequence[Invalidation]) -> None:
    """Pass invalidations on, unless the request has made too many."""
    execution.invalidations += len(invalidations)
    if execution.invalidations > MAX_INVALIDATIONS:
        message = f"At most {MAX_INVALIDATIONS} calls of extensions.invalidateSubscriptions are allowed."
        raise FieldError(message, "BadRequestException")
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
    """Make the response's errors of those that `util.appendError` added."""
    places = locations(GraphQLError("", call.nodes))
    return [
        field_error(filtered(raised(entry), call), call.path, places)
        for entry in effects.errors
        if isinstance(entry, dict)
    ]


def filtered(error: FieldError, call: FieldCall) -> FieldError:
    """Filter the data that `util.error` was given by the field's selection set."""
    error.data = call.selection.filter(error.data, call.return_type, call.nodes)
    return error


@lru_cache(maxsize=4096)
def _is_plain(type_: GraphQLOutputType) -> bool:
    """Tell whether a value of this type is neither a list nor an object; most fields are such."""
    return is_leaf_type(type_.of_type if is_non_null_type(type_) else type_)


def _check_shape(value: JSON, type_: GraphQLOutputType, path: Sequence[str | int]) -> None:
    """Refuse a list where an object must be, and the like, in AppSync's words."""
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

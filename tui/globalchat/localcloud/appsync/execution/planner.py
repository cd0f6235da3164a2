"""Plans subscriptions: checks them, runs their resolver, keeps the filters that it set."""

import asyncio
import inspect

from graphql import FieldNode, GraphQLError, GraphQLObjectType, OperationType
from graphql.execution.values import get_argument_values

from globalchat.localcloud.appsync.execution import projection
from globalchat.localcloud.appsync.execution.context import Effects, FieldCall
from globalchat.localcloud.appsync.execution.documents import Documents
from globalchat.localcloud.appsync.execution.fields import Resolution, appended_errors, filtered
from globalchat.localcloud.appsync.execution.selection import Selection, VariablesRefused, select
from globalchat.localcloud.appsync.graphql_errors import (
    FieldError,
    field_error,
    locations,
    not_authorized,
    unsupported_operation,
)
from globalchat.localcloud.appsync.limits import too_slow
from globalchat.localcloud.appsync.model import Caller, FilterGroup, GraphQLRequest, SubscriptionPlan
from globalchat.localcloud.appsync.realtime import filters
from globalchat.localcloud.appsync.schema import Schema
from globalchat.localcloud.appsync.validation import variable_error
from globalchat.localcloud.definition import JSON


class SubscriptionPlanner:
    """Plans the subscriptions of one API."""

    def __init__(self, schema: Schema, resolution: Resolution, documents: Documents) -> None:
        self._schema = schema
        self._resolution = resolution
        self._documents = documents

    async def plan(self, request: GraphQLRequest, caller: Caller) -> "SubscriptionPlan | list[JSON]":
        """Plan one subscription; a plan, or the errors that refuse it."""
        operation = self._documents.operation(request)
        if isinstance(operation, list):
            return operation
        root = self._schema.graphql.subscription_type
        if operation.node.operation is not OperationType.SUBSCRIPTION or root is None:
            return [unsupported_operation(operation.node.operation.value)]
        try:
            selection = select(self._schema.graphql, operation.fragments, operation.node, request.variables)
        except VariablesRefused as refused:
            return [variable_error(error) for error in refused.errors]
        fields = selection.collect(root, [operation.node.selection_set])
        if not fields:
            return [{"errorType": "BadRequestException", "message": "The subscription selects no field."}]
        key, nodes = next(iter(fields.items()))
        return await self._plan(selection, caller, root, key, nodes)

    async def _plan(
        self, selection: Selection, caller: Caller, root: GraphQLObjectType, key: str, nodes: list[FieldNode]
    ) -> "SubscriptionPlan | list[JSON]":
        name = nodes[0].name.value
        places = locations(GraphQLError("", nodes))
        effects = Effects()
        try:
            arguments = get_argument_values(root.fields[name], nodes[0], selection.variables)
        except GraphQLError as error:
            return [{"path": [key], "locations": locations(error), "message": error.message}]
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
            await self._run_subscription(call, effects)
            chosen = _parse_filter(effects.filter), _parse_filter(effects.invalidation_filter)
        except FieldError as error:
            appended = appended_errors(effects, call)
            return [field_error(filtered(error, call), [key], places), *appended]
        if effects.errors:
            return appended_errors(effects, call)
        projected = projection.plan(selection, self._resolution, caller, root, key, nodes)
        mutations = self._schema.subscriptions[name]
        return SubscriptionPlan(name, mutations, arguments, *chosen, projected, projected.key)

    async def _run_subscription(self, call: FieldCall, effects: Effects) -> None:
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
                if timeout.expired():
                    raise too_slow() from None
                raise


def _parse_filter(document: JSON) -> FilterGroup | None:
    """Read a filter that a resolver set. How AppSync names a filter beyond its limits is not known."""
    if document is None:
        return None
    try:
        return filters.parse(document)
    except ValueError as problem:
        raise FieldError(str(problem), "BadRequestException") from None

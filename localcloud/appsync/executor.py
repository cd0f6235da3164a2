"""Executes GraphQL requests against one API, as AppSync does."""

import asyncio
import inspect
import secrets
from collections.abc import Awaitable, Mapping
from functools import partial
from types import CoroutineType
from typing import Any, TypeGuard, cast

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLObjectType,
    OperationDefinitionNode,
    OperationType,
    execute,
)

from localcloud.appsync import schema
from localcloud.appsync.authorization import Authorization
from localcloud.appsync.compiled import CompiledOperation, compile_operation
from localcloud.appsync.context import Clock, Entropy
from localcloud.appsync.documents import Documents, Operation
from localcloud.appsync.errors import execution_error, request_error
from localcloud.appsync.execution import Execution, Resolution, resolve_field
from localcloud.appsync.limits import REQUEST_SECONDS, RequestLimits, too_slow
from localcloud.appsync.model import (
    Caller,
    GraphQLRequest,
    Publication,
    Subscribers,
    SubscriptionPlan,
)
from localcloud.appsync.resolver import FieldResolver
from localcloud.appsync.selection import Selection, VariablesRefused, select
from localcloud.appsync.subscription import SubscriptionPlanner
from localcloud.appsync.validation import variable_error
from localcloud.definition import JSON, Api, Resolver
from localcloud.errors import Refusal, TemplateError
from localcloud.ports import EventSink

NO_SUBSCRIPTIONS = "Subscriptions over MQTT is not supported."
"""What AppSync answers to a subscription over HTTP."""


def _is_coroutine(value: object) -> TypeGuard[Awaitable[Any]]:
    """Tell a coroutine, the only awaitable that a resolver returns, faster than graphql-core does."""
    return type(value) is CoroutineType


class GraphQLExecutor:
    """One GraphQL API: its schema, resolvers, rules; implements `Executor`.

    Use it in the thread that made it: the resolvers' JavaScript contexts belong to that thread.

    Args:
        api: the API, from the templates.
        events: where EventBridge data sources put events.
        subscribers: who hears of mutations and invalidations.
        clock: the time in epoch seconds.
        entropy: makes random bytes, for the ids that resolvers make.
        request_seconds: how long a request may take.

    Raises:
        TemplateError: the schema or a resolver cannot be honoured; the message names it.
    """

    def __init__(
        self,
        api: Api,
        *,
        events: EventSink,
        subscribers: Subscribers,
        clock: Clock,
        entropy: Entropy = secrets.token_bytes,
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        self.api = api
        try:
            self._schema = schema.build(api.schema)
            resolvers = {
                (resolver.type_name, resolver.field_name): self._load(resolver, events, clock, entropy)
                for resolver in api.resolvers
            }
        except Refusal as refusal:
            raise TemplateError(f"API {api.name}: {refusal.reason}.") from None
        authorization = Authorization(api.arn, api.modes, self._schema.directives)
        self._subscribers = subscribers
        self._limits = RequestLimits.of(api, request_seconds)
        self._resolution = Resolution(
            authorization, resolvers, subscribers.invalidate, api.account, self._limits
        )
        self._documents = Documents(
            self._schema.graphql,
            partial(compile_operation, self._schema, self._resolution),
            has_introspection=api.has_introspection,
        )
        self._planner = SubscriptionPlanner(self._schema, self._resolution, self._documents)

    def _load(self, resolver: Resolver, events: EventSink, clock: Clock, entropy: Entropy) -> FieldResolver:
        parent = self._schema.graphql.type_map.get(resolver.type_name)
        if not isinstance(parent, GraphQLObjectType) or resolver.field_name not in parent.fields:
            raise Refusal(
                f"{resolver.file} resolves {resolver.type_name}.{resolver.field_name}, which the schema lacks"
            )
        source = self.api.data_sources.get(resolver.data_source)
        if source is None:
            raise Refusal(
                f"{resolver.file} uses the data source {resolver.data_source}, which does not exist"
            )
        return FieldResolver(
            resolver, source, environment=self.api.environment, events=events, clock=clock, entropy=entropy
        )

    async def execute(self, request: GraphQLRequest, caller: Caller) -> dict[str, JSON]:
        """Run a query or a mutation and publish what it answered; the response body in AppSync's shape."""
        document = self._documents.read(request.query)
        operation = document.operation(request.operation_name) if document.ast else None
        if document.ast is None or operation is None:
            return {"data": None, "errors": list(document.errors)}
        if isinstance(operation, dict):
            return {"data": None, "errors": [operation]}
        if operation.node.operation is OperationType.SUBSCRIPTION:
            return {"errors": [{"errorType": "BadRequestException", "message": NO_SUBSCRIPTIONS}]}
        execution = Execution(self._resolution, caller)
        try:
            body = await self._compiled(operation.compiled, execution, request.variables)
            return body or await self._interpreted(document.ast, operation.node, execution, request)
        except TimeoutError:
            late = too_slow()
            error: JSON = {**request_error(late.message), "errorType": late.error_type}
            return {"data": None, "errors": [error]}

    async def _compiled(
        self, compiled: CompiledOperation | None, execution: Execution, variables: Mapping[str, JSON]
    ) -> dict[str, JSON] | None:
        """Run an operation in its compiled form; None if there is none, or graphql-core is to go on."""
        if compiled is None or not compiled.permits(execution.caller):
            return None
        data = await compiled.run(execution, variables)
        if data is None:
            return None
        if execution.errors:
            return {"data": data, "errors": execution.errors}
        value = data[compiled.key]
        if compiled.feeds and isinstance(value, dict):
            self._subscribers.publish(Publication(compiled.field_name, compiled.publication(value)))
        return {"data": data}

    async def _interpreted(
        self,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        execution: Execution,
        request: GraphQLRequest,
    ) -> dict[str, JSON]:
        """Have graphql-core execute an operation."""
        pending = execute(
            self._schema.graphql,
            document,
            context_value=execution,
            variable_values=dict(request.variables),
            operation_name=request.operation_name or None,
            field_resolver=resolve_field,
            hide_suggestions=True,
            is_awaitable=_is_coroutine,
        )
        result = await self._in_time(pending) if inspect.isawaitable(pending) else pending
        body = self._body(result, execution)
        if operation.operation is OperationType.MUTATION and execution.selection is not None:
            self._publish(execution.selection, operation, body)
        return body

    async def _in_time(self, pending: Awaitable[ExecutionResult]) -> ExecutionResult:
        async with asyncio.timeout(self._limits.seconds):
            return await pending

    def _body(self, result: ExecutionResult, execution: Execution) -> dict[str, JSON]:
        errors = [
            execution_error(error, self._schema.graphql) if error.path else variable_error(error)
            for error in result.errors or ()
        ]
        errors += cast("list[dict[str, JSON]]", execution.errors)
        body: dict[str, JSON] = {"data": cast("JSON", result.data)}
        if errors:
            body["errors"] = cast("JSON", errors)
        return body

    def _publish(
        self, selection: Selection, operation: OperationDefinitionNode, body: Mapping[str, JSON]
    ) -> None:
        """Tell subscribers of each mutation field that has a value and no error."""
        data, errors = body["data"], cast("list[dict[str, list[JSON] | None]]", body.get("errors") or [])
        root = self._schema.graphql.mutation_type
        if not isinstance(data, dict) or root is None:
            return
        failed = {path[0] for error in errors if (path := error["path"])}
        for key, nodes in selection.collect(root, [operation.selection_set]).items():
            name = nodes[0].name.value
            value = data.get(key)
            if name in self._schema.feeding and isinstance(value, dict) and key not in failed:
                renamed = selection.by_field_name(value, root.fields[name].type, nodes)
                self._subscribers.publish(Publication(name, cast("dict[str, JSON]", renamed)))

    def denied_fields(self, request: GraphQLRequest, caller: Caller) -> list[str]:
        """Name the top-level fields of a request (`Mutation.publish`) that the caller's policy denies."""
        document = self._documents.read(request.query)
        operation = document.operation(request.operation_name) if document.ast else None
        if not isinstance(operation, Operation):
            return []
        root = self._schema.graphql.get_root_type(operation.node.operation)
        # To coerce variables is dear.
        variables = request.variables if document.has_directives else None
        try:
            selection = select(self._schema.graphql, document.fragments, operation.node, variables)
        except VariablesRefused:
            return []
        fields = selection.collect(root, [operation.node.selection_set]) if root else {}
        names = dict.fromkeys(nodes[0].name.value for nodes in fields.values())
        permits = self._resolution.authorization.policy_permits
        return [
            f"{root.name}.{name}"
            for name in names
            if root and not name.startswith("__") and not permits(caller, root.name, name)
        ]

    async def subscribe(self, request: GraphQLRequest, caller: Caller) -> "SubscriptionPlan | list[JSON]":
        """Plan a subscription: check it, run its resolver; a plan, or the errors that refuse it."""
        return await self._planner.plan(request, caller)

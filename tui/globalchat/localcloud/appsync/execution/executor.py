"""Executes GraphQL requests against one API, as AppSync does."""

import secrets
from collections.abc import Mapping
from functools import partial

from graphql import GraphQLObjectType, OperationType

from globalchat.core.clock import EpochClock
from globalchat.localcloud.appsync import schema
from globalchat.localcloud.appsync.authorization import Authorization
from globalchat.localcloud.appsync.execution.compiled import CompiledOperation, compile_operation
from globalchat.localcloud.appsync.execution.context import Entropy
from globalchat.localcloud.appsync.execution.documents import Documents, Operation
from globalchat.localcloud.appsync.execution.fields import Execution, Resolution
from globalchat.localcloud.appsync.execution.interpreted import Interpreter
from globalchat.localcloud.appsync.execution.planner import SubscriptionPlanner
from globalchat.localcloud.appsync.execution.resolver import FieldResolver
from globalchat.localcloud.appsync.execution.selection import VariablesRefused, select
from globalchat.localcloud.appsync.graphql_errors import request_error
from globalchat.localcloud.appsync.limits import REQUEST_SECONDS, RequestLimits, too_slow
from globalchat.localcloud.appsync.model import (
    Caller,
    GraphQLRequest,
    Publication,
    Subscribers,
    SubscriptionPlan,
)
from globalchat.localcloud.definition import JSON, Api, Resolver
from globalchat.localcloud.interfaces import EventSink, InvocationRefused
from globalchat.localcloud.problems import Problems, TemplateError, Unsupported

NO_SUBSCRIPTIONS = "Subscriptions over MQTT is not supported."
"""What AppSync answers to a subscription over HTTP."""


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
        clock: EpochClock,
        entropy: Entropy = secrets.token_bytes,
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        self.api = api
        try:
            self._schema = schema.build(api.schema)
        except Unsupported as error:
            raise TemplateError(f"API {api.name}: {error.reason}.") from None
        resolvers = {}
        problems = Problems()
        for resolver in api.resolvers:
            try:
                loaded = self._load(resolver, events, clock, entropy)
            except Unsupported as error:
                problems.add(TemplateError(f"API {api.name}: {error.reason}."))
            else:
                resolvers[resolver.type_name, resolver.field_name] = loaded
        problems.check()
        authorization = Authorization(api.arn, api.modes, self._schema.directives)
        self._subscribers = subscribers
        limits = RequestLimits.of(api, request_seconds)
        self._resolution = Resolution(authorization, resolvers, subscribers.invalidate, limits)
        self._documents = Documents(
            self._schema.graphql,
            partial(compile_operation, self._schema, self._resolution),
            has_introspection=api.has_introspection,
        )
        self._interpreter = Interpreter(self._schema, limits, subscribers)
        self._planner = SubscriptionPlanner(self._schema, self._resolution, self._documents)

    def _load(
        self, resolver: Resolver, events: EventSink, clock: EpochClock, entropy: Entropy
    ) -> FieldResolver:
        parent = self._schema.graphql.type_map.get(resolver.type_name)
        if not isinstance(parent, GraphQLObjectType) or resolver.field_name not in parent.fields:
            raise Unsupported(
                f"{resolver.file} resolves {resolver.type_name}.{resolver.field_name}, which the schema lacks"
            )
        source = self.api.data_sources.get(resolver.data_source)
        if source is None:
            raise Unsupported(
                f"{resolver.file} uses the data source {resolver.data_source}, which does not exist"
            )
        return FieldResolver(
            resolver, source, environment=self.api.environment, events=events, clock=clock, entropy=entropy
        )

    async def execute(self, request: GraphQLRequest, caller: Caller) -> dict[str, JSON]:
        """Run a query or a mutation and publish what it answered; the response body in AppSync's shape."""
        operation = self._documents.operation(request)
        if isinstance(operation, list):
            return {"data": None, "errors": operation}
        return await self._run(operation, request, Execution(self._resolution, caller))

    async def invoke(self, request: GraphQLRequest, caller: Caller) -> dict[str, JSON]:
        """Run a mutation for a rule, which the caller's policy refuses as a whole or not at all.

        Raises:
            InvocationRefused: the policy denies a top-level field.
        """
        operation = self._documents.operation(request)
        if isinstance(operation, list):
            return {"data": None, "errors": operation}
        permits = self._resolution.authorization.policy_permits
        fields = self._top_level_fields(operation, request.variables)
        denied = [f"{type_name}.{name}" for type_name, name in fields if not permits(caller, type_name, name)]
        if denied:
            who = caller.principal.arn if caller.principal else "The caller"
            raise InvocationRefused("NO_PERMISSIONS", f"{who} may not call {', '.join(denied)}.")
        execution = Execution(self._resolution, caller, policy_asked=bool(fields))
        return await self._run(operation, request, execution)

    async def subscribe(self, request: GraphQLRequest, caller: Caller) -> "SubscriptionPlan | list[JSON]":
        """Plan a subscription: check it, run its resolver; a plan, or the errors that refuse it."""
        return await self._planner.plan(request, caller)

    async def _run(
        self, operation: Operation, request: GraphQLRequest, execution: Execution
    ) -> dict[str, JSON]:
        if operation.node.operation is OperationType.SUBSCRIPTION:
            return {"errors": [{"errorType": "BadRequestException", "message": NO_SUBSCRIPTIONS}]}
        try:
            body = await self._compiled(operation.compiled, execution, request.variables)
            return body or await self._interpreter.run(operation, execution, request)
        except TimeoutError:
            late = too_slow()
            error: JSON = {**request_error(late.message), "errorType": late.error_type}
            return {"data": None, "errors": [error]}

    async def _compiled(
        self, compiled: CompiledOperation | None, execution: Execution, variables: Mapping[str, JSON]
    ) -> dict[str, JSON] | None:
        """Run an operation in its compiled form; None if there is none, or graphql-core is to go on."""
        if compiled is None or not compiled.permits(execution):
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

    def _top_level_fields(self, operation: Operation, variables: Mapping[str, JSON]) -> list[tuple[str, str]]:
        """Name the types and fields that an operation calls, introspection aside."""
        if operation.compiled is not None:
            return [(operation.compiled.parent_type, operation.compiled.field_name)]
        root = self._schema.graphql.get_root_type(operation.node.operation)
        # To coerce variables is dear.
        given = variables if operation.has_directives else None
        try:
            selection = select(self._schema.graphql, operation.fragments, operation.node, given)
        except VariablesRefused:
            return []
        fields = selection.collect(root, [operation.node.selection_set]) if root else {}
        names = dict.fromkeys(nodes[0].name.value for nodes in fields.values())
        return [(root.name, name) for name in names if root and not name.startswith("__")]

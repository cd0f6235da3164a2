"""Executes GraphQL requests against the APIs of a deployment, as AppSync does."""

import asyncio
import hashlib
import inspect
import secrets
from collections.abc import Awaitable, Iterable, Mapping
from functools import partial
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final, TypeGuard, cast

from graphql import (
    ExecutionResult,
    Executor,
    GraphQLObjectType,
    OperationDefinitionNode,
    OperationType,
    Undefined,
    execute,
)
from graphql.execution.collect_fields import FieldDetails
from graphql.pyutils import Path

from globalchat.core.clock import EpochClock
from globalchat.localcloud.appsync.access import Authorization
from globalchat.localcloud.appsync.environment import ApiEnvironment
from globalchat.localcloud.appsync.execution.compiled import (
    CompiledOperation,
    FallbackRequired,
    compile_operation,
)
from globalchat.localcloud.appsync.execution.documents import Documents, PreparedOperation, variable_error
from globalchat.localcloud.appsync.execution.fields import Execution, Resolution, resolve_field
from globalchat.localcloud.appsync.execution.planner import SubscriptionPlanner
from globalchat.localcloud.appsync.execution.resolver import Entropy, FieldResolver
from globalchat.localcloud.appsync.execution.selection import InvalidVariables, Selection, select
from globalchat.localcloud.appsync.graphql_errors import execution_error, request_error, timed_out
from globalchat.localcloud.appsync.model import (
    REQUEST_SECONDS,
    Caller,
    GraphQLRequest,
    Publication,
    RequestLimits,
    RequestRejected,
    Subscribers,
    SubscriptionPlan,
)
from globalchat.localcloud.appsync.schema import ApiSchema, build_schema
from globalchat.localcloud.definition import JSON, Api, Resolver, Role
from globalchat.localcloud.iam import session
from globalchat.localcloud.interfaces import EventSink, Invocation, InvocationRefused
from globalchat.localcloud.problems import Invalid, Problems, TemplateError

if TYPE_CHECKING:
    from globalchat.localcloud.dynamodb.data_source import TableDataSources

NO_SUBSCRIPTIONS = "Subscriptions over MQTT is not supported."
"""AppSync's answer to a subscription over HTTP."""
SOURCE_IP: Final = "events.amazonaws.com"
"""The source address of EventBridge's calls."""


class GraphQLExecutor:
    """One GraphQL API with its schema, resolvers and rules; implements `Executor`.

    Use it only in the thread that made it, to which the resolvers' JavaScript contexts belong. Operations
    run in their compiled form if they have one; graphql-core executes all others.

    Args:
        api: the API, from the templates.
        events: where EventBridge data sources put events.
        environment: the API's environment variables; those of the templates, for ever, without it.
        tables: runs the operations of DynamoDB data sources; None if there is no table.
        subscribers: gets mutations and invalidations.
        clock: the time in epoch seconds.
        entropy: returns random bytes, for the ids that resolvers make.
        request_seconds: the time limit of a request.

    Raises:
        TemplateError: the schema or a resolver cannot be used; the message names it.
    """

    def __init__(
        self,
        api: Api,
        *,
        events: EventSink,
        environment: ApiEnvironment | None = None,
        tables: "TableDataSources | None" = None,
        subscribers: Subscribers,
        clock: EpochClock,
        entropy: Entropy = secrets.token_bytes,
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        self.api = api
        self._environment = ApiEnvironment(api.environment) if environment is None else environment
        try:
            self._schema = build_schema(api.schema)
        except Invalid as error:
            raise TemplateError(*error.within(f"API {api.name}: ", ".")) from None
        resolvers = {}
        problems = Problems()
        # Collected, so that all faulty resolvers are reported at once.
        for resolver in api.resolvers:
            try:
                loaded = self._load(resolver, events, tables, clock, entropy)
            except Invalid as error:
                problems.add(TemplateError(*error.within(f"API {api.name}: ", ".")))
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
        self,
        resolver: Resolver,
        events: EventSink,
        tables: "TableDataSources | None",
        clock: EpochClock,
        entropy: Entropy,
    ) -> FieldResolver:
        parent = self._schema.graphql.type_map.get(resolver.type_name)
        if not isinstance(parent, GraphQLObjectType) or resolver.field_name not in parent.fields:
            raise Invalid(
                f"{resolver.file} resolves {resolver.type_name}.{resolver.field_name}, which the schema lacks"
            )
        source = self.api.data_sources.get(resolver.data_source)
        if source is None:
            raise Invalid(
                f"{resolver.file} uses the data source {resolver.data_source}, which does not exist"
            )
        return FieldResolver(
            resolver,
            source,
            environment=self._environment,
            events=events,
            tables=tables,
            clock=clock,
            entropy=entropy,
        )

    async def execute(self, request: GraphQLRequest, caller: Caller) -> dict[str, JSON]:
        """Run a query or a mutation, publish its result, and return the response body in AppSync's shape."""
        try:
            operation = self._documents.operation(request)
        except RequestRejected as rejected:
            return {"data": None, "errors": rejected.errors}
        try:
            return await self._run(operation, request, Execution(self._resolution, caller))
        except TimeoutError:
            late = timed_out()
            error: JSON = {**request_error(late.message), "errorType": late.error_type}
            return {"data": None, "errors": [error]}

    async def invoke(self, request: GraphQLRequest, caller: Caller) -> dict[str, JSON]:
        """Run a mutation for a rule: the caller's policy permits all of its fields, or it does not run.

        Raises:
            InvocationRefused: the policy denies a top-level field, or the resolvers took too long.
        """
        try:
            operation = self._documents.operation(request)
        except RequestRejected as rejected:
            return {"data": None, "errors": rejected.errors}
        permits = self._resolution.authorization.policy_permits
        fields = self._top_level_fields(operation, request.variables)
        denied = [f"{type_name}.{name}" for type_name, name in fields if not permits(caller, type_name, name)]
        if denied:
            who = caller.principal.arn if caller.principal else "The caller"
            raise InvocationRefused("NO_PERMISSIONS", f"{who} may not call {', '.join(denied)}.")
        # Without fields, as with invalid variables, there was nothing to check.
        execution = Execution(self._resolution, caller, policy_checked=bool(fields))
        try:
            return await self._run(operation, request, execution)
        except TimeoutError:
            # What AppSync answers then is not documented; an answer of 200 would lose the event.
            raise InvocationRefused("TIMEOUT", timed_out().message, retryable=True) from None

    async def subscribe(self, request: GraphQLRequest, caller: Caller) -> SubscriptionPlan:
        """Check a subscription, run its resolver and return its plan.

        Raises:
            RequestRejected: it is not a valid subscription, or its resolver failed.
        """
        return await self._planner.plan(request, caller)

    async def _run(
        self, operation: PreparedOperation, request: GraphQLRequest, execution: Execution
    ) -> dict[str, JSON]:
        """Run an operation, and publish its result.

        Raises:
            TimeoutError: its resolvers took too long.
        """
        if operation.node.operation is OperationType.SUBSCRIPTION:
            return {"errors": [{"errorType": "BadRequestException", "message": NO_SUBSCRIPTIONS}]}
        try:
            return await self._run_compiled(operation.compiled, execution, request.variables)
        except FallbackRequired:
            return await self._interpreter.run(operation, execution, request)

    async def _run_compiled(
        self, compiled: CompiledOperation | None, execution: Execution, variables: Mapping[str, JSON]
    ) -> dict[str, JSON]:
        if compiled is None or not compiled.permits(execution):
            raise FallbackRequired
        data = await compiled.run(execution, variables)
        # As for graphql-core's operations: a mutation with an error is not published.
        if execution.errors:
            return {"data": data, "errors": execution.errors}
        value = data[compiled.key]
        if compiled.is_subscribed and isinstance(value, dict):
            self._subscribers.publish(Publication(compiled.field_name, compiled.publication(value)))
        return {"data": data}

    def _top_level_fields(
        self, operation: PreparedOperation, variables: Mapping[str, JSON]
    ) -> list[tuple[str, str]]:
        """Return the types and fields that an operation calls, without introspection."""
        if operation.compiled is not None:
            return [(operation.compiled.parent_type, operation.compiled.field_name)]
        root = self._schema.graphql.get_root_type(operation.node.operation)
        # Coercing variables is expensive, and only directives make the selection depend on them.
        given = variables if operation.has_directives else None
        try:
            selection = select(self._schema.graphql, operation.fragments, operation.node, given)
        except InvalidVariables:
            # The execution reports these errors.
            return []
        fields = selection.collect(root, [operation.node.selection_set]) if root else {}
        # One field may be selected under several aliases.
        names = dict.fromkeys(nodes[0].name.value for nodes in fields.values())
        return [(root.name, name) for name in names if root and not name.startswith("__")]


def _is_coroutine(value: object) -> TypeGuard[Awaitable[Any]]:
    """Return True for a coroutine, the only awaitable that resolvers return.

    The test of graphql-core is slow.
    """
    return type(value) is CoroutineType


class _Executor(Executor[None]):
    """Executes the fields of a mutation one after the other in a loop.

    graphql-core makes a coroutine of each field that awaits the one before it: a document with as many fields
    as Python allows nested calls (1,000) ends in a RecursionError there.
    """

    async def execute_fields_serially(
        self,
        parent_type: GraphQLObjectType,
        source_value: object,
        path: Path | None,
        grouped_field_set: Mapping[str, list[FieldDetails]],
        position_context: None,
    ) -> dict[str, object]:
        """Return the values of the fields by response key."""
        results: dict[str, object] = {}
        for key, details in grouped_field_set.items():
            place = Path(path, key, parent_type.name)
            value = self.execute_field(parent_type, source_value, details, place, position_context)
            if value is not Undefined:
                results[key] = await value if self.is_awaitable(value) else value
        return results


class Interpreter:
    """Executes operations of one API with graphql-core: those without a compiled form, and fallbacks."""

    def __init__(self, schema: ApiSchema, limits: RequestLimits, subscribers: Subscribers) -> None:
        self._schema = schema
        self._limits = limits
        self._subscribers = subscribers

    async def run(
        self, operation: PreparedOperation, execution: Execution, request: GraphQLRequest
    ) -> dict[str, JSON]:
        """Execute a query or a mutation, publish its result, and return the response body.

        Raises:
            TimeoutError: its resolvers took too long.
        """
        # The result is not awaitable if all resolvers are synchronous.
        pending = execute(
            self._schema.graphql,
            operation.document,
            context_value=execution,
            variable_values=dict(request.variables),
            operation_name=request.operation_name or None,
            field_resolver=resolve_field,
            executor_class=_Executor,
            hide_suggestions=True,
            is_awaitable=_is_coroutine,
        )
        result = await self._in_time(pending) if inspect.isawaitable(pending) else pending
        body = self._body(result, execution)
        if operation.node.operation is OperationType.MUTATION and execution.selection is not None:
            self._publish(execution.selection, operation.node, body)
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
        """Publish each mutation field that has a value and no error."""
        data, errors = body["data"], cast("list[dict[str, list[JSON] | None]]", body.get("errors") or [])
        root = self._schema.graphql.mutation_type
        if not isinstance(data, dict) or root is None:
            return
        # An error anywhere below a mutation field keeps it from being published.
        failed = {path[0] for error in errors if (path := error["path"])}
        for key, nodes in selection.collect(root, [operation.selection_set]).items():
            name = nodes[0].name.value
            value = data.get(key)
            if name in self._schema.subscribed_mutations and isinstance(value, dict) and key not in failed:
                renamed = selection.by_field_name(value, root.fields[name].type, nodes)
                self._subscribers.publish(Publication(name, cast("dict[str, JSON]", renamed)))


class AppSync:
    """All APIs of a deployment, as targets of EventBridge's rules; implements `GraphQLTarget`.

    Args:
        executors: one per API.
        roles: the deployment's roles by ARN, among them those of rule targets.
    """

    def __init__(self, executors: Iterable[GraphQLExecutor], roles: Mapping[str, Role]) -> None:
        self._executors = {executor.api.endpoint_arn: executor for executor in executors}
        self._roles = roles
        # Roles never change while the local cloud runs.
        self._callers: dict[str, Caller] = {}

    async def invoke(
        self, *, endpoint_arn: str, operation: str, variables: Mapping[str, JSON], role_arn: str
    ) -> Invocation:
        """Run a mutation as a role (mode AWS_IAM); the response may hold errors.

        Raises:
            InvocationRefused: no such endpoint, the role may not call the operation's fields, or it took too
                long.
        """
        executor = self._executors.get(endpoint_arn)
        if executor is None:
            raise InvocationRefused("NO_RESOURCE", f"There is no GraphQL API at {endpoint_arn}.")
        role = self._roles.get(role_arn)
        if role is None:
            raise InvocationRefused("NO_PERMISSIONS", f"There is no role {role_arn}.")
        if "AWS_IAM" not in executor.api.modes:
            raise InvocationRefused(
                "NO_PERMISSIONS", f"The API {executor.api.name} does not accept IAM callers."
            )
        request = GraphQLRequest(operation, variables)
        caller = self._callers.get(role_arn)
        if caller is None:
            principal = session(role, _session_name(role_arn))
            caller = self._callers[role_arn] = Caller("AWS_IAM", principal, SOURCE_IP, is_rule=True)
        return Invocation(await executor.invoke(request, caller))


def _session_name(role_arn: str) -> str:
    """Return the session name under which EventBridge assumes a role; AWS does not document its choice."""
    return hashlib.sha256(role_arn.encode()).hexdigest()[:32]

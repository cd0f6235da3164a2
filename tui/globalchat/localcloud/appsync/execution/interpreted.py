"""Operations executed by graphql-core: those that are not compiled, and what went wrong in those that are."""

import asyncio
import inspect
from collections.abc import Awaitable, Mapping
from types import CoroutineType
from typing import Any, TypeGuard, cast

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

from globalchat.localcloud.appsync.execution.documents import Operation
from globalchat.localcloud.appsync.execution.fields import Execution, resolve_field
from globalchat.localcloud.appsync.execution.selection import Selection
from globalchat.localcloud.appsync.graphql_errors import execution_error
from globalchat.localcloud.appsync.limits import RequestLimits
from globalchat.localcloud.appsync.model import GraphQLRequest, Publication, Subscribers
from globalchat.localcloud.appsync.schema import Schema
from globalchat.localcloud.appsync.validation import variable_error
from globalchat.localcloud.definition import JSON


def _is_coroutine(value: object) -> TypeGuard[Awaitable[Any]]:
    """Tell a coroutine, the only awaitable that a resolver returns, faster than graphql-core does."""
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
    """Executes operations of one API; `subscribers` hear of its mutations."""

    def __init__(self, schema: Schema, limits: RequestLimits, subscribers: Subscribers) -> None:
        self._schema = schema
        self._limits = limits
        self._subscribers = subscribers

    async def run(
        self, operation: Operation, execution: Execution, request: GraphQLRequest
    ) -> dict[str, JSON]:
        """Execute a query or a mutation and publish what it answered; the response's body.

        Raises:
            TimeoutError: its resolvers took too long.
        """
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

"""Operations compiled once and run often, with the answers that graphql-core would give.

Compiled is an operation of one top-level field that has a resolver, selects no abstract type and carries no
directives: every publish is such. The compiled form runs the resolver and knows the ordinary course. Where
anything else happens it stops, and graphql-core executes the operation with what the resolver has answered.
"""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLOutputType,
    OperationDefinitionNode,
    OperationType,
)

from globalchat.localcloud.appsync.execution.coercion import Coerce, compile_coercion
from globalchat.localcloud.appsync.execution.completion import Complete, CompletionCompiler
from globalchat.localcloud.appsync.execution.context import FieldCall
from globalchat.localcloud.appsync.execution.fields import Execution, Resolution, run_resolver
from globalchat.localcloud.appsync.execution.resolver import FieldResolver
from globalchat.localcloud.appsync.execution.selection import Selection, select
from globalchat.localcloud.appsync.graphql_errors import FieldError, NotOrdinary
from globalchat.localcloud.appsync.schema import Schema
from globalchat.localcloud.definition import JSON, AuthMode


@dataclass(frozen=True, slots=True)
class CompiledOperation:
    """An operation, ready to run for callers of `modes`.

    `key` is the response key of its field. `feeds`: it is a mutation that subscriptions listen to. `renames`:
    keys in the response differ from the names of the fields.
    """

    key: str
    parent_type: str
    field_name: str
    return_type: GraphQLOutputType
    nodes: Sequence[FieldNode]
    selection: Selection
    resolution: Resolution
    resolver: FieldResolver
    modes: frozenset[AuthMode]
    coerce: Coerce
    complete: Complete
    feeds: bool
    renames: bool

    def permits(self, execution: Execution) -> bool:
        """Tell whether the caller may use every field."""
        is_mode = execution.caller.mode in self.modes
        return is_mode and execution.policy_permits(self.parent_type, self.field_name)

    async def run(self, execution: Execution, inputs: Mapping[str, JSON]) -> dict[str, JSON] | None:
        """Run for a caller who is permitted; the response's data, or None if graphql-core is to go on.

        The execution then holds what the resolver has answered, unless it was not even called.

        Raises:
            TimeoutError: the resolver took too long.
        """
        try:
            values, arguments = self.coerce(inputs)
        except NotOrdinary:
            return None
        execution.selection = Selection(self.selection.schema, self.selection.fragments, values)
        try:
            value = await self._resolve(self._call(execution, execution.selection, arguments), execution)
        except FieldError as error:
            execution.answer = asyncio.get_running_loop().create_future()
            execution.answer.set_exception(error)
            return None
        try:
            return {self.key: self.complete(value)}
        except NotOrdinary:
            execution.answer = asyncio.get_running_loop().create_future()
            execution.answer.set_result(value)
            return None

    def publication(self, value: dict[str, JSON]) -> dict[str, JSON]:
        """Name the parts of the field's value in the response by their fields, as subscribers see them."""
        if not self.renames:
            return dict(value)
        return cast("dict[str, JSON]", self.selection.by_field_name(value, self.return_type, self.nodes))

    async def _resolve(self, call: FieldCall, execution: Execution) -> JSON:
        value = run_resolver(self.resolver, call, execution)
        if isinstance(value, Coroutine):
            async with asyncio.timeout(self.resolution.limits.seconds):
                return await value
        return value

    def _call(self, execution: Execution, selection: Selection, arguments: Mapping[str, JSON]) -> FieldCall:
        return FieldCall(
            caller=execution.caller,
            parent_type=self.parent_type,
            field_name=self.field_name,
            arguments=arguments,
            source=None,
            selection=selection,
            return_type=self.return_type,
            nodes=self.nodes,
            path=(self.key,),
        )


def compile_operation(
    schema: Schema,
    resolution: Resolution,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
) -> CompiledOperation | None:
    """Compile an operation that was validated and carries no directives; None if it is of another kind."""
    root = schema.graphql.get_root_type(operation.operation)
    if root is None or operation.operation is OperationType.SUBSCRIPTION:
        return None
    selection = select(schema.graphql, fragments, operation, None)
    fields = selection.collect(root, [operation.selection_set])
    key, nodes = next(iter(fields.items()))
    name = nodes[0].name.value
    resolver = resolution.resolvers.get((root.name, name))
    if len(fields) != 1 or resolver is None:
        return None
    compiler = CompletionCompiler(selection, resolution)
    compiler.permit(root.name, name)
    try:
        complete = compiler.compile(root.fields[name].type, nodes)
    except NotOrdinary:
        return None
    if resolution.limits.depth and compiler.depth > resolution.limits.depth:
        return None
    return CompiledOperation(
        key=key,
        parent_type=root.name,
        field_name=name,
        return_type=root.fields[name].type,
        nodes=nodes,
        selection=selection,
        resolution=resolution,
        resolver=resolver,
        modes=compiler.modes,
        coerce=compile_coercion(schema.graphql, operation, root.fields[name], nodes[0]),
        complete=complete,
        feeds=operation.operation is OperationType.MUTATION and name in schema.feeding,
        renames=compiler.renames,
    )

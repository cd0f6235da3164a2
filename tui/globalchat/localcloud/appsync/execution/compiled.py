"""Compiles operations that run often, with the same responses as graphql-core's.

An operation is compiled if it has one top-level field that has a resolver, selects no abstract type and
carries no directives: every publish does. The compiled form coerces variables, runs the resolver and
completes its value; it covers values that fit their types. In any other case (an error, a null that bubbles
up) graphql-core executes the operation, with the value that the resolver has already returned.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from graphql import (
    ArgumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLArgument,
    GraphQLError,
    GraphQLField,
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    Undefined,
    VariableDefinitionNode,
    VariableNode,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    type_from_ast,
)
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values

from globalchat.localcloud.appsync.execution.fields import (
    Execution,
    PrecomputedResult,
    Resolution,
    run_resolver,
)
from globalchat.localcloud.appsync.execution.resolver import FieldCall, FieldResolver
from globalchat.localcloud.appsync.execution.selection import Selection, select
from globalchat.localcloud.appsync.graphql_errors import FieldError
from globalchat.localcloud.appsync.schema import ApiSchema
from globalchat.localcloud.definition import JSON, AuthMode


class FallbackRequired(Exception):
    """The compiled form does not cover this case: graphql-core has to execute the operation."""


Coerced = tuple[VariableValues, dict[str, JSON]]
"""The values of the variables (without their sources if compiled), and the arguments of the field."""

Coerce = Callable[[Mapping[str, JSON]], Coerced]
"""Coerces a request's variables; raises FallbackRequired if they or the arguments do not fit."""


@dataclass(frozen=True, slots=True)
class _Variable:
    name: str
    convert: Callable[[JSON], JSON]
    is_required: bool


@dataclass(frozen=True, slots=True)
class _Argument:
    name: str
    variable: str
    is_required: bool


def compile_coercion(
    schema: GraphQLSchema, operation: OperationDefinitionNode, field: GraphQLField, node: FieldNode
) -> Coerce:
    """Compile the coercion for the field of a validated operation.

    Only variables of scalar and enum types without defaults, each passed as an argument, are compiled: a chat
    sends no others. graphql-core coerces all other forms at each request.
    """
    definitions = operation.variable_definitions or ()
    given = {argument.name.value: argument for argument in node.arguments or ()}
    try:
        variables = [_variable(schema, definition) for definition in definitions]
        found = [_argument(name, argument, given.get(name)) for name, argument in field.args.items()]
    except FallbackRequired:
        return _by_graphql_core(schema, definitions, field, node)
    return _compiled(variables, [argument for argument in found if argument is not None])


def _variable(schema: GraphQLSchema, definition: VariableDefinitionNode) -> _Variable:
    type_ = type_from_ast(schema, definition.type)
    nullable = type_.of_type if is_non_null_type(type_) else type_
    if definition.default_value or not is_leaf_type(nullable):
        raise FallbackRequired
    convert = cast("Callable[[JSON], JSON]", nullable.coerce_input_value)
    return _Variable(definition.variable.name.value, convert, is_non_null_type(type_))


def _argument(name: str, argument: GraphQLArgument, given: ArgumentNode | None) -> _Argument | None:
    if argument.default is not None or argument.default_value is not Undefined:
        raise FallbackRequired
    is_required = is_non_null_type(argument.type)
    if given is None and not is_required:
        return None
    if given is None or not isinstance(given.value, VariableNode):
        raise FallbackRequired
    return _Argument(name, given.value.name.value, is_required)


def _compiled(variables: Sequence[_Variable], arguments: Sequence[_Argument]) -> Coerce:
    def coerce(inputs: Mapping[str, JSON]) -> Coerced:
        values: dict[str, JSON] = {}
        for variable in variables:
            value = inputs.get(variable.name)
            if value is not None:
                values[variable.name] = _convert(variable, value)
            elif variable.is_required:
                raise FallbackRequired
            # An explicit null is passed on; a variable that is absent is not.
            elif variable.name in inputs:
                values[variable.name] = None
        passed: dict[str, JSON] = {}
        for argument in arguments:
            if argument.is_required and values.get(argument.variable) is None:
                raise FallbackRequired
            if argument.variable in values:
                passed[argument.name] = values[argument.variable]
        # graphql-core needs the sources of variables only to print errors, which the fallback does.
        return VariableValues({}, values), passed

    return coerce


def _convert(variable: _Variable, value: JSON) -> JSON:
    try:
        return variable.convert(value)
    # A scalar may raise anything; the fallback turns it into the response's error.
    except Exception as problem:
        raise FallbackRequired from problem


def _by_graphql_core(
    schema: GraphQLSchema,
    definitions: Sequence[VariableDefinitionNode],
    field: GraphQLField,
    node: FieldNode,
) -> Coerce:
    def coerce(inputs: Mapping[str, JSON]) -> Coerced:
        values = get_variable_values(schema, definitions, dict(inputs), hide_suggestions=True)
        if isinstance(values, list):
            raise FallbackRequired
        try:
            return values, get_argument_values(field, node, values, hide_suggestions=True)
        except GraphQLError as problem:
            raise FallbackRequired from problem

    return coerce


Complete = Callable[[JSON], JSON]
"""Completes a value; raises FallbackRequired if it does not fit its type."""

_TYPE_NAME = "__typename"
_MAX_DEPTH = 50
"""Levels of fields that are compiled: compiled code recurses once per level."""


class CompletionCompiler:
    """Compiles the completion of one top-level field: from its resolver's value to the response.

    Attributes:
        modes: the authorization modes that may use all fields compiled so far.
        depth: the number of levels of fields.
        renames: True if keys of the response differ from the names of the fields.
    """

    def __init__(self, selection: Selection, resolution: Resolution) -> None:
        self._selection = selection
        self._resolution = resolution
        self.modes: frozenset[AuthMode] = frozenset(resolution.authorization.modes)
        self.depth = 0
        self.renames = False

    def permit(self, type_name: str, field_name: str) -> None:
        """Restrict `modes` to those that may use a field."""
        self.modes &= frozenset(self._resolution.authorization.modes_of(type_name, field_name))

    def compile(self, type_: GraphQLOutputType, nodes: Sequence[FieldNode], depth: int = 1) -> Complete:
        """Compile the completion of values of a type; `nodes` select their subfields.

        Raises:
            FallbackRequired: an abstract type, introspection, or a subfield with resolver or arguments.
        """
        self.depth = max(self.depth, depth)
        # Lists and non-null types wrap a type without adding a level of fields.
        if is_non_null_type(type_):
            return _not_null(self.compile(type_.of_type, nodes, depth))
        if is_list_type(type_):
            return _list(self.compile(type_.of_type, nodes, depth))
        if is_leaf_type(type_):
            return _leaf(type_)
        if not isinstance(type_, GraphQLObjectType) or depth >= _MAX_DEPTH:
            raise FallbackRequired
        return self._object(type_, nodes, depth + 1)

    def _object(self, type_: GraphQLObjectType, nodes: Sequence[FieldNode], depth: int) -> Complete:
        # The selection is resolved here, once: without directives it is the same for all variables.
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
            raise FallbackRequired
        self.permit(type_.name, name)
        return field


def _not_null(complete: Complete) -> Complete:
    def complete_not_null(value: JSON) -> JSON:
        if value is None:
            raise FallbackRequired
        return complete(value)

    return complete_not_null


def _list(complete: Complete) -> Complete:
    def complete_list(value: JSON) -> JSON:
        if value is None:
            return None
        if not isinstance(value, list):
            raise FallbackRequired
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
            raise FallbackRequired from problem
        # graphql-core reports a scalar that serialises a value to null as an error.
        if completed is None:
            raise FallbackRequired
        return completed

    return complete_leaf


def _constant(text: str) -> Complete:
    return lambda _: text


def _object(fields: Sequence[tuple[str, str, Complete]]) -> Complete:
    def complete_object(value: JSON) -> JSON:
        if value is None:
            return None
        if not isinstance(value, dict):
            raise FallbackRequired
        return {key: complete(value.get(name)) for key, name, complete in fields}

    return complete_object


@dataclass(frozen=True, slots=True)
class CompiledOperation:
    """An operation, ready to run for callers of `modes`.

    `key` is the response key of its field. `is_subscribed`: it is a mutation that subscriptions listen to.
    `renames`: keys in the response differ from the names of the fields.
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
    is_subscribed: bool
    renames: bool

    def permits(self, execution: Execution) -> bool:
        """Return True if the caller may use every field."""
        is_mode = execution.caller.mode in self.modes
        return is_mode and execution.policy_permits(self.parent_type, self.field_name)

    async def run(self, execution: Execution, inputs: Mapping[str, JSON]) -> dict[str, JSON]:
        """Run the operation for a permitted caller and return the response's data.

        Raises:
            FallbackRequired: graphql-core has to execute the operation. If the resolver has run, its outcome
                is in `execution.precomputed`, so that it does not run again.
            TimeoutError: the resolver took too long.
        """
        values, arguments = self.coerce(inputs)
        execution.selection = Selection(self.selection.schema, self.selection.fragments, values)
        try:
            value = await self._resolve(self._call(execution, execution.selection, arguments), execution)
        except FieldError as error:
            # graphql-core decides what the error empties: the field, or all of `data`.
            execution.precomputed = PrecomputedResult(error=error)
            raise FallbackRequired from None
        try:
            return {self.key: self.complete(value)}
        except FallbackRequired:
            execution.precomputed = PrecomputedResult(value)
            raise

    def publication(self, value: dict[str, JSON]) -> dict[str, JSON]:
        """Return the field's value of the response keyed by field names, as subscribers see it."""
        # A copy: the response's own value goes on to the client.
        if not self.renames:
            return dict(value)
        return cast("dict[str, JSON]", self.selection.by_field_name(value, self.return_type, self.nodes))

    async def _resolve(self, call: FieldCall, execution: Execution) -> JSON:
        value = run_resolver(self.resolver, call, execution)
        # Other resolvers have returned already, within the limits of their script.
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
    schema: ApiSchema,
    resolution: Resolution,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
) -> CompiledOperation | None:
    """Compile a validated operation without directives.

    Return None if it is of a kind that is not compiled.
    """
    root = schema.graphql.get_root_type(operation.operation)
    if root is None or operation.operation is OperationType.SUBSCRIPTION:
        return None
    selection = select(schema.graphql, fragments, operation, None)
    fields = selection.collect(root, [operation.selection_set])
    key, nodes = next(iter(fields.items()))
    name = nodes[0].name.value
    resolver = resolution.resolvers.get((root.name, name))
    # Several mutations run one after the other, and a field without a resolver has no outcome to precompute.
    if len(fields) != 1 or resolver is None:
        return None
    compiler = CompletionCompiler(selection, resolution)
    compiler.permit(root.name, name)
    try:
        complete = compiler.compile(root.fields[name].type, nodes)
    except FallbackRequired:
        return None
    # Fields beyond the depth are errors, one by one: left to graphql-core.
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
        is_subscribed=operation.operation is OperationType.MUTATION and name in schema.subscribed_mutations,
        renames=compiler.renames,
    )

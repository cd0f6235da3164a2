"""Compiles how a request's variables become the arguments of an operation's field.

Compiled are variables of scalar and enum types without defaults, each passed on as an argument: what a chat
sends all day. Every other form is coerced by graphql-core at each request.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from graphql import (
    ArgumentNode,
    FieldNode,
    GraphQLArgument,
    GraphQLError,
    GraphQLField,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    VariableDefinitionNode,
    VariableNode,
    is_leaf_type,
    is_non_null_type,
    type_from_ast,
)
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values

from globalchat.localcloud.appsync.graphql_errors import NotOrdinary
from globalchat.localcloud.definition import JSON

Coerced = tuple[VariableValues, dict[str, JSON]]
"""The values of variables, without their sources if they were compiled; the arguments of the field."""

Coerce = Callable[[Mapping[str, JSON]], Coerced]
"""Coerces a request's variables; raises NotOrdinary if they, or the arguments, do not fit."""


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
    """Compile the coercion for the field of an operation that was validated."""
    definitions = operation.variable_definitions or ()
    given = {argument.name.value: argument for argument in node.arguments or ()}
    try:
        variables = [_variable(schema, definition) for definition in definitions]
        found = [_argument(name, argument, given.get(name)) for name, argument in field.args.items()]
    except NotOrdinary:
        return _by_graphql_core(schema, definitions, field, node)
    return _compiled(variables, [argument for argument in found if argument is not None])


def _variable(schema: GraphQLSchema, definition: VariableDefinitionNode) -> _Variable:
    type_ = type_from_ast(schema, definition.type)
    nullable = type_.of_type if is_non_null_type(type_) else type_
    if definition.default_value or not is_leaf_type(nullable):
        raise NotOrdinary
    convert = cast("Callable[[JSON], JSON]", nullable.coerce_input_value)
    return _Variable(definition.variable.name.value, convert, is_non_null_type(type_))


def _argument(name: str, argument: GraphQLArgument, given: ArgumentNode | None) -> _Argument | None:
    if argument.default is not None or argument.default_value is not Undefined:
        raise NotOrdinary
    is_required = is_non_null_type(argument.type)
    if given is None and not is_required:
        return None
    if given is None or not isinstance(given.value, VariableNode):
        raise NotOrdinary
    return _Argument(name, given.value.name.value, is_required)


def _compiled(variables: Sequence[_Variable], arguments: Sequence[_Argument]) -> Coerce:
    def coerce(inputs: Mapping[str, JSON]) -> Coerced:
        values: dict[str, JSON] = {}
        for variable in variables:
            value = inputs.get(variable.name)
            if value is not None:
                values[variable.name] = _convert(variable, value)
            elif variable.is_required:
                raise NotOrdinary
            elif variable.name in inputs:
                values[variable.name] = None
        passed: dict[str, JSON] = {}
        for argument in arguments:
            if argument.is_required and values.get(argument.variable) is None:
                raise NotOrdinary
            if argument.variable in values:
                passed[argument.name] = values[argument.variable]
        return VariableValues({}, values), passed

    return coerce


def _convert(variable: _Variable, value: JSON) -> JSON:
    try:
        return variable.convert(value)
    except Exception as problem:
        raise NotOrdinary from problem


def _by_graphql_core(
    schema: GraphQLSchema,
    definitions: Sequence[VariableDefinitionNode],
    field: GraphQLField,
    node: FieldNode,
) -> Coerce:
    def coerce(inputs: Mapping[str, JSON]) -> Coerced:
        values = get_variable_values(schema, definitions, dict(inputs), hide_suggestions=True)
        if isinstance(values, list):
            raise NotOrdinary
        try:
            return values, get_argument_values(field, node, values, hide_suggestions=True)
        except GraphQLError as problem:
            raise NotOrdinary from problem

    return coerce

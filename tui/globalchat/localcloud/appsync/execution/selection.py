"""The selections of an operation, once its variables are known (`@skip`, `@include`)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    get_directive_values,
    get_named_type,
    is_abstract_type,
    print_ast,
)
from graphql.execution.values import VariableValues, get_variable_values

from globalchat.localcloud.definition import JSON

Fields = dict[str, list[FieldNode]]
"""Response keys (aliases), each with its field nodes: a field may be selected in several places."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The selections of one operation with its variables."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: VariableValues

    def collect(self, type_: GraphQLObjectType, sets: Iterable[SelectionSetNode]) -> Fields:
        """Collect the fields that selection sets select on an object type, fragments included."""
        fields: Fields = {}
        seen: set[str] = set()
        for selection_set in sets:
            self._collect(type_, selection_set, fields, seen)
        return fields

    def children(self, type_: GraphQLObjectType, nodes: Sequence[FieldNode]) -> Fields:
        """Collect the fields that a field's nodes select on the object that it returns."""
        return self.collect(type_, (node.selection_set for node in nodes if node.selection_set))

    def by_field_name(self, value: JSON, type_: GraphQLOutputType, nodes: Sequence[FieldNode]) -> JSON:
        """Rename the keys of a field's response from aliases to field names."""
        if isinstance(value, list):
            return [self.by_field_name(item, type_, nodes) for item in value]
        named = get_named_type(type_)
        if not isinstance(value, dict) or not isinstance(named, GraphQLObjectType):
            return value
        renamed: dict[str, JSON] = {}
        for key, inner in self.children(named, nodes).items():
            name, item = inner[0].name.value, value.get(key)
            # A projection knows the names of types itself.
            if not name.startswith("__"):
                nested = isinstance(item, list | dict)
                renamed[name] = self.by_field_name(item, named.fields[name].type, inner) if nested else item
        return renamed

    def filter(self, value: JSON, type_: GraphQLOutputType, nodes: Sequence[FieldNode]) -> JSON:
        """Return the selected part of a value keyed by field names, as `util.error` filters its data."""
        if isinstance(value, list):
            return [self.filter(item, type_, nodes) for item in value]
        named = get_named_type(type_)
        if not isinstance(value, dict) or not isinstance(named, GraphQLObjectType):
            return value
        kept: dict[str, JSON] = {}
        for inner in self.children(named, nodes).values():
            name = inner[0].name.value
            if name in value and name in named.fields:
                kept[name] = self.filter(value[name], named.fields[name].type, inner)
        return kept

    def _collect(
        self, type_: GraphQLObjectType, selection_set: SelectionSetNode, fields: Fields, seen: set[str]
    ) -> None:
        for node in selection_set.selections:
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                fields.setdefault(key, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                if self._applies(node, type_):
                    self._collect(type_, node.selection_set, fields, seen)
            # The specification spreads a fragment once in a selection set.
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                fragment = self.fragments[node.name.value]
                if self._applies(fragment, type_):
                    self._collect(type_, fragment.selection_set, fields, seen)

    def _included(self, node: SelectionNode) -> bool:
        if not node.directives:
            return True
        skip = get_directive_values(GraphQLSkipDirective, node, self.variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self.variables)
        return not (skip and skip["if"]) and not (include and not include["if"])

    def _applies(self, node: InlineFragmentNode | FragmentDefinitionNode, type_: GraphQLObjectType) -> bool:
        if node.type_condition is None or node.type_condition.name.value == type_.name:
            return True
        condition = self.schema.type_map.get(node.type_condition.name.value)
        return (
            condition is not None
            and is_abstract_type(condition)
            and self.schema.is_sub_type(condition, type_)
        )


class InvalidVariables(Exception):
    """Variables do not fit their types."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__()
        self.errors = errors


def select(
    schema: GraphQLSchema,
    fragments: Mapping[str, FragmentDefinitionNode],
    operation: OperationDefinitionNode,
    variables: Mapping[str, JSON] | None,
) -> Selection:
    """Return the selection of an operation with its variables, or with None if they cannot change it.

    Raises:
        InvalidVariables: a variable is missing or does not fit its type.
    """
    if variables is None:
        return Selection(schema, fragments, VariableValues({}, {}))
    definitions = operation.variable_definitions or ()
    values = get_variable_values(schema, definitions, dict(variables), hide_suggestions=True)
    if isinstance(values, list):
        raise InvalidVariables(values)
    return Selection(schema, fragments, values)


def selection_set_list(
    selection: Selection, type_: GraphQLOutputType, nodes: Sequence[FieldNode]
) -> list[JSON]:
    """List the paths that a field's selection names: `["id", "author", "author/name"]`."""
    paths: list[JSON] = []

    def walk(type_: GraphQLOutputType, nodes: Sequence[FieldNode], prefix: str) -> None:
        named = get_named_type(type_)
        if isinstance(named, GraphQLObjectType):
            for key, inner in selection.children(named, nodes).items():
                paths.append(prefix + key)
                name = inner[0].name.value
                if name in named.fields:
                    walk(named.fields[name].type, inner, f"{prefix}{key}/")

    walk(type_, nodes, "")
    return paths


def selection_set_graphql(nodes: Sequence[FieldNode]) -> str:
    """Print a field's selection set as GraphQL."""
    return "\n".join(print_ast(node.selection_set) for node in nodes if node.selection_set)

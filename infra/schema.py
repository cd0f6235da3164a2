"""What the app reads out of `schema.graphql`: which fields need a resolver, and the broadcast operation."""

from collections.abc import Mapping

from graphql import DocumentNode, ObjectTypeDefinitionNode, build_ast_schema, parse, print_ast
from graphql.language import FieldDefinitionNode, NamedTypeNode, NonNullTypeNode, SchemaDefinitionNode

PRELUDE = """
scalar AWSDateTime
directive @aws_api_key on OBJECT | FIELD_DEFINITION
directive @aws_iam on OBJECT | FIELD_DEFINITION
directive @aws_subscribe(mutations: [String!]!) on FIELD_DEFINITION
"""
"""What AppSync adds to every schema, as far as ours uses it."""


def read(source: str) -> DocumentNode:
    """Parse and validate an AppSync schema.

    Raises:
        graphql.GraphQLError: it does not parse.
        TypeError: it is not valid.
    """
    build_ast_schema(parse(PRELUDE + source))
    return parse(source)


def root_fields(document: DocumentNode) -> Mapping[str, str]:
    """Every field of a root type, with that type's name; a field name must not occur under two root types.

    Raises:
        ValueError: a field name occurs twice.
    """
    fields: dict[str, str] = {}
    for definition in document.definitions:
        if not isinstance(definition, SchemaDefinitionNode):
            continue
        for operation in definition.operation_types:
            root = operation.type.name.value
            for field in _object(document, root).fields:
                if field.name.value in fields:
                    raise ValueError(f"{field.name.value} is a field of two root types: rename one.")
                fields[field.name.value] = root
    return fields


def mutation_of_all(document: DocumentNode, name: str) -> str:
    """The operation that calls a mutation with each of its arguments and selects every field of its type.

    Subscribers receive only what the mutation's operation selects, so nothing may be left out.
    """
    mutation = next(field for field in _object(document, "Mutation").fields if field.name.value == name)
    declared = ", ".join(f"${a.name.value}: {print_ast(a.type)}" for a in mutation.arguments)
    passed = ", ".join(f"{a.name.value}: ${a.name.value}" for a in mutation.arguments)
    selected = " ".join(field.name.value for field in _object(document, _type_name(mutation)).fields)
    return f"mutation Broadcast({declared}) {{ {name}({passed}) {{ {selected} }} }}"


def _object(document: DocumentNode, name: str) -> ObjectTypeDefinitionNode:
    return next(
        definition
        for definition in document.definitions
        if isinstance(definition, ObjectTypeDefinitionNode) and definition.name.value == name
    )


def _type_name(field: FieldDefinitionNode) -> str:
    inner = field.type.type if isinstance(field.type, NonNullTypeNode) else field.type
    if not isinstance(inner, NamedTypeNode):
        raise TypeError(f"{field.name.value} does not return one object.")
    return inner.name.value

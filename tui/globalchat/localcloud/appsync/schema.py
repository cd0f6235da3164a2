"""Builds a schema from SDL as AppSync does: its scalars, its directives, its rules for subscriptions."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldDefinitionNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    ListValueNode,
    ObjectTypeDefinitionNode,
    StringValueNode,
    build_ast_schema,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    parse,
    validate_schema,
    visit,
)
from graphql.language import SKIP, Visitor, VisitorAction

from globalchat.localcloud.appsync import scalars
from globalchat.localcloud.definition import AuthMode
from globalchat.localcloud.problems import Invalid, Unsupported
from globalchat.localcloud.sdl import parse_sdl

_DIRECTIVE_MODES: Final[dict[str, AuthMode]] = {"aws_api_key": "API_KEY", "aws_iam": "AWS_IAM"}
_KNOWN_DIRECTIVES: Final = ("aws_subscribe", "deprecated", "specifiedBy", *_DIRECTIVE_MODES)
_DEFINITIONS: Final = """
directive @aws_api_key on OBJECT | FIELD_DEFINITION
directive @aws_iam on OBJECT | FIELD_DEFINITION
directive @aws_subscribe(mutations: [String!]!) on FIELD_DEFINITION
""" + "".join(f"scalar {name}\n" for name in scalars.NAMES)


@dataclass(frozen=True, slots=True)
class ApiSchema:
    """A schema and its AppSync directives.

    `directives` holds the authorization modes on a type (`Message`) or a field (`Mutation.publish`);
    `subscriptions` maps each subscription field to its mutations (`@aws_subscribe`), `subscribed_mutations`
    is the set of all of these.
    """

    graphql: GraphQLSchema
    directives: Mapping[str, tuple[AuthMode, ...]]
    subscriptions: Mapping[str, tuple[str, ...]]
    subscribed_mutations: frozenset[str]


@lru_cache(maxsize=8)
def build_schema(sdl: str) -> ApiSchema:
    """Build and check a schema; regions share it, since it is never changed afterwards.

    Raises:
        Invalid: it is not valid SDL for AppSync, uses a directive that is not emulated, or a
            subscription and its mutations differ.
    """
    try:
        document = parse_sdl(sdl)
    except Invalid as error:
        raise Invalid(*error.within("the schema is not valid: ")) from None
    _refuse_directives(document)
    # AppSync's own scalars and directives are known without being declared.
    try:
        definitions = parse(_DEFINITIONS)
        schema = build_ast_schema(DocumentNode(definitions=(*definitions.definitions, *document.definitions)))
    except (GraphQLError, TypeError) as problem:
        raise Invalid(f"the schema is not valid: {problem}") from None
    problems = validate_schema(schema)
    if problems:
        raise Invalid(f"the schema is not valid: {problems[0].message}")
    scalars.install(schema)
    subscriptions = _read_subscriptions(schema)
    subscribed_mutations = frozenset(name for names in subscriptions.values() for name in names)
    return ApiSchema(schema, _read_directives(document), subscriptions, subscribed_mutations)


def _refuse_directives(document: DocumentNode) -> None:
    class Refuse(Visitor):
        def enter_directive(self, node: DirectiveNode, *_args: object) -> VisitorAction:
            if node.name.value not in _KNOWN_DIRECTIVES:
                line = node.loc.start_token.line if node.loc else 0
                raise Unsupported(
                    f"the directive @{node.name.value} (line {line} of the schema) is not emulated"
                )
            return SKIP

    visit(document, Refuse())


def _read_directives(document: DocumentNode) -> dict[str, tuple[AuthMode, ...]]:
    modes: dict[str, tuple[AuthMode, ...]] = {}
    for definition in document.definitions:
        if isinstance(definition, ObjectTypeDefinitionNode):
            name = definition.name.value
            modes[name] = _modes_of(definition)
            for field in definition.fields or ():
                modes[f"{name}.{field.name.value}"] = _modes_of(field)
    return {place: named for place, named in modes.items() if named}


def _modes_of(node: ObjectTypeDefinitionNode | FieldDefinitionNode) -> tuple[AuthMode, ...]:
    names = [directive.name.value for directive in node.directives or ()]
    return tuple(_DIRECTIVE_MODES[name] for name in names if name in _DIRECTIVE_MODES)


def _read_subscriptions(schema: GraphQLSchema) -> dict[str, tuple[str, ...]]:
    subscriptions: dict[str, tuple[str, ...]] = {}
    root = schema.subscription_type
    for name, field in (root.fields if root else {}).items():
        mutations = _mutations_of(field)
        if not mutations:
            raise Invalid(f"the subscription {name} names no mutation (@aws_subscribe)")
        for mutation in mutations:
            _check_subscription(schema, name, field, mutation)
        subscriptions[name] = mutations
    return subscriptions


def _mutations_of(field: GraphQLField) -> tuple[str, ...]:
    for directive in (field.ast_node.directives if field.ast_node else None) or ():
        if directive.name.value == "aws_subscribe":
            value = directive.arguments[0].value if directive.arguments else None
            items = value.values if isinstance(value, ListValueNode) else [value]
            return tuple(item.value for item in items if isinstance(item, StringValueNode))
    return ()


def _check_subscription(schema: GraphQLSchema, name: str, field: GraphQLField, mutation: str) -> None:
    root = schema.mutation_type
    source = root.fields.get(mutation) if root else None
    if source is None:
        raise Invalid(f"the subscription {name} listens to the mutation {mutation}, which does not exist")
    # A subscription may be nullable where its mutation is not, and the other way round.
    wanted, given = get_nullable_type(field.type), get_nullable_type(source.type)
    if str(wanted) != str(given):
        raise Invalid(
            f"the subscription {name} returns {wanted}, but the mutation {mutation} returns {given}"
        )
    # A publication holds no type names, without which fragments on an abstract type cannot be projected.
    if not isinstance(wanted, GraphQLObjectType) or _reaches_abstract_type(wanted, set()):
        raise Unsupported(
            f"the subscription {name} returns {wanted}: only object types without interfaces are emulated"
        )


def _reaches_abstract_type(type_: GraphQLObjectType, seen: set[str]) -> bool:
    seen.add(type_.name)
    for field in type_.fields.values():
        inner = get_named_type(field.type)
        if is_abstract_type(inner):
            return True
        is_new_object = isinstance(inner, GraphQLObjectType) and inner.name not in seen
        if is_new_object and _reaches_abstract_type(inner, seen):
            return True
    return False

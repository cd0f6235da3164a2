"""Parses, validates and compiles documents, once per text.

Errors are in the words of graphql-java, which AppSync runs: the wording of the common kinds follows responses
pasted in public issues; all others have graphql-core's sentence and the kind `InvalidSyntax`.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from graphql import (
    ArgumentNode,
    ASTValidationRule,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    TokenKind,
    ValidationContext,
    VariableDefinitionNode,
    is_introspection_type,
    parse,
    print_ast,
    specified_rules,
    validate,
)
from graphql.utilities import TypeInfo

from globalchat.localcloud.appsync.execution.compiled import CompiledOperation
from globalchat.localcloud.appsync.graphql_errors import locations, request_error
from globalchat.localcloud.appsync.model import GraphQLRequest, RequestRejected
from globalchat.localcloud.definition import JSON

MAX_TOKENS: Final = 15_000
"""AppSync's quota of tokens in a document."""

_MAX_CACHED: Final = 256
_MAX_CACHED_LENGTH: Final = 16_384

Fragments = Mapping[str, FragmentDefinitionNode]
"""The fragments of a document by name."""

Compile = Callable[[OperationDefinitionNode, Fragments], CompiledOperation | None]
"""Compiles an operation without directives; None if it is not of the kind that is compiled."""

MAX_ERRORS: Final = 20
_KINDS: Final = (
    (
        r"Cannot query field '(.*?)' on type '(.*?)'",
        "FieldUndefined",
        r"Field '\1' in type '\2' is undefined",
    ),
    (
        r"Field '(.*?)' must not have a selection since type '(.*?)'",
        "SubSelectionNotAllowed",
        r"Sub selection not allowed on leaf type \2 of field \1",
    ),
    (
        r"Field '(.*?)' of type '(.*?)' must have",
        "SubSelectionRequired",
        r"Sub selection required for type \2 of field \1",
    ),
    (r"Argument '.*?\((.*?):\)' of type '.*?' is req", "MissingFieldArgument", r"Missing field argument \1"),
    (r"Unknown argument '(.*?)' on field", "UnknownArgument", r"Unknown field argument \1"),
    (r"Unknown argument '(.*?)' on directive", "UnknownDirective", r"Unknown directive argument \1"),
    (
        r"Variable '\$.*?' of type '(.*?)' used in position expecting type '(.*?)'",
        "VariableTypeMismatch",
        r"Variable type '\1' doesn't match expected type '\2'",
    ),
    (r"Variable '\$(.*?)' is not defined", "UndefinedVariable", r"Undefined variable \1"),
    (r"Variable '\$(.*?)' is never used", "UnusedVariable", r"Unused variable \1"),
    (
        r"Variable '\$(.*?)' cannot be non-input type",
        "NonInputTypeOnVariable",
        r"Input variable \1 type is not an input type",
    ),
    (r"Unknown type '(.*?)'", "UnknownType", r"Unknown type \1"),
    (r"Unknown fragment '(.*?)'", "UndefinedFragment", r"Undefined fragment \1"),
    (r"Fragment '(.*?)' is never used", "UnusedFragment", r"Unused fragment \1"),
    (r"Cannot spread fragment '.*?' within itself", "FragmentCycle", "Fragment cycles not allowed"),
    (r"Unknown directive '@(.*?)'", "UnknownDirective", r"Unknown directive \1"),
    (r"Directive '@(.*?)' may not be used", "MisplacedDirective", r"Directive \1 not allowed here"),
    (
        r"This anonymous operation",
        "LoneAnonymousOperationViolation",
        "Anonymous operation with other operations.",
    ),
    (
        r"There can be only one operation named '(.*?)'",
        "DuplicateOperationName",
        r"There can be only one operation named '\1'",
    ),
    (r"Fields '(.*?)' conflict because (.*?)\. Use", "FieldsConflict", r"\1: \2"),
)
"""Maps graphql-core's sentences (patterns) to graphql-java's kind and sentence (a template for the match)."""
_COMPILED: Final = tuple((re.compile(pattern, re.DOTALL), kind, said) for pattern, kind, said in _KINDS)
_NULL: Final = re.compile(r"has invalid value: Expected (a )?value of non-null type '.*' (not )?to be")
_TOO_MANY_TOKENS: Final = re.compile(r"Syntax Error: Document contains more than (\d+) tokens")
_TOO_MANY_SAID: Final = (
    r"More than \1 'grammar' tokens have been presented."
    " To prevent Denial Of Service attacks, parsing has been cancelled."
)
_EXPECTED: Final = re.compile(r"(?:cannot represent|Expected|Value|Enum|Unable)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PreparedOperation:
    """An operation of a valid document, and its compiled form if it has one.

    `has_directives` is True if variables can change the selection.
    """

    document: DocumentNode
    fragments: Fragments
    has_directives: bool
    node: OperationDefinitionNode
    compiled: CompiledOperation | None

    @property
    def name(self) -> str | None:
        """The operation's name, if it has one."""
        return self.node.name.value if self.node.name else None


@dataclass(frozen=True, slots=True)
class Document:
    """The operations of a document, or the errors that prevent its execution."""

    errors: list[JSON]
    operations: tuple[PreparedOperation, ...] = ()

    def operation(self, name: str | None) -> PreparedOperation:
        """Return the operation of this name, or the only one.

        Raises:
            RequestRejected: the document is not valid, or the name does not select an operation.
        """
        # Errors take precedence over an unknown name, as graphql-java validates first.
        if self.errors:
            raise RequestRejected(*self.errors)
        if name:
            for operation in self.operations:
                if operation.name == name:
                    return operation
            raise RequestRejected(request_error(f"Unknown operation named '{name}'."))
        if len(self.operations) != 1:
            message = "Must provide operation name if query contains multiple operations."
            raise RequestRejected(request_error(message))
        return self.operations[0]


class Documents:
    """A cache of the latest requested documents, prepared for one schema."""

    def __init__(self, schema: GraphQLSchema, compile_: Compile, *, has_introspection: bool = True) -> None:
        self._schema = schema
        self._compile = compile_
        self._has_introspection = has_introspection
        self._cache: OrderedDict[str, Document] = OrderedDict()

    def operation(self, request: GraphQLRequest) -> PreparedOperation:
        """Return the operation that a request names.

        Raises:
            RequestRejected: the document is not valid, or the name does not select an operation.
        """
        return self._document(request.query).operation(request.operation_name)

    def _document(self, text: str) -> Document:
        document = self._cache.get(text)
        if document is not None:
            self._cache.move_to_end(text)
            return document
        document = self._prepare(text)
        # Long documents are not cached: their memory would cost more than parsing them again.
        if len(text) <= _MAX_CACHED_LENGTH:
            self._cache[text] = document
            if len(self._cache) > _MAX_CACHED:
                self._cache.popitem(last=False)
        return document

    def _prepare(self, text: str) -> Document:
        try:
            ast = parse(text, max_tokens=MAX_TOKENS, allow_empty_selection_sets=False)
        except GraphQLError as error:
            return Document([syntax_error(error)])
        errors = validation_errors(self._schema, ast, has_introspection=self._has_introspection)
        if errors:
            return Document(errors)
        fragments = {
            node.name.value: node for node in ast.definitions if isinstance(node, FragmentDefinitionNode)
        }
        has_directives = _has_directives(ast)

        def operation(node: OperationDefinitionNode) -> PreparedOperation:
            compiled = None if has_directives else self._compile(node, fragments)
            return PreparedOperation(ast, fragments, has_directives, node, compiled)

        nodes = (node for node in ast.definitions if isinstance(node, OperationDefinitionNode))
        return Document([], tuple(map(operation, nodes)))


def _has_directives(ast: DocumentNode) -> bool:
    # Scanning the tokens is faster than visiting the tree; strings and comments are tokens of their own.
    token = ast.loc.start_token if ast.loc else None
    while token is not None:
        if token.kind is TokenKind.AT:
            return True
        token = token.next
    return False


class NoIntrospection(ASTValidationRule):
    """Removes the fields of the introspection types, as graphql-java does when introspection is disabled."""

    context: ValidationContext

    def enter_field(self, node: FieldNode, *_args: object) -> None:
        """Report a field of `__Schema`, `__Type` and the like as undefined."""
        parent = self.context.get_parent_type()
        if parent is not None and is_introspection_type(parent) and node.name.value != "__typename":
            message = f"Cannot query field '{node.name.value}' on type '{parent.name}'."
            self.report_error(GraphQLError(message, node))


def syntax_error(error: GraphQLError) -> dict[str, JSON]:
    """Return the response's error for a document that cannot be parsed."""
    many = _TOO_MANY_TOKENS.match(error.message)
    detail = error.message.removeprefix("Syntax Error: ")
    message = many.expand(_TOO_MANY_SAID) if many else f"Invalid syntax: {detail}"
    return {"path": None, "locations": locations(error), "message": message}


def validation_errors(
    schema: GraphQLSchema, document: DocumentNode, *, has_introspection: bool = True
) -> list[JSON]:
    """Validate a document; return the response's errors, none if it is valid."""
    rules = specified_rules if has_introspection else (*specified_rules, NoIntrospection)
    problems = validate(schema, document, rules, max_errors=MAX_ERRORS, hide_suggestions=True)
    return [_describe(problem, schema, document) for problem in problems]


def variable_error(error: GraphQLError) -> dict[str, JSON]:
    """Return the response's error for a variable whose value does not fit its type."""
    node = error.nodes[0] if error.nodes else None
    message = error.message
    if isinstance(node, VariableDefinitionNode):
        name = node.variable.name.value
        if _NULL.search(message):
            message = f"Variable '{name}' has coerced Null value for NonNull type '{print_ast(node.type)}'"
        else:
            detail = message.partition("has invalid value")[2].lstrip(" :")
            message = f"Variable '{name}' has an invalid value: {detail or message}"
    return {"path": None, "locations": locations(error), "message": message}


def _describe(error: GraphQLError, schema: GraphQLSchema, document: DocumentNode) -> dict[str, JSON]:
    node = error.nodes[0] if error.nodes else None
    kind, text = _wording(error.message, node, schema, document)
    place = _field_path(document, node)
    message = f"Validation error of type {kind}: {text}" + (f" @ '{place}'" if place else "")
    return {"path": None, "locations": locations(error), "message": message}


def _wording(
    message: str, node: Node | None, schema: GraphQLSchema, document: DocumentNode
) -> tuple[str, str]:
    for pattern, kind, said in _COMPILED:
        match = pattern.match(message)
        if match:
            return kind, match.expand(said)
    argument = _argument_of(schema, document, node) if node and _EXPECTED.search(message) else None
    if argument and node:
        name, type_name = argument
        return "WrongType", f"argument '{name}' with value '{print_ast(node)}' is not a valid '{type_name}'"
    return "InvalidSyntax", message


def _argument_of(schema: GraphQLSchema, document: DocumentNode, node: Node) -> tuple[str, str] | None:
    """Return the name and type of the argument whose value a node is, or is a part of."""
    info = TypeInfo(schema)
    name = None
    for each in _path_to(node, document):
        # Siblings are skipped: they would be left again before the node.
        info.enter(each)
        if isinstance(each, ArgumentNode):
            name = each.name.value
    return None if name is None else (name, str(info.get_input_type()))


def _field_path(document: DocumentNode, node: Node | None) -> str:
    """Return the fields (and the fragment) that lead to a node, joined by slashes, as graphql-java does."""
    if node is None or isinstance(node, OperationDefinitionNode):
        return ""
    path = _path_to(node, document)
    return "/".join(each.name.value for each in path if isinstance(each, FieldNode | FragmentDefinitionNode))


def _path_to(node: Node, current: Node) -> list[Node]:
    """Return the nodes on the path from one to another, both included; none if there is no path."""
    if current is node:
        return [current]
    for child in _children(current):
        path = _path_to(node, child)
        if path:
            return [current, *path]
    return []


def _children(node: Node) -> list[Node]:
    children: list[Node] = []
    for key in node.keys:
        value = getattr(node, key, None)
        if isinstance(value, Node):
            children.append(value)
        elif isinstance(value, list | tuple):
            children += [item for item in value if isinstance(item, Node)]
    return children

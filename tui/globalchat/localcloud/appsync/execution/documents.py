"""Parses, validates and compiles documents, once per text."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    TokenKind,
    parse,
)

from globalchat.localcloud.appsync.execution.compiled import CompiledOperation
from globalchat.localcloud.appsync.graphql_errors import request_error
from globalchat.localcloud.appsync.model import GraphQLRequest
from globalchat.localcloud.appsync.validation import syntax_error, validation_errors
from globalchat.localcloud.definition import JSON

MAX_TOKENS: Final = 15_000
"""AppSync's quota of a document."""

_MAX_KEPT: Final = 256
_MAX_KEPT_LENGTH: Final = 16_384

Fragments = Mapping[str, FragmentDefinitionNode]
"""The fragments of a document by name."""

Compile = Callable[[OperationDefinitionNode, Fragments], CompiledOperation | None]
"""Compiles an operation without directives, if it is of the kind that is compiled."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of a valid document, and its compiled form if it has one.

    `has_directives` tells whether variables can change what the document selects.
    """

    document: DocumentNode
    fragments: Fragments
    has_directives: bool
    node: OperationDefinitionNode
    compiled: CompiledOperation | None

    @property
    def name(self) -> str | None:
        """Its name, if it has one."""
        return self.node.name.value if self.node.name else None


@dataclass(frozen=True, slots=True)
class Document:
    """The operations of a document, or the errors that say why it has none that can be executed."""

    errors: list[JSON]
    operations: tuple[Operation, ...] = ()

    def operation(self, name: str | None) -> Operation | list[JSON]:
        """Choose the operation to execute; the response's errors if it cannot be chosen."""
        if self.errors:
            return list(self.errors)
        if name:
            for operation in self.operations:
                if operation.name == name:
                    return operation
            return [request_error(f"Unknown operation named '{name}'.")]
        if len(self.operations) != 1:
            return [request_error("Must provide operation name if query contains multiple operations.")]
        return self.operations[0]


class Documents:
    """Reads documents for one schema and keeps those read last."""

    def __init__(self, schema: GraphQLSchema, compile_: Compile, *, has_introspection: bool = True) -> None:
        self._schema = schema
        self._compile = compile_
        self._has_introspection = has_introspection
        self._kept: OrderedDict[str, Document] = OrderedDict()

    def operation(self, request: GraphQLRequest) -> Operation | list[JSON]:
        """Find the operation that a request wants executed; the response's errors if there is none."""
        return self._document(request.query).operation(request.operation_name)

    def _document(self, text: str) -> Document:
        document = self._kept.get(text)
        if document is not None:
            self._kept.move_to_end(text)
            return document
        document = self._read(text)
        if len(text) <= _MAX_KEPT_LENGTH:
            self._kept[text] = document
            if len(self._kept) > _MAX_KEPT:
                self._kept.popitem(last=False)
        return document

    def _read(self, text: str) -> Document:
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

        def operation(node: OperationDefinitionNode) -> Operation:
            compiled = None if has_directives else self._compile(node, fragments)
            return Operation(ast, fragments, has_directives, node, compiled)

        nodes = (node for node in ast.definitions if isinstance(node, OperationDefinitionNode))
        return Document([], tuple(map(operation, nodes)))


def _has_directives(ast: DocumentNode) -> bool:
    token = ast.loc.start_token if ast.loc else None
    while token is not None:
        if token.kind is TokenKind.AT:
            return True
        token = token.next
    return False

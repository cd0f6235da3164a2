"""Parses SDL in AppSync's dialect, which is older than the specification of June 2018.

It has `#` comments where GraphQL has string descriptions, and commas between the interfaces of a type.
Everything that AppSync is known to refuse is refused here; `docs/local-cloud.md` has the evidence for each.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import Final, TypeAlias

from graphql import (
    DirectiveDefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    EnumTypeExtensionNode,
    EnumValueDefinitionNode,
    FieldDefinitionNode,
    GraphQLSyntaxError,
    InputObjectTypeDefinitionNode,
    InputObjectTypeExtensionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    InterfaceTypeExtensionNode,
    Lexer,
    Node,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    ScalarTypeDefinitionNode,
    ScalarTypeExtensionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    Source,
    StringValueNode,
    Token,
    TokenKind,
    UnionTypeDefinitionNode,
    UnionTypeExtensionNode,
    parse,
    visit,
)
from graphql.language import Visitor

from globalchat.localcloud.problems import Invalid

_Described: TypeAlias = (
    DirectiveDefinitionNode
    | EnumTypeDefinitionNode
    | EnumValueDefinitionNode
    | FieldDefinitionNode
    | InputObjectTypeDefinitionNode
    | InputValueDefinitionNode
    | InterfaceTypeDefinitionNode
    | ObjectTypeDefinitionNode
    | ScalarTypeDefinitionNode
    | SchemaDefinitionNode
    | UnionTypeDefinitionNode
)
_Extension: TypeAlias = (
    EnumTypeExtensionNode
    | InputObjectTypeExtensionNode
    | InterfaceTypeExtensionNode
    | ObjectTypeExtensionNode
    | ScalarTypeExtensionNode
    | SchemaExtensionNode
    | UnionTypeExtensionNode
)
_SHOWN: Final = 5
"""The most problems that an error lists; it gives the number of the others."""


@lru_cache(maxsize=4)  # all regions have the same schema
def parse_sdl(sdl: str) -> DocumentNode:
    """Parse a schema; the `#` comment above a definition becomes its description.

    Raises:
        Invalid: a syntax error, or something that AppSync refuses; lists all places.
    """
    try:
        document = parse(_with_ampersands(sdl))
        survey = _Survey()
        described = visit(document, survey)
    except GraphQLSyntaxError as error:
        place = f"line {error.locations[0].line}" if error.locations else "somewhere"
        raise Invalid(f"{place}: {error.message.rstrip('.')}") from None
    except RecursionError:
        raise Invalid("it is nested too deep") from None
    if problems := survey.problems:
        more = len(problems) - _SHOWN
        raise Invalid("; ".join(problems[:_SHOWN]) + (f"; and {more} more" if more > 0 else ""))
    if not isinstance(described, DocumentNode):
        raise TypeError("the visit of a document answers a document")
    return described


class _Survey(Visitor):
    """Collects what AppSync refuses, and turns the comment above each definition into its description."""

    def __init__(self) -> None:
        super().__init__()
        self.problems: list[str] = []

    def enter(self, node: Node, *_args: object) -> None:
        """Record what AppSync would refuse about a node."""
        if isinstance(node, _Extension):
            self._note(node, "`extend` is not supported: write its fields into the definition")
        if isinstance(node, _Described) and node.description is not None:
            self._note(node.description, "a string description is not supported: write it as a # comment")
        if isinstance(node, InterfaceTypeDefinitionNode) and node.interfaces:
            self._note(node, f"the interface {node.name.value} implements another, which is not supported")
        if isinstance(node, EnumTypeDefinitionNode):
            for comment in _comments_inside(node):
                problem = f"a # comment inside the enum {node.name.value} is not supported: write it above"
                self.problems.append(f"line {comment.line}, column {comment.column}: {problem}")

    def leave(self, node: Node, *_args: object) -> Node | None:
        """Return a definition with the comment above it as its description; None if it has no comment."""
        if isinstance(node, _Described) and (comment := _comment_above(node)):
            return replace(node, description=StringValueNode(value=comment))
        return None

    def _note(self, node: Node, problem: str) -> None:
        token = _tokens(node)[0]
        self.problems.append(f"line {token.line}, column {token.column}: {problem}")


def _with_ampersands(sdl: str) -> str:
    """Replace a comma between two interfaces of a type by `&`, so that all positions stay the same."""
    characters = list(sdl)
    tokens = list(_lex(sdl))
    depth = 0
    for position, token in enumerate(tokens):
        depth += (token.kind is TokenKind.BRACE_L) - (token.kind is TokenKind.BRACE_R)
        # Fields and enum values may have this name, too.
        if depth == 0 and token.kind is TokenKind.NAME and token.value == "implements":
            for comma in _commas_between_names(sdl, tokens[position + 1 :]):
                characters[comma] = "&"
    return "".join(characters)


def _lex(sdl: str) -> Iterator[Token]:
    """Yield every token, comments included."""
    lexer = Lexer(Source(sdl))
    token = lexer.token
    while token.kind is not TokenKind.EOF:
        lexer.advance()
        while token.next is not None:
            token = token.next
            yield token


def _commas_between_names(sdl: str, tokens: list[Token]) -> Iterator[int]:
    """Yield the position of the first comma in each run of commas between names after `implements`."""
    comma = -1
    between_names = False
    for token, following in pairwise(tokens):
        if token.kind not in (TokenKind.NAME, TokenKind.COMMENT, TokenKind.AMP):
            return
        between_names = token.kind is TokenKind.NAME or (between_names and token.kind is TokenKind.COMMENT)
        if token.kind is not TokenKind.COMMENT:
            comma = -1
        if between_names and comma < 0:
            comma = sdl.find(",", token.end, following.start)
        if between_names and comma >= 0 and following.kind is TokenKind.NAME:
            yield comma


def _tokens(node: Node) -> tuple[Token, Token]:
    """Return the first and the last token of a node that was parsed."""
    if node.loc is None:
        raise TypeError("a node that was parsed has its place")
    return node.loc.start_token, node.loc.end_token


def _comment_above(node: Node) -> str:
    """Return the lines of the comment directly above a definition."""
    below, _ = _tokens(node)
    lines: list[str] = []
    while (above := below.prev) is not None and above.kind is TokenKind.COMMENT:
        # After a blank line, a comment is not about the definition.
        if above.line != below.line - 1:
            break
        lines.append(str(above.value).strip())
        below = above
    return "\n".join(reversed(lines)).strip()


def _comments_inside(node: EnumTypeDefinitionNode) -> Iterator[Token]:
    """Yield the comments between the braces of an enum."""
    token: Token | None
    token, last = _tokens(node)
    inside = False
    while token is not None and token is not last:
        inside = inside or token.kind is TokenKind.BRACE_L
        if inside and token.kind is TokenKind.COMMENT:
            yield token
        token = token.next

"""The syntax tree of a resolver file: the part of ECMAScript that APPSYNC_JS keeps."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from globalchat.localcloud.appsync.javascript.tokens import Token

Kind = Literal[
    "program", "block", "declaration", "declarator", "if", "for", "switch", "case", "return", "break",
    "empty", "import", "export", "exported", "function", "parameters", "call", "member", "index", "name",
    "literal", "template", "list", "object", "property", "spread", "unary", "binary", "conditional",
    "assignment", "sequence",
]  # fmt: skip


@dataclass(slots=True, eq=False)
class Node:
    """A piece of a file.

    `token` is where it begins; of a `member` it is the property's name, of a `for` the `)` before its body.
    `parts` are its pieces in the order of the source, `text` is the name, the operator or the keyword that
    distinguishes it: of a `function` its own name, of a `declaration` `const`, `let` or `var`, of a `for`
    `of` or `in`, of a `property` its key (empty if computed), of an `exported` the name outside. `end` is
    the offset behind it.
    """

    kind: Kind
    token: Token
    parts: list["Node"] = field(default_factory=list)
    text: str = ""
    end: int = 0
    is_statement: bool = False
    """Of a function: it is a declaration."""

    @property
    def body(self) -> "Node":
        """The body of a function or a loop."""
        return self.parts[-1]

    def walk(self) -> Iterator["Node"]:
        """Go through this node and all within it, outer ones first."""
        rest = [self]
        while rest:
            node = rest.pop()
            yield node
            rest.extend(reversed(node.parts))


def targets_of(pattern: Node) -> Iterator[Node]:
    """Find what a pattern binds or assigns, names and members: `a`, `{ a, b: [c.d = 1], ...e }`."""
    if pattern.kind in ("name", "member", "index"):
        yield pattern
    elif pattern.kind in ("list", "object", "spread"):
        for part in pattern.parts:
            yield from targets_of(part)
    elif pattern.kind == "property":
        yield from targets_of(pattern.parts[-1])
    elif pattern.kind == "assignment":
        yield from targets_of(pattern.parts[0])


def names_of(pattern: Node) -> Iterator[Node]:
    """Find the names that a pattern binds."""
    return (target for target in targets_of(pattern) if target.kind == "name")

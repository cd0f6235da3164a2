"""Finds the members of `ctx` that the handlers of a file can read: the others need not be passed to them.

Only uses that can be followed count: `ctx.args`, `const { args } = ctx`, and both in a function of the file
that gets `ctx` as an argument. Any other use, such as `{ ...ctx }` or `ctx[name]`, may read all members.
"""

from collections.abc import Iterator, Mapping

from globalchat.localcloud.appsync.javascript.analysis import HANDLERS, handlers_of
from globalchat.localcloud.appsync.javascript.parser import Program, SyntaxNode

Members = frozenset[str] | None
"""Names of members of `ctx`; None is all of them."""


class _Untraceable(Exception):
    """A use of `ctx` may read any member."""


def members_read(program: Program) -> Mapping[str, Members]:
    """Return the members that each handler of a checked file can read."""
    found = {name: _members_of(node, program.body) for name, node in handlers_of(program.body)}
    return {name: found.get(name) for name in HANDLERS}


def _members_of(handler: SyntaxNode, body: SyntaxNode) -> Members:
    names = {node.text for node in body.walk() if node.kind == "name"}
    # `arguments[0]` is another name of `ctx`, and one with an escape may be; `extensions` reads `ctx.info`.
    if names & {"arguments", "extensions"} or any("\\" in name for name in names):
        return None
    try:
        return frozenset(_Tracer(body).read(handler, 0))
    except _Untraceable:
        return None


class _Tracer:
    """Follows `ctx` through the functions of a file."""

    def __init__(self, body: SyntaxNode) -> None:
        self._functions: dict[str, SyntaxNode] = {}
        declared: set[str] = set()
        for node in body.walk():
            if node.kind == "function" and node.text:
                if node.text in declared:
                    self._functions.pop(node.text, None)
                elif node.is_statement:
                    self._functions[node.text] = node
                declared.add(node.text)
        # A name that is bound in another way may stand for something else where it is called.
        for node in body.walk():
            if node.kind in ("declarator", "parameters", "assignment"):
                for name in node.parts[:1] if node.kind != "parameters" else node.parts:
                    for inner in name.walk():
                        self._functions.pop(inner.text, None)

    def read(self, function: SyntaxNode, position: int) -> Iterator[str]:
        """Yield the members that a function reads of its argument at a position.

        Raises:
            _Untraceable: it may read any member.
        """
        parameters, body = function.parts
        if any(each.kind == "spread" for each in parameters.parts[: position + 1]):
            raise _Untraceable
        if position >= len(parameters.parts):
            return
        pattern, *others = parameters.parts[position:]
        yield from self._bound(pattern)
        if pattern.kind == "name":
            # In the defaults of later parameters, too.
            for part in (*others, body):
                yield from self._uses(part, pattern.text)

    def _bound(self, pattern: SyntaxNode) -> Iterator[str]:
        """Yield the members that a pattern takes: `{ args, stash: { id } }`; a name takes none yet."""
        if pattern.kind == "name":
            return
        if pattern.kind != "object":
            raise _Untraceable
        for part in pattern.parts:
            if part.kind != "property":  # `...rest`
                raise _Untraceable
            yield _member(part.text)

    def _uses(self, node: SyntaxNode, name: str) -> Iterator[str]:
        """Yield the members that are read of a name within a node."""
        if node.kind == "name" and node.text == name:
            raise _Untraceable
        parts = node.parts
        if node.kind == "member" and _is(parts[0], name):
            yield _member(node.text)
            return
        if node.kind == "declarator" and len(parts) == 2 and _is(parts[1], name):
            if parts[0].kind == "name":  # `const other = ctx`
                raise _Untraceable
            yield from self._bound(parts[0])
            yield from self._uses(parts[0], name)  # in the defaults of the pattern
            return
        if node.kind == "call" and parts[0].kind == "name" and parts[0].text in self._functions:
            for position, argument in enumerate(parts[1:]):
                if _is(argument, name):
                    # A spread before it moves it to another parameter.
                    if any(each.kind == "spread" for each in parts[1 : position + 1]):
                        raise _Untraceable
                    yield from self.read(self._functions[parts[0].text], position)
                else:
                    yield from self._uses(argument, name)
            return
        for part in parts:
            yield from self._uses(part, name)


def _is(node: SyntaxNode, name: str) -> bool:
    return node.kind == "name" and node.text == name


def _member(name: str) -> str:
    if not name or "\\" in name:  # a computed key, or one that is written with escapes
        raise _Untraceable
    # Two names of one member.
    return "args" if name == "arguments" else name

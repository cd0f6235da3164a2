"""Parses a resolver file by tree-sitter's grammar, into a tree of the part of JavaScript that APPSYNC_JS has.

tree-sitter also reads faulty files and marks the parts that it could not read: such a file is refused here.
Semantic errors (a `const` without a value, a duplicate name) are left to the engine, which parses every file
again.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from typing import Final, Literal

import quickjs
import tree_sitter
import tree_sitter_javascript


class ScriptError(Exception):
    """A resolver file broke a rule of APPSYNC_JS, or failed while running.

    `line` and `column` count from 1; None if the engine reported no place. `str(error)` begins with
    `file:line:column`. With `is_gap`, AppSync has the feature, but it is not emulated.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str,
        line: int | None = None,
        column: int | None = None,
        is_gap: bool = False,
    ) -> None:
        place = file if line is None else f"{file}:{line}:{column}"
        super().__init__(f"{place}: {message}")
        self.message = message
        self.file = file
        self.line = line
        self.column = column
        self.is_gap = is_gap


class ResultTooLarge(ScriptError):
    """The result of an evaluation is larger than AppSync allows."""


Kind = Literal[
    "program", "block", "declaration", "declarator", "if", "for", "switch", "case", "return", "break",
    "empty", "import", "export", "exported", "function", "parameters", "call", "member", "index", "name",
    "literal", "template", "list", "object", "property", "spread", "unary", "binary", "conditional",
    "assignment", "sequence",
]  # fmt: skip

_NEWLINE: Final = re.compile(r"\r\n|[\n\r\u2028\u2029]")
_ENGINES_PLACE: Final = re.compile(r"<input>:(\d+):(\d+)")


class Source:
    """A file as tree-sitter parsed it; places count characters, although tree-sitter counts bytes.

    Raises:
        ScriptError: the text is not valid Unicode.
    """

    def __init__(self, text: str, file: str) -> None:
        try:
            encoded = text.encode()
        except UnicodeEncodeError:
            raise ScriptError("the text is not valid Unicode", file=file) from None
        self.text = text
        self.file = file
        self.size = len(encoded)
        self.root = tree_sitter.Parser(_grammar()).parse(encoded).root_node
        self._lines = [0, *(match.end() for match in _NEWLINE.finditer(text))]
        # In pure ASCII, bytes are characters and need no table.
        self._bytes = None if len(encoded) == len(text) else [0, *accumulate(len(c.encode()) for c in text)]

    def offset(self, byte: int) -> int:
        """Return the character offset of a byte offset."""
        return byte if self._bytes is None else bisect_right(self._bytes, byte) - 1

    def text_of(self, node: tree_sitter.Node) -> str:
        """Return a node's text."""
        return self.text[self.offset(node.start_byte) : self.offset(node.end_byte)]

    def place(self, offset: int) -> tuple[int, int]:
        """Return the line and the column of a character, both from 1."""
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def error(self, message: str, node: tree_sitter.Node) -> ScriptError:
        """Return an error whose place is the beginning of a node."""
        line, column = self.place(self.offset(node.start_byte))
        return ScriptError(message, file=self.file, line=line, column=column)


def characters(line: str, count: int) -> int:
    """Return the number of characters in the first `count` bytes of a line."""
    return len(line.encode("utf-8", "surrogatepass")[:count].decode("utf-8", "ignore"))


@cache
def _grammar() -> tree_sitter.Language:
    return tree_sitter.Language(tree_sitter_javascript.language())


def leaves(root: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    """Yield the tokens of a tree, without comments."""
    # A stack instead of recursion, since files may be nested deeper than Python's call limit.
    rest = [root]
    while rest:
        node = rest.pop()
        if node.type in ("comment", "html_comment"):
            continue
        if not node.children:
            yield node
        rest.extend(reversed(node.children))


@dataclass(slots=True, eq=False)
class SyntaxNode:
    """A node of the syntax tree.

    `line` and `column` are its place, of a `member` that of the property's name. `start` and `end` are
    offsets. `parts` are the child nodes in the order of the source, `text` is the name, the operator or the
    keyword that distinguishes it: of a `function` its own name, of a `declaration` `const`, `let` or `var`,
    of a `for` `of` or `in`, of a `property` its key (empty if computed), of an `exported` the exported name.
    """

    kind: Kind
    line: int
    column: int
    start: int
    end: int
    parts: list["SyntaxNode"] = field(default_factory=list)
    text: str = ""
    is_statement: bool = False
    """True for the declaration of a function."""

    @property
    def body(self) -> "SyntaxNode":
        """The body of a function or a loop."""
        return self.parts[-1]

    def walk(self) -> Iterator["SyntaxNode"]:
        """Yield this node and all within it, outer ones first."""
        rest = [self]
        while rest:
            node = rest.pop()
            yield node
            rest.extend(reversed(node.parts))


def targets_of(pattern: SyntaxNode) -> Iterator[SyntaxNode]:
    """Yield the names and members that a pattern binds or assigns: `a`, `{ a, b: [c.d = 1], ...e }`."""
    if pattern.kind in ("name", "member", "index"):
        yield pattern
    elif pattern.kind in ("list", "object", "spread"):
        for part in pattern.parts:
            yield from targets_of(part)
    elif pattern.kind == "property":
        yield from targets_of(pattern.parts[-1])
    elif pattern.kind == "assignment":
        yield from targets_of(pattern.parts[0])


def names_of(pattern: SyntaxNode) -> Iterator[SyntaxNode]:
    """Yield the names that a pattern binds."""
    return (target for target in targets_of(pattern) if target.kind == "name")


@dataclass(frozen=True, slots=True)
class ImportStatement:
    """An import statement: the module's name, and its bindings (imported and local name, `*` for all)."""

    module: str
    bindings: tuple[tuple[str, str], ...]
    node: SyntaxNode


@dataclass(frozen=True, slots=True)
class Program:
    """A whole file: its tree and its imports."""

    body: SyntaxNode
    imports: tuple[ImportStatement, ...]


def parse(source: Source) -> Program:
    """Build the tree of a file.

    Raises:
        ScriptError: it is not a valid program, or nested too deeply.
    """
    fault = next(_faults(source.root), None)
    if fault is not None:
        raise _syntax_error(source, fault)
    builder = _Builder(source)
    try:
        body = builder.build(source.root)
    # The builder recurses; no real file is nested that deeply.
    except RecursionError:
        raise ScriptError("the file is nested too deeply", file=source.file) from None
    return Program(body, tuple(builder.imports))


def _faults(root: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    """Yield the nodes that tree-sitter could not read, and those that it missed."""
    rest = [root] if root.has_error else []
    while rest:
        node = rest.pop()
        if (node.is_error or node.is_missing) and not _is_valid(node):
            yield node
        rest.extend(reversed([child for child in node.children if child.has_error or child.is_missing]))


def _is_valid(fault: tree_sitter.Node) -> bool:
    """Return True if the fault is valid JavaScript that the grammar lacks.

    That is a missing semicolon after `export default function () {}`, or `export { a as catch }`.
    """
    parent = fault.parent
    if parent is None:
        return False
    if parent.type == "export_clause":
        return [child.type for child in fault.children][:1] == ["as"] and len(fault.children) == 2
    value = parent.child_by_field_name("value") if parent.type == "export_statement" else None
    return fault.is_missing and value is not None and value.type == "function_expression"


def _syntax_error(source: Source, fault: tree_sitter.Node) -> ScriptError:
    """Return the error for a fault, with the engine's message and place if the engine refuses the file too.

    tree-sitter's own place is vague: its error nodes often begin before the fault.
    """
    context = quickjs.Context()
    try:
        # After parsing, this import fails, so that nothing runs.
        context.module(f"{source.text}\n;import '';")
    except quickjs.JSException as exception:
        message, _, stack = str(exception).partition("\n")
        place = _ENGINES_PLACE.search(stack)
        if message.startswith("SyntaxError: ") and place:
            line, byte = int(place[1]), int(place[2]) - 1
            lines = source.text.split("\n")
            # The place is in the added import: the file ends too early.
            if line > len(lines):
                line, column = source.place(len(source.text))
                message = "SyntaxError: unexpected end of the file"
            else:
                column = characters(lines[line - 1], byte) + 1
            return ScriptError(message, file=source.file, line=line, column=column)
    except ValueError:
        pass  # The engine rejects text with a NUL, so only tree-sitter's place is known.
    return source.error(f"SyntaxError: unexpected {source.text_of(fault)[:20]!r}", fault)


class _Builder:
    """Turns tree-sitter's nodes into those of this module."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.imports: list[ImportStatement] = []

    def build(self, node: tree_sitter.Node) -> SyntaxNode:
        """Build the node of a statement, an expression or a pattern."""
        if node.type in _LEAVES:
            return self._node(_LEAVES[node.type], node, text=self._text(node))
        if node.type in _LISTS:
            return self._node(_LISTS[node.type], node, self._all(node))
        if node.type in _BY_FIELDS:
            kind, names = _BY_FIELDS[node.type]
            operator = node.child_by_field_name("operator")
            text = "=" if kind == "assignment" else ""
            return self._node(kind, node, self._fields(node, *names), operator.type if operator else text)
        if node.type in _BUILDERS:
            return _BUILDERS[node.type](self, node)
        raise self._source.error(f"SyntaxError: unexpected {self._text(node)[:20]!r}", node)

    def _text(self, node: tree_sitter.Node) -> str:
        return self._source.text_of(node)

    def _node(
        self,
        kind: Kind,
        node: tree_sitter.Node,
        parts: list[SyntaxNode] | None = None,
        text: str = "",
        at: tree_sitter.Node | None = None,
    ) -> SyntaxNode:
        """Make a node; its place is that of `at`, or else where it begins."""
        line, column = self._source.place(self._source.offset((at or node).start_byte))
        start, end = self._source.offset(node.start_byte), self._source.offset(node.end_byte)
        return SyntaxNode(kind, line, column, start, end, parts or [], text)

    def _child(self, node: tree_sitter.Node, name: str) -> tree_sitter.Node:
        child = node.child_by_field_name(name)
        if child is None:
            raise self._source.error(f"SyntaxError: unexpected {self._text(node)[:20]!r}", node)
        return child

    def _fields(self, node: tree_sitter.Node, *names: str) -> list[SyntaxNode]:
        """Build the children of a node in some fields, in this order."""
        children = (child for name in names for child in node.children_by_field_name(name))
        return [self.build(child) for child in children if child.is_named and child.type != "comment"]

    def _all(self, node: tree_sitter.Node) -> list[SyntaxNode]:
        return [self.build(child) for child in _named(node)]

    def _name(self, node: tree_sitter.Node) -> SyntaxNode:
        return self._node("name", node, [], self._text(node))

    def _expression_statement(self, node: tree_sitter.Node) -> SyntaxNode:
        """Build the expression, which begins and ends where the statement does."""
        (inner,) = self._all(node)
        inner.start, inner.end = self._source.offset(node.start_byte), self._source.offset(node.end_byte)
        return inner

    def _inner(self, node: tree_sitter.Node) -> SyntaxNode:
        (inner,) = self._all(node)
        return inner

    def _declaration(self, node: tree_sitter.Node) -> SyntaxNode:
        return self._node("declaration", node, self._all(node), node.children[0].type)

    def _for_in(self, node: tree_sitter.Node) -> SyntaxNode:
        left = self.build(self._child(node, "left"))
        keyword = node.child_by_field_name("kind")
        if keyword is not None:
            target = self._node("declarator", self._child(node, "left"), [left])
            left = self._node("declaration", keyword, [target], keyword.type)
            # Only old engines accept an initial value here (`for (var a = 1 in b)`).
            if node.child_by_field_name("value") is not None:
                raise self._source.error("SyntaxError: a loop's variable has a value", keyword)
        right, body = self._fields(node, "right", "body")
        # `rewrite` inserts text at the body's start, which has to be on the line of the bracket before it.
        body.start = next(self._source.offset(c.end_byte) for c in node.children[::-1] if c.type == ")")
        return self._node("for", node, [left, right, body], self._child(node, "operator").type)

    def _switch(self, node: tree_sitter.Node) -> SyntaxNode:
        cases = [self.build(child) for child in _named(self._child(node, "body"))]
        return self._node("switch", node, [*self._fields(node, "value"), *cases])

    def _function(self, node: tree_sitter.Node) -> SyntaxNode:
        name = node.child_by_field_name("name")
        own = self._text(name) if name is not None and node.type != "method_definition" else ""
        # An arrow function may have one parameter without brackets: `x => x`.
        single = node.child_by_field_name("parameter")
        if single is not None:
            parameters = self._node("parameters", single, [self.build(single)])
        else:
            outer = self._child(node, "parameters")
            parameters = self._node("parameters", outer, self._all(outer))
        function = self._node("function", node, [parameters, self.build(self._child(node, "body"))], own)
        function.is_statement = node.type == "function_declaration"
        return function

    def _call(self, node: tree_sitter.Node) -> SyntaxNode:
        # A tagged template is a call with the template as its argument.
        arguments = self._child(node, "arguments")
        template = arguments.type == "template_string"
        parts = [self.build(arguments)] if template else self._all(arguments)
        return self._node("call", node, [*self._fields(node, "function"), *parts])

    def _member(self, node: tree_sitter.Node) -> SyntaxNode:
        name = self._child(node, "property")
        return self._node("member", node, self._fields(node, "object"), self._text(name), at=name)

    def _template(self, node: tree_sitter.Node) -> SyntaxNode:
        inserted = [child for child in _named(node) if child.type == "template_substitution"]
        return self._node("template", node, [self._inner(each) for each in inserted])

    def _pair(self, node: tree_sitter.Node) -> SyntaxNode:
        key = self._child(node, "key")
        return self._property(node, key, self.build(self._child(node, "value")))

    def _method(self, node: tree_sitter.Node) -> SyntaxNode:
        return self._property(node, self._child(node, "name"), self._function(node))

    def _property(self, node: tree_sitter.Node, key: tree_sitter.Node, value: SyntaxNode) -> SyntaxNode:
        if key.type == "computed_property_name":
            return self._node("property", node, [self._inner(key), value])
        return self._node("property", node, [value], self._text(key).strip("'\""))

    def _shorthand(self, node: tree_sitter.Node) -> SyntaxNode:
        return self._node("property", node, [self._name(node)], self._text(node))

    def _shorthand_with_default(self, node: tree_sitter.Node) -> SyntaxNode:
        # `{ a = 1 }` in a pattern: the property `a`, bound to the name `a`, with a default.
        name = self._name(self._child(node, "left"))
        value = self._node("assignment", node, [name, *self._fields(node, "right")], "=")
        return self._node("property", node, [value], name.text)

    def _sequence(self, node: tree_sitter.Node) -> SyntaxNode:
        """Build `a, b, c`, which tree-sitter nests to the right."""
        # tree-sitter's nesting has no meaning: the engine sees one list.
        parts = []
        for child in _named(node):
            part = self.build(child)
            parts += part.parts if child.type == "sequence_expression" else [part]
        return self._node("sequence", node, parts)

    def _import(self, node: tree_sitter.Node) -> SyntaxNode:
        bindings: list[tuple[str, str]] = []
        names = []
        for clause in (child for child in _named(node) if child.type == "import_clause"):
            for part in _named(clause):
                for imported, local in self._imported(part):
                    bindings.append((imported, self._text(local)))
                    names.append(self._name(local))
        if any(child.type == "import_attribute" for child in node.children):
            raise self._source.error("the import statement is malformed", node)
        statement = self._node("import", node, names)
        module = self._text(self._child(node, "source"))[1:-1]
        self.imports.append(ImportStatement(module, tuple(bindings), statement))
        return statement

    def _imported(self, part: tree_sitter.Node) -> Iterator[tuple[str, tree_sitter.Node]]:
        """Yield the bindings of a part of an import: the imported name and the node of the local one."""
        if part.type == "identifier":
            yield "default", part
        elif part.type == "namespace_import":
            yield "*", _named(part)[0]
        else:
            for specifier in _named(part):
                name = self._child(specifier, "name")
                yield self._text(name).strip("'\""), specifier.child_by_field_name("alias") or name

    def _export(self, node: tree_sitter.Node) -> SyntaxNode:
        if node.child_by_field_name("source") is not None:
            raise self._source.error("exporting from another module is not possible", node)
        if any(child.type == "default" for child in node.children):
            (value,) = self._fields(node, "value", "declaration")
            exported = self._node("exported", node, [value], "default")
            return self._node("export", node, [exported])
        clauses = [child for child in _named(node) if child.type == "export_clause"]
        if clauses:
            return self._node("export", node, [self._exported(each) for each in _named(clauses[0])])
        return self._node("export", node, self._fields(node, "declaration"))

    def _exported(self, node: tree_sitter.Node) -> SyntaxNode:
        name = self._child(node, "name")
        outer = node.child_by_field_name("alias") or name
        return self._node("exported", node, [self._name(name)], self._text(outer).strip("'\""))


def _named(node: tree_sitter.Node) -> list[tree_sitter.Node]:
    return [child for child in node.named_children if child.type not in ("comment", "html_comment")]


_LEAVES: Final[Mapping[str, Kind]] = {
    "identifier": "name",
    "undefined": "name",
    "number": "literal",
    "string": "literal",
    "true": "literal",
    "false": "literal",
    "null": "literal",
}
"""Types of tree-sitter's nodes of which only the text matters."""
_LISTS: Final[Mapping[str, Kind]] = {
    "program": "program",
    "statement_block": "block",
    "return_statement": "return",
    "array": "list",
    "array_pattern": "list",
    "object": "object",
    "object_pattern": "object",
    "spread_element": "spread",
    "rest_pattern": "spread",
}
"""Types whose parts are all named children."""
_BY_FIELDS: Final[Mapping[str, tuple[Kind, tuple[str, ...]]]] = {
    "empty_statement": ("empty", ()),
    "break_statement": ("break", ()),
    "variable_declarator": ("declarator", ("name", "value")),
    "if_statement": ("if", ("condition", "consequence", "alternative")),
    "switch_case": ("case", ("value", "body")),
    "switch_default": ("case", ("value", "body")),
    "subscript_expression": ("index", ("object", "index")),
    "assignment_pattern": ("assignment", ("left", "right")),
    "assignment_expression": ("assignment", ("left", "right")),
    "augmented_assignment_expression": ("assignment", ("left", "right")),
    "binary_expression": ("binary", ("left", "right")),
    "unary_expression": ("unary", ("argument",)),
    "ternary_expression": ("conditional", ("condition", "consequence", "alternative")),
}
"""Types whose parts are in fields, and whose text is the operator."""
_BUILDERS: Final[Mapping[str, Callable[[_Builder, tree_sitter.Node], SyntaxNode]]] = {
    "expression_statement": _Builder._expression_statement,
    "lexical_declaration": _Builder._declaration,
    "variable_declaration": _Builder._declaration,
    "else_clause": _Builder._inner,
    "for_in_statement": _Builder._for_in,
    "switch_statement": _Builder._switch,
    "function_declaration": _Builder._function,
    "function_expression": _Builder._function,
    "arrow_function": _Builder._function,
    "call_expression": _Builder._call,
    "member_expression": _Builder._member,
    "shorthand_property_identifier": _Builder._shorthand,
    "shorthand_property_identifier_pattern": _Builder._shorthand,
    "template_string": _Builder._template,
    "pair": _Builder._pair,
    "pair_pattern": _Builder._pair,
    "method_definition": _Builder._method,
    "object_assignment_pattern": _Builder._shorthand_with_default,
    "sequence_expression": _Builder._sequence,
    "parenthesized_expression": _Builder._inner,
    "import_statement": _Builder._import,
    "export_statement": _Builder._export,
}
"""All other types; types in none of these tables are not part of the language."""

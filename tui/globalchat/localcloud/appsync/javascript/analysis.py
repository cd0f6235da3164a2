"""The limits of APPSYNC_JS that depend on the meaning of a name.

They concern functions, `ctx`, methods, globals and the members of `util`.

Source: the AppSync developer guide (`supported-features`) and the rules of `@aws-appsync/eslint-plugin` 2.0.2
(`no-recursion`, `no-function-passing`, `no-function-reassign`, `no-function-return`, `no-disallowed-methods`,
`no-disallowed-re-assignment`). The plugin asks TypeScript for types; here a receiver's type is known only
where it is written down, and the runtime lacks the methods for the rest.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from globalchat.localcloud.appsync.javascript import language
from globalchat.localcloud.appsync.javascript.parser import (
    Program,
    ScriptError,
    SyntaxNode,
    names_of,
    targets_of,
)

HANDLERS = ("request", "response")


@dataclass(slots=True, eq=False)
class Binding:
    """A declared name. `value` is its initial value, if the file has one.

    `is_context` marks the first parameter of a handler; `imported` is the member of AWS's modules that it
    stands for (`export_path`), None if it is not imported.
    """

    name: str
    value: SyntaxNode | None = None
    imported: str | None = None
    is_context: bool = False

    @property
    def function(self) -> SyntaxNode | None:
        """The function that the name stands for, if it was declared as one."""
        return self.value if self.value and self.value.kind == "function" else None


@dataclass(slots=True, eq=False)
class NameScope:
    """The names declared in one block, function or file."""

    outer: "NameScope | None" = None
    bindings: dict[str, Binding] = field(default_factory=dict)

    def declare(self, name: str, value: SyntaxNode | None = None) -> Binding:
        """Declare a name."""
        # A `var` may be declared twice; the engine refuses a second `const` of the same name.
        binding = self.bindings.setdefault(name, Binding(name))
        binding.value = value if value is not None else binding.value
        return binding

    def find(self, name: str) -> Binding | None:
        """Look a name up, from this scope outwards."""
        scope: NameScope | None = self
        while scope is not None:
            if name in scope.bindings:
                return scope.bindings[name]
            scope = scope.outer
        return None

    def declare_statements(self, statements: list[SyntaxNode]) -> None:
        """Declare the names of a block's statements, which are visible in the whole block."""
        for statement in statements:
            inner = statement.parts[0] if statement.kind == "export" and statement.parts else statement
            if inner.kind == "exported":
                inner = inner.parts[0]
            if inner.kind == "declaration":
                self.declare_pattern(inner)
            elif inner.kind == "import":
                for name in inner.parts:
                    self.declare(name.text)
            elif inner.kind == "function" and inner.is_statement and inner.text:
                self.declare(inner.text, inner)
            # All cases of a switch share one scope.
            elif inner.kind == "case":
                self.declare_statements(inner.parts)

    def declare_pattern(self, declaration: SyntaxNode) -> None:
        """Declare the names of a `const`, `let` or `var`."""
        for declarator in declaration.parts:
            target, *value = declarator.parts
            if target.kind == "name":
                self.declare(target.text, value[0] if value else None)
            else:
                for name in names_of(target):
                    self.declare(name.text)

    def declare_hoisted(self, body: SyntaxNode) -> None:
        """Declare the `var`s within a function or file, those in inner blocks included."""
        rest = list(body.parts)
        while rest:
            node = rest.pop()
            if node.kind == "declaration" and node.text == "var":
                self.declare_pattern(node)
            # A function's own `var`s stay within it.
            if node.kind != "function":
                rest.extend(node.parts)


@dataclass(frozen=True, slots=True)
class CallCycle:
    """Functions that call each other in a cycle; `call` is the first call."""

    names: tuple[str, ...]
    call: SyntaxNode


@dataclass(slots=True)
class CallGraph:
    """The calls between a file's functions; a call in an inner function counts for the outer ones too."""

    _within: list[SyntaxNode] = field(default_factory=list)
    _calls: dict[SyntaxNode, dict[SyntaxNode, SyntaxNode]] = field(default_factory=dict)
    _names: dict[SyntaxNode, str] = field(default_factory=dict)

    @contextmanager
    def within(self, function: SyntaxNode) -> Iterator[None]:
        """Attribute calls to a function while the context is open."""
        self._within.append(function)
        # Without `finally`, since an error ends the whole analysis.
        yield
        self._within.pop()

    def name(self, function: SyntaxNode, name: str) -> None:
        """Set the name of a function, unless it has one."""
        self._names.setdefault(function, name)

    def add(self, called: SyntaxNode, call: SyntaxNode) -> None:
        """Add a call of a function, from the functions that are open."""
        for caller in self._within:
            self._calls.setdefault(caller, {}).setdefault(called, call)

    def cycle(self) -> CallCycle | None:
        """Return a cycle, if there is one."""
        # Functions from which no cycle is reached; each is searched once.
        done: set[SyntaxNode] = set()
        for begin in self._calls:
            found = self._search(begin, [], done)
            if found is not None:
                return found
        return None

    def _search(
        self, function: SyntaxNode, path: list[SyntaxNode], done: set[SyntaxNode]
    ) -> CallCycle | None:
        if function in path:
            cycle = [*path[path.index(function) :], function]
            names = tuple(self._names.get(node, "a function") for node in cycle)
            return CallCycle(names, self._calls[cycle[0]][cycle[1]])
        if function not in done:
            for called in self._calls.get(function, {}):
                found = self._search(called, [*path, function], done)
                if found is not None:
                    return found
            done.add(function)
        return None


def analyse(program: Program, file: str) -> None:
    """Check a file against the limits that depend on the meaning of a name.

    Raises:
        ScriptError: names the first problem and its place.
    """
    analyst = _Analyst(file)
    analyst.visit_program(program)
    cycle = analyst.calls.cycle()
    if cycle is not None:
        raise analyst.lacks(f"recursion ({' → '.join(cycle.names)})", cycle.call)


class _Analyst:
    def __init__(self, file: str) -> None:
        self.file = file
        self.calls = CallGraph()
        self.handlers: list[SyntaxNode] = []

    def lacks(self, what: str, node: SyntaxNode) -> ScriptError:
        message = f"APPSYNC_JS has no {what}"
        return ScriptError(message, file=self.file, line=node.line, column=node.column)

    def visit_program(self, program: Program) -> None:
        scope = NameScope()
        body = program.body
        scope.declare_statements(body.parts)
        scope.declare_hoisted(body)
        for each in program.imports:
            for imported, local in each.bindings:
                scope.declare(local).imported = language.export_path(each.module, imported)
        self.handlers = [function for _, function in handlers_of(body)]
        for statement in body.parts:
            self.visit(statement, scope)

    def visit(self, node: SyntaxNode, scope: NameScope) -> None:
        match node.kind:
            case "function":
                self._function(node, scope)
                return
            case "block" | "switch":
                scope = NameScope(scope)
                scope.declare_statements(node.parts)
            case "for":
                scope = NameScope(scope)
                scope.declare_statements(node.parts[:1])
                self._check_assigned(node.parts[0], scope)
            case "name":
                self._name(node, scope)
            case "member":
                self._member(node, scope)
            case "call":
                self._call(node, scope)
            case "assignment":
                self._check_assigned(node.parts[0], scope)
                if node.text == "=":
                    self._check_alias(node.parts[1], scope)
            # In a declaring pattern, names are not uses, but defaults and keys are expressions.
            case "declarator":
                self._pattern(node.parts[0], scope)
                for value in node.parts[1:]:
                    self._check_destructured(node.parts[0], self._path(value, scope))
                    self._check_alias(value, scope)
                    self.visit(value, scope)
                return
            case "unary" if node.text == "delete":
                self._check_context_write(node.parts[0], scope)
            case "return":
                for value in node.parts:
                    self._check_returned(value, scope)
            case "import":
                return
            case _:
                pass
        for part in node.parts:
            self.visit(part, scope)

    def _pattern(self, pattern: SyntaxNode, scope: NameScope) -> None:
        """Visit the expressions within a pattern that declares: defaults and computed keys."""
        match pattern.kind:
            case "assignment":
                self._pattern(pattern.parts[0], scope)
                self.visit(pattern.parts[1], scope)
            case "property":
                for key in pattern.parts[:-1]:
                    self.visit(key, scope)
                self._pattern(pattern.parts[-1], scope)
            case "list" | "object" | "spread":
                for part in pattern.parts:
                    self._pattern(part, scope)
            case _:
                pass

    def _function(self, node: SyntaxNode, scope: NameScope) -> None:
        scope = NameScope(scope)
        if node.text and not node.is_statement:
            scope.declare(node.text, node)
        parameters, body = node.parts
        for pattern in parameters.parts:
            for name in names_of(pattern):
                scope.declare(name.text)
        # A destructured context (`request({ args })`) has no name that could be written to.
        first = parameters.parts[0] if parameters.parts else None
        if node in self.handlers and first and first.kind == "name":
            scope.bindings[first.text].is_context = True
        with self.calls.within(node):
            for pattern in parameters.parts:
                self._pattern(pattern, scope)
            if body.kind == "block":
                scope.declare_statements(body.parts)
                scope.declare_hoisted(body)
                for statement in body.parts:
                    self.visit(statement, scope)
            else:
                self._check_returned(body, scope)
                self.visit(body, scope)

    def _function_of(self, node: SyntaxNode, scope: NameScope) -> SyntaxNode | None:
        """Return the function that an expression is or names."""
        if node.kind == "name":
            binding = scope.find(node.text)
            function = binding.function if binding else None
            if function is not None:
                self.calls.name(function, node.text)
            return function
        return node if node.kind == "function" else None

    def _name(self, node: SyntaxNode, scope: NameScope) -> None:
        if node.text in language.MISSING_GLOBALS and scope.find(node.text) is None:
            raise self.lacks(node.text, node)

    def _path(self, node: SyntaxNode, scope: NameScope) -> str | None:
        """Return the member of AWS's module that an expression names, as `util.time`; None for others."""
        if node.kind == "name":
            binding = scope.find(node.text)
            return binding.imported if binding is not None else None
        owner = self._path(node.parts[0], scope) if node.kind == "member" else None
        return None if owner is None else f"{owner}.{node.text}".lstrip(".")

    def _member(self, node: SyntaxNode, scope: NameScope) -> None:
        """Refuse a member of `util`, `extensions` or `runtime` that is not emulated."""
        path = self._path(node, scope)
        # In a chain, the first missing member is reported.
        if path is not None and node.parts[0].kind == "member":
            self._member(node.parts[0], scope)
        self._check_member(path, node)

    def _check_destructured(self, pattern: SyntaxNode, path: str | None) -> None:
        """Refuse a member that is not emulated in a pattern: `const { dynamodb } = util`."""
        for part in pattern.parts if path is not None and pattern.kind == "object" else ():
            if part.kind == "property" and part.text:
                inner = f"{path}.{part.text}".lstrip(".")
                self._check_member(inner, part)
                self._check_destructured(part.parts[-1], inner)

    def _check_member(self, path: str | None, node: SyntaxNode) -> None:
        problem = language.member_problem(path) if path else None
        if problem is not None:
            raise ScriptError(problem, file=self.file, line=node.line, column=node.column, is_gap=True)

    def _call(self, node: SyntaxNode, scope: NameScope) -> None:
        callee, *arguments = node.parts
        function = self._function_of(callee, scope)
        if function is not None:
            self.calls.add(function, node)
        if callee.kind == "member":
            self._method(callee, arguments, scope)
        passed = [(argument, self._function_of(argument, scope)) for argument in arguments]
        for argument, function in passed:
            if function is None:
                continue
            if callee.kind != "member" or callee.text not in language.CALLBACK_METHODS:
                raise self.lacks("passing of functions, but to array methods such as map", argument)
            # A named callback is called by the array method, so it counts for recursion.
            if argument.kind == "name":
                self.calls.add(function, argument)

    def _method(self, callee: SyntaxNode, arguments: list[SyntaxNode], scope: NameScope) -> None:
        receiver, name = callee.parts[0], callee.text
        binding = scope.find(receiver.text) if receiver.kind == "name" else None
        value = binding.value if binding is not None else receiver
        lacking = None
        if (
            receiver.kind == "name"
            and binding is None
            and name in language.MISSING_STATIC_METHODS.get(receiver.text, ())
        ):
            lacking = f"method {receiver.text}.{name}"
        elif name == "sort" and arguments:
            lacking = "comparator of Array.sort"
        elif value is not None and value.kind == "list" and name in language.MISSING_ARRAY_METHODS:
            lacking = f"method Array.{name}"
        elif value is not None and _is_text(value) and name in language.MISSING_STRING_METHODS:
            lacking = f"method String.{name}"
        # An object may have a function of its own under this name.
        elif name in language.MISSING_METHODS_OF_ONE_TYPE and not (value and value.kind == "object"):
            lacking = language.MISSING_METHODS_OF_ONE_TYPE[name]
        if lacking:
            raise self.lacks(lacking, callee)

    def _check_assigned(self, target: SyntaxNode, scope: NameScope) -> None:
        if target.kind == "declaration":
            return
        for leaf in targets_of(target):
            binding = scope.find(leaf.text) if leaf.kind == "name" else None
            if binding is not None and binding.function is not None:
                raise self.lacks(f"re-assignment of functions ({leaf.text})", leaf)
            self._check_context_write(leaf, scope)

    def _check_alias(self, value: SyntaxNode, scope: NameScope) -> None:
        if value.kind == "name" and self._function_of(value, scope) is not None:
            raise self.lacks(f"re-assignment of functions ({value.text})", value)

    def _check_returned(self, value: SyntaxNode, scope: NameScope) -> None:
        if self._function_of(value, scope) is not None:
            raise self.lacks("functions that return functions", value)

    def _check_context_write(self, target: SyntaxNode, scope: NameScope) -> None:
        """Refuse to re-assign or delete `ctx` and its direct properties."""
        owner = target.parts[0] if target.kind in ("member", "index") else target
        binding = scope.find(owner.text) if owner.kind == "name" else None
        if binding is not None and binding.is_context:
            name = f"{owner.text}.{target.text}" if target.kind == "member" else owner.text
            raise self.lacks(f"re-assignment of {name}, which is read-only", target)


def handlers_of(program: SyntaxNode) -> Iterator[tuple[str, SyntaxNode]]:
    """Yield the handlers that a file exports: name and function."""
    scope = NameScope()
    scope.declare_statements(program.parts)
    scope.declare_hoisted(program)
    for outer, local in _exported(program):
        binding = scope.find(local)
        if outer in HANDLERS and binding is not None and binding.function is not None:
            yield outer, binding.function


def _exported(program: SyntaxNode) -> Iterator[tuple[str, str]]:
    """Yield the exports of a file: the exported and the local name."""
    for statement in program.parts:
        for node in statement.parts if statement.kind == "export" else ():
            if node.kind == "exported":
                yield node.text, node.parts[0].text
            elif node.kind == "function":
                yield node.text, node.text
            elif node.kind == "declaration":
                yield from ((name.text, name.text) for part in node.parts for name in names_of(part.parts[0]))


def _is_text(node: SyntaxNode) -> bool:
    return node.kind == "template" or (node.kind == "literal" and node.text[:1] in "'\"")

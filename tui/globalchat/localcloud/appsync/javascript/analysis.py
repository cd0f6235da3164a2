"""The limits of APPSYNC_JS that need to know what a name stands for.

These are about functions, `ctx`, methods, globals and the members of `util`.

Source: the AppSync developer guide (`supported-features`) and the rules of `@aws-appsync/eslint-plugin` 2.0.2
(`no-recursion`, `no-function-passing`, `no-function-reassign`, `no-function-return`, `no-disallowed-methods`,
`no-disallowed-re-assignment`). The plugin asks TypeScript for types; here a receiver's type is known only
where it is written down, and the runtime lacks the methods for the rest.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from globalchat.localcloud.appsync.javascript import language, members
from globalchat.localcloud.appsync.javascript.errors import ScriptError
from globalchat.localcloud.appsync.javascript.parser import Node, Program, names_of, targets_of

HANDLERS = ("request", "response")


@dataclass(slots=True, eq=False)
class Binding:
    """A declared name. `value` is what it was declared with, if that is written there.

    `is_context` marks the first parameter of a handler; `imported` is the name in AWS's module of what was
    imported, empty for the whole module.
    """

    name: str
    value: Node | None = None
    imported: str | None = None
    is_context: bool = False

    @property
    def function(self) -> Node | None:
        """The function that the name stands for, if it was declared as one."""
        return self.value if self.value and self.value.kind == "function" else None


@dataclass(slots=True, eq=False)
class Scope:
    """The names declared in one block, function or file."""

    outer: "Scope | None" = None
    bindings: dict[str, Binding] = field(default_factory=dict)

    def declare(self, name: str, value: Node | None = None) -> Binding:
        """Declare a name."""
        binding = self.bindings.setdefault(name, Binding(name))
        binding.value = value if value is not None else binding.value
        return binding

    def find(self, name: str) -> Binding | None:
        """Look a name up, from here outwards."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.bindings:
                return scope.bindings[name]
            scope = scope.outer
        return None

    def declare_statements(self, statements: list[Node]) -> None:
        """Declare what the statements of a block declare: names hold in the whole block."""
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
            elif inner.kind == "case":
                self.declare_statements(inner.parts)

    def declare_pattern(self, declaration: Node) -> None:
        """Declare the names of a `const`, `let` or `var`."""
        for declarator in declaration.parts:
            target, *value = declarator.parts
            if target.kind == "name":
                self.declare(target.text, value[0] if value else None)
            else:
                for name in names_of(target):
                    self.declare(name.text)

    def declare_hoisted(self, body: Node) -> None:
        """Declare the `var`s within a function or file, whatever blocks they stand in."""
        rest = list(body.parts)
        while rest:
            node = rest.pop()
            if node.kind == "declaration" and node.text == "var":
                self.declare_pattern(node)
            if node.kind != "function":
                rest.extend(node.parts)


@dataclass(frozen=True, slots=True)
class Cycle:
    """Functions that call each other in a circle; `call` is the first call."""

    names: tuple[str, ...]
    call: Node


@dataclass(slots=True)
class Calls:
    """The calls of a file's functions; what an inner function calls, the outer ones call too."""

    _within: list[Node] = field(default_factory=list)
    _calls: dict[Node, dict[Node, Node]] = field(default_factory=dict)
    _names: dict[Node, str] = field(default_factory=dict)

    @contextmanager
    def within(self, function: Node) -> Iterator[None]:
        """Go into a function for a while."""
        self._within.append(function)
        yield
        self._within.pop()

    def name(self, function: Node, name: str) -> None:
        """Remember what a function is called."""
        self._names.setdefault(function, name)

    def add(self, called: Node, call: Node) -> None:
        """Note a call of a function where we are."""
        for caller in self._within:
            self._calls.setdefault(caller, {}).setdefault(called, call)

    def cycle(self) -> Cycle | None:
        """Find a circle, if there is one."""
        done: set[Node] = set()
        for begin in self._calls:
            found = self._search(begin, [], done)
            if found is not None:
                return found
        return None

    def _search(self, function: Node, path: list[Node], done: set[Node]) -> Cycle | None:
        if function in path:
            circle = [*path[path.index(function) :], function]
            names = tuple(self._names.get(node, "a function") for node in circle)
            return Cycle(names, self._calls[circle[0]][circle[1]])
        if function not in done:
            for called in self._calls.get(function, {}):
                found = self._search(called, [*path, function], done)
                if found is not None:
                    return found
            done.add(function)
        return None


def analyse(program: Program, file: str) -> None:
    """Refuse what the language lacks.

    Raises:
        ScriptError: names the first such thing and its place.
    """
    analyst = _Analyst(file)
    analyst.visit_program(program)
    cycle = analyst.calls.cycle()
    if cycle is not None:
        raise analyst.lacks(f"recursion ({' → '.join(cycle.names)})", cycle.call)


class _Analyst:
    def __init__(self, file: str) -> None:
        self.file = file
        self.calls = Calls()
        self.handlers: list[Node] = []

    def lacks(self, what: str, node: Node) -> ScriptError:
        message = f"APPSYNC_JS has no {what}"
        return ScriptError(message, file=self.file, line=node.line, column=node.column)

    def visit_program(self, program: Program) -> None:
        scope = Scope()
        body = program.body
        scope.declare_statements(body.parts)
        scope.declare_hoisted(body)
        for each in program.imports:
            for imported, local in each.bindings:
                scope.declare(local).imported = "" if imported == "*" else imported
        self._find_handlers(body, scope)
        for statement in body.parts:
            self.visit(statement, scope)

    def _find_handlers(self, program: Node, scope: Scope) -> None:
        for outer, local in _exported(program):
            binding = scope.find(local)
            if outer in HANDLERS and binding is not None and binding.function is not None:
                self.handlers.append(binding.function)

    def visit(self, node: Node, scope: Scope) -> None:
        match node.kind:
            case "function":
                self._function(node, scope)
                return
            case "block" | "switch":
                scope = Scope(scope)
                scope.declare_statements(node.parts)
            case "for":
                scope = Scope(scope)
                scope.declare_statements(node.parts[:1])
                self._assigned(node.parts[0], scope)
            case "name":
                self._name(node, scope)
            case "member":
                self._member(node, scope)
            case "call":
                self._call(node, scope)
            case "assignment":
                self._assigned(node.parts[0], scope)
                if node.text == "=":
                    self._copied(node.parts[1], scope)
            case "declarator":
                self._pattern(node.parts[0], scope)
                for value in node.parts[1:]:
                    self._taken_apart(node.parts[0], self._path(value, scope))
                    self._copied(value, scope)
                    self.visit(value, scope)
                return
            case "unary" if node.text == "delete":
                self._of_context(node.parts[0], scope)
            case "return":
                for value in node.parts:
                    self._returned(value, scope)
            case "import":
                return
            case _:
                pass
        for part in node.parts:
            self.visit(part, scope)

    def _pattern(self, pattern: Node, scope: Scope) -> None:
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

    def _function(self, node: Node, scope: Scope) -> None:
        scope = Scope(scope)
        if node.text and not node.is_statement:
            scope.declare(node.text, node)
        parameters, body = node.parts
        for pattern in parameters.parts:
            for name in names_of(pattern):
                scope.declare(name.text)
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
                self._returned(body, scope)
                self.visit(body, scope)

    def _function_of(self, node: Node, scope: Scope) -> Node | None:
        """The function that an expression is, or that its name stands for."""
        if node.kind == "name":
            binding = scope.find(node.text)
            function = binding.function if binding else None
            if function is not None:
                self.calls.name(function, node.text)
            return function
        return node if node.kind == "function" else None

    def _name(self, node: Node, scope: Scope) -> None:
        if node.text in language.GLOBALS and scope.find(node.text) is None:
            raise self.lacks(node.text, node)

    def _path(self, node: Node, scope: Scope) -> str | None:
        """Return what an expression stands for in AWS's module, such as `util.time`; None if for nothing."""
        if node.kind == "name":
            binding = scope.find(node.text)
            return binding.imported if binding is not None else None
        owner = self._path(node.parts[0], scope) if node.kind == "member" else None
        return None if owner is None else f"{owner}.{node.text}".lstrip(".")

    def _member(self, node: Node, scope: Scope) -> None:
        """Refuse a member of `util`, `extensions` or `runtime` that does not work here."""
        path = self._path(node, scope)
        # Of a chain, the first member that is missing is named.
        if path is not None and node.parts[0].kind == "member":
            self._member(node.parts[0], scope)
        self._provided(path, node)

    def _taken_apart(self, pattern: Node, path: str | None) -> None:
        """Refuse such members in a pattern: `const { dynamodb } = util`."""
        for part in pattern.parts if path is not None and pattern.kind == "object" else ():
            if part.kind == "property" and part.text:
                inner = f"{path}.{part.text}".lstrip(".")
                self._provided(inner, part)
                self._taken_apart(part.parts[-1], inner)

    def _provided(self, path: str | None, node: Node) -> None:
        problem = members.problem(path) if path else None
        if problem is not None:
            raise ScriptError(problem, file=self.file, line=node.line, column=node.column)

    def _call(self, node: Node, scope: Scope) -> None:
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
            if argument.kind == "name":
                self.calls.add(function, argument)

    def _method(self, callee: Node, arguments: list[Node], scope: Scope) -> None:
        receiver, name = callee.parts[0], callee.text
        binding = scope.find(receiver.text) if receiver.kind == "name" else None
        value = binding.value if binding is not None else receiver
        lacking = None
        if receiver.kind == "name" and binding is None and name in language.STATIC.get(receiver.text, ()):
            lacking = f"method {receiver.text}.{name}"
        elif name == "sort" and arguments:
            lacking = "comparator of Array.sort"
        elif value is not None and value.kind == "list" and name in language.ARRAY:
            lacking = f"method Array.{name}"
        elif value is not None and _is_text(value) and name in language.STRING:
            lacking = f"method String.{name}"
        elif name in language.UNMISTAKABLE and not (value and value.kind == "object"):
            lacking = language.UNMISTAKABLE[name]
        if lacking:
            raise self.lacks(lacking, callee)

    def _assigned(self, target: Node, scope: Scope) -> None:
        if target.kind == "declaration":
            return
        for leaf in targets_of(target):
            binding = scope.find(leaf.text) if leaf.kind == "name" else None
            if binding is not None and binding.function is not None:
                raise self.lacks(f"re-assignment of functions ({leaf.text})", leaf)
            self._of_context(leaf, scope)

    def _copied(self, value: Node, scope: Scope) -> None:
        if value.kind == "name" and self._function_of(value, scope) is not None:
            raise self.lacks(f"re-assignment of functions ({value.text})", value)

    def _returned(self, value: Node, scope: Scope) -> None:
        if self._function_of(value, scope) is not None:
            raise self.lacks("functions that return functions", value)

    def _of_context(self, target: Node, scope: Scope) -> None:
        """Refuse to re-assign or delete `ctx` and its direct properties."""
        owner = target.parts[0] if target.kind in ("member", "index") else target
        binding = scope.find(owner.text) if owner.kind == "name" else None
        if binding is not None and binding.is_context:
            name = f"{owner.text}.{target.text}" if target.kind == "member" else owner.text
            raise self.lacks(f"re-assignment of {name}, which is read-only", target)


def _exported(program: Node) -> Iterator[tuple[str, str]]:
    """List what a file exports: the name outside and the name inside."""
    for statement in program.parts:
        for node in statement.parts if statement.kind == "export" else ():
            if node.kind == "exported":
                yield node.text, node.parts[0].text
            elif node.kind == "function":
                yield node.text, node.text
            elif node.kind == "declaration":
                yield from ((name.text, name.text) for part in node.parts for name in names_of(part.parts[0]))


def _is_text(node: Node) -> bool:
    return node.kind == "template" or (node.kind == "literal" and node.text[:1] in "'\"")

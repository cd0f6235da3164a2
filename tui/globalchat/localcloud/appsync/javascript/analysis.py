"""The limits of APPSYNC_JS that need to know what a name stands for: functions, `ctx`, methods, globals.

Source: the AppSync developer guide (`supported-features`) and the rules of `@aws-appsync/eslint-plugin` 2.0.2
(`no-recursion`, `no-function-passing`, `no-function-reassign`, `no-function-return`, `no-disallowed-methods`,
`no-disallowed-re-assignment`). The plugin asks TypeScript for types; here a receiver's type is known only
where it is written down, and the runtime lacks the methods for the rest.
"""

from collections.abc import Iterator

from globalchat.localcloud.appsync.javascript import methods
from globalchat.localcloud.appsync.javascript.errors import ScriptError
from globalchat.localcloud.appsync.javascript.recursion import Calls
from globalchat.localcloud.appsync.javascript.scopes import Scope
from globalchat.localcloud.appsync.javascript.syntax import Node, names_of, targets_of
from globalchat.localcloud.appsync.javascript.tokens import Token

HANDLERS = ("request", "response")


def analyse(program: Node, file: str) -> None:
    """Refuse what the language lacks.

    Raises:
        ScriptError: names the first such thing and its place.
    """
    analyst = _Analyst(file)
    analyst.visit_program(program)
    cycle = analyst.calls.cycle()
    if cycle is not None:
        raise analyst.lacks(f"recursion ({' → '.join(cycle.names)})", cycle.token)


class _Analyst:
    def __init__(self, file: str) -> None:
        self.file = file
        self.calls = Calls()
        self.handlers: list[Node] = []

    def lacks(self, what: str, token: Token) -> ScriptError:
        message = f"APPSYNC_JS has no {what}"
        return ScriptError(message, file=self.file, line=token.line, column=token.column)

    def visit_program(self, program: Node) -> None:
        scope = Scope()
        scope.declare_statements(program.parts)
        scope.declare_hoisted(program)
        self._find_handlers(program, scope)
        for statement in program.parts:
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
            case "call":
                self._call(node, scope)
            case "assignment":
                self._assigned(node.parts[0], scope)
                if node.text == "=":
                    self._copied(node.parts[1], scope)
            case "declarator":
                self._pattern(node.parts[0], scope)
                for value in node.parts[1:]:
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
        if node.text in methods.GLOBALS and scope.find(node.text) is None:
            raise self.lacks(node.text, node.token)

    def _call(self, node: Node, scope: Scope) -> None:
        callee, *arguments = node.parts
        function = self._function_of(callee, scope)
        if function is not None:
            self.calls.add(function, node.token)
        if callee.kind == "member":
            self._method(callee, arguments, scope)
        passed = [(argument, self._function_of(argument, scope)) for argument in arguments]
        for argument, function in passed:
            if function is None:
                continue
            if callee.kind != "member" or callee.text not in methods.CALLBACK_METHODS:
                raise self.lacks("passing of functions, but to array methods such as map", argument.token)
            if argument.kind == "name":
                self.calls.add(function, argument.token)

    def _method(self, callee: Node, arguments: list[Node], scope: Scope) -> None:
        receiver, name = callee.parts[0], callee.text
        binding = scope.find(receiver.text) if receiver.kind == "name" else None
        value = binding.value if binding is not None else receiver
        lacking = None
        if receiver.kind == "name" and binding is None and name in methods.STATIC.get(receiver.text, ()):
            lacking = f"method {receiver.text}.{name}"
        elif name == "sort" and arguments:
            lacking = "comparator of Array.sort"
        elif value is not None and value.kind == "list" and name in methods.ARRAY:
            lacking = f"method Array.{name}"
        elif value is not None and _is_text(value) and name in methods.STRING:
            lacking = f"method String.{name}"
        elif name in methods.UNMISTAKABLE and not (value and value.kind == "object"):
            lacking = methods.UNMISTAKABLE[name]
        if lacking:
            raise self.lacks(lacking, callee.token)

    def _assigned(self, target: Node, scope: Scope) -> None:
        if target.kind == "declaration":
            return
        for leaf in targets_of(target):
            binding = scope.find(leaf.text) if leaf.kind == "name" else None
            if binding is not None and binding.function is not None:
                raise self.lacks(f"re-assignment of functions ({leaf.text})", leaf.token)
            self._of_context(leaf, scope)

    def _copied(self, value: Node, scope: Scope) -> None:
        if value.kind == "name" and self._function_of(value, scope) is not None:
            raise self.lacks(f"re-assignment of functions ({value.text})", value.token)

    def _returned(self, value: Node, scope: Scope) -> None:
        if self._function_of(value, scope) is not None:
            raise self.lacks("functions that return functions", value.token)

    def _of_context(self, target: Node, scope: Scope) -> None:
        """Refuse to re-assign or delete `ctx` and its direct properties."""
        owner = target.parts[0] if target.kind in ("member", "index") else target
        binding = scope.find(owner.text) if owner.kind == "name" else None
        if binding is not None and binding.is_context:
            name = f"{owner.text}.{target.text}" if target.kind == "member" else owner.text
            raise self.lacks(f"re-assignment of {name}, which is read-only", target.token)


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

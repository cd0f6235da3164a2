"""Finds out what the names of a resolver file stand for."""

from dataclasses import dataclass, field

from globalchat.localcloud.appsync.javascript.syntax import Node, names_of


@dataclass(slots=True, eq=False)
class Binding:
    """A declared name. `value` is what it was declared with, if that is written there.

    `is_context` marks the first parameter of a handler.
    """

    name: str
    value: Node | None = None
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

"""Parses expressions and functions: precedence climbing over the tokens of a file."""

from collections.abc import Sequence
from typing import Final

from globalchat.localcloud.appsync.javascript.errors import ScriptError
from globalchat.localcloud.appsync.javascript.syntax import Kind, Node
from globalchat.localcloud.appsync.javascript.tokens import Token

_PRECEDENCE: Final = {
    operator: level
    for level, operators in enumerate(
        (
            ("??", "||"),
            ("&&",),
            ("|",),
            ("^",),
            ("&",),
            ("==", "!=", "===", "!=="),
            ("<", ">", "<=", ">="),
            ("<<", ">>", ">>>"),
            ("+", "-"),
            ("*", "/", "%"),
            ("**",),
        ),
        start=1,
    )
    for operator in operators
}
_ASSIGNMENTS: Final = (
    "=", "+=", "-=", "*=", "/=", "%=", "**=", "<<=", ">>=", ">>>=", "&=", "|=", "^=", "&&=", "||=", "??=",
)  # fmt: skip
_UNARY_WORDS: Final = ("typeof", "void", "delete")
_BRACKETS: Final = {"(": ")", "[": "]", "{": "}"}


class ExpressionParser:
    """Reads expressions off a list of tokens, from `index` on."""

    def __init__(self, tokens: Sequence[Token], file: str) -> None:
        self.tokens = tokens
        self.file = file
        self.index = 0
        last = tokens[-1] if tokens else None
        line, end = (last.line, last.end) if last else (1, 0)
        self._sentinel = Token("punctuator", "", end, end, line, 1, "top", True)
        self._closing = _match_brackets(tokens)

    def peek(self) -> Token:
        """The next token, an empty one behind the last."""
        return self.tokens[self.index] if self.index < len(self.tokens) else self._sentinel

    def previous(self) -> Token:
        """The token just taken."""
        return self.tokens[self.index - 1]

    def take(self) -> Token:
        """Take the next token."""
        token = self.peek()
        if not token.text:
            raise self.unexpected(token)
        self.index += 1
        return token

    def at(self, *texts: str) -> bool:
        """Tell whether the next token is one of these punctuators."""
        return self.peek().is_punctuator(*texts)

    def at_word(self, *words: str) -> bool:
        """Tell whether the next token is one of these words."""
        token = self.peek()
        return token.kind == "name" and token.text in words

    def accept(self, *texts: str) -> bool:
        """Take the next token if it is one of these punctuators."""
        found = self.at(*texts)
        self.index += found
        return found

    def accept_word(self, word: str) -> bool:
        """Take the next token if it is this word."""
        found = self.at_word(word)
        self.index += found
        return found

    def expect(self, text: str) -> Token:
        """Take a punctuator that must be there."""
        token = self.take()
        if not token.is_punctuator(text):
            raise self.unexpected(token)
        return token

    def unexpected(self, token: Token) -> ScriptError:
        """Make the error of a token that has no place where it is."""
        what = repr(token.text) if token.text else "end of the file"
        return ScriptError(
            f"SyntaxError: unexpected {what}", file=self.file, line=token.line, column=token.column
        )

    def node(self, kind: Kind, begin: Token, parts: list[Node] | None = None, text: str = "") -> Node:
        """Make a node that ends with the token just taken."""
        return Node(kind, begin, parts or [], text, self.previous().end if self.index else 0)

    def block(self) -> Node:
        """Read a block; statements know how."""
        raise NotImplementedError

    def parenthesised(self) -> Node:
        """Read `(expression)`."""
        self.expect("(")
        inner = self.expression()
        self.expect(")")
        return inner

    def expression(self) -> Node:
        """Read an expression, commas included."""
        first = self.assignment()
        if not self.at(","):
            return first
        parts = [first]
        while self.accept(","):
            parts.append(self.assignment())
        return self.node("sequence", first.token, parts)

    def assignment(self) -> Node:
        """Read an expression up to a comma."""
        begin = self.peek()
        if self._at_arrow_function():
            return self._arrow_function()
        left = self._conditional()
        if self.at(*_ASSIGNMENTS):
            operator = self.take()
            return self.node("assignment", begin, [left, self.assignment()], operator.text)
        return left

    def target(self) -> Node:
        """Read what a declaration or a parameter binds: a name or a pattern."""
        token = self.peek()
        if token.kind != "name" and not token.is_punctuator("{", "["):
            raise self.unexpected(token)
        return self._primary()

    def left_hand_side(self) -> Node:
        """Read a name, a member, a call, and what follows them."""
        begin = self.peek()
        node = self._primary()
        while True:
            if self.accept(".", "?."):
                node = self._after_dot(node, begin)
            elif self.at("("):
                node = self.node("call", begin, [node, *self._arguments()])
            elif self.accept("["):
                index = self.expression()
                self.expect("]")
                node = self.node("index", begin, [node, index])
            elif self.peek().kind == "template" and self.peek().text.startswith("`"):
                node = self.node("call", begin, [node, self._template()])
            else:
                return node

    def function_declaration(self) -> Node:
        """Read `function name(…) {…}`."""
        function = self._function()
        function.is_statement = True
        return function

    def _conditional(self) -> Node:
        begin = self.peek()
        condition = self._binary(1)
        if not self.accept("?"):
            return condition
        consequent = self.assignment()
        self.expect(":")
        return self.node("conditional", begin, [condition, consequent, self.assignment()])

    def _binary(self, lowest: int) -> Node:
        begin = self.peek()
        left = self._unary()
        while self.peek().kind == "punctuator":
            level = _PRECEDENCE.get(self.peek().text, 0)
            if level < lowest:
                break
            operator = self.take()
            # Exponentiation alone groups to the right.
            right = self._binary(level if operator.text == "**" else level + 1)
            left = self.node("binary", begin, [left, right], operator.text)
        return left

    def _unary(self) -> Node:
        token = self.peek()
        if token.is_punctuator("!", "+", "-") or self.at_word(*_UNARY_WORDS):
            operator = self.take()
            return self.node("unary", token, [self._unary()], operator.text)
        return self.left_hand_side()

    def _after_dot(self, node: Node, begin: Token) -> Node:
        """Read what follows `.` or `?.`."""
        if self.previous().text == "?.":
            if self.at("("):
                return self.node("call", begin, [node, *self._arguments()])
            if self.accept("["):
                index = self.expression()
                self.expect("]")
                return self.node("index", begin, [node, index])
        name = self.take()
        if name.kind != "name":
            raise self.unexpected(name)
        return self.node("member", name, [node], name.text)

    def _arguments(self) -> list[Node]:
        self.expect("(")
        return self._elements(")")

    def _elements(self, closing: str) -> list[Node]:
        """Read expressions, spread ones and holes among them, up to a bracket."""
        elements = []
        while not self.accept(closing):
            token = self.peek()
            if closing == "]" and self.accept(","):
                continue
            if self.accept("..."):
                elements.append(self.node("spread", token, [self.assignment()]))
            else:
                elements.append(self.assignment())
            if not self.at(closing):
                self.expect(",")
        return elements

    def _primary(self) -> Node:
        token = self.peek()
        if token.kind == "template":
            return self._template()
        if token.kind in ("number", "string"):
            return self.node("literal", self.take(), [], token.text)
        if token.kind == "name":
            if token.text == "function":
                return self._function()
            self.take()
            kind: Kind = "literal" if token.text in ("null", "true", "false") else "name"
            return self.node(kind, token, [], token.text)
        if self.at("("):
            return self.parenthesised()
        if self.accept("["):
            return self.node("list", token, self._elements("]"))
        if self.accept("{"):
            return self._object(token)
        raise self.unexpected(token)

    def _template(self) -> Node:
        begin = self.take()
        parts = []
        if not begin.text.startswith("`"):
            raise self.unexpected(begin)
        while not self.previous().text.endswith("`"):
            parts.append(self.expression())
            if not (self.peek().kind == "template" and self.peek().text.startswith("}")):
                raise self.unexpected(self.peek())
            self.take()
        return self.node("template", begin, parts)

    def _object(self, begin: Token) -> Node:
        properties = []
        while not self.accept("}"):
            token = self.peek()
            if self.accept("..."):
                properties.append(self.node("spread", token, [self.assignment()]))
            else:
                properties.append(self._property())
            if not self.at("}"):
                self.expect(",")
        return self.node("object", begin, properties)

    def _property(self) -> Node:
        begin = self.take()
        if begin.text in ("get", "set") and not self.at(",", ":", "(", "}", "="):
            begin = self.take()
        parts = []
        if begin.is_punctuator("["):
            parts.append(self.assignment())
            self.expect("]")
        elif begin.kind not in ("name", "string", "number"):
            raise self.unexpected(begin)
        key = "" if parts else begin.text.strip("'\"")
        if self.accept(":"):
            parts.append(self.assignment())
        elif self.at("("):
            parts.append(self._parameters_and_body(begin, name=""))
        else:
            name = self.node("name", begin, [], begin.text)
            if begin.kind != "name" or parts:
                raise self.unexpected(self.peek())
            default = self.accept("=")
            parts.append(self.node("assignment", begin, [name, self.assignment()], "=") if default else name)
        return self.node("property", begin, parts, key)

    def _function(self) -> Node:
        begin = self.take()
        name = self.take().text if self.peek().kind == "name" else ""
        return self._parameters_and_body(begin, name)

    def _parameters_and_body(self, begin: Token, name: str) -> Node:
        opening = self.peek()
        parameters = self.node("parameters", opening, self._arguments())
        return self.node("function", begin, [parameters, self.block()], name)

    def _at_arrow_function(self) -> bool:
        token = self.peek()
        after = self.index + 1
        if token.is_punctuator("("):
            after = self._closing.get(self.index, self.index) + 1
        elif token.kind != "name":
            return False
        return after < len(self.tokens) and self.tokens[after].is_punctuator("=>")

    def _arrow_function(self) -> Node:
        begin = self.peek()
        patterns = self._arguments() if self.at("(") else [self._primary()]
        parameters = self.node("parameters", begin, patterns)
        self.expect("=>")
        body = self.block() if self.at("{") else self.assignment()
        return self.node("function", begin, [parameters, body])


def _match_brackets(tokens: Sequence[Token]) -> dict[int, int]:
    """Find the closing bracket of each opening one; the tokenizer has made sure that they match."""
    closing: dict[int, int] = {}
    opened: list[int] = []
    for index, token in enumerate(tokens):
        if token.is_punctuator(*_BRACKETS):
            opened.append(index)
        elif token.is_punctuator(")", "]", "}") and opened:
            closing[opened.pop()] = index
    return closing

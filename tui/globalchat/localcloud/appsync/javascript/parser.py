"""Parses a resolver file into its syntax tree.

It reads what APPSYNC_JS has; `language.check` has refused the rest by name before. What is merely odd (a
`const` without a value, a duplicate name) is left to the engine, which parses every file once more.
"""

from collections.abc import Sequence
from typing import Final

from globalchat.localcloud.appsync.javascript.errors import ScriptError
from globalchat.localcloud.appsync.javascript.expressions import ExpressionParser
from globalchat.localcloud.appsync.javascript.imports import read_import
from globalchat.localcloud.appsync.javascript.syntax import Node
from globalchat.localcloud.appsync.javascript.tokens import Token

_DECLARATIONS: Final = ("const", "let", "var")


def parse(tokens: Sequence[Token], file: str) -> Node:
    """Parse a whole file.

    Raises:
        ScriptError: it is no valid program, or nested too deeply.
    """
    try:
        return _Parser(tokens, file).program()
    except RecursionError:
        raise ScriptError("the file is nested too deeply", file=file) from None


class _Parser(ExpressionParser):
    """Statements."""

    def program(self) -> Node:
        begin = self.peek()
        statements = []
        while self.peek().text:
            statements.append(self.statement())
        return self.node("program", begin, statements)

    def block(self) -> Node:
        begin = self.expect("{")
        statements = []
        while not self.accept("}"):
            statements.append(self.statement())
        return self.node("block", begin, statements)

    def statement(self) -> Node:
        token = self.peek()
        if token.is_punctuator("{"):
            return self.block()
        if token.is_punctuator(";"):
            return self.node("empty", self.take())
        if token.kind == "name":
            read = {
                "function": self.function_declaration,
                "if": self._if,
                "for": self._for,
                "switch": self._switch,
                "return": self._return,
                "break": self._break,
                "import": self._import,
                "export": self._export,
            }.get(token.text)
            if read is not None:
                return read()
            if token.text in _DECLARATIONS:
                declaration = self._declaration()
                self._end()
                return declaration
        expression = self.expression()
        self._end()
        return expression

    def _end(self) -> None:
        """End a statement: by a semicolon, or where one may be left out."""
        token = self.peek()
        if not self.accept(";") and token.text and not token.is_punctuator("}") and not token.newline_before:
            raise self.unexpected(token)

    def _declaration(self) -> Node:
        keyword = self.take()
        declarators = [self._declarator()]
        while self.accept(","):
            declarators.append(self._declarator())
        return self.node("declaration", keyword, declarators, keyword.text)

    def _declarator(self) -> Node:
        target = self.target()
        parts = [target]
        if self.accept("="):
            parts.append(self.assignment())
        return self.node("declarator", target.token, parts)

    def _if(self) -> Node:
        begin = self.take()
        parts = [self.parenthesised(), self.statement()]
        if self.accept_word("else"):
            parts.append(self.statement())
        return self.node("if", begin, parts)

    def _for(self) -> Node:
        self.take()
        self.expect("(")
        if self.peek().text in _DECLARATIONS:
            keyword = self.take()
            target = self.target()
            left = self.node(
                "declaration", keyword, [self.node("declarator", target.token, [target])], keyword.text
            )
        else:
            left = self.left_hand_side()
        kind = self.take()
        if kind.kind != "name" or kind.text not in ("of", "in"):
            raise self.unexpected(kind)
        iterable = self.assignment() if kind.text == "of" else self.expression()
        closing = self.expect(")")
        return self.node("for", closing, [left, iterable, self.statement()], kind.text)

    def _switch(self) -> Node:
        begin = self.take()
        parts = [self.parenthesised()]
        self.expect("{")
        while not self.accept("}"):
            parts.append(self._case())
        return self.node("switch", begin, parts)

    def _case(self) -> Node:
        begin = self.take()
        if begin.kind != "name" or begin.text not in ("case", "default"):
            raise self.unexpected(begin)
        parts = [self.expression()] if begin.text == "case" else []
        self.expect(":")
        while not (self.at("}") or self.at_word("case", "default")):
            parts.append(self.statement())
        return self.node("case", begin, parts)

    def _return(self) -> Node:
        begin = self.take()
        token = self.peek()
        parts = []
        if token.text and not token.newline_before and not token.is_punctuator(";", "}"):
            parts.append(self.expression())
        self._end()
        return self.node("return", begin, parts)

    def _break(self) -> Node:
        begin = self.take()
        self._end()
        return self.node("break", begin)

    def _import(self) -> Node:
        statement = read_import(self.tokens, self.index, self.file)
        begin = self.peek()
        self.index = statement.next
        return self.node("import", begin, [Node("name", begin, [], local) for _, local in statement.bindings])

    def _export(self) -> Node:
        begin = self.take()
        if self.accept_word("default"):
            if self.at_word("function"):
                value = self.function_declaration()
            else:
                value = self.assignment()
                self._end()
            return self.node("export", begin, [self.node("exported", value.token, [value], "default")])
        if self.accept("{"):
            exported = self._export_list()
            self._end()
            return self.node("export", begin, exported)
        return self.node("export", begin, [self.statement()])

    def _export_list(self) -> list[Node]:
        exported = []
        while not self.accept("}"):
            local = outer = self.take()
            if self.accept_word("as"):
                outer = self.take()
            exported.append(
                self.node("exported", local, [Node("name", local, [], local.text)], outer.text.strip("'\""))
            )
            if not self.at("}"):
                self.expect(",")
        return exported

"""Replaces the imports of `@aws-appsync/utils`: the engine has no module loader."""

from collections.abc import Sequence
from typing import Final

from localcloud.appsync.javascript.errors import ScriptError
from localcloud.appsync.javascript.language import is_property_name
from localcloud.appsync.javascript.tokens import Token

MODULE: Final = "@aws-appsync/utils"
EXPORTS: Final = ("util", "extensions", "runtime")
NAMESPACE: Final = "__appsync.utils"
"""Where the engine keeps the module's exports."""


def replace_imports(source: str, tokens: Sequence[Token], file: str) -> str:
    """Blank every import of the module and declare what it bound in front of the first line.

    Lines keep their numbers, so that errors name the right place; imports bind before anything runs, as in a
    module.

    Raises:
        ScriptError: another module, or a name that the module does not export.
    """
    declarations: list[str] = []
    index = 0
    while index < len(tokens):
        token = tokens[index]
        if token.kind == "name" and not is_property_name(tokens, index):
            if token.text == "import":
                statement = _Import(tokens, index, file)
                declarations += statement.declarations
                source = _blank(source, token.start, statement.end)
                index = statement.next
                continue
            if token.text == "export":
                _refuse_export_from(tokens, index, file)
        index += 1
    return "".join(declarations) + source


def _blank(source: str, start: int, end: int) -> str:
    blanked = "".join(c if c in "\r\n\u2028\u2029" else " " for c in source[start:end])
    return source[:start] + blanked + source[end:]


def _refuse_export_from(tokens: Sequence[Token], index: int, file: str) -> None:
    following = list(tokens[index + 1 :])
    if following and following[0].is_punctuator("*"):
        raise _error(tokens[index], "exporting from another module is not possible", file)
    if following and following[0].is_punctuator("{"):
        closing = next(i for i, token in enumerate(following) if token.is_punctuator("}"))
        if closing + 1 < len(following) and following[closing + 1].text == "from":
            raise _error(tokens[index], "exporting from another module is not possible", file)


class _Import:
    """Reads one import statement; `next` is the index behind it, `end` the offset."""

    def __init__(self, tokens: Sequence[Token], index: int, file: str) -> None:
        self.tokens = tokens
        self.file = file
        self.keyword = tokens[index]
        self.next = index + 1
        self.bindings: list[tuple[str, str]] = []
        """What is imported (`*` for all) and what it is called here."""
        if self._at("(", "."):
            raise self._error("import() and import.meta are not available")
        if self._peek().kind != "string":
            self._clause()
            self._expect("from")
        module = self._take()
        if module.kind != "string" or module.text[1:-1] != MODULE:
            raise self._error(f"only {MODULE} can be imported, not {module.text}")
        if self._at(";"):
            self._take()
        self.end = tokens[self.next - 1].end
        self.declarations = [self._declare(*binding) for binding in self.bindings]

    def _declare(self, imported: str, local: str) -> str:
        if imported == "*":
            return f"const {local} = {NAMESPACE};"
        if imported not in EXPORTS:
            raise self._error(f"{MODULE} exports {', '.join(EXPORTS)}, not {imported}")
        return f"const {local} = {NAMESPACE}.{imported};"

    def _clause(self) -> None:
        if self._peek().kind == "name":
            self.bindings.append(("default", self._take().text))
            if self._at(","):
                self._take()
        if self._at("*"):
            self._take()
            self._expect("as")
            self.bindings.append(("*", self._take().text))
        elif self._at("{"):
            self._names()

    def _names(self) -> None:
        self._take()
        while not self._at("}"):
            imported = local = self._take().text.strip("'\"")
            if self._peek().text == "as":
                self._take()
                local = self._take().text
            self.bindings.append((imported, local))
            if not self._at("}"):
                self._expect(",")
        self._take()

    def _expect(self, text: str) -> None:
        if self._take().text != text:
            raise self._error("the import statement is malformed")

    def _at(self, *texts: str) -> bool:
        return self._peek().is_punctuator(*texts)

    def _peek(self) -> Token:
        if self.next < len(self.tokens):
            return self.tokens[self.next]
        end = self.tokens[-1].end
        return Token("punctuator", "", end, end, self.keyword.line, self.keyword.column, "top", False)

    def _take(self) -> Token:
        token = self._peek()
        if not token.text:
            raise self._error("the import statement is malformed")
        self.next += 1
        return token

    def _error(self, message: str) -> ScriptError:
        return _error(self.keyword, message, self.file)


def _error(token: Token, message: str, file: str) -> ScriptError:
    return ScriptError(message, file=file, line=token.line, column=token.column)

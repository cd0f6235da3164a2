"""Reads imports: only `@aws-appsync/utils` exists, and the engine has no module loader."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from globalchat.localcloud.appsync.javascript.errors import ScriptError
from globalchat.localcloud.appsync.javascript.tokens import Token

MODULE: Final = "@aws-appsync/utils"
EXPORTS: Final = ("util", "extensions", "runtime")
HELPERS: Final = ("ai", "dynamodb", "rds")
"""The module's helper modules, for data sources that are not emulated."""

NAMESPACE: Final = "__appsync.utils"
"""Where the engine keeps the module's exports."""


@dataclass(frozen=True, slots=True)
class Import:
    """An import statement: what it binds (imported and local name, `*` for all), the index behind it."""

    bindings: tuple[tuple[str, str], ...]
    next: int

    def declarations(self) -> str:
        """Declare what it binds, as statements."""
        return "".join(_declare(imported, local) for imported, local in self.bindings)


def read_import(tokens: Sequence[Token], index: int, file: str) -> Import:
    """Read the import statement that begins at an index.

    Raises:
        ScriptError: another module, or a name that the module does not export.
    """
    return _ImportReader(tokens, index, file).read()


def refuse_export_from(tokens: Sequence[Token], file: str) -> None:
    """Refuse `export … from`.

    Raises:
        ScriptError: something is exported from another module.
    """
    for index, token in enumerate(tokens):
        if token.kind != "name" or token.text != "export" or token.scope != "top":
            continue
        following = tokens[index + 1 : index + 2]
        behind = index + 2
        if following and following[0].is_punctuator("{"):
            behind = next((i for i in range(index, len(tokens)) if tokens[i].is_punctuator("}")), index) + 1
        elif not (following and following[0].is_punctuator("*")):
            continue
        if following[0].text == "*" or (behind < len(tokens) and tokens[behind].text == "from"):
            raise _error(token, "exporting from another module is not possible", file)


def _declare(imported: str, local: str) -> str:
    return f"const {local} = {NAMESPACE};" if imported == "*" else f"const {local} = {NAMESPACE}.{imported};"


class _ImportReader:
    def __init__(self, tokens: Sequence[Token], index: int, file: str) -> None:
        self.tokens = tokens
        self.file = file
        self.keyword = tokens[index]
        self.next = index + 1
        self.bindings: list[tuple[str, str]] = []

    def read(self) -> Import:
        if self._peek().kind != "string":
            self._clause()
            self._expect("from")
        self._check_module(self._take())
        for imported, _ in self.bindings:
            if imported != "*" and imported not in EXPORTS:
                raise self._error(f"{MODULE} exports {', '.join(EXPORTS)}, not {imported}")
        if self._at(";"):
            self._take()
        return Import(tuple(self.bindings), self.next)

    def _check_module(self, module: Token) -> None:
        name = module.text[1:-1]
        if module.kind == "string" and name in [f"{MODULE}/{helper}" for helper in HELPERS]:
            raise self._error(f"not emulated: {name}, which serves other data sources")
        if module.kind != "string" or name != MODULE:
            raise self._error(f"only {MODULE} can be imported, not {module.text}")

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

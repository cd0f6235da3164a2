"""Turns a resolver file into the module that the engine runs: imports replaced, loops counted."""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

from globalchat.localcloud.appsync.javascript.imports import read_import
from globalchat.localcloud.appsync.javascript.syntax import Node
from globalchat.localcloud.appsync.javascript.tokens import Token

TICK: Final = "__tick();"
"""What each loop calls first in each turn."""


@dataclass(frozen=True, slots=True)
class Module:
    """A module's text, line by line that of the file; `insertions` are what was put in: offset and length."""

    text: str
    source: str
    insertions: tuple[tuple[int, int], ...]

    def original_column(self, line: int, column: int) -> int:
        """Find the column in the file of a place in the module; both count from 1."""
        lines = self.source.split("\n")
        if not 1 <= line <= len(lines):
            return column
        begin = sum(len(text) + 1 for text in lines[: line - 1])
        shift = 0
        for offset, length in self.insertions:
            if begin <= offset <= begin + len(lines[line - 1]) and offset - begin + shift < column - 1:
                shift += min(length, column - 1 - (offset - begin + shift))
        return column - shift


def rewrite(source: str, tokens: list[Token], program: Node, file: str) -> Module:
    """Blank the imports, declare what they bound in front of the first line, count the turns of loops.

    Imports bind before anything runs, as in a module.
    """
    insertions: list[tuple[int, str]] = []
    declarations = ""
    starts = [token.start for token in tokens]
    for node in program.parts:
        if node.kind == "import":
            statement = read_import(tokens, bisect_right(starts, node.token.start) - 1, file)
            declarations += statement.declarations()
            source = _blank(source, node.token.start, tokens[statement.next - 1].end)
    for node in program.walk():
        if node.kind == "for":
            insertions += [(node.token.end, "{" + TICK), (node.end, "}")]
    if declarations:
        insertions.append((0, declarations))
    insertions.sort(key=lambda insertion: insertion[0])
    pieces, position = [], 0
    for offset, text in insertions:
        pieces += [source[position:offset], text]
        position = offset
    pieces.append(source[position:])
    return Module("".join(pieces), source, tuple((offset, len(text)) for offset, text in insertions))


def _blank(source: str, start: int, end: int) -> str:
    blanked = "".join(c if c in "\r\n\u2028\u2029" else " " for c in source[start:end])
    return source[:start] + blanked + source[end:]

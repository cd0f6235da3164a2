"""Turns a resolver file into the module that the engine runs: imports replaced, loops counted."""

from dataclasses import dataclass
from typing import Final

from globalchat.localcloud.appsync.javascript.parser import Program, characters

TICK: Final = "__tick();"
"""What each loop calls first in each turn."""

NAMESPACE: Final = "__appsync.utils"
"""Where the engine keeps what AWS's module exports."""


@dataclass(frozen=True, slots=True)
class Module:
    """A module's text, line by line that of the file; `insertions` are what was put in: offset and length."""

    text: str
    source: str
    insertions: tuple[tuple[int, int], ...]

    def original_column(self, line: int, column: int) -> int:
        """Return the column in the file of a place that the engine names in the module.

        Both count from 1; the engine counts bytes, the answer is in characters.
        """
        lines = self.source.split("\n")
        if not 1 <= line <= len(lines):
            return column
        column = characters(self.text.split("\n")[line - 1], column - 1) + 1
        begin = sum(len(text) + 1 for text in lines[: line - 1])
        shift = 0
        for offset, length in self.insertions:
            if begin <= offset <= begin + len(lines[line - 1]) and offset - begin + shift < column - 1:
                shift += min(length, column - 1 - (offset - begin + shift))
        return column - shift


def rewrite(source: str, program: Program) -> Module:
    """Blank the imports, declare what they bound in front of the first line, count the turns of loops.

    Imports bind before anything runs, as in a module.
    """
    insertions: list[tuple[int, str]] = []
    declarations = ""
    for each in program.imports:
        declarations += "".join(_declare(imported, local) for imported, local in each.bindings)
        source = _blank(source, each.node.start, each.node.end)
    for node in program.body.walk():
        if node.kind == "for":
            insertions += [(node.body.start, "{" + TICK), (node.end, "}")]
    if declarations:
        insertions.append((0, declarations))
    insertions.sort(key=lambda insertion: insertion[0])
    pieces, position = [], 0
    for offset, text in insertions:
        pieces += [source[position:offset], text]
        position = offset
    pieces.append(source[position:])
    return Module("".join(pieces), source, tuple((offset, len(text)) for offset, text in insertions))


def _declare(imported: str, local: str) -> str:
    return f"const {local} = {NAMESPACE};" if imported == "*" else f"const {local} = {NAMESPACE}.{imported};"


def _blank(source: str, start: int, end: int) -> str:
    blanked = "".join(c if c in "\r\n\u2028\u2029" else " " for c in source[start:end])
    return source[:start] + blanked + source[end:]

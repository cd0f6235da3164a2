"""Splits JavaScript into tokens: enough of ECMAScript's lexical grammar to tell code from text.

Strings, template literals, comments and regular expressions are told apart as the standard does; where that
needs a parser (is this `/` a division?), the tokens before and the open brackets decide.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

from globalchat.localcloud.appsync.javascript.errors import ScriptError

Kind = Literal["name", "private", "punctuator", "number", "string", "template", "regex"]

Scope = Literal["top", "block", "object", "paren", "condition", "for", "index", "template"]
"""The innermost open bracket; `condition` is that of `if`, `while`, `with`, `switch`, `template` a `${`."""

OPERAND_KEYWORDS: Final = frozenset(
    [
        "await",
        "case",
        "delete",
        "do",
        "else",
        "export",
        "import",
        "in",
        "instanceof",
        "new",
        "of",
        "return",
        "throw",
        "typeof",
        "void",
        "yield",
        "const",
        "let",
        "var",
        "default",
    ]
)
"""Names after which an expression (or a pattern) begins."""

_BLOCK_KEYWORDS: Final = frozenset(("do", "else", "finally", "try"))
_SPACE: Final = re.compile(r"(?:[\s\ufeff]|//[^\n\r\u2028\u2029]*|/\*.*?\*/)*", re.DOTALL)
_NEWLINE: Final = re.compile(r"\r\n|[\n\r\u2028\u2029]")
_NUMBER: Final = re.compile(
    r"0[xX][\da-fA-F_]+n?|0[oO][0-7_]+n?|0[bB][01_]+n?"
    r"|\d[\d_]*(?:\.[\d_]*)?(?:[eE][+-]?[\d_]+)?n?|\.\d[\d_]*(?:[eE][+-]?[\d_]+)?"
)
_STRING: Final = re.compile(r"'(?:[^'\\\n\r]|\\(?:\r\n|.))*'|\"(?:[^\"\\\n\r]|\\(?:\r\n|.))*\"", re.DOTALL)
_TEMPLATE: Final = re.compile(r"(?:[^`\\$]|\\.|\$(?!\{))*(?:`|\$\{)", re.DOTALL)
_REGEX: Final = re.compile(
    r"/(?:[^\[/\\\n\r\u2028\u2029]|\\[^\n\r\u2028\u2029]|\[(?:[^\]\\\n\r\u2028\u2029]|\\[^\n\r\u2028\u2029])*\])+/[\w$]*"
)
_PUNCTUATOR: Final = re.compile(
    r">>>=|\.\.\.|===|!==|\*\*=|<<=|>>=|>>>|&&=|\|\|=|\?\?=|=>|==|!=|<=|>=|&&|\|\||\?\?|\?\.(?!\d)|\+\+|--|\+=|-="
    r"|\*=|/=|%=|&=|\|=|\^=|<<|>>|\*\*|[{}()\[\];,<>+\-*/%&|^!~?:=.@]"
)


@dataclass(frozen=True, slots=True)
class Token:
    """One token. `line` and `column` count from 1; `scope` is where it stands, brackets count as inside."""

    kind: Kind
    text: str
    start: int
    end: int
    line: int
    column: int
    scope: Scope
    newline_before: bool

    def is_punctuator(self, *texts: str) -> bool:
        """Tell whether this is one of the punctuators."""
        return self.kind == "punctuator" and self.text in texts


@dataclass(slots=True)
class _Bracket:
    scope: Scope
    ternaries: int = 0


def tokenize(source: str, file: str) -> list[Token]:
    """Split a file into its tokens, without white space and comments.

    Raises:
        ScriptError: something never ends (a string, template, comment, bracket), or a character has no place.
    """
    return _Tokenizer(source, file).run()


class _Tokenizer:
    def __init__(self, source: str, file: str) -> None:
        self.source = source
        self.file = file
        self.position = 0
        self.line = 1
        self.line_start = 0
        self.tokens: list[Token] = []
        self.brackets = [_Bracket("top")]
        self.operand_ended = False
        """Whether an expression has just ended, so that `/` divides."""

    def run(self) -> list[Token]:
        while self._skip_space():
            self._read()
        if len(self.brackets) > 1:
            raise self._error("unexpected end of the file, a bracket is open")
        return self.tokens

    def _skip_space(self) -> bool:
        match = _SPACE.match(self.source, self.position)
        self.newline = self._advance(match.end() if match else self.position)
        if self.source.startswith("/*", self.position):
            raise self._error("a comment never ends")
        return self.position < len(self.source)

    def _advance(self, end: int) -> bool:
        newlines = list(_NEWLINE.finditer(self.source, self.position, end))
        if newlines:
            self.line += len(newlines)
            self.line_start = newlines[-1].end()
        self.position = end
        return bool(newlines)

    def _read(self) -> None:
        character = self.source[self.position]
        if character in "'\"":
            self._take("string", _STRING, "a string never ends", ends_operand=True)
        elif character == "`":
            self._take_template(skip=1)
        elif character.isdigit() or re.match(r"\.\d", self.source[self.position : self.position + 2]):
            self._take("number", _NUMBER, "a number is malformed", ends_operand=True)
        elif character in "$_#\\" or character.isidentifier():
            self._take_name()
        elif character == "/" and not self.operand_ended:
            self._take("regex", _REGEX, "a regular expression never ends", ends_operand=True)
        elif character == "}" and self.brackets[-1].scope == "template":
            self.brackets.pop()
            self._take_template(skip=1)
        else:
            self._take_punctuator()

    def _take(self, kind: Kind, pattern: re.Pattern[str], problem: str, *, ends_operand: bool) -> None:
        match = pattern.match(self.source, self.position)
        if match is None:
            raise self._error(problem)
        self._append(kind, match.end())
        self.operand_ended = ends_operand

    def _take_template(self, skip: int) -> None:
        match = _TEMPLATE.match(self.source, self.position + skip)
        if match is None:
            raise self._error("a template literal never ends")
        self._append("template", match.end())
        self.operand_ended = match.group().endswith("`")
        if not self.operand_ended:
            self.brackets.append(_Bracket("template"))

    def _take_name(self) -> None:
        end = self.position + 1
        while end < len(self.source) and (
            self.source[end] in "$\\\u200c\u200d" or ("a" + self.source[end]).isidentifier()
        ):
            end += 1
        text = self.source[self.position : end]
        is_property = bool(self.tokens) and self.tokens[-1].is_punctuator(".", "?.")
        self._append("private" if text.startswith("#") else "name", end)
        self.operand_ended = is_property or text not in OPERAND_KEYWORDS

    def _take_punctuator(self) -> None:
        match = _PUNCTUATOR.match(self.source, self.position)
        if match is None:
            raise self._error(f"unexpected character {self.source[self.position]!r}")
        text = match.group()
        if text in ("{", "(", "["):
            self.brackets.append(_Bracket(self._opens(text)))
            self._append("punctuator", match.end())
            self.operand_ended = False
        elif text in ("}", ")", "]"):
            self._close(text, match.end())
        else:
            self._append("punctuator", match.end())
            self.operand_ended = text in ("++", "--")
            self._count_ternary(text)

    def _close(self, text: str, end: int) -> None:
        scope = self.brackets[-1].scope
        expected = {"block": "}", "object": "}", "index": "]", "top": ""}.get(scope, ")")
        if text != expected:
            raise self._error(f"unexpected {text!r}")
        self._append("punctuator", end)
        self.brackets.pop()
        self.operand_ended = scope not in ("block", "condition", "for")

    def _count_ternary(self, text: str) -> None:
        if text == "?":
            self.brackets[-1].ternaries += 1
        elif text == ":" and self.brackets[-1].ternaries:
            self.brackets[-1].ternaries -= 1
            # What follows the colon of a ternary is an expression, unlike what follows a label or a case.
            self.after_ternary = len(self.tokens)

    after_ternary: int = -1

    def _opens(self, text: str) -> Scope:
        previous = self.tokens[-1] if self.tokens else None
        if text == "[":
            return "index"
        if text == "(":
            if previous and previous.kind == "name" and not self._is_property():
                if previous.text == "for" or (previous.text == "await" and self._before_is("for")):
                    return "for"
                if previous.text in ("if", "while", "with", "switch"):
                    return "condition"
            return "paren"
        return "block" if previous is None or self._opens_block(previous) else "object"

    def _opens_block(self, previous: Token) -> bool:
        if previous.kind == "name":
            return self._is_property() or (
                previous.text in _BLOCK_KEYWORDS or previous.text not in OPERAND_KEYWORDS
            )
        if previous.is_punctuator(":"):
            return self.brackets[-1].scope in ("top", "block") and self.after_ternary != len(self.tokens)
        if previous.kind == "template":
            return self.operand_ended
        return previous.kind in ("string", "number", "regex") or previous.is_punctuator(
            ";", "{", "}", ")", "]", "=>"
        )

    def _is_property(self) -> bool:
        return self._before_is(".", "?.")

    def _before_is(self, *texts: str) -> bool:
        return len(self.tokens) > 1 and self.tokens[-2].text in texts

    def _append(self, kind: Kind, end: int) -> None:
        start, line, column = self.position, self.line, self.position - self.line_start + 1
        self._advance(end)
        text = self.source[start:end]
        scope = self.brackets[-1].scope
        self.tokens.append(Token(kind, text, start, end, line, column, scope, self.newline))

    def _error(self, message: str) -> ScriptError:
        column = self.position - self.line_start + 1
        return ScriptError(f"SyntaxError: {message}", file=self.file, line=self.line, column=column)

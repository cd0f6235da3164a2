"""What APPSYNC_JS lacks of JavaScript, refused when a file is loaded, as AWS refuses it at deployment.

Source: the AppSync developer guide (`supported-features`) and the rules of `@aws-appsync/eslint-plugin`
2.0.2. Here are the rules that single words break; `analysis` has those about functions, methods and `ctx`.
"""

from collections.abc import Sequence
from typing import Final

from globalchat.localcloud.appsync.javascript.errors import ScriptError
from globalchat.localcloud.appsync.javascript.tokens import Token

MAX_BYTES: Final = 32_768

_KEYWORDS: Final = {
    "while": "while loops",
    "do": "do loops",
    "try": "try statements",
    "catch": "catch clauses",
    "finally": "finally clauses",
    "throw": "throw statements (util.error stops with an error)",
    "class": "classes",
    "extends": "classes",
    "super": "classes",
    "this": "this",
    "continue": "continue statements",
    "await": "await",
    "yield": "generators",
    "instanceof": "the instanceof operator",
    "new": "the new operator",
    "with": "with statements",
    "debugger": "debugger statements",
}
_OPERATORS: Final = {"++": "the ++ operator", "--": "the -- operator", "~": "the ~ operator"}


def check(tokens: Sequence[Token], source: str, file: str) -> None:
    """Refuse what the language lacks.

    Raises:
        ScriptError: names the first such thing and its place.
    """
    try:
        size = len(source.encode())
    except UnicodeEncodeError:
        raise ScriptError("the text is not valid Unicode", file=file) from None
    if size > MAX_BYTES:
        raise ScriptError(f"a file has at most {MAX_BYTES} bytes, this one has {size}", file=file)
    for index, token in enumerate(tokens):
        lacking = _lacking(tokens, index)
        if lacking is not None:
            message = f"APPSYNC_JS has no {lacking}"
            raise ScriptError(message, file=file, line=token.line, column=token.column)


def _lacking(tokens: Sequence[Token], index: int) -> str | None:
    token = tokens[index]
    if token.kind == "regex":
        return "regular expression literals (util.matches takes a pattern)"
    if token.kind == "private":
        return "classes"
    if token.kind == "punctuator":
        return _lacking_punctuator(tokens, index)
    if token.kind == "name" and not is_property_name(tokens, index):
        return _lacking_name(tokens, index)
    return None


def _lacking_punctuator(tokens: Sequence[Token], index: int) -> str | None:
    token = tokens[index]
    if token.text in _OPERATORS:
        return _OPERATORS[token.text]
    if token.text == ";" and token.scope == "for":
        return "for loops of three parts (for…of and for…in exist)"
    if token.text == "*" and index > 0:
        before = tokens[index - 1]
        if before.text == "function" and before.kind == "name" and not is_property_name(tokens, index - 1):
            return "generators"
        if token.scope == "object" and before.is_punctuator("{", ","):
            return "generators"
    return None


def _lacking_name(tokens: Sequence[Token], index: int) -> str | None:
    token = tokens[index]
    if "\\" in token.text:
        return "escapes in names"
    if token.text in _KEYWORDS:
        return _KEYWORDS[token.text]
    if token.text == "in" and token.scope != "for":
        return "in operator outside of for…in"
    if token.text == "async" and _begins_async(tokens, index):
        return "async functions"
    if token.text == "import" and index + 1 < len(tokens) and tokens[index + 1].is_punctuator("(", "."):
        return "import() and import.meta"
    if _is_label(tokens, index):
        return "labels"
    return None


def is_property_name(tokens: Sequence[Token], index: int) -> bool:
    """Tell whether a name is a property or an export name: there, keywords are ordinary names."""
    before = tokens[index - 1] if index else None
    after = tokens[index + 1] if index + 1 < len(tokens) else None
    if before is None:
        return False
    if before.is_punctuator(".", "?."):
        return True
    if tokens[index].scope != "object":
        return False
    if before.kind == "name" and before.text in ("as", "get", "set", "async"):
        return True
    begins = before.is_punctuator("{", ",", "*")
    return begins and after is not None and (after.is_punctuator(":", "(", ",", "}") or after.text == "as")


def _begins_async(tokens: Sequence[Token], index: int) -> bool:
    if index + 1 >= len(tokens) or tokens[index + 1].newline_before:
        return False
    after = tokens[index + 1]
    if after.kind == "name":
        return after.text not in ("of", "in", "instanceof", "as", "from")
    if after.is_punctuator("*"):
        return tokens[index].scope == "object" and tokens[index - 1].is_punctuator("{", ",")
    return after.is_punctuator("(") and _arrow_follows(tokens, index + 1)


def _arrow_follows(tokens: Sequence[Token], opening: int) -> bool:
    depth = 0
    for index in range(opening, len(tokens)):
        if tokens[index].is_punctuator("(", "[", "{"):
            depth += 1
        elif tokens[index].is_punctuator(")", "]", "}"):
            depth -= 1
            if depth == 0:
                return index + 1 < len(tokens) and tokens[index + 1].is_punctuator("=>")
    return False


def _is_label(tokens: Sequence[Token], index: int) -> bool:
    token = tokens[index]
    if token.scope not in ("top", "block") or token.text == "default":
        return False
    if index + 1 >= len(tokens) or not tokens[index + 1].is_punctuator(":"):
        return False
    if index == 0:
        return True
    before = tokens[index - 1]
    if before.is_punctuator(";", "{", "}", ")") or before.text in ("else", "do"):
        return True
    if before.is_punctuator(":"):
        return not _ends_ternary(tokens, index - 1)
    return token.newline_before and (
        before.kind in ("number", "string", "regex")
        or (before.kind == "name" and before.text not in ("case", "typeof", "void", "delete", "new"))
        or before.is_punctuator("]")
    )


def _ends_ternary(tokens: Sequence[Token], colon: int) -> bool:
    """Tell whether a colon belongs to a `?` of its own statement, not to a case or a label."""
    depth = 0
    for index in range(colon - 1, -1, -1):
        token = tokens[index]
        if token.is_punctuator(")", "]", "}"):
            depth += 1
        elif token.is_punctuator("(", "[", "{"):
            depth -= 1
            if depth < 0:
                return False
        elif depth == 0 and token.is_punctuator("?"):
            return True
        elif depth == 0 and (token.is_punctuator(";") or token.text in ("case", "default")):
            return False
    return False

"""Slashes as division or regular expression, and templates, distinguished by the rules that apply to them."""

import pytest

from globalchat.localcloud.appsync.javascript.language import check
from globalchat.localcloud.appsync.javascript.parser import ScriptError, Source, leaves


def kinds(text: str) -> list[str]:
    """The types of the tokens of a file, `regex` for each regular expression."""
    found: list[str] = []
    for token in leaves(Source(text, "x.js").root):
        if token.parent is not None and token.parent.type == "regex":
            if found[-1:] != ["regex"]:
                found.append("regex")
        else:
            found.append(token.type)
    return found


@pytest.mark.parametrize(
    "source",
    [
        "x = /a[/]b/g",
        "if (a) /b/",
        "function f() { return /a/ }",
        "if (x) { a() } /b/",
        "a ? /b/ : c",
        "[/a/]",
    ],
)
def test_a_regular_expression_is_refused(source: str) -> None:
    assert "regex" in kinds(source)
    with pytest.raises(ScriptError, match="regular expression literals"):
        check(Source(source, "x.js"))


@pytest.mark.parametrize(
    "source",
    [
        "a / b / c", "f(a) / 2 / d", "a.return / b / c", "`a` / 2 / b", "1.5e3 / 2 / c",
        "x = { a: 1 } / b / c", "y = q ? 1 : { a: 1 } / b / c", "a[0] / b / c",
        "a // b /c/\n/* /while/ */ / d",
    ],
)  # fmt: skip
def test_a_division_is_none(source: str) -> None:
    assert kinds(source).count("/") == 2 or "//" in source
    check(Source(source, "x.js"))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("`a${b}c`", ["b"]),
        ("`a${ `b${c}` + {d: '}'} }e`", ["c", "d"]),
        ("'// no comment' + `/* nor */`", []),
        (r"'it\'s' + \"x${y}\"".replace(r"\"", '"'), []),
        ("a?.5:b", ["a", "b"]),
        ("a?.b", ["a", "b"]),
    ],
)
def test_names_within_text_and_templates(source: str, expected: list[str]) -> None:
    read = Source(source, "x.js")
    assert [
        read.text_of(token) for token in leaves(read.root) if token.type.endswith("identifier")
    ] == expected

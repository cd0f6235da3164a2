import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.localcloud.appsync.javascript.errors import ScriptError
from globalchat.localcloud.appsync.javascript.tokens import tokenize


def kinds(source: str) -> list[tuple[str, str]]:
    return [(token.kind, token.text) for token in tokenize(source, "x.js")]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a / b / c", ["name", "punctuator", "name", "punctuator", "name"]),
        ("f(a) / 2", ["name", "punctuator", "name", "punctuator", "punctuator", "number"]),
        ("x = /a[/]b/g", ["name", "punctuator", "regex"]),
        ("if (a) /b/", ["name", "punctuator", "name", "punctuator", "regex"]),
        ("return /a/", ["name", "regex"]),
        ("a.return / b", ["name", "punctuator", "name", "punctuator", "name"]),
        ("`a${b}c`", ["template", "name", "template"]),
        ("`a` / 2", ["template", "punctuator", "number"]),
        ("1.5e3/2", ["number", "punctuator", "number"]),
        ("a?.5:b", ["name", "punctuator", "number", "punctuator", "name"]),
        ("a?.b", ["name", "punctuator", "name"]),
        (r"'it\'s' + \"x\"".replace(r"\"", '"'), ["string", "punctuator", "string"]),
        ("a // b /c/\n/* while */ d", ["name", "name"]),
        ("'// no comment' `/* nor */`", ["string", "template"]),
        ("{ a: 1 } /b/", ["punctuator", "name", "punctuator", "number", "punctuator", "regex"]),
    ],
)
def test_kinds(source: str, expected: list[str]) -> None:
    assert [kind for kind, _ in kinds(source)] == expected


def test_a_brace_after_an_operator_opens_an_object_whose_end_can_be_divided() -> None:
    assert ("punctuator", "/") in kinds("x = { a: 1 } / b")
    assert ("regex", "/b/") in kinds("if (x) { a() } /b/")
    assert ("punctuator", "/") in kinds("y = q ? 1 : { a: 1 } / b")
    assert ("regex", "/b/") in kinds("switch (x) { case 1: { f() } /b/ }")


def test_templates_nest() -> None:
    assert kinds("`a${ `b${c}` + {d: '}'} }e`") == [
        ("template", "`a${"),
        ("template", "`b${"),
        ("name", "c"),
        ("template", "}`"),
        ("punctuator", "+"),
        ("punctuator", "{"),
        ("name", "d"),
        ("punctuator", ":"),
        ("string", "'}'"),
        ("punctuator", "}"),
        ("template", "}e`"),
    ]


def test_places_count_every_line_terminator_once() -> None:
    tokens = tokenize("a\r\nb\n c\u2028d /*\n*/ e `\n`\nf", "x.js")
    assert [(token.text, token.line, token.column) for token in tokens if token.kind == "name"] == [
        ("a", 1, 1),
        ("b", 2, 1),
        ("c", 3, 2),
        ("d", 4, 1),
        ("e", 5, 4),
        ("f", 7, 1),
    ]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("'abc", "x.js:1:1: SyntaxError: a string never ends"),
        ("x = 'a\nb'", "x.js:1:5: SyntaxError: a string never ends"),
        ("\n`a${b}", "x.js:2:6: SyntaxError: a template literal never ends"),
        ("a /* b", "x.js:1:3: SyntaxError: a comment never ends"),
        ("f(", "x.js:1:3: SyntaxError: unexpected end of the file, a bracket is open"),
        ("f(]", "x.js:1:3: SyntaxError: unexpected ']'"),
        ("}", "x.js:1:1: SyntaxError: unexpected '}'"),
        ("a \0", "x.js:1:3: SyntaxError: unexpected character '\\x00'"),
    ],
)
def test_what_never_ends_is_named(source: str, message: str) -> None:
    with pytest.raises(ScriptError) as raised:
        tokenize(source, "x.js")
    assert str(raised.value) == message


@given(st.text(alphabet="ab'\"`${}()[]/\\*\n;:?. =<>!", max_size=40))
@settings(deadline=None, max_examples=200)
def test_tokens_cover_the_source_or_the_error_has_a_place(source: str) -> None:
    try:
        tokens = tokenize(source, "x.js")
    except ScriptError as error:
        tokens = []
        has_place = error.line is not None
    else:
        has_place = True
    assert has_place
    end = 0
    for token in tokens:
        assert token.start >= end
        assert source[token.start : token.end] == token.text
        end = token.end

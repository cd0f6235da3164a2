# One case a line, whatever its length.
# ruff: noqa: E501

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.localcloud.appsync.javascript.engine import prepare
from globalchat.localcloud.appsync.javascript.parser import ScriptError, Source, SyntaxNode, parse


def outline(node: SyntaxNode) -> str:
    """The shape of a tree: `(binary+ a (binary* b c))`."""
    if not node.parts and node.kind in ("name", "literal"):
        return node.text
    inner = "".join(f" {outline(part)}" for part in node.parts)
    return f"({node.kind}{node.text and ':' + node.text}{inner})"


def parsed(source: str) -> str:
    program = parse(Source(source, "x.js")).body
    return " ".join(outline(statement) for statement in program.parts)


@pytest.mark.parametrize(
    ("source", "shape"),
    [
        ("a + b * c - d", "(binary:- (binary:+ a (binary:* b c)) d)"),
        ("a ** b ** c", "(binary:** a (binary:** b c))"),
        ("!a && -b || c", "(binary:|| (binary:&& (unary:! a) (unary:- b)) c)"),
        ("a ? b : c ? d : e", "(conditional a b (conditional c d e))"),
        ("a = b ??= c", "(assignment:= a (assignment:??= b c))"),
        ("(a, b)", "(sequence a b)"),
        ("a?.b?.[c]?.(d).e", "(member:e (call (index (member:b a) c) d))"),
        ("a`x${b}y${`z`}`", "(call a (template b (template)))"),
        ("(a) => b", "(function (parameters a) b)"),
        ("({ a, b: [c = 1, ...d] }, ...e) => ({})", "(function (parameters (object (property:a a) (property:b (list (assignment:= c 1) (spread d)))) (spread e)) (object))"),
        ("x = a\n(b)", "(assignment:= x (call a b))"),
        ("a\nb; c", "a b c"),
        ("return_\n+ 1", "(binary:+ return_ 1)"),
        ("if (a) b; else c", "(if a b c)"),
        ("for (const [a] of b) c", "(for:of (declaration:const (declarator (list a))) b c)"),
        ("for (a.b in c) {}", "(for:in (member:b a) c (block))"),
        ("switch (a) { case 1: b; break; default: c }", "(switch a (case 1 b (break)) (case c))"),
        ("function f() { return\n1 }", "(function:f (parameters) (block (return) 1))"),
        ("({ 'a': 1, 2: b, [c]: d, e() {}, get f() { return 1 }, get: 3, ...g })", "(object (property:a 1) (property:2 b) (property c d) (property:e (function (parameters) (block))) (property:f (function (parameters) (block (return 1)))) (property:get 3) (spread g))"),
        ("[, a, , b]", "(list a b)"),
        ("delete a.b, typeof c", "(sequence (unary:delete (member:b a)) (unary:typeof c))"),
        ("const a = 1, b = c;", "(declaration:const (declarator a 1) (declarator b c))"),
        ("export { a as b, c }; export default d", "(export (exported:b a) (exported:c c)) (export (exported:default d))"),
        ("export default function () {} a", "(export (exported:default (function (parameters) (block)))) a"),
        ("import { util as u } from '@aws-appsync/utils'; a", "(import u) a"),
        ("", ""),
    ],
)  # fmt: skip
def test_shapes(source: str, shape: str) -> None:
    assert parsed(source) == shape


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a b", "x.js:1:3: SyntaxError: expecting ';'"),
        ("(a", "x.js:1:3: SyntaxError: unexpected end of the file"),
        ("a +", "x.js:1:4: SyntaxError: unexpected end of the file"),
        ("const 1 = a", "x.js:1:7: SyntaxError: "),
        ("for (a) b", "x.js:1:7: SyntaxError: "),
        ("for (const a = 1 of b) c", "x.js:1:18: SyntaxError: "),
        ("for (var a = 1 in b) c", "x.js:1:6: SyntaxError: a loop's variable has a value"),
        ("({ 1 })", "x.js:1:6: SyntaxError: Unexpected token '}'"),
        ("({ a: })", "x.js:1:7: SyntaxError: unexpected token in expression: '}'"),
        ("a.1", "x.js:1:2: SyntaxError: expecting ';'"),
        ("switch (a) { b }", "x.js:1:14: SyntaxError: invalid switch statement"),
        ("f(a b)", "x.js:1:5: SyntaxError: Unexpected identifier 'b'"),
        ("`${a b}`", "x.js:1:6: SyntaxError: "),
        ("=> a", "x.js:1:1: SyntaxError: unexpected token in expression: '=>'"),
        ("'abc", "x.js:1:1: SyntaxError: unexpected end of string"),
        ("x = 'a\nb'", "x.js:1:5: SyntaxError: unexpected end of string"),
        ("\n`a${b}", "x.js:2:6: SyntaxError: "),
        ("a /* b", "x.js:1:3: SyntaxError: unexpected end of comment"),
        ("f(", "x.js:1:3: SyntaxError: unexpected end of the file"),
        ("f(]", "x.js:1:3: SyntaxError: "),
        ("}", "x.js:1:1: SyntaxError: "),
        ("a \0", "x.js:1:3: SyntaxError: unexpected '\\x00'"),
        ("const a = <b/>", "SyntaxError: unexpected '<b/>'"),
        ("@d function f() {}", "SyntaxError: "),
        ("import a from 'b' with { type: 'json' }", "APPSYNC_JS has no with statements"),
        ("const é = '😀'; a b", "x.js:1:18: SyntaxError: expecting ';'"),
        ("(" * 3000 + "a" + ")" * 3000, "x.js: the file is nested too deeply"),
    ],
)
def test_invalid_programs(source: str, message: str) -> None:
    with pytest.raises(ScriptError) as raised:
        prepare(source, "x.js")
    assert message in str(raised.value)


@pytest.mark.parametrize(
    "source",
    [
        "f(a,); [a,,]; ({ a, })",
        "if (a) b\nelse c",
        "`a` / 2; a?.5:b",
        "x = { a: 1 } / b; { a() } c / d",
        "a\n++b".replace("++", "+"),
        "const let_ = 1; let of = 2; for (const x of of) {}",
        "<!-- a".replace("<!--", "//"),
        "export default function () {} a",
    ],
)
def test_valid_programs(source: str) -> None:
    prepare(source, "x.js")


def test_places_count_characters_and_every_line_terminator_once() -> None:
    source = Source("a;\r\nb\n c;\u2028d /*\n*/; é; '😀'; e;`\n`\nf", "x.js")
    places = {}
    for node in parse(source).body.walk():
        if node.kind == "name":
            places[node.text] = (node.line, node.column)
            assert source.text[node.start : node.end].startswith(node.text)
    assert places == {
        "a": (1, 1), "b": (2, 1), "c": (3, 2), "d": (4, 1), "é": (5, 5), "e": (5, 13), "f": (7, 1)
    }  # fmt: skip


def test_a_rule_names_the_place_in_characters_too() -> None:
    with pytest.raises(ScriptError, match=r"^x\.js:2:9: APPSYNC_JS has no the \+\+ operator"):
        prepare("'ä';\nf('😀');x++", "x.js")


snippets = st.sampled_from(
    ["a", "b.c", "1", "'é'", "`x${", "}`", "(", ")", "[", "]", "{", "}", "=>", "=", ",", ";", "\n", "const ", "for (",
     "of ", "if (", "return ", "...", "?.", ":", "?", "function f", "export ", "/", "//", "/*", "*/", "'", "😀"]
)  # fmt: skip


@given(st.lists(snippets, max_size=14).map("".join))
@settings(deadline=None, max_examples=300)
def test_any_text_is_a_program_or_refused_with_a_place(text: str) -> None:
    source = Source(text, "x.js")
    refusal = None
    try:
        program = parse(source)
    except ScriptError as error:
        refusal = error
    if refusal is not None:
        assert refusal.line is not None
        assert refusal.column is not None
        return
    for node in program.body.walk():
        assert 0 <= node.start <= node.end <= len(text)
        if node.kind == "name":
            assert node.text in text

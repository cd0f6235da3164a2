# One case a line, whatever its length.
# ruff: noqa: E501

import pytest

from globalchat.localcloud.appsync.javascript.errors import ScriptError
from globalchat.localcloud.appsync.javascript.parser import parse
from globalchat.localcloud.appsync.javascript.syntax import Node
from globalchat.localcloud.appsync.javascript.tokens import tokenize


def outline(node: Node) -> str:
    """The shape of a tree: `(binary+ a (binary* b c))`."""
    if not node.parts and node.kind in ("name", "literal"):
        return node.text
    inner = "".join(f" {outline(part)}" for part in node.parts)
    return f"({node.kind}{node.text and ':' + node.text}{inner})"


def parsed(source: str) -> str:
    program = parse(tokenize(source, "x.js"), "x.js")
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
        ("a b", "x.js:1:3: SyntaxError: unexpected 'b'"),
        ("(a", "SyntaxError"),
        ("a +", "unexpected end of the file"),
        ("const 1 = a", "unexpected '1'"),
        ("for (a) b", "unexpected ')'"),
        ("for (const a = 1 of b) c", "unexpected '='"),
        ("({ 1 })", "unexpected"),
        ("({ a: })", "unexpected '}'"),
        ("a.1", "unexpected"),
        ("switch (a) { b }", "unexpected 'b'"),
        ("f(a b)", "unexpected 'b'"),
        ("`${a b}`", "unexpected 'b'"),
        ("=> a", "unexpected '=>'"),
        ("(" * 3000 + "a" + ")" * 3000, "x.js: the file is nested too deeply"),
    ],
)
def test_what_is_no_program(source: str, message: str) -> None:
    with pytest.raises(ScriptError) as raised:
        parsed(source)
    assert message in str(raised.value)

# One case a line, whatever its length.
# ruff: noqa: E501

import pytest

from globalchat.localcloud.appsync.javascript.engine import Script, prepare
from globalchat.localcloud.appsync.javascript.parser import ScriptError
from globalchat_infra.schema import deployed_code
from tests.localcloud.helpers.api_harness import FIELDS
from tests.localcloud.helpers.sample_resolvers import SAMPLES
from tests.localcloud.helpers.script_runs import run
from tests.paths import ROOT


def refusal(source: str) -> str | None:
    try:
        prepare(source, "x.js")
    except ScriptError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("source", "lacking"),
    [
        ("function f(n) { return n ? f(n - 1) : 0 }", "1:28: APPSYNC_JS has no recursion (f → f)"),
        ("const f = (n) => n && f(n)", "recursion (f → f)"),
        ("const f = function g() { g() }", "recursion (g → g)"),
        ("function a() { b() } var b = function () { c() }; const c = () => { a() }", "recursion (a → b → c → a)"),
        ("function walk(n) { return n.parts.map((part) => walk(part)) }", "recursion (walk → walk)"),
        ("function walk(n) { return n.parts.map(walk) }", "recursion (walk → walk)"),
        ("function f(n = f()) {}", "recursion (f → f)"),
        ("function g() {} function h(f) {} h(g)", "1:36: APPSYNC_JS has no passing of functions"),
        ("h(() => 1)", "passing of functions"),
        ("const h = (f) => f; h(function () {})", "passing of functions"),
        ("JSON.parse(x, (k, v) => v)", "passing of functions"),
        ("x.replace('a', () => 'b')", "passing of functions"),
        ("(() => 1)(() => 2)", "passing of functions"),
        ("[2, 1].sort((a, b) => a - b)", "comparator of Array.sort"),
        ("x\n  .sort(y)", "2:4: APPSYNC_JS has no comparator of Array.sort"),
        ("function f() { return () => 1 }", "functions that return functions"),
        ("const f = () => () => 1", "functions that return functions"),
        ("function f() { const g = () => 1; return g }", "functions that return functions"),
        ("const a = () => 1; const b = a", "re-assignment of functions (a)"),
        ("function a() {} let b; b = a", "re-assignment of functions (a)"),
        ("function a() {} a = 1", "re-assignment of functions (a)"),
        ("const a = () => 1; ({ x: a } = y)", "re-assignment of functions (a)"),
        ("export function request(ctx) { ctx = 1 }", "re-assignment of ctx, which is read-only"),
        ("export function request(ctx) { ctx.args = 1 }", "1:36: APPSYNC_JS has no re-assignment of ctx.args"),
        ("export function response(c) { c['stash'] = 1 }", "re-assignment of c, which"),
        ("export function request(ctx) { delete ctx.stash }", "re-assignment of ctx.stash"),
        ("export function request(ctx) { for (ctx.args of x) {} }", "re-assignment of ctx.args"),
        ("export function request(ctx) { [ctx.a] = [1] }", "re-assignment of ctx.a"),
        ("export function request(ctx) { ctx.n ??= 1 }", "re-assignment of ctx.n"),
        ("export const response = (ctx) => { ctx.n += 1 }", "re-assignment of ctx.n"),
        ("const r = (ctx) => { ctx.n = 1 }; export { r as request }", "re-assignment of ctx.n"),
        ("Object.freeze(x)", "method Object.freeze"),
        ("Object.create(null)", "method Object.create"),
        ("Array.from(x)", "method Array.from"),
        ("String.fromCharCode(1)", "method String.fromCharCode"),
        ("String.raw`a`", "method String.raw"),
        ("[1].keys()", "method Array.keys"),
        ("const a = [1]; a.entries()", "method Array.entries"),
        ("x.padStart(2)", "method String.padStart"),
        ("ctx.args.name.localeCompare(x)", "method String.localeCompare"),
        ("'a'.valueOf()", "method String.valueOf"),
        ("`a`.repeat(2)", "method String.repeat"),
        ("f.call(x)", "method Function.call"),
        ("f.apply(x, [])", "method Function.apply"),
        ("eval('1')", "1:1: APPSYNC_JS has no eval"),
        ("const f = Function", "Function"),
        ("Promise.resolve(1)", "Promise"),
        ("const { Map: M } = globalThis", "globalThis"),
        ("setTimeout(f, 1)", "setTimeout"),
        ("const o = { Symbol }", "Symbol"),
        ("`${Date.now()}`", "Date"),
        ("require('fs')", "require"),
        ("__appsync.utils", "__appsync"),
        ("__tick()", "__tick"),
        ("const f = ({ a = Date }) => a", "Date"),
        ("const { [Date]: a } = b", "Date"),
    ],
)  # fmt: skip
def test_missing_features_are_refused(source: str, lacking: str) -> None:
    message = refusal(source)
    assert message is not None
    assert lacking in message
    assert message.startswith("x.js:")


@pytest.mark.parametrize(
    "source",
    [
        "[3, 1].sort()",
        "const o = { search: (x) => x, repeat() { return 1 } }; o.search(1); o.repeat()",
        "Object.keys(x); Object.entries(x); Object.values(x); Object.hasOwn(x, 'a'); Object.assign({}, x)",
        "const keys = o.keys; o.map((x) => x)",
        "const Date = 1; Date + 1",
        "function f(Map) { return Map }",
        "x.Promise + x.eval + { Symbol: 1 }.Symbol",
        "function a() { b() } function b() { c() } function c() {}",
        "function f(f) { return f(1) }",
        "function f() { const g = 1; return g } function g() { f() }",
        "const f = (x) => x; const f2 = (x) => f(x)",
        "let f; f = () => 1",
        "function request(ctx) { const { args } = ctx; { const ctx = {}; ctx.a = 1 } }",
        "export function request(ctx) { ctx.args.a = 1; ctx.stash = ctx.stash.b === 1 ? 1 : 2 === 3 }".replace(
            "ctx.stash = ", "const s = "
        ),
        "function helper(ctx) { ctx.a = 1 }",
        "const o = { get type() { return type } }; let type; type = 1",
        "xs.map(Number)",
        "",
    ],
)
def test_similar_code_is_allowed(source: str) -> None:
    assert refusal(source) is None


@pytest.mark.parametrize("name", SAMPLES)
def test_resolvers_as_people_write_them_are_loaded(name: str) -> None:
    assert Script(SAMPLES[name], "x.js").file == "x.js"


@pytest.mark.parametrize("name", FIELDS)
def test_the_deployed_files_are_within_the_language(name: str) -> None:
    assert refusal(deployed_code(ROOT / f"infra/resolvers/{name}.js")) is None


@pytest.mark.parametrize(
    "body",
    [
        "const list = ctx.args.list ?? [1]; return list.keys();",
        "const list = [[1]].flat(); return list.copyWithin ? 1 : list.values();",
        "const value = 'a' + 'b'; return value.valueOf === undefined ? value.x.y : [value].map((v) => v['padStart'](9));",
        "return (() => 1)['constructor']('return 1')();",
        "const f = (x) => x; return f['call'](null, 1);",
    ],
)
def test_methods_that_depend_on_types_are_missing_at_run_time(body: str) -> None:
    with pytest.raises(ScriptError, match=r"^x\.js:2:\d+: TypeError"):
        run(body)

"""Words, imports and members that APPSYNC_JS lacks; the list of members against the runtime."""

import pytest

from globalchat.localcloud.appsync.javascript.engine import prepare
from globalchat.localcloud.appsync.javascript.language import (
    EMULATED_MEMBERS,
    MAX_BYTES,
    REFUSED_MEMBERS,
    check,
)
from globalchat.localcloud.appsync.javascript.parser import ScriptError, Source
from tests.localcloud.helpers.api_harness import FIELDS
from tests.localcloud.helpers.script_runs import run
from tests.paths import ROOT


def refusal(source: str) -> str | None:
    try:
        check(Source(source, "x.js"))
    except ScriptError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("source", "lacking"),
    [
        ("while (x) {}", "while loops"),
        ("do { x() } while (y)", "do loops"),
        ("for (let i = 0; i < 3; i += 1) {}", "for loops of three parts"),
        ("for (;;) {}", "for loops of three parts"),
        ("try { x() } catch {}", "try statements"),
        ("throw x", "throw statements"),
        ("class A {}", "classes"),
        ("const A = class extends B {}", "classes"),
        ("async function f() {}", "async functions"),
        ("const f = async (a, b) => a", "async functions"),
        ("const f = async a => a", "async functions"),
        ("const o = { async f() {} }", "async functions"),
        ("await x", "await"),
        ("for await (const x of y) {}", "await"),
        ("function* f() {}", "generators"),
        ("const o = { *f() {} }", "generators"),
        ("const o = { a, *f() {} }", "generators"),
        ("yield x", "generators"),
        ("x = /a/", "regular expression literals"),
        ("if (x) /a/.test(y)", "regular expression literals"),
        ("f(/'/)", "regular expression literals"),
        ("`${/a/}`", "regular expression literals"),
        ("this.x", "this"),
        ("`${this.x}`", "this"),
        ("x++", "the ++ operator"),
        ("--x", "the -- operator"),
        ("~x", "the ~ operator"),
        ("'a' in b", "in operator"),
        ("for (const k of a) { if (k in b) {} }", "in operator"),
        ("a instanceof b", "the instanceof operator"),
        ("here: for (const x of y) {}", "labels"),
        ("f()\nhere: for (const x of y) {}", "labels"),
        ("switch (x) { case 1: here: f() }", "labels"),
        ("{ a: 1 }", "labels"),
        ("f(() => { a: 1 })", "labels"),
        ("const f = () => { a: { b: 1 } }.c", "labels"),
        ("if (x) { a: 1 }", "labels"),
        ("for (const x of y) { continue }", "continue statements"),
        ("with (x) {}", "with statements"),
        ("debugger", "debugger statements"),
        ("new Date()", "the new operator"),
        ("const m = import('x')", "import() and import.meta"),
        ("\\u0077hile (x) {}", "escapes in names"),
        ("a.#b", "classes"),
        ("const x = { y: { z: () => { while (1) {} } } }", "while loops"),
    ],
)
def test_missing_features_are_refused(source: str, lacking: str) -> None:
    message = refusal(source)
    assert message is not None
    assert f"APPSYNC_JS has no {lacking}" in message


@pytest.mark.parametrize(
    "source",
    [
        "for (const x of y) {}",
        "for (const k in o) {}",
        "a.class + a?.while + a.in",
        "const o = { class: 1, while: 2, this: 3, async: 4, in: 5, try() {}, get throw() { return 1 } }",
        "const { class: c, in: i } = o",
        "const f = ({ class: c }) => c",
        "export { f as catch }",
        "'while (true) this' + \"class A {}\" + `throw ~x ++ /re/`",
        "// while (this) {}\n/* class ~ ++ */",
        "a / b / c",
        "(a + b) / c / d",
        "a[0] / b / c",
        "const x = a ? b : c",
        "const x = a ? b\n : c",
        "switch (x) { case a: f(); break; default: g() }",
        "switch (x) { case a ? b : c: f() }",
        "const x = { a: b ? c : d }",
        "async(x)",
        "const async = 1; async + 1",
        "a ?? b?.c ?? typeof d",
        "x **= 2; y >>>= 1; z ||= 3",
        "a * b; f(a, b * c); const o = { a: b * c, d }",
        "export default { a }",
        "{ a }\n[b]; () => { a, b }; () => ({ a: 1 }); f({ a: 1 }); x = { a: 1 }; `${{ a: 1 }}`",
        "const π = 1; const $x_1 = π",
        "`${ { a: `}` }.a }`",
    ],
)
def test_similar_code_is_allowed(source: str) -> None:
    assert refusal(source) is None


def test_a_hashbang_line_is_refused_by_name() -> None:
    assert (
        refusal("#!/usr/bin/env node\nf()")
        == "x.js:1:1: a resolver file has no hashbang line (#!); remove it"
    )


def test_the_place_is_named() -> None:
    assert refusal("const a = 1;\n\n  while (a) {}") == "x.js:3:3: APPSYNC_JS has no while loops"


def test_a_file_has_a_largest_size_in_bytes() -> None:
    assert refusal(f"'{'é' * (MAX_BYTES // 2 - 1)}'") is None
    assert "not valid Unicode" in str(refusal("'\ud800'"))
    assert "at most 32768 bytes" in str(refusal(f"'{'é' * (MAX_BYTES // 2)}'"))


@pytest.mark.parametrize("name", FIELDS)
def test_the_deployed_files_are_within_the_language(name: str) -> None:
    assert refusal((ROOT / f"infra/resolvers/{name}.js").read_text()) is None


CODE = """import {{ util, extensions }} from '@aws-appsync/utils'; import * as aws from '@aws-appsync/utils';
export function request(ctx) {{ {} }}
"""


def test_the_runtime_has_exactly_the_emulated_members() -> None:
    found = run(
        """
        const found = [];
        const spaces = { util, extensions, runtime, 'util.time': util.time, 'util.math': util.math,
          'util.str': util.str, 'util.transform': util.transform, 'util.dynamodb': util.dynamodb };
        for (const [name, space] of Object.entries(spaces)) {
          for (const [key, value] of Object.entries(space)) {
            if (typeof value === 'function') found.push(`${name}.${key}`);
          }
        }
        return found;
        """
    )
    assert isinstance(found, list)
    assert sorted(map(str, found)) == sorted(name for name in EMULATED_MEMBERS if not name.startswith("ctx."))


@pytest.mark.parametrize("member", REFUSED_MEMBERS)
def test_the_others_are_refused_by_name(member: str) -> None:
    with pytest.raises(ScriptError, match=r"^x\.js:2:\d+: not emulated: ") as raised:
        prepare(CODE.format(f"return {member}({{}});"), "x.js")
    assert member.startswith(str(raised.value).rpartition("not emulated: ")[2])


@pytest.mark.parametrize("member", REFUSED_MEMBERS)
def test_hidden_members_are_refused_at_run_time(member: str) -> None:
    space, _, name = member.rpartition(".")
    path = "".join(f"[`{part}`]" for part in space.split(".")[1:])
    with pytest.raises(ScriptError, match=r"^x\.js:2:\d+: Error: not emulated: ") as raised:
        run(f"return {space.split('.')[0]}{path}[`{name}`]({{}});")
    assert member.startswith(str(raised.value).rpartition("not emulated: ")[2])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return util.xml.toMap({});", "2:44: not emulated: util.xml"),
        ("const d = util.xml;", "2:47: not emulated: util.xml"),
        ("util.dynamodb.toBinary('');", "2:46: not emulated: util.dynamodb.toBinary"),
        ("const { http: h } = util;", "2:40: not emulated: util.http"),
        (
            "const { time: { nowISO }, ...rest } = util;",
            "not emulated: util.time.nowISO, which AWS does not document",
        ),
        ("return util.tme.nowISO8601();", "2:44: not emulated: util.tme, which"),
        ("return aws.util.rds;", "2:48: not emulated: util.rds"),
        ("extensions.evictFromApiCache('a', 'b', {});", "2:43: not emulated: extensions.evictFromApiCache"),
    ],
)
def test_a_member_that_is_not_provided_is_refused_when_the_file_is_loaded(body: str, message: str) -> None:
    with pytest.raises(ScriptError) as raised:
        prepare(CODE.format(body), "x.js")
    assert message in str(raised.value)


@pytest.mark.parametrize(
    "body",
    [
        "return util.time.nowISO8601().length;",
        "const { time: { nowISO8601 }, math } = util;",
        "const util = { xml: 1 }; return util.xml;",
        "return ctx.util.xml;",
        "return aws.runtime.earlyReturn({});",
    ],
)
def test_emulated_members_and_other_objects_are_allowed(body: str) -> None:
    prepare(CODE.format(body), "x.js")


def test_no_member_is_in_both_lists() -> None:
    assert len({*EMULATED_MEMBERS, *REFUSED_MEMBERS}) == len(EMULATED_MEMBERS) + len(REFUSED_MEMBERS)

# One case a line, whatever its length.
# ruff: noqa: E501


import pytest

from globalchat.localcloud.appsync.javascript.engine import Script, write_json
from globalchat.localcloud.appsync.javascript.parser import ScriptError
from globalchat.localcloud.definition import JSON
from tests.localcloud.helpers.script_runs import RESPONSE, evaluation, run


@pytest.mark.parametrize(
    "code",
    [
        "import { util } from '@aws-appsync/utils';\nexport function request() { return util.time.nowEpochSeconds(); }",
        'import {util as u, extensions} from "@aws-appsync/utils"\nexport const request = () => u.time.nowEpochSeconds();',
        "import * as aws from '@aws-appsync/utils';\nexport function request() { return aws.util.time.nowEpochSeconds(); }",
        "import {\n  util,\n  extensions, // both\n} from '@aws-appsync/utils';\nfunction r() { return util.time.nowEpochSeconds(); }\nexport { r as request };",
        "export function request() { return util.time.nowEpochSeconds(); }\nimport { util } from '@aws-appsync/utils';",
        "/** @type {import('@aws-appsync/utils').Context} */\nimport { util } from '@aws-appsync/utils';\nexport const request = () => util.time.nowEpochSeconds();",
        "import '@aws-appsync/utils';\nexport const request = () => util.time.nowEpochSeconds();",
        "import { util } from '@aws-appsync/utils'; import { runtime } from '@aws-appsync/utils';\nexport const request = () => util.time.nowEpochSeconds();",
        "const now = util.time; import { util } from '@aws-appsync/utils';\nexport const request = () => now.nowEpochSeconds();",
    ],
)
def test_every_shape_of_import_and_export(code: str) -> None:
    assert Script(code + RESPONSE, "x.js").call("request", evaluation())["value"] == 1_700_000_000


@pytest.mark.parametrize(
    "decoy",
    [
        "`\nimport { nothing } from 'elsewhere';\n`",
        "'import { nothing } from \"elsewhere\";'",
        "/*\nimport { nothing } from 'elsewhere';\n*/ 1",
        "1 // import { nothing } from 'elsewhere';\n",
        "{ import: 1 }.import",
    ],
)
def test_decoy_imports_stay_as_they_are(decoy: str) -> None:
    code = f"const decoy = {decoy};\nexport const request = () => decoy;{RESPONSE}"
    value = Script(code, "x.js").call("request", evaluation())["value"]
    assert value == 1 or "import { nothing } from" in str(value)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "import { get } from '@aws-appsync/utils/dynamodb'",
            "not emulated: @aws-appsync/utils/dynamodb, get",
        ),
        ("import { put, scan } from '@aws-appsync/utils/dynamodb'", "utils/dynamodb, scan"),
        ("import * as ddb from '@aws-appsync/utils/dynamodb'; ddb.remove({})", "utils/dynamodb, remove"),
        (
            "import * as aws from '@aws-appsync/utils'; aws.dynamodb.put({})",
            "dynamodb, which AWS does not document",
        ),
        ("import { select } from '@aws-appsync/utils/rds'", "not emulated: @aws-appsync/utils/rds, which"),
        ("import fs from 'fs'", "only @aws-appsync/utils can be imported, not 'fs'"),
        ("import * as fs from 'node:fs'", "not 'node:fs'"),
        (
            "import { util, nothing } from '@aws-appsync/utils'",
            "exports util, extensions, runtime, not nothing",
        ),
        ("import util from '@aws-appsync/utils'", "exports util, extensions, runtime, not default"),
        ("const m = import('@aws-appsync/utils')", "APPSYNC_JS has no import() and import.meta"),
        ("const m = import.meta.url", "APPSYNC_JS has no import() and import.meta"),
        ("export * from './other.js'", "exporting from another module is not possible"),
        ("export { a } from './other.js'", "exporting from another module is not possible"),
        ("import {", "SyntaxError: unexpected end of the file"),
        ("import { util }", "SyntaxError: unexpected end of the file"),
        ("import", "SyntaxError: unexpected end of the file"),
    ],
)
def test_other_imports_are_refused_by_name(statement: str, message: str) -> None:
    code = f"export function request() {{}}{RESPONSE}{statement}"
    with pytest.raises(ScriptError, match=r"x\.js:") as raised:
        Script(code, "x.js")
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("export function request() {}", "x.js: the file exports no function response"),
        (RESPONSE, "x.js: the file exports no function request"),
        ("export const request = 1;" + RESPONSE, "x.js: the file exports no function request"),
        ("function request() {}" + RESPONSE, "x.js: the file exports no function request"),
        ("const a = 1;\nconst a = 2;", "x.js:2:"),
        ("const a = 1;\nundefined.b;\nexport function request() {}" + RESPONSE, "x.js:2:"),
        ("util.error('no', 'No');\nexport function request() {}" + RESPONSE, "while it was loaded"),
        ("export function request( { }" + RESPONSE, "x.js:2:1: SyntaxError: Unexpected token 'export'"),
        ("export function request( ) ) }" + RESPONSE, "x.js:1:28: SyntaxError"),
    ],
)
def test_a_faulty_file_is_refused_when_it_is_loaded(code: str, message: str) -> None:
    with pytest.raises(ScriptError) as raised:
        Script(code, "x.js")
    assert message in str(raised.value)


def test_a_failing_handler_names_file_and_line() -> None:
    code = "import {\n  util,\n} from '@aws-appsync/utils';\n\nexport function request(ctx) {\n  return ctx.args.a.b;\n}"
    script = Script(code + RESPONSE, "publish.js")
    with pytest.raises(ScriptError) as raised:
        script.call("request", evaluation())
    assert str(raised.value).startswith("publish.js:6:")
    assert "TypeError" in str(raised.value)


def test_a_failure_inside_util_names_the_line_that_called_it() -> None:
    with pytest.raises(ScriptError) as raised:
        run("return 1\n+ util.matches(1, 'a')")
    assert str(raised.value).startswith("x.js:3:")


def test_members_that_are_not_emulated_are_named() -> None:
    for call, name in [
        ("util.xml", "util.xml"),
        ("util['dynamodb'].toBinary", "util.dynamodb.toBinary"),
        ("util.validate(true)", "util.validate"),
        ("util.transform.toElasticsearchQueryDSL({})", "util.transform.toElasticsearchQueryDSL"),
        ("extensions.evictFromApiCache()", "extensions.evictFromApiCache"),
    ]:
        with pytest.raises(ScriptError, match=f"not emulated: {name}"):
            run(f"return {call};")


def test_an_unknown_name_fails_at_run_time() -> None:
    with pytest.raises(ScriptError, match=r"^x\.js:2:39: ReferenceError: Nothing is not defined"):
        run("return Nothing;")


def test_a_column_after_wide_letters_counts_characters() -> None:
    with pytest.raises(ScriptError, match=r"^x\.js:2:55: ReferenceError: Nothing is not defined"):
        run("const é = 'ä😀'; return Nothing;")


def test_bad_json_gives_a_blank_string() -> None:
    assert run("return [JSON.parse('{'), JSON.parse('{\"a\":1}').a, JSON.parse(undefined)];") == ["", 1, ""]


def test_ctx_cannot_be_changed_by_another_name_but_the_stash_can_grow() -> None:
    for body in ["c.stash = {};", "c.args = {};", "c.x = 1;", "delete c.stash;"]:
        with pytest.raises(ScriptError, match="TypeError"):
            run(f"const c = ctx; {body}")
    code = f"export function request(ctx) {{ ctx.stash.a = ctx.arguments === ctx.args; }}{RESPONSE}"
    assert Script(code, "x.js").call("request", evaluation())["stash"] == '{"a":true}'


@pytest.mark.parametrize(
    "text", ["\ud800", "a\0b", "\u2028\u2029", "😀", '"\\\n${x}$ctx', "\U0010ffff", "\x7f\x9b"]
)
def test_text_passes_unchanged(text: str) -> None:
    script = Script(f"export function request(ctx) {{ return ctx.args; }}{RESPONSE}", "x.js")
    assert script.call("request", evaluation(args={"t": text}))["value"] == {"t": text}


def test_values_without_a_form_in_json_are_errors() -> None:
    with pytest.raises(ScriptError, match="circular"):
        run("const a = {}; a.a = a; return a;")
    with pytest.raises(ScriptError, match="cannot be passed"):
        write_json({"x": float("inf")}, "x.js")
    deep: JSON = None
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ScriptError, match="cannot be passed"):
        write_json({"x": deep}, "x.js")


def test_files_do_not_see_each_other_or_the_runtime() -> None:
    with pytest.raises(ScriptError, match="is not defined"):
        run("return evaluation;")
    with pytest.raises(ScriptError, match="is not defined"):
        run("return parseJson;")


def test_a_file_that_is_known_to_load_is_loaded_again_at_its_first_call_and_a_broken_one_refused_again() -> (
    None
):
    counting = "const seen = []; export function request(ctx) { seen.push(1); return seen.length; }"
    first, second = (Script(f"{counting}{RESPONSE}", "x.js") for _ in range(2))
    assert [each.call("request", evaluation())["value"] for each in (first, first, second)] == [1, 2, 1]
    for _ in range(2):
        with pytest.raises(ScriptError, match="exports no function response"):
            Script("export function request(ctx) { return {}; }", "x.js")

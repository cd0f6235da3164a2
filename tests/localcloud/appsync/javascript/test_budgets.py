"""The limits of one evaluation, and the places that errors report."""

# One case a line, whatever its length.
# ruff: noqa: E501

import pytest

from globalchat.localcloud.appsync.javascript.engine import MAX_ITERATIONS, Script, ScriptLimits
from globalchat.localcloud.appsync.javascript.parser import ResultTooLarge, ScriptError
from globalchat.localcloud.definition import JSON
from tests.localcloud.helpers.script_runs import RESPONSE, evaluation


def answer(body: str, count: int) -> JSON:
    """Run a handler with `list`, an array of `count` elements."""
    code = f"export function request(ctx) {{\n  const list = ctx.args.list;\n  {body}\n}}{RESPONSE}"
    return Script(code, "x.js").call("request", evaluation(args={"list": list(range(count))}))["value"]


@pytest.mark.parametrize(
    "body",
    [
        "let n = 0; for (const x of list) n += 1; return n",
        "let n = 0; for (const x in list) { n += 1 } return n",
        "let n = 0; for (const x of list)\n  if (x > 5) n += 1; else n += 1\n  return n",
        "let n = 0; if (list) for (const x of list) n += 1; else n = 5; return n",
        "let n = 0; list.forEach(() => { n += 1 }); return n",
        "const all = list.map((x) => x); return all.length",
        "return list.filter((x) => x > -1).length",
        "return list.reduce((n) => n + 1, 0)",
        "return list.reduceRight((n) => n + 1, 0)",
        "return list.flatMap((x) => [x, x]).length / 2",
        "return list.findIndex((x) => x > 1e9) + 1 + list.length",
        "return list.some((x) => x < 0) ? 0 : list.length",
        "return list.every((x) => x >= 0) ? list.length : 0",
        "return list.findLast((x) => x < 0) ?? list.length",
        "let n = 0; for (const x of list.slice(0, list.length / 2)) for (const y of [1]) n += 1; return n * 2",
    ],
)
def test_a_thousand_turns_are_allowed_and_no_more(body: str) -> None:
    assert answer(body, MAX_ITERATIONS) == MAX_ITERATIONS
    with pytest.raises(ScriptError, match=r"^x\.js:3:\d+: RangeError: one evaluation may make at most 1000"):
        answer(body, MAX_ITERATIONS + 2)


def test_each_evaluation_has_its_own_budget() -> None:
    code = f"export function request(ctx) {{ for (const x of ctx.args.list) {{}} return 1; }}{RESPONSE}"
    script = Script(code, "x.js")
    for _ in range(3):
        assert script.call("request", evaluation(args={"list": list(range(900))}))["value"] == 1


def test_loops_of_the_runtime_are_not_counted() -> None:
    body = "list.map((x) => util.base64Decode(util.base64Encode('abcdefghij' + x)));"
    answer(f"{body} return util.transform.toSubscriptionFilter({{ a: {{ in: list }} }});", 999)


def test_a_loop_may_change_its_list() -> None:
    assert (
        answer("let n = 0; for (const x of list) { n += x; if (n < 50) list.push(x + 1); } return n", 3) == 63
    )


def test_array_methods_still_refuse_other_values_than_functions() -> None:
    with pytest.raises(ScriptError, match=r"^x\.js:3:\d+: TypeError"):
        answer("return list.map(5)", 1)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("time", "the evaluation took too long"),
        ("processor", "the evaluation took too long"),
        ("memory", "out of memory"),
        ("pattern", "the evaluation took too long"),
        ("stack", "Maximum call stack size exceeded"),
    ],
)
def test_limits_end_a_handler_and_leave_the_file_usable(how: str, message: str) -> None:
    # On a busy machine memory and stack must not run out of time before.
    seconds = 0.2 if "too long" in message else 30.0
    limits = ScriptLimits(cpu_seconds=seconds, wall_seconds=seconds, memory_bytes=8 * 1024 * 1024)
    code = f"""
    const steps = {{
      deeper: (depth) => steps.deeper(depth + 1) + 1,
      wide: (depth) => depth && steps.wide(depth - 1) + steps.wide(depth - 1),
    }};
    export function request(ctx) {{
      let big = 'x'.concat(ctx.args.text ?? '');
      if (ctx.args.how === 'time') {{ for (const x of ctx.args.turns) {{ big.split('').reverse().join('').indexOf('y'); big.concat('z'); }} }}
      if (ctx.args.how === 'processor') {{ steps.wide(30); }}
      if (ctx.args.how === 'memory') {{ for (const x of ctx.args.turns) {{ big = big + big; big.split(''); }} }}
      if (ctx.args.how === 'pattern') {{ return util.matches('(a+)+b', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'); }}
      if (ctx.args.how === 'stack') {{ return steps.deeper(1); }}
      return 'fine';
    }}{RESPONSE}"""
    script = Script(code, "x.js", limits)
    turns: JSON = list(range(900))
    with pytest.raises(ScriptError) as raised:
        script.call("request", evaluation(args={"how": how, "text": "abc" * 9000, "turns": turns}))
    assert message in str(raised.value)
    assert str(raised.value).startswith("x.js:")
    assert script.call("request", evaluation())["value"] == "fine"


def test_a_result_has_a_largest_size_in_bytes() -> None:
    code = f"export function request(ctx) {{ return ctx.args.text; }}{RESPONSE}"
    script = Script(code, "x.js", ScriptLimits(result_bytes=1000))
    fits = script.call("request", evaluation(args={"text": "é" * 440}))["value"]
    assert fits == "é" * 440
    for text in ("é" * 500, "x" * 1000, "\ud800" * 400):
        with pytest.raises(ResultTooLarge, match=r"^x\.js: Transformation too large$"):
            script.call("request", evaluation(args={"text": text}))


@pytest.mark.parametrize(
    ("code", "place"),
    [
        ("export function request(ctx) { return ctx.args.a.b; }", "1:39"),
        ("import { util } from '@aws-appsync/utils'; export function request(ctx) { return ctx.args.a.b; }", "1:82"),
        ("export function request(ctx) {\n  for (const x of [1]) { ctx.args.a.b; }\n}", "2:26"),
        ("export function request(ctx) {\n  for (const x of [1]) for (const y of [2]) ctx.args.a.b;\n}", "2:45"),
        ("export function request(ctx) {\n  for (const x of [1]) {}; ctx.args.a.b;\n}", "2:28"),
        ("export function request(ctx) {\n  return [1].map((x) => x.a.b);\n}", "2:25"),
        ("export function request(ctx) {\n  return util.matches(1, 'a');\n}", "2:15"),
    ],
)  # fmt: skip
def test_errors_name_the_place_in_the_file_as_it_was_written(code: str, place: str) -> None:
    with pytest.raises(ScriptError, match=rf"^x\.js:{place}: TypeError"):
        Script(code + RESPONSE, "x.js").call("request", evaluation())

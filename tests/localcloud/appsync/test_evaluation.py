import json

import pytest

from globalchat.localcloud.appsync.evaluation import MAX_CODE, MAX_CONTEXT, evaluate_code
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.problems import Invalid

NOW = 1_700_000_000.0
UTIL = "import { util, runtime, extensions } from '@aws-appsync/utils';\n"
IAM: dict[str, JSON] = {"userArn": "arn:aws:iam::1:user/a", "sourceIp": ["127.0.0.1"], "username": "a"}


def evaluate(body: str, **context: JSON) -> dict[str, JSON]:
    """Evaluate the request handler of a file whose two handlers have the same body."""
    handlers = "".join(f"export function {name}(ctx) {{ {body} }}\n" for name in ("request", "response"))
    return evaluate_code(
        UTIL + handlers, json.dumps(context), "request", clock=lambda: NOW, entropy=lambda size: bytes(size)
    )


def result(body: str, **context: JSON) -> JSON:
    answer: JSON = json.loads(str(evaluate(body, **context)["evaluationResult"]))
    return answer


def test_the_answer_has_the_form_of_the_api() -> None:
    assert evaluate("ctx.stash.a = 1; return { payload: ctx.args };", arguments={"b": 2}) == {
        "evaluationResult": '{"payload":{"b":2}}',
        "logs": [],
        "stash": '{"a":1}',
        "outErrors": "[]",
    }


@pytest.mark.parametrize(
    ("expression", "context", "expected"),
    [
        ("ctx.args", {"arguments": {"a": 1}}, {"a": 1}),
        ("ctx.arguments", {"args": {"a": 1}}, {"a": 1}),
        ("ctx.env", {"env": {"A": "1"}}, {"A": "1"}),
        ("ctx.env", {}, {}),
        ("ctx.stash", {"stash": {"a": 1}}, {"a": 1}),
        ("ctx.result", {"result": [1]}, [1]),
        ("ctx.error", {"error": {"message": "m", "type": "t"}}, {"message": "m", "type": "t"}),
        ("ctx.source", {"source": {"a": 1}}, {"a": 1}),
        ("ctx.identity", {}, None),
        ("ctx.info.selectionSetList", {"info": {"selectionSetList": ["a"]}}, ["a"]),
        ("util.authType()", {}, "API Key Authorization"),
        ("util.authType()", {"identity": IAM}, "IAM Authorization"),
        ("util.time.nowEpochSeconds()", {}, NOW),
        ("undefined", {}, None),
    ],
)
def test_the_handler_gets_the_context(expression: str, context: dict[str, JSON], expected: JSON) -> None:
    assert result(f"return {expression};", **context) == expected


def test_the_two_handlers_are_distinguished() -> None:
    code = "export const request = () => 'q';\nexport const response = () => 'r';\n"
    answers = [
        evaluate_code(code, "{}", name, clock=lambda: NOW, entropy=bytes)["evaluationResult"]
        for name in ("request", "response")
    ]
    assert answers == ['"q"', '"r"']


def test_an_early_return_is_a_result() -> None:
    assert result("runtime.earlyReturn({ a: 1 });") == {"a": 1}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("util.error('No.', 'Never', null, { a: 1 });", "No."),
        ("util.unauthorized();", "Unauthorized"),
        ("return ctx.none.of;", "code.js:2:"),
    ],
)
def test_a_handler_that_ends_with_an_error(body: str, message: str) -> None:
    answer = evaluate(f"ctx.stash.a = 1; {body}")
    assert "evaluationResult" not in answer
    error = answer["error"]
    assert isinstance(error, dict)
    assert str(error["message"]).startswith(message)
    assert error["codeErrors"] == []


def test_appended_errors_are_beside_the_result() -> None:
    answer = evaluate("util.appendError('Careful.', 'Warning', null, { a: 1 }); return 1;")
    assert answer["evaluationResult"] == "1"
    expected = [{"message": "Careful.", "errorType": "Warning", "data": None, "errorInfo": {"a": 1}}]
    assert json.loads(str(answer["outErrors"])) == expected


def test_code_that_breaks_a_rule_is_reported_with_its_place() -> None:
    error = evaluate("return new Map();")["error"]
    assert isinstance(error, dict)
    assert error["message"] == "The code contains one or more errors."
    (found,) = error["codeErrors"] if isinstance(error["codeErrors"], list) else []
    assert isinstance(found, dict)
    assert found["location"] == {"line": 2, "column": 39, "span": -1}


@pytest.mark.parametrize(
    ("code", "context", "function"),
    [
        ("", "{}", "request"),
        ("x" * (MAX_CODE + 1), "{}", "request"),
        ("1", "[]", "request"),
        ("1", "{", "request"),
        ("1", "[" * 100_000, "request"),
        ("1", f'{{"a": "{"x" * MAX_CONTEXT}"}}', "request"),
        ("1", "{}", "other"),
    ],
)
def test_requests_that_the_api_refuses(code: str, context: str, function: str) -> None:
    with pytest.raises(Invalid):
        evaluate_code(code, context, function, clock=lambda: NOW, entropy=bytes)

import json

import pytest

from globalchat.localcloud.definition import JSON
from globalchat.verify.compare import Agreement, Difference, compare, differences, masked
from globalchat.verify.questions import (
    EVALUATE_CODE,
    TEST_EVENT_PATTERN,
    VALIDATE_POLICY,
    VALIDATE_TEMPLATE,
    AwsAction,
    AwsQuestion,
    Kind,
)

ULIDS = "01M8P9HMF6D8W3W8BS881YCHG9", "01M8P9RHE19K1AH9MM05HABCDE"
TIMES = "2026-11-30T13:15:42.438Z", "2026-11-30T13:15:43.000Z"


def question(action: AwsAction, **context: JSON) -> AwsQuestion:
    return AwsQuestion(Kind.ROW, "a", "us-west-2", action, {"context": json.dumps(context)})


def evaluated(result: JSON, **more: JSON) -> dict[str, JSON]:
    return {"evaluationResult": json.dumps(result), "logs": [], "stash": "{}", "outErrors": "[]", **more}


def found(
    action: AwsAction, aws: dict[str, JSON], local: dict[str, JSON], **context: JSON
) -> list[Difference]:
    return list(compare(question(action, **context), aws, local).differences)


@pytest.mark.parametrize(
    ("aws", "local", "expected"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": True}, {"a": 1}, [Difference("a", True, 1)]),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, [Difference("a.b[1]", 2, 3)]),
        ({"a": [1]}, {"a": [1, 2]}, [Difference("a", [1], [1, 2])]),
        ({"a": 1}, {"b": 1}, [Difference("a", 1, None), Difference("b", None, 1)]),
        ("x", None, [Difference("", "x", None)]),
    ],
)
def test_each_place_of_a_difference_is_named(aws: JSON, local: JSON, expected: list[Difference]) -> None:
    assert list(differences(aws, local)) == expected


@pytest.mark.parametrize("pair", [ULIDS, TIMES], ids=["ids", "times"])
def test_made_ids_and_times_are_masked(pair: tuple[str, str]) -> None:
    aws, local = ({"payload": {"made": each}} for each in pair)
    assert not found(EVALUATE_CODE, evaluated(aws), evaluated(local))  # type: ignore[arg-type]


@pytest.mark.parametrize("pair", [ULIDS, TIMES], ids=["ids", "times"])
def test_given_ids_and_times_are_not_masked(pair: tuple[str, str]) -> None:
    given, other = pair
    (difference,) = found(EVALUATE_CODE, evaluated(other), evaluated(given), arguments={"given": given})
    assert difference.local == given


@pytest.mark.parametrize(
    "other", ["01m8p9hmf6d8w3w8bs881ychg9", "2026-11-30T13:15:42Z", "2026-11-30 13:15:42"]
)
def test_another_form_of_id_or_time_is_a_difference(other: str) -> None:
    assert masked(other, frozenset()) == other


def test_what_is_left_in_the_stash_counts() -> None:
    (difference,) = found(EVALUATE_CODE, evaluated(1, stash='{"a":1}'), evaluated(1, stash='{"a":2}'))
    assert difference == Difference("stash.a", 1, 2)


@pytest.mark.parametrize(
    "nothing", [{}, {"evaluationResult": ""}, {"evaluationResult": "null", "stash": "{}"}]
)
def test_the_ways_to_answer_nothing_are_one(nothing: dict[str, JSON]) -> None:
    assert not found(EVALUATE_CODE, nothing, evaluated(None))


def test_messages_of_errors_are_compared() -> None:
    def error(message: str) -> dict[str, JSON]:
        return {"error": {"message": message, "codeErrors": []}, "stash": '{"left": 1}'}

    assert not found(EVALUATE_CODE, error("No."), {**error("No."), "stash": "{}"})
    assert found(EVALUATE_CODE, error("No."), error("Never."))
    assert found(EVALUATE_CODE, error("No."), evaluated(None))


def test_an_error_without_content_is_none() -> None:
    assert not found(EVALUATE_CODE, {**evaluated(1), "error": {}}, evaluated(1))


def test_engines_word_their_own_errors() -> None:
    aws: dict[str, JSON] = {"error": {"message": "code.js:6:14: TypeError: x is not a function"}}
    local: dict[str, JSON] = {
        "error": {"message": "code.js:6:14: TypeError: not a function", "codeErrors": []}
    }
    assert not found(EVALUATE_CODE, aws, local)


def test_code_that_is_not_accepted_is_compared_without_its_words() -> None:
    def refusal(value: str) -> dict[str, JSON]:
        location: JSON = {"line": 1, "column": 1, "span": -1}
        errors: list[JSON] = [{"errorType": "LINT_ERROR", "value": value, "location": location}]
        return {"error": {"message": value, "codeErrors": errors}}

    assert not found(EVALUATE_CODE, refusal("no-new"), refusal("APPSYNC_JS has no the new operator"))
    assert found(EVALUATE_CODE, evaluated(1), refusal("no-new"))


def test_patterns_agree_or_not() -> None:
    assert not found(TEST_EVENT_PATTERN, {"Result": True}, {"Result": True})
    assert found(TEST_EVENT_PATTERN, {"Result": True}, {"Result": False})
    assert found(TEST_EVENT_PATTERN, {"refused": "Rule is too complex"}, {"Result": True})
    assert not found(TEST_EVENT_PATTERN, {"refused": "a"}, {"refused": "b"})


def test_templates_are_compared_by_parameters_and_capabilities() -> None:
    def template(default: str, *capabilities: JSON) -> dict[str, JSON]:
        parameter: JSON = {"ParameterKey": "Key", "DefaultValue": default, "Description": default}
        return {"Parameters": [parameter], "Capabilities": [*capabilities]}

    assert not found(VALIDATE_TEMPLATE, template("0", "CAPABILITY_IAM"), template("0", "CAPABILITY_IAM"))
    assert found(VALIDATE_TEMPLATE, template("0"), template("1"))
    (difference,) = found(VALIDATE_TEMPLATE, template("0"), template("0", "CAPABILITY_IAM"))
    assert difference.path == "capabilities"
    (refused, *_) = found(VALIDATE_TEMPLATE, {"refused": "Unresolved resource"}, template("0"))
    assert refused.aws == "Unresolved resource"


@pytest.mark.parametrize(("kind", "counts"), [("ERROR", 1), ("SECURITY_WARNING", 1), ("WARNING", 0)])
def test_findings_about_a_policy_count_if_they_are_grave(kind: str, counts: int) -> None:
    finding: JSON = {"findingType": kind, "issueCode": "X", "findingDetails": "Something."}
    compared = compare(question(VALIDATE_POLICY), {"findings": [finding]}, {"findings": []})
    assert len(compared.differences) == counts
    assert (f"{kind} X: Something." in compared.notes) == (not counts)
    assert compared.agreement is (Agreement.DIFFERS if counts else Agreement.AGREES)

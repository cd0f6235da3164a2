import json
import threading
from collections import Counter
from dataclasses import replace

import pytest

from globalchat.core.clock import MonotonicClock
from globalchat.core.errors import ExitCode, Unreachable
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.provisioning.assembly import read
from globalchat.verify.answers import (
    NO_TIME,
    AwsAnswers,
    Inconclusive,
    Verification,
    environment_probe,
    nothing_asked,
)
from globalchat.verify.compare import Agreement, Comparison
from globalchat.verify.counterpart import REFUSED, LocalAnswers
from globalchat.verify.questions import (
    EVALUATE_CODE,
    TEST_EVENT_PATTERN,
    VALIDATE_POLICY,
    VALIDATE_TEMPLATE,
    AwsQuestion,
    Catalogue,
    Document,
    Kind,
    catalogue,
)
from globalchat_infra.deployer.aws import Aws
from tests.infra.helpers.aws_front import AwsFront, Call, Reply
from tests.verify.helpers.agreeing_aws import agree

ASKED = catalogue(read())
LOCAL = LocalAnswers()


def asked_of(front: AwsFront, asked: Catalogue = ASKED) -> list[Comparison]:
    return Verification(AwsAnswers(Aws(busy_seconds=0)), LocalAnswers()).run(asked)


def counts(found: list[Comparison]) -> Counter[Agreement]:
    return Counter(each.agreement for each in found)


def test_the_cases_agree_through_the_engine_and_through_the_sdk(front: AwsFront) -> None:
    """Both sides are the local engine, one behind botocore and HTTP: this tests the plumbing alone."""
    agree(front)
    found = asked_of(front)
    assert counts(found) == {Agreement.AGREES: len(ASKED.questions)}
    assert {each.region for each in found} == {"us-west-2", "ap-southeast-2"}


def test_a_wrong_answer_to_one_question_of_each_kind_is_found(front: AwsFront) -> None:
    wrong: list[str] = []

    def change(question: AwsQuestion, answer: Document) -> Document:
        name = question.action.operation
        if name in wrong or REFUSED in answer or "env" in str(answer.get("evaluationResult")):
            return answer
        changed: dict[str, Document] = {
            EVALUATE_CODE.operation: {**answer, "evaluationResult": '"something else"', "error": {}},
            TEST_EVENT_PATTERN.operation: {"Result": not answer.get("Result")},
            VALIDATE_TEMPLATE.operation: {**answer, "Capabilities": []},
            VALIDATE_POLICY.operation: {"findings": [FINDING]},
        }
        with lock:
            if name in wrong:
                return answer
            wrong.append(name)
        return changed[name]

    lock = threading.Lock()
    agree(front, change)
    found = asked_of(front)
    differing = [each for each in found if each.agreement is Agreement.DIFFERS]
    assert Counter(each.kind for each in differing) == dict.fromkeys(
        (Kind.RESOLVER, Kind.PATTERN, Kind.TEMPLATE, Kind.POLICY), 1
    )


FINDING: JSON = {
    "findingType": "ERROR",
    "issueCode": "INVALID_ACTION",
    "findingDetails": "The action does not exist.",
    "learnMoreLink": "https://docs.aws.amazon.com",
    "locations": [],
}


def test_findings_come_in_pages(front: AwsFront) -> None:
    def reply(call: Call) -> Reply:
        page = "nextToken" not in call.path
        return Reply(body=json.dumps({"findings": [FINDING]} | ({"nextToken": "2"} if page else {})).encode())

    front.on("POST /policy/validation", reply)
    question = next(each for each in ASKED.questions if each.kind is Kind.POLICY)
    assert AwsAnswers(Aws())(question) == {"findings": [FINDING, FINDING]}


def test_what_may_not_be_asked_is_not_asked_again_and_the_rest_goes_on(front: AwsFront) -> None:
    agree(front)
    front.refuse(
        "AccessDeniedException", "not authorized", action="POST /v1/dataplane-evaluatecode", status=403
    )
    found = asked_of(front)
    assert {each.agreement for each in found if each.kind is Kind.RESOLVER} == {Agreement.NOT_ASKED}
    assert {each.agreement for each in found if each.kind is not Kind.RESOLVER} == {Agreement.AGREES}
    assert front.actions().count("POST /v1/dataplane-evaluatecode") == 1
    reason = next(each.reason for each in found if each.kind is Kind.RESOLVER)
    assert reason is not None
    assert "may not do this in us-west-2: not authorized" in reason


def test_an_action_that_is_unknown_there_is_not_asked(front: AwsFront) -> None:
    agree(front)
    front.refuse("UnknownOperationException", "unknown", action="POST /policy/validation")
    found = asked_of(front)
    assert front.actions().count("POST /policy/validation") == len(ASKED.regions)
    assert {each.agreement for each in found if each.kind is Kind.POLICY} == {Agreement.NOT_ASKED}
    assert Agreement.DIFFERS not in counts(found)


def test_a_region_that_is_not_enabled_leaves_the_other(front: AwsFront) -> None:
    agree(front)
    front.refuse("UnrecognizedClientException", "invalid token", region="ap-southeast-2", status=403)
    found = asked_of(front)
    assert {each.agreement for each in found if each.region == "ap-southeast-2"} == {Agreement.NOT_ASKED}
    assert {each.agreement for each in found if each.region == "us-west-2"} == {Agreement.AGREES}


def test_a_pattern_that_aws_refuses_is_a_difference(front: AwsFront) -> None:
    agree(front)
    front.refuse("InvalidEventPatternException", "Rule is too complex", action="TestEventPattern", times=1)
    (differing,) = [each for each in asked_of(front) if each.agreement is Agreement.DIFFERS]
    assert differing.kind is Kind.PATTERN


@pytest.mark.parametrize("question", [each for each in ASKED.questions if each.kind is Kind.RESOLVER][::7])
def test_code_without_the_environment_does_the_same(question: AwsQuestion) -> None:
    """An EvaluateCode that leaves `ctx.env` empty is asked with constants in its place."""

    def without(asked: AwsQuestion) -> Document:
        context = {**json.loads(str(asked.arguments["context"])), "env": {}}
        return LOCAL(replace(asked, arguments={**asked.arguments, "context": json.dumps(context)}))

    (found,) = Verification(without, LOCAL).run(Catalogue((question,), ()))
    assert found.agreement is Agreement.AGREES, found


def test_the_environment_is_asked_for_first_and_no_code_is_changed_where_it_arrives() -> None:
    asked: list[AwsQuestion] = []

    def listening(question: AwsQuestion) -> Document:
        asked.append(question)
        return LOCAL(question)

    (question, *_) = ASKED.questions
    Verification(listening, LOCAL).run(Catalogue((question,), ()))
    assert asked == [environment_probe(question.region), question]


def test_what_is_not_answered_in_time_is_not_asked() -> None:
    """The clock says that the time is up once the probe is answered."""
    times = iter([0.0, 100.0])
    clock: MonotonicClock = lambda: next(times)  # noqa: E731
    held, release = threading.Event(), threading.Event()

    def slow(question: AwsQuestion) -> Document:
        if question != environment_probe(question.region):
            held.set()
            release.wait()
        return LOCAL(question)

    try:
        found = Verification(slow, LOCAL, seconds=1.0, clock=clock).run(ASKED)
        own = [each for each in threading.enumerate() if each.name.startswith("verify-")]
        assert own
        assert all(each.daemon for each in own), "Ctrl-C would wait for them"
    finally:
        release.set()
    assert counts(found) == {Agreement.NOT_ASKED: len(ASKED.questions)}
    assert {each.reason for each in found} == {NO_TIME}


def test_the_network_alone_makes_it_unreachable() -> None:
    def nowhere(_: AwsQuestion) -> Document:
        raise Inconclusive("no way", Unreachable("no way").reason)

    run = Verification(nowhere, LOCAL)
    cause = nothing_asked(run.run(ASKED), run.causes)
    assert cause is not None
    assert cause.exit_code is ExitCode.UNREACHABLE


def test_one_answer_is_enough_to_have_asked() -> None:
    def once(question: AwsQuestion) -> Document:
        if question.kind is not Kind.TEMPLATE:
            raise Inconclusive("no way", Unreachable("no way").reason)
        return LOCAL(question)

    run = Verification(once, LOCAL)
    assert nothing_asked(run.run(ASKED), run.causes) is None

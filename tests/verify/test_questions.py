import json
from collections import defaultdict
from pathlib import Path

import pytest

from globalchat.core.resources import TEMPLATES, resource
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.provisioning.assembly import read
from globalchat.verify.counterpart import LocalAnswers
from globalchat.verify.questions import (
    EVALUATE_CODE,
    LARGEST_TEMPLATE,
    VALIDATE_POLICY,
    AwsQuestion,
    Kind,
    catalogue,
)
from globalchat.verify.resolver_cases import CASES, CaseSettings, cases_of

ASKED = catalogue(read())
SETTINGS = CaseSettings(
    {"CHANNELS": "cars,tech", "LIMITS": '{"message":2000,"sender":32,"id":64}', "REGION": "us-west-2"}
)


def of_kind(kind: Kind) -> list[AwsQuestion]:
    return [each for each in ASKED.questions if each.kind is kind]


def resources(kind: str) -> list[dict[str, JSON]]:
    templates = [json.loads(file.read_text()) for file in sorted(TEMPLATES.glob("*.template.json"))]
    return [each for template in templates for each in template["Resources"].values() if each["Type"] == kind]


def test_everything_in_the_packaged_templates_can_be_asked_about() -> None:
    assert not ASKED.unaskable


def test_every_resolver_has_cases_for_both_handlers_and_there_are_no_others() -> None:
    properties = [each["Properties"] for each in resources("AWS::AppSync::Resolver")]
    places = {f"{each['TypeName']}.{each['FieldName']}" for each in properties if isinstance(each, dict)}
    assert places == set(CASES)
    for place in places:
        assert {case.function for case in cases_of(place, SETTINGS)} == {"request", "response"}, place


@pytest.mark.parametrize("place", CASES)
def test_every_case_ends_as_it_says(place: str) -> None:
    """Else a case would compare something else than its name says."""
    asked = {each.subject: each for each in of_kind(Kind.RESOLVER)}
    local = LocalAnswers()
    for case in cases_of(place, SETTINGS):
        answer = local(asked[f"{place} {case.function}: {case.name}"])
        assert ("error" in answer) == case.is_refused, (case.name, answer)
        assert "code.js" not in str(answer.get("error")), "the code itself failed"


def test_the_cases_keep_within_the_limits_of_the_api() -> None:
    for each in of_kind(Kind.RESOLVER):
        assert each.action is EVALUATE_CODE
        assert len(str(each.arguments["context"])) <= 28_000
        assert len(str(each.arguments["code"])) <= 32_768


def test_limits_that_the_api_does_not_name_are_the_defaults_of_cdk_json() -> None:
    limits = json.loads(resource("cdk.json").read_text(encoding="utf-8"))["context"]["globalchat"]["limits"]
    assert CaseSettings({}).limits == limits


@pytest.mark.parametrize("longest", [50, 5_000])
def test_cases_follow_the_channels_and_limits_of_a_deployment(longest: int) -> None:
    limits = json.dumps({"message": longest, "sender": 5, "id": 26})
    environment = {"CHANNELS": "ops", "LIMITS": limits, "REGION": "eu-west-1", "VERIFIED_ROLES": "People"}
    settings = CaseSettings(environment)
    code = next(
        str(q.arguments["code"]) for q in of_kind(Kind.RESOLVER) if q.subject.startswith("Mutation.publish ")
    )
    local = LocalAnswers()
    for case in cases_of("Mutation.publish", settings):
        arguments: dict[str, JSON] = {
            "code": code,
            "context": json.dumps(case.context, ensure_ascii=False),
            "function": case.function,
        }
        answer = local(AwsQuestion(Kind.RESOLVER, case.name, "eu-west-1", EVALUATE_CODE, arguments))
        assert ("error" in answer) == case.is_refused, (case.name, answer)


def test_every_pattern_is_tested_with_events_that_match_and_others() -> None:
    outcomes: dict[str, set[JSON]] = defaultdict(set)
    local = LocalAnswers()
    for each in of_kind(Kind.PATTERN):
        outcomes[str(each.arguments["EventPattern"])].add(local(each)["Result"])
    rules = {json.dumps(each["Properties"]["EventPattern"]) for each in resources("AWS::Events::Rule")}  # type: ignore[call-overload, index]
    assert outcomes.keys() == rules
    assert all(each == {True, False} for each in outcomes.values()), outcomes


def test_every_template_is_asked_about_in_its_region() -> None:
    places = {(each.subject, each.region) for each in of_kind(Kind.TEMPLATE)}
    assert places == {(stack.name, stack.region) for stack in read().stacks}


def test_every_policy_of_the_templates_is_asked_about_without_a_function_left_in_it() -> None:
    asked = of_kind(Kind.POLICY)
    assert all(each.action is VALIDATE_POLICY for each in asked)
    texts = [str(each.arguments["policyDocument"]) for each in asked]
    assert not [each for each in texts if "Fn::" in each or '"Ref"' in each]
    for kind, words in {
        "AWS::IAM::Role": ("sts:AssumeRole", "appsync.amazonaws.com"),
        "AWS::IAM::Policy": (
            "events:PutEvents",
            "arn:aws:events:us-west-2:123456789012:event-bus/globalchat-bus",
        ),
        "AWS::SQS::QueuePolicy": ("sqs:SendMessage", "aws:SourceArn"),
        "AWS::Events::EventBusPolicy": ("arn:aws:iam::123456789012:root", "events:"),
    }.items():
        assert resources(kind)
        assert any(all(word in text for word in words) for text in texts), kind


def test_a_case_that_is_too_long_for_the_api_cannot_be_asked(tmp_path: Path) -> None:
    for file in TEMPLATES.iterdir():
        text = file.read_text(encoding="utf-8")
        (tmp_path / file.name).write_text(text.replace('\\"message\\":2000', '\\"message\\":30000'))

    left = catalogue(read(tmp_path)).unaskable
    assert [each.subject for each in left] == [
        "Mutation.publish request: text of the greatest length",
        "Mutation.publish request: text too long",
    ]
    assert all("28,000" in each.reason for each in left)


def test_nothing_is_asked_twice() -> None:
    digests = [json.dumps([each.action.operation, dict(each.arguments)]) for each in ASKED.questions]
    assert len(digests) == len(set(digests))


def test_a_template_that_is_too_large_cannot_be_asked_about(tmp_path: Path) -> None:
    for file in TEMPLATES.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    large = tmp_path / "globalchat-oregon-relay.template.json"
    template = json.loads(large.read_text())
    template["Metadata"]["padding"] = "x" * LARGEST_TEMPLATE
    large.write_text(json.dumps(template))

    (left,) = catalogue(read(tmp_path)).unaskable
    assert (left.kind, left.subject) == (Kind.TEMPLATE, "globalchat-oregon-relay")
    assert "51,200" in left.reason


def test_a_resolver_without_cases_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(CASES, "Query.limits")
    (left,) = catalogue(read()).unaskable
    assert (left.kind, left.subject, left.reason) == (
        Kind.RESOLVER,
        "Query.limits",
        "there is no case for it",
    )

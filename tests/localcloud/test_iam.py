import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.localcloud.definition import JSON, Role, Statement
from globalchat.localcloud.iam import allows_service, compile_glob, evaluate, may_assume
from globalchat.localcloud.problems import Invalid
from globalchat.localcloud.resources.policies import parse

BUS = "arn:aws:events:us-west-2:000000000000:event-bus/chat-bus"
RULE = "arn:aws:events:us-west-2:000000000000:rule/chat-bus/relay"
QUEUE = "arn:aws:sqs:us-west-2:000000000000:letters"


def allow(action: str, resource: str) -> Statement:
    return Statement("Allow", (action,), (resource,))


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("events:PutEvents", BUS, True),
        ("EVENTS:putevents", BUS, True),
        ("events:*", "*", True),
        ("*", BUS, True),
        ("events:Put?vents", BUS, True),
        ("events:PutEvent", BUS, False),
        ("events:PutEvents", BUS + "2", False),
        ("events:PutEvents", BUS.upper(), False),
        ("events:PutEvents", "arn:aws:events:*:000000000000:event-bus/*", True),
        ("events:PutEvents", BUS.replace("us-west-2", "ap-southeast-2"), False),
        ("events:PutEvents", BUS.replace("chat-bus", "chat?bus"), True),
        ("events:PutEvents", BUS.replace("chat-bus", "chat.bus"), False),
    ],
)
def test_wildcards(action: str, resource: str, *, allowed: bool) -> None:
    assert evaluate([allow(action, resource)], action="events:PutEvents", resource=BUS) is allowed


def test_nothing_is_allowed_by_default() -> None:
    assert not evaluate([], action="events:PutEvents", resource=BUS)


def test_a_deny_wins_whatever_the_order() -> None:
    deny = Statement("Deny", ("events:*",), (BUS,))
    for statements in ([allow("*", "*"), deny], [deny, allow("*", "*")]):
        assert not evaluate(statements, action="events:PutEvents", resource=BUS)
        assert evaluate(statements, action="events:PutEvents", resource=BUS + "2")


@pytest.mark.parametrize(
    ("operator", "wanted", "actual", "holds"),
    [
        ("ArnEquals", RULE, RULE, True),
        ("ArnEquals", RULE, RULE + "2", False),
        ("ArnLike", "arn:aws:events:*:*:rule/*", RULE, True),
        ("ArnLike", "arn:aws:events:*", RULE, False),
        ("ArnLike", "arn:aws:sqs:*:*:rule/*", RULE, False),
        ("StringEquals", RULE, RULE, True),
        ("StringEquals", "arn:*", RULE, False),
        ("StringLike", "arn:*", RULE, True),
        ("Bool", "TRUE", "true", True),
        ("Bool", "false", "true", False),
    ],
)
def test_conditions(operator: str, wanted: str, actual: str, *, holds: bool) -> None:
    statement = Statement("Allow", ("*",), ("*",), conditions={operator: {"aws:SourceArn": (wanted,)}})
    context = {"AWS:sourcearn": actual}
    assert evaluate([statement], action="a:b", resource="c", context=context) is holds


def test_a_condition_on_a_key_that_the_request_lacks_never_holds() -> None:
    statement = Statement("Allow", ("*",), ("*",), conditions={"StringEquals": {"aws:SourceArn": (RULE,)}})
    assert not evaluate([statement], action="a:b", resource="c")


def test_any_value_of_a_condition_will_do_but_all_keys_must_hold() -> None:
    conditions = {"StringEquals": {"aws:SourceArn": ("x", "y"), "aws:SourceAccount": ("1",)}}
    statement = Statement("Allow", ("*",), ("*",), conditions=conditions)
    both = {"aws:SourceArn": "y", "aws:SourceAccount": "1"}
    assert evaluate([statement], action="a:b", resource="c", context=both)
    assert not evaluate([statement], action="a:b", resource="c", context={**both, "aws:SourceAccount": "2"})


def test_a_role_is_assumed_by_the_services_it_trusts_alone() -> None:
    trust = Statement("Allow", ("sts:AssumeRole",), principals=("events.amazonaws.com",))
    assert may_assume(Role("arn", (trust,), ()), "events.amazonaws.com")
    assert not may_assume(Role("arn", (trust,), ()), "appsync.amazonaws.com")
    deny = Statement("Deny", ("sts:*",), principals=("*",))
    assert not may_assume(Role("arn", (trust, deny), ()), "events.amazonaws.com")
    other = Statement("Allow", ("sts:TagSession",), principals=("events.amazonaws.com",))
    assert not may_assume(Role("arn", (other,), ()), "events.amazonaws.com")


def test_a_queue_policy_concerns_the_principals_it_names() -> None:
    statements = [Statement("Allow", ("sqs:SendMessage",), (QUEUE,), ("events.amazonaws.com",))]

    def may_send(service: str) -> bool:
        return allows_service(statements, service=service, action="sqs:SendMessage", resource=QUEUE)

    assert may_send("events.amazonaws.com")
    assert not may_send("sns.amazonaws.com")


def document(**changes: JSON) -> JSON:
    statement: dict[str, JSON] = {"Effect": "Allow", "Action": ["a:b", "c:d"], "Resource": "*", **changes}
    return {"Version": "2012-10-17", "Statement": statement}


def test_parses_a_document() -> None:
    condition: JSON = {"Bool": {"aws:SecureTransport": False}}
    (statement,) = parse(document(Condition=condition), "PolicyDocument", "identity")
    assert statement.actions == ("a:b", "c:d")
    assert statement.resources == ("*",)
    assert statement.conditions == {"Bool": {"aws:SecureTransport": ("false",)}}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (document(NotAction="x"), r"Statement\[0\]\.NotAction is not emulated"),
        (document(NotResource="x"), r"Statement\[0\]\.NotResource is not emulated"),
        (document(Principal="*"), r"Statement\[0\]\.Principal is not emulated"),
        (document(Effect="Maybe"), "neither Allow nor Deny"),
        (document(Action=[]), "Action is empty"),
        (document(Action="PutEvents"), "Action has PutEvents, which is not an action"),
        ({"Version": "2012-10-17", "Statement": []}, "Statement is empty"),
        (document(Action=[1]), "Action is missing or not a string"),
        (document(Resource="${aws:username}"), "a policy variable"),
        (document(Condition={"IpAddress": {}}), "the condition operator IpAddress is not emulated"),
        (
            document(Condition={"StringEquals": {"aws:PrincipalTag/x": "y"}}),
            "condition key aws:PrincipalTag/x",
        ),
        ({"Version": "2008-10-17", "Statement": []}, "version other than 2012-10-17"),
        ("text", "not a policy document"),
    ],
)
def test_refuses_what_it_does_not_know(value: JSON, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        parse(value, "PolicyDocument", "identity")


@settings(deadline=None, max_examples=200)
@given(st.lists(st.text("ab", max_size=3), min_size=1, max_size=5), st.text("ab", max_size=12))
def test_agrees_with_the_plain_regular_expression(parts: list[str], text: str) -> None:
    plain = re.compile(".*".join(parts), re.DOTALL)
    assert (compile_glob(parts).fullmatch(text) is None) is (plain.fullmatch(text) is None)


def test_many_stars_end_soon() -> None:
    # A plain regular expression would take longer than the universe has.
    assert compile_glob(["", *["a"] * 300, "b"]).fullmatch("a" * 50_000) is None
    assert compile_glob(["", *["a"] * 300, ""]).fullmatch("ba" * 300 + "\n")

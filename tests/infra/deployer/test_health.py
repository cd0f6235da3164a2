"""What AWS reports of a deployment that was changed by hand, or that could not deliver."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from globalchat.client import profiles
from globalchat.client.profiles import Profile, RegionEndpoint
from globalchat.core.check_result import CheckResult
from globalchat_infra import stack_interface
from globalchat_infra.config import Senders, load
from globalchat_infra.deployer import health
from globalchat_infra.deployer.aws import Aws, CallFailed, Denied
from globalchat_infra.deployer.health import RegionTarget
from tests.infra.helpers.moto_account import ACCOUNT, User
from tests.infra.helpers.small_stacks import make_stack, tags

REGION = "us-west-2"
BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/globalchat-bus"
PEER = "ap-southeast-2"
TARGET = RegionTarget(ACCOUNT, "globalchat", "oregon", REGION, [PEER])
RULES = {
    "globalchat-broadcast": f"arn:aws:appsync:{REGION}:{ACCOUNT}:endpoints/graphql-api/abc",
    "globalchat-relay-1": BUS.replace(REGION, PEER),
    "globalchat-malformed": f"arn:aws:sqs:{REGION}:{ACCOUNT}:globalchat-malformed-dlq",
}
BROADCAST, RELAY, _ = RULES
QUEUES = ("globalchat-broadcast-dlq", "globalchat-relay-dlq", "globalchat-malformed-dlq")
STACKS = ("globalchat-oregon-api", "globalchat-oregon-relay")


@pytest.fixture
def aws(cloud: str) -> Aws:
    """A deployment of one region, as far as its health goes."""
    aws = Aws()
    aws.call("events", REGION, "create_event_bus", Name=TARGET.bus)
    pattern = '{"source": ["globalchat"]}'
    for name, target in RULES.items():
        aws.call("events", REGION, "put_rule", Name=name, EventBusName=TARGET.bus, EventPattern=pattern)
        put_target(aws, name, target)
    for name in QUEUES:
        aws.call("sqs", REGION, "create_queue", QueueName=name)
    body = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    for name in STACKS:
        make_stack(name, REGION, body, tags=tags("globalchat", "oregon"))
    return aws


def put_target(aws: Aws, rule: str, arn: str) -> None:
    targets = [{"Id": "Target0", "Arn": arn, "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/any"}]
    aws.call("events", REGION, "put_targets", Rule=rule, EventBusName=TARGET.bus, Targets=targets)


def set_status(name: str, status: str) -> None:
    from moto.cloudformation.models import cloudformation_backends

    cloudformation_backends[ACCOUNT][REGION].get_stack(name).status = status


def test_a_bus_names_the_region() -> None:
    assert health.target_of("oregon", BUS, [PEER]) == TARGET
    assert TARGET.bus == "globalchat-bus"
    for other in (
        "",
        "arn:aws:events:us-west-2:1:event-bus/default",
        "arn:aws:events:us-west-2:1:rule/x-bus",
    ):
        assert health.target_of("oregon", other, [PEER]) is None


def test_all_is_well(aws: Aws) -> None:
    for check in (health.credentials, health.stacks, health.rules, health.dead_letters):
        seen = health.run(check, aws, TARGET)
        assert (seen.status.value, seen.remedy) == ("ok", None), seen


@pytest.mark.parametrize(
    ("stack_status", "status", "words"),
    [
        ("ROLLBACK_COMPLETE", "failed", "is not whole (ROLLBACK_COMPLETE)"),
        ("ROLLBACK_FAILED", "failed", "is stuck"),
        ("UPDATE_ROLLBACK_COMPLETE", "warning", "The last update of globalchat-oregon-relay failed"),
        ("UPDATE_IN_PROGRESS", "warning", "AWS is at work on"),
    ],
)
def test_a_stack_that_does_not_stand(aws: Aws, stack_status: str, status: str, words: str) -> None:
    set_status(STACKS[1], stack_status)
    seen = health.stacks(aws, TARGET)
    assert seen.status.value == status
    assert words in seen.text
    assert seen.remedy


def test_a_stack_of_the_right_name_that_belongs_to_others(cloud: str) -> None:
    make_stack(STACKS[0], REGION, tags=[{"Key": "team", "Value": "payments"}])
    seen = health.stacks(Aws(), TARGET)
    assert seen.status.value == "failed"
    assert seen.text == (
        f'Not part of the deployment "globalchat" is the stack "{STACKS[0]}" in us-west-2 '
        "(tags team=payments)."
    )


def test_a_stack_that_is_gone(aws: Aws) -> None:
    aws.call("cloudformation", REGION, "delete_stack", StackName=STACKS[0])
    seen = health.stacks(aws, TARGET)
    assert (seen.status.value, seen.text) == ("failed", "The stack globalchat-oregon-api does not exist.")


@pytest.mark.parametrize(
    ("senders", "generation", "status"),
    [("verified", "0", "warning"), ("verified", None, "ok"), ("anyone", "0", "ok")],
)
def test_a_key_that_the_second_update_did_not_take_away(
    cloud: str, senders: Senders, generation: str | None, status: str
) -> None:
    body: dict[str, Any] = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {"settings": {"Value": stack_interface.dump_settings(replace(load(), senders=senders))}},
    }
    if generation is not None:
        body["Parameters"] = {stack_interface.GENERATION: {"Type": "String", "Default": generation}}
    make_stack(STACKS[0], REGION, body, tags=tags("globalchat", "oregon"))
    seen = health.run(health.stacks, Aws(), replace(TARGET, peers=()))
    assert seen.status.value == status
    assert ("still has an API key" in seen.text) == (status == "warning")


def test_what_only_waits_does_not_hide_what_is_gone(aws: Aws) -> None:
    set_status(STACKS[0], "UPDATE_IN_PROGRESS")
    aws.call("cloudformation", REGION, "delete_stack", StackName=STACKS[1])
    seen = health.stacks(aws, TARGET)
    assert (seen.status.value, seen.text) == ("failed", "The stack globalchat-oregon-relay does not exist.")


def test_a_rule_that_is_switched_off(aws: Aws) -> None:
    aws.call("events", REGION, "disable_rule", Name=RELAY, EventBusName=TARGET.bus)
    seen = health.rules(aws, TARGET)
    assert (seen.status.value, seen.text) == ("failed", "Switched off: globalchat-relay-1.")
    where = "--region us-west-2 --event-bus-name globalchat-bus"
    assert seen.remedy == f"Run `aws events enable-rule {where} --name globalchat-relay-1`."


def test_a_rule_that_is_gone(aws: Aws) -> None:
    aws.call("events", REGION, "remove_targets", Rule=BROADCAST, EventBusName=TARGET.bus, Ids=["Target0"])
    aws.call("events", REGION, "delete_rule", Name=BROADCAST, EventBusName=TARGET.bus)
    seen = health.rules(aws, TARGET)
    assert seen.text == "Missing: globalchat-broadcast."
    assert "Changed by hand" in (seen.remedy or "")  # the same template again would change nothing


def test_a_target_that_is_gone_or_another(aws: Aws) -> None:
    aws.call("events", REGION, "remove_targets", Rule=BROADCAST, EventBusName=TARGET.bus, Ids=["Target0"])
    put_target(aws, RELAY, BUS.replace(REGION, "eu-west-1"))
    seen = health.rules(aws, TARGET)
    assert (seen.status.value, seen.text) == ("failed", f"No rule leads to the API, the bus in {PEER}.")
    assert "Changed by hand" in (seen.remedy or "")


def test_a_region_alone_needs_no_relay(aws: Aws) -> None:
    alone = RegionTarget(ACCOUNT, "globalchat", "oregon", REGION, [])
    aws.call("events", REGION, "remove_targets", Rule=RELAY, EventBusName=TARGET.bus, Ids=["Target0"])
    aws.call("events", REGION, "delete_rule", Name=RELAY, EventBusName=TARGET.bus)
    aws.call("cloudformation", REGION, "delete_stack", StackName=STACKS[1])
    assert health.rules(aws, alone).status.value == health.stacks(aws, alone).status.value == "ok"


def test_dead_letters(aws: Aws) -> None:
    url = aws.call("sqs", REGION, "get_queue_url", QueueName=QUEUES[1])["QueueUrl"]
    for text in ("a", "b"):
        aws.call("sqs", REGION, "send_message", QueueUrl=url, MessageBody=text)
    aws.call("sqs", REGION, "receive_message", QueueUrl=url)
    seen = health.dead_letters(aws, TARGET)
    assert (seen.status.value, seen.text) == (
        "warning",
        "Not delivered: globalchat-relay-dlq holds 2.",
    )
    assert "docs/operations.md" in (seen.remedy or "")


def test_a_queue_that_is_gone(aws: Aws) -> None:
    url = aws.call("sqs", REGION, "get_queue_url", QueueName=QUEUES[0])["QueueUrl"]
    aws.call("sqs", REGION, "delete_queue", QueueUrl=url)
    assert health.dead_letters(aws, TARGET).text == "Missing: globalchat-broadcast-dlq."


def test_credentials_of_another_account(aws: Aws) -> None:
    other = RegionTarget("999999999999", "globalchat", "oregon", REGION, [PEER])
    seen = health.credentials(aws, other)
    assert seen.status.value == "skipped"
    assert seen.text == f"The AWS credentials belong to the account {ACCOUNT}, not 999999999999."


def test_without_credentials_nothing_is_asked(aws_settings: pytest.MonkeyPatch) -> None:
    aws_settings.delenv("AWS_ACCESS_KEY_ID")
    seen = health.credentials(Aws(), TARGET)
    assert (seen.status.value, seen.text) == ("skipped", "AWS is not asked: No AWS credentials were found.")
    assert "aws configure" in (seen.remedy or "")


@pytest.mark.parametrize(
    ("error", "status"),
    [(Denied("Not allowed.", remedy="Ask."), "skipped"), (CallFailed("x", code="Throttling"), "failed")],
)
def test_what_aws_refuses_is_reported(error: Exception, status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> dict[str, Any]:
        raise error

    monkeypatch.setattr(Aws, "call", refuse)
    checks: list[Callable[[Aws, RegionTarget], CheckResult]] = [health.rules, health.dead_letters]
    for check in checks:
        assert health.run(check, Aws(), TARGET).status.value == status


HISTORY = (health.history_table, health.history_roles, health.history_alarm)
TABLE = "globalchat-oregon-history"
ALARM = "globalchat-history-lost"
ROLES = ("globalchat.oregon.history-write", "globalchat.oregon.history-read")


def make_table(aws: Aws, *, keys: tuple[str, str] = ("name", "arrival"), on_demand: bool = True) -> None:
    capacity = {"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}
    aws.call(
        *("dynamodb", REGION, "create_table"),
        TableName=TABLE,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[
            {"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=True)
        ],
        **({"BillingMode": "PAY_PER_REQUEST"} if on_demand else capacity),
    )


def expire(aws: Aws, attribute: str) -> None:
    wanted = {"Enabled": True, "AttributeName": attribute}
    aws.call("dynamodb", REGION, "update_time_to_live", TableName=TABLE, TimeToLiveSpecification=wanted)


@pytest.fixture
def storing(cloud: str) -> Aws:
    """A deployment of one region whose Api stack has a history, but no table yet."""
    aws = Aws()
    body = {
        "Parameters": {"HistorySince": {"Type": "String", "Default": "[5,0]"}},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
    }
    make_stack(STACKS[0], REGION, body, tags=tags("globalchat", "oregon"))
    for role in ROLES:
        trust = json.dumps({"Version": "2012-10-17", "Statement": []})
        aws.call("iam", REGION, "create_role", RoleName=role, AssumeRolePolicyDocument=trust)
    aws.call(
        *("cloudwatch", REGION, "put_metric_alarm"),
        AlarmName=ALARM,
        MetricName="HistoryLost",
        Namespace="globalchat",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        Statistic="Sum",
        ComparisonOperator="GreaterThanOrEqualToThreshold",
    )
    return aws


def test_a_history_as_it_was_deployed(storing: Aws) -> None:
    make_table(storing)
    expire(storing, "expires")
    seen = [health.run(check, storing, TARGET) for check in HISTORY]
    assert [each.status.value for each in seen] == ["ok"] * 3, seen
    assert seen[0].text == f"{TABLE}: on demand, items expire, about 0 items"
    assert seen[1].text == ", ".join(ROLES)
    assert seen[2].text.startswith(f"{ALARM} ")


def test_a_deployment_without_history_has_nothing_to_check(aws: Aws) -> None:
    seen = [health.run(check, aws, TARGET) for check in HISTORY]
    assert [(each.status.value, each.text.startswith("off: ")) for each in seen] == [("ok", True)] * 3


def test_a_table_that_was_changed_by_hand(storing: Aws) -> None:
    assert health.history_table(storing, TARGET).text == f"Missing: the table {TABLE}."
    make_table(storing)
    seen = health.history_table(storing, TARGET)
    assert (seen.status.value, seen.text) == (
        "failed",
        f"Nothing of {TABLE} is ever deleted: its time to live is off.",
    )
    expire(storing, "sentAt")
    seen = health.history_table(storing, TARGET)
    assert seen.text == f"The time to live of {TABLE} is in sentAt, not in expires."
    storing.call("dynamodb", REGION, "delete_table", TableName=TABLE)
    make_table(storing, on_demand=False)
    seen = health.history_table(storing, TARGET)
    assert (seen.status.value, "is not on demand" in seen.text) == ("warning", True)
    storing.call("dynamodb", REGION, "delete_table", TableName=TABLE)
    make_table(storing, keys=("name", "sentAt"))
    seen = health.history_table(storing, TARGET)
    assert seen.text == f"The keys of {TABLE} are name, sentAt, not name and arrival."
    assert seen.remedy == health.DRIFT


def test_a_role_of_the_history_that_is_gone(storing: Aws) -> None:
    storing.call("iam", REGION, "delete_role", RoleName=ROLES[0])
    seen = health.history_roles(storing, TARGET)
    assert (seen.status.value, seen.text) == ("failed", f"Missing: {ROLES[0]}.")


def test_the_alarm_on_messages_that_were_not_stored(storing: Aws) -> None:
    storing.call(
        "cloudwatch", REGION, "set_alarm_state", AlarmName=ALARM, StateValue="ALARM", StateReason="lost"
    )
    seen = health.history_alarm(storing, TARGET)
    assert (seen.status.value, "not stored" in seen.text) == ("warning", True)
    storing.call("cloudwatch", REGION, "delete_alarms", AlarmNames=[ALARM])
    seen = health.history_alarm(storing, TARGET)
    assert (seen.status.value, seen.text) == ("failed", f"Missing: the alarm {ALARM}.")


def make_role(aws: Aws, name: str, path: str = "/") -> None:
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    aws.call("iam", REGION, "create_role", RoleName=name, Path=path, AssumeRolePolicyDocument=trust)


def settled(*roles: str) -> None:
    """Make an Api stack whose settings name the verified roles."""
    config = replace(load(), verified_roles=roles)
    body = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {"settings": {"Value": stack_interface.dump_settings(config)}},
    }
    make_stack(STACKS[0], REGION, body, tags=tags("globalchat", "oregon"))


def test_roles_of_identity_center_are_people_without_a_warning(cloud: str) -> None:
    aws = Aws()
    make_role(aws, "AWSReservedSSO_Chatter_0a", "/aws-reserved/sso.amazonaws.com/")
    make_role(aws, "Admin")
    seen = health.verified_roles(aws, TARGET)
    assert (seen.status.value, seen.text) == ("ok", "people are sessions of AWSReservedSSO_*")


def test_roles_that_only_match_are_listed(cloud: str) -> None:
    aws = Aws()
    make_role(aws, "AWSReservedSSO_Chatter_0a", "/aws-reserved/sso.amazonaws.com/")
    make_role(aws, "AWSReservedSSO_Mine")
    seen = health.verified_roles(aws, TARGET)
    assert seen.status.value == "warning"
    assert seen.text.endswith("count as people: AWSReservedSSO_Mine.")


@pytest.mark.parametrize(
    ("roles", "status", "words"),
    [
        (("People",), "ok", "besides those of IAM Identity Center: People;"),
        (("Peo*", "People"), "ok", "besides those of IAM Identity Center: People;"),
        (("Peo*",), "warning", "count as people: People."),
        (("Peop",), "ok", "people are sessions of Peop"),
        ((), "ok", "people are sessions of no role"),
    ],
)
def test_the_roles_of_the_deployment_decide(
    cloud: str, roles: tuple[str, ...], status: str, words: str
) -> None:
    settled(*roles)
    make_role(Aws(), "People")
    seen = health.verified_roles(Aws(), TARGET)
    assert (seen.status.value, words in seen.text) == (status, True), seen


def test_doctor_asks_aws_of_every_region(aws: Aws, user: User) -> None:
    aws.call("events", REGION, "disable_rule", Name=BROADCAST, EventBusName=TARGET.bus)
    nowhere = ("http://127.0.0.1:1/graphql", "ws://127.0.0.1:1/graphql", "api")
    regions = {
        "oregon": RegionEndpoint("oregon", REGION, *nowhere, BUS, "key"),
        "sydney": RegionEndpoint(
            "sydney", "ap-southeast-2", *nowhere, BUS.replace(REGION, "ap-southeast-2"), "k"
        ),
    }
    profiles.save(Profile("default", regions), user.home / "config")
    done = user.run("doctor", "--json")
    assert done.exit_code == 1
    *found, summary = map(json.loads, done.stdout.splitlines())
    states = {(each["check"], each["subject"]): each["status"] for each in found}
    asked = ("credentials", "stacks", "rules", "dead letters", "history table", "history alarm")
    assert [states[name, "oregon"] for name in asked] == ["ok", "ok", "failed", "ok", "ok", "ok"]
    assert states["verified roles", "oregon"] == "ok"
    assert ("verified roles", "sydney") not in states
    assert [states[name, "sydney"] for name in asked] == ["ok", "failed", "failed", "failed", "ok", "ok"]
    assert (summary["check"], summary["status"]) == ("summary", "failed")


def test_doctor_without_credentials_skips_what_needs_them(
    user: User, aws_settings: pytest.MonkeyPatch
) -> None:
    aws_settings.delenv("AWS_ACCESS_KEY_ID")
    nowhere = ("http://127.0.0.1:1/graphql", "ws://127.0.0.1:1/graphql", "api")
    endpoint = RegionEndpoint("oregon", REGION, *nowhere, BUS, "key")
    file = profiles.save(Profile("default", {"oregon": endpoint}), user.home / "config")
    file.chmod(0o640)
    done = user.run("doctor")
    assert f"→ Run `chmod 600 {file}`." in done.stdout
    assert "– credentials      AWS is not asked: No AWS credentials were found." in done.stdout
    assert "– dead letters     skipped because of: credentials of oregon" in done.stdout

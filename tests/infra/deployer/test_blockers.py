"""What would end a deployment or a removal half-way is found first, with the command that lifts it."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from globalchat.core.errors import UserError
from globalchat_infra.deployer import blockers, discovery
from globalchat_infra.deployer.aws import Aws, Denied
from globalchat_infra.deployer.deployment import prepare
from globalchat_infra.deployer.plan import Changes, DeployRequest, Plan
from globalchat_infra.deployer.stacks import DeployedStack
from tests.infra.helpers.assembled_deployment import RecordingPrompter, content
from tests.infra.helpers.moto_account import ACCOUNT, REGION, User
from tests.infra.helpers.small_stacks import make_stack, stand, tags

REGIONS = {"oregon": REGION, "sydney": "ap-southeast-2"}
OWN = {"project": "globalchat", "deployment": "globalchat", "alias": "oregon"}
STACK = DeployedStack(
    "globalchat-oregon-api",
    "oregon",
    REGION,
    "api",
    "CREATE_COMPLETE",
    "",
    {},
    OWN,
    datetime(2026, 1, 1, tzinfo=UTC),
)
NAMED = "--region us-west-2 --stack-name globalchat-oregon-api"


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        ("ROLLBACK_FAILED", f"Run `aws cloudformation delete-stack {NAMED}`."),
        ("DELETE_FAILED", f"Run `aws cloudformation delete-stack {NAMED}`."),
        ("CREATE_FAILED", f"Run `aws cloudformation delete-stack {NAMED}`."),
        ("UPDATE_FAILED", f"Run `aws cloudformation rollback-stack {NAMED}`."),
        ("UPDATE_ROLLBACK_FAILED", f"Run `aws cloudformation continue-update-rollback {NAMED}`."),
    ],
)
def test_a_stuck_stack_comes_with_the_command_that_leads_out(status: str, remedy: str) -> None:
    found = blockers.stuck(replace(STACK, status=status, reason="The role is gone."))
    assert found is not None
    assert found.text == f"The stack globalchat-oregon-api is stuck ({status}: The role is gone)."
    assert found.remedy == remedy


@pytest.mark.parametrize(
    ("status", "until"),
    [
        ("CREATE_IN_PROGRESS", "stack-create-complete"),
        ("UPDATE_IN_PROGRESS", "stack-update-complete"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "stack-update-complete"),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "stack-rollback-complete"),
        ("ROLLBACK_IN_PROGRESS", "stack-rollback-complete"),
        ("DELETE_IN_PROGRESS", "stack-delete-complete"),
    ],
)
def test_a_stack_at_work_is_waited_for(status: str, until: str) -> None:
    found = blockers.stuck(replace(STACK, status=status))
    assert found is not None
    assert f"aws cloudformation wait {until} {NAMED}" in found.remedy


def test_what_is_whole_or_holds_nothing_is_in_no_one_s_way() -> None:
    for status in ("CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"):
        assert blockers.stuck(replace(STACK, status=status)) is None
    # A creation that failed is made again, for which the CDK deletes it.
    assert blockers.stuck(replace(STACK, status="ROLLBACK_COMPLETE", protected=True)) is not None


def set_status(name: str, region: str, **values: object) -> None:
    from moto.cloudformation.models import cloudformation_backends

    stack = cloudformation_backends[ACCOUNT][region].get_stack(name)
    for key, value in values.items():
        setattr(stack, key, value)


def stacks_of(prefix: str = "globalchat") -> list[str]:
    return [stack.name for stack in discovery.discover(Aws(), prefix, REGIONS.items()).stacks]


def test_nothing_is_deployed_while_a_stack_is_stuck_and_another_is_at_work(cloud: str) -> None:
    stand(REGIONS)
    set_status("globalchat-oregon-relay", REGION, status="UPDATE_ROLLBACK_FAILED")
    set_status("globalchat-sydney-api", "ap-southeast-2", status="UPDATE_IN_PROGRESS")
    with pytest.raises(UserError) as refused:
        prepare(DeployRequest(content()), Aws(), RecordingPrompter().prompter, account=ACCOUNT)
    assert "globalchat-oregon-relay is stuck" in str(refused.value)
    assert "AWS is at work on the stack globalchat-sydney-api" in str(refused.value)
    assert "continue-update-rollback" in (refused.value.remedy or "")


@pytest.mark.parametrize("name", ["globalchat-sydney-api", "globalchat-sydney-relay"])
def test_a_protected_stack_keeps_all_from_being_deleted(cloud: str, user: User, name: str) -> None:
    """It is the last one to go: by then the relays of all regions would be cut."""
    stand(REGIONS)
    set_status(name, "ap-southeast-2", enable_termination_protection=True)
    before = stacks_of()
    ran = user.run("destroy", "--yes")
    assert ran.exit_code == 1, ran.output
    assert f"The stack {name} is protected against termination." in ran.output
    assert (
        "aws cloudformation update-termination-protection --region ap-southeast-2 "
        f"--stack-name {name} --no-enable-termination-protection"
    ) in ran.output
    assert "deleting" not in ran.output
    assert stacks_of() == before


@pytest.mark.parametrize(
    "values", [{"enable_termination_protection": True}, {"status": "UPDATE_IN_PROGRESS"}]
)
def test_nothing_is_deployed_if_what_is_to_be_pruned_cannot_be_deleted(
    cloud: str, values: dict[str, object]
) -> None:
    stand(REGIONS)
    set_status("globalchat-sydney-api", "ap-southeast-2", **values)
    request = DeployRequest(content(), Changes(regions=["oregon"]), prune=True)
    with pytest.raises(UserError, match="globalchat-sydney-api"):
        prepare(request, Aws(), RecordingPrompter().prompter, account=ACCOUNT)
    # Without --prune it is not deleted, and in no one's way.
    request = replace(request, prune=False)
    assert prepare(request, Aws(), RecordingPrompter().prompter, account=ACCOUNT).config.regions == {
        "oregon": REGION
    }


ROLE = "globalchat.oregon.logs"
POLICY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}'
GROUP = "/aws/appsync/apis/one"
TABLE = {
    "TableName": "globalchat-oregon-history",
    "KeySchema": [{"AttributeName": "name", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "name", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


@pytest.fixture
def deployed(cloud: str) -> Aws:
    """A stack of what may refuse to be deleted: a bus with a rule, a role, a table, a log group."""
    own = tags("globalchat", "oregon")
    document = json.loads(POLICY)
    resources: dict[str, dict[str, Any]] = {
        "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "globalchat-bus", "Tags": own}},
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "Name": "globalchat-broadcast",
                "EventBusName": {"Ref": "Bus"},
                "EventPattern": {"source": ["globalchat"]},
                "Targets": [],
            },
        },
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {"RoleName": ROLE, "AssumeRolePolicyDocument": document, "Tags": own},
        },
        "RoleDefaultPolicy": {
            "Type": "AWS::IAM::Policy",
            "Properties": {
                "PolicyName": "RoleDefaultPolicy",
                "PolicyDocument": document,
                "Roles": [{"Ref": "Role"}],
            },
        },
        "Table": {"Type": "AWS::DynamoDB::Table", "Properties": {**TABLE, "Tags": own}},
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": GROUP, "Tags": own}},
    }
    make_stack("globalchat-oregon-api", REGION, {"Resources": resources}, tags=own)
    return Aws()


def test_what_is_as_the_stacks_made_it_can_be_deleted(deployed: Aws, user: User) -> None:
    ran = user.run("destroy", "--yes")
    assert ran.exit_code == 0, ran.output
    assert "warning" not in ran.output


def rule(aws: Aws) -> str:
    where = {"EventBusName": "globalchat-bus"}
    aws.call("events", REGION, "put_rule", Name="audit", **where, EventPattern='{"source": ["globalchat"]}')
    target = {"Id": "queue", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:audit"}
    aws.call("events", REGION, "put_targets", Rule="audit", **where, Targets=[target])
    where_words = "--region us-west-2 --event-bus-name globalchat-bus"
    return (
        f"aws events remove-targets {where_words} --rule audit --ids queue && "
        f"aws events delete-rule {where_words} --name audit"
    )


def archive(aws: Aws) -> str:
    source = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/globalchat-bus"
    aws.call("events", REGION, "create_archive", ArchiveName="audit", EventSourceArn=source)
    return "aws events delete-archive --region us-west-2 --archive-name audit"


def attached_policy(aws: Aws) -> str:
    made = aws.call("iam", REGION, "create_policy", PolicyName="extra", PolicyDocument=POLICY)
    arn = made["Policy"]["Arn"]
    aws.call("iam", REGION, "attach_role_policy", RoleName=ROLE, PolicyArn=arn)
    return f"aws iam detach-role-policy --role-name {ROLE} --policy-arn {arn}"


def inline_policy(aws: Aws) -> str:
    aws.call("iam", REGION, "put_role_policy", RoleName=ROLE, PolicyName="extra", PolicyDocument=POLICY)
    return f"aws iam delete-role-policy --role-name {ROLE} --policy-name extra"


def protected_table(aws: Aws) -> str:
    name = TABLE["TableName"]
    aws.call("dynamodb", REGION, "update_table", TableName=name, DeletionProtectionEnabled=True)
    return (
        f"aws dynamodb update-table --region us-west-2 --table-name {name} --no-deletion-protection-enabled"
    )


@pytest.mark.parametrize(
    "add",
    [rule, archive, attached_policy, inline_policy, protected_table],
    ids=lambda each: each.__name__,
)
def test_what_was_added_by_hand_and_stops_a_deletion_is_found_before_the_first(
    deployed: Aws, user: User, add: Callable[[Aws], str]
) -> None:
    command = add(deployed)
    ran = user.run("destroy", "--yes")
    assert ran.exit_code == 1, ran.output
    assert "cannot be deleted" in ran.output or "protected against deletion" in ran.output
    assert f"Run `{command}`." in ran.output
    assert "deleting" not in ran.output
    assert stacks_of() == ["globalchat-oregon-api"]


def policy_of_history(aws: Aws) -> str:
    name = "globalchat.oregon.history-write"
    aws.call("iam", REGION, "put_role_policy", RoleName=name, PolicyName="extra", PolicyDocument=POLICY)
    return f"aws iam delete-role-policy --role-name {name} --policy-name extra"


@pytest.mark.parametrize("add", [protected_table, policy_of_history], ids=lambda each: each.__name__)
def test_what_keeps_a_history_is_found_before_it_is_turned_off(cloud: str, add: Callable[[Aws], str]) -> None:
    """CloudFormation calls such an update complete, and the table would stay with all messages."""
    own = tags("globalchat", "oregon")
    role = {"RoleName": "globalchat.oregon.history-write", "AssumeRolePolicyDocument": json.loads(POLICY)}
    body: dict[str, Any] = {
        "Parameters": {"HistorySince": {"Type": "String", "Default": "[0,0]"}},
        "Resources": {
            "Table": {"Type": "AWS::DynamoDB::Table", "Properties": {**TABLE, "Tags": own}},
            "Role": {"Type": "AWS::IAM::Role", "Properties": {**role, "Tags": own}},
        },
    }
    make_stack("globalchat-oregon-api", REGION, body, tags=own)
    command = add(Aws())

    def plan(days: int) -> Plan:
        changes = Changes(regions=["oregon"], extras={"historyDays": days})
        return prepare(
            DeployRequest(content(), changes), Aws(), RecordingPrompter().prompter, account=ACCOUNT
        )

    with pytest.raises(UserError) as refused:
        plan(0)
    assert refused.value.remedy == f"Run `{command}`."
    assert plan(3).config.history_days == 3


class Protected(Aws):
    """An AWS whose log groups are protected against deletion, which moto does not know."""

    def call(self, service: str, region: str, operation: str, **arguments: object) -> dict[str, Any]:
        answer = super().call(service, region, operation, **arguments)
        for group in answer.get("logGroups", ()):
            group["deletionProtectionEnabled"] = True
        return answer


def test_a_protected_log_group_is_one_too(deployed: Aws) -> None:
    found = discovery.discover(deployed, "globalchat", [("oregon", REGION)]).stacks
    (seen,) = blockers.undeletable(Protected(), found)
    assert isinstance(seen, blockers.Blocker)
    assert seen.remedy == (
        "Run `aws logs put-log-group-deletion-protection --region us-west-2 "
        f"--log-group-identifier {GROUP} --no-deletion-protection-enabled`."
    )


class Unasked(Aws):
    """Credentials that may not look at rules and policies."""

    def call(self, service: str, region: str, operation: str, **arguments: object) -> dict[str, Any]:
        if service in ("events", "iam"):
            raise Denied("Not allowed.")
        return super().call(service, region, operation, **arguments)


def test_what_may_not_be_asked_is_a_warning(deployed: Aws) -> None:
    found = discovery.discover(deployed, "globalchat", [("oregon", REGION)]).stacks
    why = "whether globalchat-oregon-api can be deleted is not known"
    assert blockers.undeletable(Unasked(), found) == [
        f"{why}: events:ListRules is not allowed in us-west-2",
        f"{why}: iam:ListAttachedRolePolicies is not allowed in us-west-2",
    ]


def test_what_an_earlier_deployment_left_is_named_before_a_new_one_fails_at_it(cloud: str) -> None:
    Aws().call("sqs", REGION, "create_queue", QueueName="globalchat-broadcast-dlq", tags=OWN)
    with pytest.raises(UserError) as refused:
        prepare(DeployRequest(content()), Aws(), RecordingPrompter().prompter, account=ACCOUNT)
    assert str(refused.value) == (
        'The queue "globalchat-broadcast-dlq" in us-west-2 is left of an earlier deployment, '
        "and no stack holds it."
    )


def test_a_plan_without_blockers_warns_of_nothing(cloud: str) -> None:
    plan: Plan = prepare(DeployRequest(content()), Aws(), RecordingPrompter().prompter, account=ACCOUNT)
    assert list(blockers.check_deployment(Aws(), ACCOUNT, plan)) == []

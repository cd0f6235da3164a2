"""No command touches what belongs to another team or to another deployment, whatever its name is."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import pytest

from globalchat.core.errors import UsageError
from globalchat_infra.deployer import destroy, discovery
from globalchat_infra.deployer.aws import Aws, Denied
from globalchat_infra.deployer.deployment import Deployer, prepare
from globalchat_infra.deployer.plan import Changes, DeployRequest, Plan, make_plan
from tests.infra.helpers.assembled_deployment import RecordingPrompter, content
from tests.infra.helpers.moto_account import ACCOUNT, REGION, User
from tests.infra.helpers.small_stacks import make_stack, stand, tags

PAYMENTS = [{"Key": "team", "Value": "payments"}]
PRECIOUS = {
    "Resources": {"Orders": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "precious-orders"}}}
}
SHOP = ("--stack-prefix", "shop", "--regions", "web=us-west-2")


CALL = Aws.call
LIST_ROLES = "iam:ListRoles"


@pytest.fixture
def deny(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str, str], bool]], None]:
    """Credentials that may not make the calls (action, AWS region) that a function says."""

    def denied(is_denied: Callable[[str, str], bool]) -> None:
        def call(aws: Aws, service: str, region: str, operation: str, **arguments: object) -> dict[str, Any]:
            action = f"{service}:{''.join(word.title() for word in operation.split('_'))}"
            if is_denied(action, region):
                raise Denied(f"These credentials may not do this in {region}: {action}.")
            return CALL(aws, service, region, operation, **arguments)

        monkeypatch.setattr(Aws, "call", call)

    return denied


Deny: TypeAlias = Callable[[Callable[[str, str], bool]], None]


def stack_tags(name: str, region: str = REGION) -> Mapping[str, str]:
    (stack,) = Aws().call("cloudformation", region, "describe_stacks", StackName=name)["Stacks"]
    return {each["Key"]: each["Value"] for each in stack["Tags"]}


def queues() -> list[str]:
    return [url.rpartition("/")[2] for url in Aws().call("sqs", REGION, "list_queues").get("QueueUrls", ())]


@pytest.mark.parametrize("part", ["api", "relay"])
@pytest.mark.parametrize(
    "command", [("deploy", "--yes", "--no-proof"), ("destroy", "--yes"), ("outputs", "--refresh")]
)
def test_a_stack_of_another_team_refuses_every_command(
    cloud: str, user: User, part: str, command: tuple[str, ...]
) -> None:
    """An alias that only the command line names is looked up like any other."""
    make_stack(f"shop-web-{part}", REGION, PRECIOUS, tags=PAYMENTS)
    regions = ("--regions", "web=us-west-2,sydney") if command[0] == "deploy" else SHOP[2:]
    ran = user.run(*command, *SHOP[:2], *regions)
    assert ran.exit_code == 2, ran.output
    message = (
        f'Not part of the deployment "shop" is the stack "shop-web-{part}" in us-west-2 (tags team=payments)'
    )
    assert message in ran.output
    assert stack_tags(f"shop-web-{part}") == {"team": "payments"}
    assert queues() == ["precious-orders"]


def bus(aws: Aws) -> None:
    aws.call("events", REGION, "create_event_bus", Name="shop-bus", Tags=PAYMENTS)


def queue(aws: Aws) -> None:
    aws.call("sqs", REGION, "create_queue", QueueName="shop-broadcast-dlq", tags={"team": "payments"})


def role(aws: Aws) -> None:
    name = {"RoleName": "shop.web.logs", "AssumeRolePolicyDocument": "{}"}
    aws.call("iam", REGION, "create_role", **name, Tags=PAYMENTS)


def table(aws: Aws) -> None:
    aws.call(
        "dynamodb",
        REGION,
        "create_table",
        TableName="shop-web-history",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=PAYMENTS,
    )


def topic(aws: Aws) -> None:
    aws.call("sns", REGION, "create_topic", Name="shop-alarms", Tags=PAYMENTS)


def alarm(aws: Aws) -> None:
    aws.call(
        "cloudwatch",
        REGION,
        "put_metric_alarm",
        AlarmName="shop-broadcast-failed",
        MetricName="Errors",
        Namespace="Shop",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
        Tags=PAYMENTS,
    )


def dashboard(aws: Aws) -> None:
    """Dashboards have no tags."""
    body = '{"widgets": []}'
    aws.call("cloudwatch", REGION, "put_dashboard", DashboardName="shop_web", DashboardBody=body)


def web_acl(aws: Aws) -> None:
    aws.call(
        "wafv2",
        REGION,
        "create_web_acl",
        Name="shop-web",
        Scope="REGIONAL",
        DefaultAction={"Allow": {}},
        VisibilityConfig={
            "SampledRequestsEnabled": False,
            "CloudWatchMetricsEnabled": False,
            "MetricName": "a",
        },
        Tags=PAYMENTS,
    )


def test_every_name_that_another_team_has_refuses_the_whole_plan(cloud: str) -> None:
    extras = {"alarmEmail": "ops@example.com", "dashboard": True, "wafRate": 2000}
    request = DeployRequest(content(), Changes("shop", ["sydney", "web=us-west-2"], extras=extras))
    for make in (bus, queue, role, table, topic, alarm, web_acl, dashboard):
        make(Aws())
    with pytest.raises(UsageError) as refused:
        prepare(request, Aws(), RecordingPrompter().prompter, account=ACCOUNT)
    start, others = str(refused.value).split(" are ")
    assert start == 'Not part of the deployment "shop"'
    others, end = others.rsplit(": ", 1)
    assert end == "nothing was changed."
    assert {*others.split("; ")} == {
        'the event bus "shop-bus" in us-west-2 (tags team=payments)',
        'the queue "shop-broadcast-dlq" in us-west-2 (tags team=payments)',
        'the role "shop.web.logs" in us-west-2 (tags team=payments)',
        'the table "shop-web-history" in us-west-2 (tags team=payments)',
        'the topic "shop-alarms" in us-west-2 (tags team=payments)',
        'the alarm "shop-broadcast-failed" in us-west-2 (tags team=payments)',
        'the web ACL "shop-web" in us-west-2 (tags team=payments)',
        'the dashboard "shop_web" in us-west-2 (no tags)',
    }
    assert "--stack-prefix" in (refused.value.remedy or "")


def test_one_name_that_another_team_has_refuses_the_whole_plan(cloud: str) -> None:
    queue(Aws())
    request = DeployRequest(content(), Changes("shop", ["sydney", "web=us-west-2"]))
    with pytest.raises(UsageError) as refused:
        prepare(request, Aws(), RecordingPrompter().prompter, account=ACCOUNT)
    assert str(refused.value) == (
        'Not part of the deployment "shop" is the queue "shop-broadcast-dlq" in us-west-2 '
        "(tags team=payments): nothing was changed."
    )


@pytest.mark.parametrize("made", [bus, queue, table], ids=lambda each: each.__name__)
def test_destroy_of_what_another_team_has_is_refused(
    cloud: str, user: User, made: Callable[[Aws], None]
) -> None:
    made(Aws())
    ran = user.run("destroy", "--yes", *SHOP)
    assert (ran.exit_code, "team=payments" in ran.output) == (2, True), ran.output
    assert "Nothing is left" not in ran.output


def test_all_that_belongs_to_others_is_named_at_once(cloud: str) -> None:
    bus(Aws())
    make_stack("shop-web-api", REGION, PRECIOUS, tags=PAYMENTS)
    with pytest.raises(UsageError, match=r"are the stack .*shop-web-api.*; the event bus .*shop-bus"):
        prepare(
            DeployRequest(content(), Changes("shop", ["web=us-west-2"])),
            Aws(),
            RecordingPrompter().prompter,
            account=ACCOUNT,
        )


# Two teams whose prefixes and aliases make the same names: globalchat + x-oregon, globalchat-x + oregon.
TEAM_A = {"x-oregon": REGION}


@pytest.mark.parametrize(
    "command",
    [
        ("destroy", "--yes"),
        ("destroy", "--yes", "--regions", "oregon"),
        ("deploy", "--yes", "--no-proof", "--regions", "oregon"),
        ("deploy", "--yes", "--no-proof", "--regions", "oregon", "--prune"),
        ("outputs", "--refresh"),
        ("outputs", "--refresh", "--regions", "oregon"),
    ],
    ids=" ".join,
)
def test_another_deployment_of_the_same_names_is_left_alone(
    cloud: str, user: User, command: tuple[str, ...]
) -> None:
    stand(TEAM_A, roles=True)
    ran = user.run(*command, "--stack-prefix", "globalchat-x")
    assert ran.exit_code == 2, ran.output
    owner = "(tags project=globalchat, deployment=globalchat, alias=x-oregon)"
    assert f'the stack "globalchat-x-oregon-api" in us-west-2 {owner}' in ran.output
    assert "Nothing is left" not in ran.output
    assert [stack.name for stack in discovery.discover(Aws(), "globalchat", TEAM_A.items()).stacks] == [
        "globalchat-x-oregon-api",
        "globalchat-x-oregon-relay",
    ]


def test_only_another_alias_is_another_owner_too(cloud: str, user: User) -> None:
    make_stack("a-b-c-api", REGION, PRECIOUS, tags=tags("a", "b-c"))
    ran = user.run("destroy", "--yes", "--stack-prefix", "a-b", "--regions", "c=us-west-2")
    assert (ran.exit_code, queues()) == (2, ["precious-orders"]), ran.output


def test_a_stack_that_another_team_proposes_is_theirs(cloud: str) -> None:
    Aws().call(
        "cloudformation",
        REGION,
        "create_change_set",
        StackName="shop-web-api",
        ChangeSetName="payments",
        ChangeSetType="CREATE",
        TemplateBody='{"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}',
        Tags=PAYMENTS,
    )
    with pytest.raises(UsageError, match="team=payments"):
        prepare(
            DeployRequest(content(), Changes("shop", ["web=us-west-2"])),
            Aws(),
            RecordingPrompter().prompter,
            account=ACCOUNT,
        )


def test_a_foreign_stack_elsewhere_neither_stands_nor_names_an_alias(cloud: str) -> None:
    """It has the name that an alias of `cdk.json` would give; the plan does not act on it."""
    make_stack("shop-oregon-api", REGION, PRECIOUS, tags=PAYMENTS)
    request = DeployRequest(content(), Changes("shop", ["web=us-west-2"]))
    plan = prepare(request, Aws(), RecordingPrompter().prompter, account=ACCOUNT)
    assert plan.config.regions == {"web": REGION}
    assert (plan.existing.regions, plan.dropped) == ({}, [])


def test_a_deployment_refuses_a_foreign_stack_whatever_led_to_it(cloud: str, equipped: User) -> None:
    """As if nothing had been looked at before."""
    make_stack("shop-web-api", REGION, PRECIOUS, tags=PAYMENTS)
    plan: Plan = make_plan(
        DeployRequest(content(), Changes("shop", ["web=us-west-2"])), discovery.ExistingDeployment()
    )
    with pytest.raises(UsageError, match=r"team=payments\): nothing was changed"):
        Deployer(plan, equipped.cache, Aws()).run(RecordingPrompter().prompter)
    assert queues() == ["precious-orders"]


def test_a_removal_refuses_a_stack_that_became_another_one_s(cloud: str) -> None:
    stand({"oregon": REGION})
    found = destroy.stacks_to_delete(discovery.discover(Aws(), "globalchat", [("oregon", REGION)]))
    for stack in found:
        Aws().call("cloudformation", REGION, "delete_stack", StackName=stack.name)
    make_stack("globalchat-oregon-api", REGION, PRECIOUS, tags=PAYMENTS)
    with pytest.raises(UsageError, match=r"team=payments\): nothing was deleted"):
        destroy.delete_stacks(Aws(), found, lambda _: None, seconds=1)
    # Nor is one deleted that has the right tags, but is not the one that was confirmed.
    make_stack("globalchat-oregon-relay", REGION, PRECIOUS_TOO, tags=tags("globalchat", "oregon"))
    destroy.delete_stacks(Aws(), [each for each in found if each.part == "relay"], lambda _: None, seconds=1)
    assert stack_tags("globalchat-oregon-relay")["alias"] == "oregon"


PRECIOUS_TOO = {"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "theirs"}}}}


def test_a_log_group_that_another_team_made_for_our_api_refuses_the_plan(cloud: str) -> None:
    stand({"oregon": REGION})
    (api,) = Aws().call("appsync", REGION, "list_graphql_apis")["graphqlApis"]
    name = f"/aws/appsync/apis/{api['apiId']}"
    Aws().call("logs", REGION, "create_log_group", logGroupName=name, tags={"team": "payments"})
    with pytest.raises(UsageError, match=rf'the log group "{name}" in us-west-2 \(tags team=payments\)'):
        prepare(
            DeployRequest(content(), Changes(regions=["oregon"])),
            Aws(),
            RecordingPrompter().prompter,
            account=ACCOUNT,
        )


def test_what_is_not_acted_on_is_in_no_one_s_way(cloud: str, user: User) -> None:
    """Without a relay, a queue of the relay's name is another team's business."""
    Aws().call("sqs", REGION, "create_queue", QueueName="shop-relay-dlq", tags={"team": "payments"})
    request = DeployRequest(content(), Changes("shop", ["web=us-west-2"]))
    assert prepare(request, Aws(), RecordingPrompter().prompter, account=ACCOUNT).config.regions == {
        "web": REGION
    }


def test_tags_that_may_not_be_read_decide_nothing_for_the_taker(cloud: str, deny: Deny) -> None:
    bus(Aws())
    deny(lambda action, _: action == "events:ListTagsForResource")
    with pytest.raises(UsageError, match=r'"shop-bus" in us-west-2 \(tags that may not be read\)'):
        prepare(
            DeployRequest(content(), Changes("shop", ["web=us-west-2"])),
            Aws(),
            RecordingPrompter().prompter,
            account=ACCOUNT,
        )


def test_a_queue_that_replaced_ours_by_hand_keeps_the_stack_from_being_deleted(
    cloud: str, user: User
) -> None:
    body = {
        "Resources": {
            "Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "globalchat-broadcast-dlq"}}
        }
    }
    make_stack("globalchat-oregon-api", REGION, body, tags=tags("globalchat", "oregon"))
    url = Aws().call("sqs", REGION, "get_queue_url", QueueName="globalchat-broadcast-dlq")["QueueUrl"]
    Aws().call("sqs", REGION, "untag_queue", QueueUrl=url, TagKeys=["project", "deployment", "alias"])
    Aws().call("sqs", REGION, "tag_queue", QueueUrl=url, Tags={"team": "payments"})
    ran = user.run("destroy", "--yes", "--regions", "oregon")
    assert ran.exit_code == 2, ran.output
    assert 'is the queue "globalchat-broadcast-dlq" in us-west-2 (tags team=payments)' in ran.output
    # Without any tags, what the stack holds is the stack's.
    Aws().call("sqs", REGION, "untag_queue", QueueUrl=url, TagKeys=["team"])
    assert user.run("destroy", "--yes", "--regions", "oregon").exit_code == 0


TOKYO = {"tokyo": "ap-northeast-1"}


def test_without_iam_a_region_that_an_option_names_is_looked_at(cloud: str, deny: Deny) -> None:
    stand(TOKYO, prefix="team")
    deny(lambda action, _: action == LIST_ROLES)
    printed = RecordingPrompter()
    request = DeployRequest(content(), Changes("team", ["tokyo=ap-northeast-1"]))
    plan = prepare(request, Aws(), printed.prompter, account=ACCOUNT)
    assert plan.existing.regions == TOKYO
    assert f"account {ACCOUNT}; update" in printed
    (said,) = (line for line in printed if "iam:ListRoles" in line and "eu-west-1" in line)
    assert said.endswith("is not known.")
    assert not {"ap-northeast-1", "us-west-2"} & set(re.findall(r"[a-z]+-[a-z]+-\d", said.partition(":")[2]))


def test_without_iam_a_deployment_is_found_in_whatever_region_it_is(
    cloud: str, user: User, deny: Deny
) -> None:
    stand(TOKYO, prefix="team")
    deny(lambda action, _: action == LIST_ROLES)
    ran = user.run("outputs", "--refresh", "--stack-prefix", "team")
    assert (ran.exit_code, "ap-northeast-1" in ran.output) == (0, True), ran.output
    (user.home / "config" / "profiles" / "default.json").unlink()
    ran = user.run("destroy", "--yes", "--stack-prefix", "team")
    assert ran.exit_code == 0, ran.output
    assert "deleting team-tokyo-api" in ran.output
    assert ran.output.rstrip().endswith("Nothing is left.")
    assert Aws().call("cloudformation", "ap-northeast-1", "describe_stacks")["Stacks"] == []


def test_nothing_is_left_is_never_said_of_regions_that_were_not_asked(
    cloud: str, user: User, deny: Deny
) -> None:
    stand(TOKYO, prefix="team")
    deny(
        lambda action, region: (
            action == LIST_ROLES or (action == "cloudformation:ListStacks" and region != "sa-east-1")
        )
    )
    ran = user.run("destroy", "--yes", "--stack-prefix", "team")
    assert ran.exit_code == 1, ran.output
    assert 'There is no deployment "team" in us-west-2, ap-southeast-2 of the account' in ran.output
    assert "Nothing is left" not in ran.output
    assert "not asked: ap-northeast-1: " in ran.output
    assert "not asked: sa-east-1" not in ran.output
    # What was asked for alone is known.
    ran = user.run("destroy", "--yes", "--stack-prefix", "team", "--regions", "tokyo=ap-northeast-1")
    assert ran.exit_code == 0, ran.output
    assert ran.output.rstrip().endswith("Nothing is left in ap-northeast-1.")


def test_what_cannot_be_asked_is_named(cloud: str, user: User, deny: Deny) -> None:
    allowed = ("cloudformation:", "sts:", "iam:List")
    deny(lambda action, _: not action.startswith(allowed))
    printed = RecordingPrompter()
    prepare(DeployRequest(content(), Changes(regions=["oregon"])), Aws(), printed.prompter, account=ACCOUNT)
    (said,) = (line for line in printed if "its own is not known" in line)
    for action in ("events:DescribeEventBus", "sqs:GetQueueUrl", "iam:GetRole", "dynamodb:DescribeTable"):
        assert action in said
    stand({"oregon": REGION})
    ran = user.run("destroy", "--yes")
    assert ran.exit_code == 1, ran.output
    assert "not asked: us-west-2: " in ran.output
    assert "Nothing is left" not in ran.output

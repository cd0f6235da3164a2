"""`globalchat purge` on an imitated AWS: whose table it is, faults of DynamoDB, interruptions."""

import json
import re
import signal

import pytest

from globalchat.client.history import cursor_at
from globalchat.core.clock import now_ms
from globalchat.localcloud.definition import Statement
from globalchat.localcloud.iam import evaluate
from globalchat_infra.deployer import repair
from globalchat_infra.deployer.aws import Aws
from tests.infra.helpers.aws_front import AwsFront, Call, Reply
from tests.infra.helpers.deployed_history import HOUR, deploy, left, store
from tests.infra.helpers.moto_account import ACCOUNT, User
from tests.infra.helpers.small_stacks import tags
from tests.paths import ROOT

pytestmark = pytest.mark.usefixtures("elapsed")


@pytest.fixture
def deployed(front: AwsFront, user: User) -> User:
    """A user with a deployment whose tables are empty."""
    return deploy(user)


def test_a_channel_is_deleted_in_every_region_and_the_others_stay(deployed: User) -> None:
    store(60)
    store(3, alias="sydney")
    store(2, channel="cars")
    ran = deployed.run("purge", "tech")
    assert ran.exit_code == 1
    assert f"AWS account {ACCOUNT}, as arn:aws:" in ran.output
    assert (
        "Delete the history of tech: about 60 items in oregon (us-west-2), "
        "about 3 items in sydney (ap-southeast-2)? There is no terminal to ask on: give --yes." in ran.output
    )
    assert (left(), left(alias="sydney")) == (60, 3)

    ran = deployed.run("purge", "tech", "--yes", "--json")
    assert ran.exit_code == 0, ran.output
    assert [json.loads(line) for line in ran.stdout.splitlines()] == [
        {"region": "us-west-2", "channel": "tech", "deleted": 60},
        {"region": "ap-southeast-2", "channel": "tech", "deleted": 3},
    ]
    assert (left(), left(alias="sydney"), left("cars")) == (0, 0, 2)

    ran = deployed.run("purge", "tech")
    assert (ran.exit_code, "Nothing is stored of tech." in ran.output) == (0, True), ran.output


def test_only_what_arrived_before_a_moment_is_deleted(deployed: User) -> None:
    store(30, at=now_ms() - 3 * HOUR)
    store(4, at=now_ms() - HOUR)
    ran = deployed.run("purge", "tech", "--before", "2h", "--yes")
    assert ran.exit_code == 0, ran.output
    assert left() == 4


def test_pages_of_a_megabyte_follow_each_other(deployed: User, front: AwsFront) -> None:
    store(60, size=30_000)
    front.calls.clear()
    ran = deployed.run("purge", "tech", "--yes")
    assert ran.exit_code == 0, ran.output
    assert left() == 0
    starts = [b"ExclusiveStartKey" in call.body for call in front.calls if call.action == "Query"]
    assert True in starts


def test_throttled_calls_are_made_again(deployed: User, front: AwsFront) -> None:
    store(60)
    for action in ("Query", "BatchWriteItem"):
        front.refuse("ProvisionedThroughputExceededException", "Too fast.", action=action, times=3)
    ran = deployed.run("purge", "tech", "--yes")
    assert (ran.exit_code, "oregon: 60 items were deleted" in ran.output) == (0, True), ran.output
    assert left() == 0


def test_a_purge_leaves_half_of_the_writes_to_what_arrives(
    deployed: User, front: AwsFront, elapsed: list[float]
) -> None:
    store(50)
    capacity = [{"TableName": "small-oregon-history", "CapacityUnits": 175.0}]
    front.on("BatchWriteItem", Reply(body=json.dumps({"ConsumedCapacity": capacity}).encode()))
    ran = deployed.run("purge", "tech", "--yes")
    assert ran.exit_code == 0, ran.output
    assert elapsed == [2 * 175 / 500]


def some_only(call: Call) -> Reply:
    """Delete the first two items of a batch, and answer that the others were not processed."""
    [(name, requests)] = json.loads(call.body)["RequestItems"].items()
    for request in requests[:2]:
        key = request["DeleteRequest"]["Key"]
        Aws().call("dynamodb", call.region, "delete_item", TableName=name, Key=key)
    rest = requests[2:]
    return Reply(body=json.dumps({"UnprocessedItems": {name: rest} if rest else {}}).encode())


def test_what_is_not_processed_is_sent_again(deployed: User, front: AwsFront) -> None:
    store(31)
    front.on("BatchWriteItem", some_only)
    ran = deployed.run("purge", "tech", "--yes")
    assert (ran.exit_code, "oregon: 31 items were deleted" in ran.output) == (0, True), ran.output
    assert left() == 0


def test_a_table_that_stays_too_busy_says_how_many_were_deleted_and_the_next_run_goes_on(
    deployed: User, front: AwsFront
) -> None:
    store(60)
    store(5, alias="sydney")
    answers = iter(range(100))

    def nothing_after_the_first(call: Call) -> Reply | None:
        if call.region != "us-west-2" or call.action != "BatchWriteItem" or next(answers) == 0:
            return None
        items = json.loads(call.body)["RequestItems"]
        return Reply(body=json.dumps({"UnprocessedItems": items}).encode())

    front.rules.insert(0, nothing_after_the_first)
    ran = deployed.run("purge", "tech", "--yes")
    assert ran.exit_code == 1, ran.output
    assert "oregon: 25 items were deleted" in ran.output
    assert "globalchat: oregon: DynamoDB in us-west-2 does not process the deletions." in ran.output
    assert "sydney: 5 items were deleted" in ran.output
    assert (left(), left(alias="sydney")) == (35, 0)

    front.rules.clear()
    ran = deployed.run("purge", "tech", "--yes")
    assert (ran.exit_code, left()) == (0, 0), ran.output


def test_an_interrupted_purge_says_how_many_were_deleted_and_the_next_run_goes_on(
    deployed: User, front: AwsFront
) -> None:
    store(60)
    batches = iter(range(10))

    def interrupt_at_the_second(call: Call) -> Reply | None:
        if call.action == "BatchWriteItem" and next(batches) == 1:
            signal.raise_signal(signal.SIGINT)
        return None

    front.rules.insert(0, interrupt_at_the_second)
    ran = deployed.run("purge", "tech", "--yes")
    assert ran.exit_code == 130, ran.output
    assert "interrupted: deleted 25 in oregon; run the same command again to delete the rest" in ran.output
    assert left() in (10, 35)  # the batch on its way may have been deleted
    ran = deployed.run("purge", "tech", "--yes")
    assert (ran.exit_code, left()) == (0, 0), ran.output


def test_the_table_of_others_is_left_alone(front: AwsFront, user: User) -> None:
    deploy(user, owner="other")
    store(3)
    ran = user.run("purge", "tech", "--yes")
    assert ran.exit_code == 2, ran.output
    assert (
        'the table "small-oregon-history" in us-west-2 (tags project=globalchat, deployment=other'
        in ran.output
    )
    assert left() == 3


def test_the_api_of_others_is_left_alone(deployed: User) -> None:
    store(3)
    file = deployed.profiles / "default.json"
    api_id = json.loads(file.read_text())["regions"]["oregon"]["apiId"]
    arn = f"arn:aws:appsync:us-west-2:{ACCOUNT}:apis/{api_id}"
    Aws().call("appsync", "us-west-2", "tag_resource", resourceArn=arn, tags={"deployment": "other"})
    ran = deployed.run("purge", "tech", "--yes")
    assert (ran.exit_code, "deployment=other" in ran.output) == (2, True), ran.output
    file.write_text(file.read_text().replace(api_id, "gone"))
    ran = deployed.run("purge", "tech", "--yes")
    assert "globalchat: oregon: The API of oregon in us-west-2 is gone." in ran.output
    assert (ran.exit_code, left()) == (1, 3)


def test_a_region_that_stores_nothing_is_no_failure(front: AwsFront, user: User) -> None:
    deploy(user, tables=["oregon"])
    store(3)
    ran = user.run("purge", "tech", "--yes")
    assert ran.exit_code == 0, ran.output
    assert "sydney stores no messages: its history is off." in ran.output
    assert left() == 0


def test_a_region_that_does_not_allow_it_does_not_keep_the_others_from_it(
    deployed: User, front: AwsFront
) -> None:
    store(3)
    store(3, alias="sydney")
    front.refuse("AccessDeniedException", "no", action="Query", region="us-west-2")
    ran = deployed.run("purge", "tech", "--yes")
    assert ran.exit_code == 1
    assert "globalchat: oregon: These credentials may not do this in us-west-2" in ran.output
    assert left(alias="sydney") == 0
    front.rules.clear()
    assert left() == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["Tech"], '"Tech" cannot name a channel.'),
        (["tech", "--before", "soon"], '"soon" is not a time'),
        (["tech", "--before", "2099-01-01"], '"2099-01-01" is still to come'),
        (["tech", "--before", "99999999999999d"], '"99999999999999d" is before 1970'),
    ],
)
def test_wrong_usage_is_reported_before_anything_is_asked(
    arguments: list[str], said: str, user: User
) -> None:
    ran = user.run("purge", *arguments, "--yes")
    assert (ran.exit_code, said in " ".join(ran.output.split())) == (2, True), ran.output


PAGE = ROOT / "docs" / "operations.md"


def policy() -> list[Statement]:
    """Return the page's policy for purges and repairs, filled in for this deployment's first region."""
    [text] = [
        block for block in re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL) if "Purge" in block
    ]
    document = json.loads(text.replace("globalchat-", "small-").replace("ACCOUNT", ACCOUNT))

    def many(value: str | list[str]) -> tuple[str, ...]:
        return (value,) if isinstance(value, str) else tuple(value)

    return [
        Statement(each["Effect"], many(each["Action"]), many(each["Resource"]), conditions={})
        for each in document["Statement"]
    ]


def asked_for(call: Call) -> tuple[str, str]:
    """Return the action and the resource that a call needs a permission for."""
    place = f"{call.region}:{ACCOUNT}"
    if call.service == "appsync":
        assert call.action.startswith("GET /v1/apis/")
        return "appsync:GetGraphqlApi", f"arn:aws:appsync:{place}:apis/API-ID"
    resource = {
        "dynamodb": f"arn:aws:dynamodb:{place}:table/small-oregon-history",
        "events": f"arn:aws:events:{place}:event-bus/small-bus",
    }[call.service]
    if call.action == "DescribeRule":
        resource = f"arn:aws:events:{place}:rule/small-bus/small-broadcast"
    return f"{call.service}:{call.action}", resource


def test_the_policy_of_the_page_allows_what_purges_and_repairs_call_and_nothing_else(
    deployed: User, front: AwsFront
) -> None:
    aws = Aws()
    store(3)
    bus = f"arn:aws:events:us-west-2:{ACCOUNT}:event-bus/small-bus"
    aws.call("events", "us-west-2", "create_event_bus", Name="small-bus", Tags=tags("small", "oregon"))
    pattern = json.dumps({"source": ["globalchat"], "detail-type": ["message repaired"]})
    aws.call(
        *("events", "us-west-2", "put_rule"),
        Name="small-broadcast",
        EventBusName="small-bus",
        EventPattern=pattern,
    )
    front.calls.clear()
    repair.read_detail(aws, "us-west-2", "small-oregon-history", "tech", cursor_at(0))
    assert deployed.run("purge", "tech", "--yes").exit_code == 0
    repair.check_bus(aws, "small", "oregon", "us-west-2")
    repair.put(aws, "us-west-2", bus, ["{}"], lambda _: None)
    # Who one is may be asked by anyone.
    calls = [each for each in front.calls if each.region == "us-west-2" and each.service != "sts"]
    statements, used = policy(), {asked_for(each) for each in calls}
    for action, resource in used:
        assert evaluate(statements, action=action, resource=resource), (action, resource)
    assert {action for action, _ in used} == {action for each in statements for action in each.actions}
    assert not evaluate(statements, action="dynamodb:Query", resource="arn:aws:dynamodb:us-west-2:1:table/x")

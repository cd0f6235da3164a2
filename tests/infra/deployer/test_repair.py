"""Messages on a bus again: whose bus it is, whether it takes them, and what EventBridge refuses."""

import json
from typing import Any

import pytest

from globalchat.client import profiles
from globalchat.core.errors import UsageError, UserError
from globalchat_infra.deployer import repair
from globalchat_infra.deployer.aws import Aws, CallFailed
from tests.infra.helpers.aws_front import AwsFront, Call, Reply
from tests.infra.helpers.deployed_history import deploy
from tests.infra.helpers.moto_account import ACCOUNT, REGION, User
from tests.infra.helpers.small_stacks import tags

BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/small-bus"
BOTH = ["message published", "message repaired"]


def bus(*, owner: str = "small", takes: list[str] = BOTH) -> Aws:
    """Return calls of an account with a bus of an owner, whose rule takes these detail types."""
    aws = Aws()
    aws.call("events", REGION, "create_event_bus", Name="small-bus", Tags=tags(owner, "oregon"))
    pattern = json.dumps({"source": ["globalchat"], "detail-type": takes})
    aws.call(
        *("events", REGION, "put_rule"),
        Name="small-broadcast",
        EventBusName="small-bus",
        EventPattern=pattern,
    )
    return aws


def test_a_bus_of_this_deployment_that_takes_repairs_is_good(cloud: str) -> None:
    repair.check_bus(bus(), "small", "oregon", REGION)


def test_a_bus_from_before_repairs_is_refused(cloud: str) -> None:
    with pytest.raises(UserError, match="before messages could be repaired"):
        repair.check_bus(bus(takes=BOTH[:1]), "small", "oregon", REGION)


def test_the_bus_of_others_is_refused(cloud: str) -> None:
    aws = bus(owner="other")
    with pytest.raises(UsageError, match=r'the event bus "small-bus" in us-west-2 .*deployment=other'):
        repair.check_bus(aws, "small", "oregon", REGION)
    with pytest.raises(UsageError):
        repair.check_bus(aws, "small", "sydney", REGION)


def test_a_bus_that_is_gone_is_named(cloud: str) -> None:
    with pytest.raises(UserError, match="There is no event bus small-bus in us-west-2"):
        repair.check_bus(Aws(), "small", "oregon", REGION)


def test_a_repair_looks_at_the_api_the_table_and_the_bus_of_every_region_that_it_needs(
    cloud: str, user: User
) -> None:
    profile = profiles.load("default", deploy(user, tables=["sydney"], owner="small").home / "config")
    aws = bus()

    def check(sources: set[str], targets: set[str]) -> None:
        repair.check_deployment(aws, profile, sources=sources, targets=targets)

    check({"sydney"}, {"oregon"})
    with pytest.raises(UserError, match="There is no event bus small-bus in ap-southeast-2"):
        check({"sydney"}, {"oregon", "sydney"})
    arn = f"arn:aws:dynamodb:ap-southeast-2:{ACCOUNT}:table/small-sydney-history"
    aws.call("dynamodb", "ap-southeast-2", "tag_resource", ResourceArn=arn, Tags=tags("other", "sydney"))
    with pytest.raises(UsageError, match=r'the table "small-sydney-history" .*deployment=other'):
        check({"sydney"}, {"oregon"})
    check(set(), {"oregon"})
    api = f"arn:aws:appsync:us-west-2:{ACCOUNT}:apis/{profile.regions['oregon'].api_id}"
    aws.call("appsync", "us-west-2", "tag_resource", resourceArn=api, tags={"deployment": "other"})
    with pytest.raises(UsageError, match=r"the API of oregon in us-west-2.*deployment=other"):
        check(set(), {"oregon"})


class Taken:
    """Answers PutEvents: refuses the first entries of the first calls, and keeps what was taken."""

    def __init__(self, code: str = "", refused: int = 0) -> None:
        self.calls: list[int] = []
        self.details: list[str] = []
        self._code = code
        self._refused = refused

    def __call__(self, call: Call) -> Reply:
        entries: list[dict[str, Any]] = json.loads(call.body)["Entries"]
        assert {(each["Source"], each["DetailType"], each["EventBusName"]) for each in entries} == {
            ("globalchat", "message repaired", BUS)
        }
        self.calls.append(len(entries))
        answers: list[dict[str, str]] = []
        for each in entries:
            if self._refused:
                self._refused -= 1
                answers.append({"ErrorCode": self._code, "ErrorMessage": "no"})
            else:
                self.details.append(each["Detail"])
                answers.append({"EventId": "1"})
        failed = sum("ErrorCode" in each for each in answers)
        return Reply(body=json.dumps({"FailedEntryCount": failed, "Entries": answers}).encode())


def put(front: AwsFront, taken: Taken, details: list[str]) -> list[int]:
    """Put details, without waiting; the counts that were reported."""
    elapsed = [0.0]
    aws = Aws(
        clock=lambda: elapsed[0], pause=lambda seconds: elapsed.__setitem__(0, elapsed[0] + seconds + 1)
    )
    front.on("PutEvents", taken)
    counts: list[int] = []
    repair.put(aws, REGION, BUS, details, counts.append)
    return counts


def test_calls_have_ten_entries_at_most_and_not_too_many_bytes(front: AwsFront) -> None:
    small, large = [f'{{"n":{number}}}' for number in range(23)], ['"' + "é" * 45_000 + '"'] * 3
    taken = Taken()
    assert put(front, taken, small + large) == [10, 10, 5, 1]
    assert taken.details == small + large


def test_what_eventbridge_is_too_busy_for_is_put_again_and_the_rest_is_not(front: AwsFront) -> None:
    taken = Taken("ThrottlingException", 4)
    details = [f'{{"n":{number}}}' for number in range(10)]
    assert put(front, taken, details) == [6, 4]
    assert taken.calls == [10, 4]
    assert sorted(taken.details) == details


@pytest.mark.parametrize(
    ("code", "said"), [("MalformedDetail", "refused a message: no"), ("ThrottlingException", "is busy")]
)
def test_a_refusal_that_stays_is_an_error(front: AwsFront, code: str, said: str) -> None:
    with pytest.raises(CallFailed, match=said):
        put(front, Taken(code, 1_000), ["{}"])

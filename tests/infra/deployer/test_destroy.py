"""Deleting stacks: in which order, the errors, and what is left."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from globalchat.core.errors import ExitCode, UserError
from globalchat_infra.deployer import destroy, resources
from globalchat_infra.deployer.aws import Aws, CallFailed, Denied
from globalchat_infra.deployer.destroy import Leftovers
from globalchat_infra.deployer.discovery import discover
from globalchat_infra.deployer.stacks import DeployedStack
from tests.infra.helpers.moto_account import ACCOUNT, User
from tests.infra.helpers.small_stacks import stand, tags

REGIONS = {"oregon": "us-west-2", "sydney": "ap-southeast-2"}
MADE = datetime(2026, 1, 1, tzinfo=UTC)
STACKS = [
    DeployedStack(
        f"globalchat-{alias}-{part}",
        alias,
        region,
        part,
        "CREATE_COMPLETE",
        "",
        {},
        {},
        MADE,
        f"globalchat-{alias}-{part}",
    )
    for part in ("api", "relay")
    for alias, region in REGIONS.items()
]


@dataclass
class Deleting(Aws):
    """AWS, which deletes a stack after a number of looks, or fails to (0), or refuses to delete `refused`."""

    looks: int = 1
    refused: str = ""
    asked: list[str] = field(default_factory=list)
    _left: dict[str, int] = field(default_factory=dict)

    def call(self, service: str, region: str, operation: str, **arguments: object) -> dict[str, Any]:
        name = str(arguments.get("StackName"))
        if service != "cloudformation":
            raise Denied("Not allowed.")
        if operation == "delete_stack":
            if name == self.refused:
                raise Denied("These credentials may not delete it.")
            self.asked.append(name)
            self._left[name] = self.looks
            return {}
        if name not in self._left:
            return self._stack(name, "CREATE_COMPLETE", "")
        if self.looks == 0:
            return self._stack(name, "DELETE_FAILED", "The queue is in use.")
        self._left[name] -= 1
        if self._left[name] < 0:
            raise CallFailed("Stack does not exist", code="ValidationError")
        return self._stack(name, "DELETE_IN_PROGRESS", "")

    def _stack(self, name: str, status: str, reason: str) -> dict[str, Any]:
        _, alias, _ = name.split("-")
        stack = {"StackId": name, "StackStatus": status, "StackStatusReason": reason, "CreationTime": MADE}
        return {"Stacks": [{**stack, "Tags": tags("globalchat", alias)}]}


def remove(
    aws: Aws, printed: list[str], seconds: float = 60, pause: type[BaseException] | None = None
) -> None:
    def wait(_: float) -> None:
        if pause is not None:
            raise pause

    ticks = iter(range(1000))
    destroy.delete_stacks(
        aws, STACKS, printed.append, seconds=seconds, pause=wait, clock=lambda: float(next(ticks))
    )


def test_every_relay_is_gone_before_the_first_api_goes() -> None:
    aws, printed = Deleting(looks=2), list[str]()
    remove(aws, printed)
    assert [name.rpartition("-")[2] for name in aws.asked] == ["relay", "relay", "api", "api"]
    assert printed == [f"deleting {name}" for name in aws.asked]


def test_a_stack_that_cannot_be_deleted_is_reported_with_the_cause() -> None:
    with pytest.raises(
        UserError, match=r"globalchat-oregon-relay could not be deleted: The queue is in use\."
    ):
        remove(Deleting(looks=0), [])


def test_the_time_out_says_what_aws_is_at() -> None:
    with pytest.raises(UserError, match="still deleting globalchat-oregon-relay, globalchat-sydney-relay"):
        remove(Deleting(looks=99), [], seconds=1)


def test_ctrl_c_says_what_goes_on_as_aws_says_itself() -> None:
    printed: list[str] = []
    with pytest.raises(UserError, match=r"Stopped watching\.") as ended:
        remove(Deleting(looks=9), printed, pause=KeyboardInterrupt)
    assert ended.value.exit_code is ExitCode.INTERRUPTED
    assert printed[-1] == (
        "Stopped watching: AWS goes on deleting globalchat-oregon-relay, globalchat-sydney-relay; "
        "still there: globalchat-oregon-api, globalchat-sydney-api. Resume with the same command."
    )


def test_a_deletion_that_is_refused_says_what_goes_on_and_what_is_left() -> None:
    with pytest.raises(UserError) as failed:
        remove(Deleting(looks=9, refused="globalchat-sydney-relay"), [])
    assert str(failed.value) == (
        "These credentials may not delete it. AWS goes on deleting globalchat-oregon-relay; "
        "still there: globalchat-oregon-api, globalchat-sydney-api, globalchat-sydney-relay."
    )
    assert failed.value.remedy == "Then run the same command again."


def test_what_is_left_is_listed_and_is_no_success(cloud: str, user: User) -> None:
    stand({"oregon": "us-west-2"})
    aws = Aws()
    own = {"project": "globalchat", "deployment": "globalchat", "alias": "oregon"}
    aws.call("sqs", "us-west-2", "create_queue", QueueName="globalchat-relay-dlq", tags=own)
    aws.call("sqs", "us-west-2", "create_queue", QueueName="globalchat-another-team")
    aws.call(
        "events",
        "us-west-2",
        "create_event_bus",
        Name="globalchat-bus",
        Tags=tags("globalchat", "oregon"),
    )
    ran = user.run("destroy", "--yes")
    assert ran.exit_code == 1
    assert [line for line in ran.output.splitlines() if line.startswith("left: ")] == [
        "left: event bus globalchat-bus in us-west-2",
        "left: queue globalchat-relay-dlq in us-west-2",
    ]


def test_what_others_made_meanwhile_is_not_counted_as_left(cloud: str) -> None:
    aws = Aws()
    aws.call("events", "us-west-2", "create_event_bus", Name="globalchat-bus")
    remains = destroy.find_leftovers(aws, ACCOUNT, "globalchat", REGIONS, [])
    assert (remains.left, remains.unasked) == ([], [])
    assert remains.others == ['the event bus "globalchat-bus" in us-west-2 (no tags)']


def test_a_log_group_that_appsync_made_again_goes_too(cloud: str) -> None:
    stand(REGIONS)
    aws = Aws()
    found = destroy.stacks_to_delete(discover(aws, "globalchat", REGIONS.items()))
    groups = resources.log_groups(found)

    class Late(list[str]):
        def append(self, line: str) -> None:
            """AppSync logs once more, after the group is gone."""
            super().append(line)
            if line == "deleting globalchat-sydney-api":
                region = "us-west-2"
                aws.call("cloudformation", region, "delete_stack", StackName="globalchat-oregon-api")
                aws.call("logs", region, "create_log_group", logGroupName=groups[0].name.name)

    destroy.delete_stacks(aws, found, Late().append, seconds=30, pause=lambda _: None)
    assert destroy.find_leftovers(aws, ACCOUNT, "globalchat", REGIONS, groups) == Leftovers([], [], [])

"""`globalchat destroy`: stacks, log groups, and a list of what is left."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from globalchat.core.clock import MonotonicClock, duration_in_words
from globalchat.core.errors import ExitCode, UsageError, UserError
from globalchat_infra import names
from globalchat_infra.deployer import stacks
from globalchat_infra.deployer.aws import Aws, CallFailed, Denied, exists
from globalchat_infra.deployer.stacks import DeployedStack
from globalchat_infra.deployer.standing import Standing

PAUSE = 3.0
"""Seconds between two looks at stacks that are being deleted."""

Note = Callable[[str], None]


def log_group(stack: DeployedStack) -> str | None:
    """The log group of a stack's API: AppSync makes it anew if it logs once more after the stack's end."""
    api_id = stack.outputs.get("apiId")
    return names.log_group(api_id) if api_id else None


def log_groups(found: Sequence[DeployedStack]) -> dict[str, list[str]]:
    """The log groups of stacks, by AWS region."""
    groups: dict[str, list[str]] = {}
    for stack in found:
        if name := log_group(stack):
            groups.setdefault(stack.region, []).append(name)
    return groups


def removable(standing: Standing, chosen: Mapping[str, str] | None = None) -> list[DeployedStack]:
    """The stacks of a deployment, or of the `chosen` regions (by alias), that may be deleted.

    If that leaves one region alone, its relay is among them: it would fill its queue for dead letters.

    Raises:
        UserError: one was not made by this project, or more than one region would go on relaying to what
            is gone.
    """
    regions = standing.regions if chosen is None else chosen
    found = [stack for stack in standing.stacks if stack.alias in regions]
    for stack in found:
        if not stack.ours:
            raise UsageError(
                f"The stack {stack.name} in {stack.region} was not made by globalchat: nothing is deleted.",
                remedy="Name your deployment with --stack-prefix.",
            )
    mesh = {stack.alias for stack in standing.stacks if stack.alias in standing.mesh}
    rest = [alias for alias in standing.mesh if alias in mesh and alias not in regions]
    if mesh.isdisjoint(regions) or not rest:
        return found
    relays = [stack for stack in standing.stacks if stack.part == "relay" and stack.alias in rest]
    if len(rest) > 1 and relays:
        raise UsageError(
            f"{', '.join(rest)} would go on relaying to what is deleted.",
            remedy=f"Run `globalchat deploy --regions {','.join(rest)} --prune`: it ends that first.",
        )
    return found + relays


def remove(
    aws: Aws,
    found: Sequence[DeployedStack],
    note: Note,
    *,
    seconds: float,
    pause: Callable[[float], None] = time.sleep,
    clock: MonotonicClock = time.monotonic,
) -> None:
    """Delete stacks, the relays of all regions before the first API, and then the log groups.

    Raises:
        UserError: a stack could not be deleted, or not within `seconds`; or Ctrl-C, and AWS goes on
            (exit code 130).
    """
    until = clock() + seconds
    for part in reversed(names.PARTS):
        going = [stack for stack in found if stack.part == part]
        for stack in going:
            note(f"deleting {stack.name}")
            aws.call("cloudformation", stack.region, "delete_stack", StackName=stack.name)
        try:
            while going := _still_there(aws, going):
                if clock() > until:
                    raise _late(going, seconds)
                pause(PAUSE)
        except KeyboardInterrupt:
            told = ", ".join(stack.name for stack in going)
            note(f"Stopped watching: AWS goes on deleting {told}. Resume with the same command.")
            raise UserError("Stopped watching.", exit_code=ExitCode.INTERRUPTED) from None
    for stack in found:
        if name := log_group(stack):
            with suppress(CallFailed, Denied):
                aws.call("logs", stack.region, "delete_log_group", logGroupName=name)


def _late(going: Sequence[DeployedStack], seconds: float) -> UserError:
    return UserError(
        f"AWS is still deleting {', '.join(stack.name for stack in going)} "
        f"after {duration_in_words(seconds)}.",
        remedy="Wait, then run `globalchat destroy` again.",
    )


def _still_there(aws: Aws, going: Sequence[DeployedStack]) -> list[DeployedStack]:
    left = []
    for stack in going:
        now = stacks.describe(aws, _prefix(stack), stack.alias, stack.region, stack.part)
        if now is None:
            continue
        if now.status == "DELETE_FAILED":
            raise UserError(
                f"The stack {stack.name} could not be deleted: {now.reason.rstrip('.')}.",
                remedy="Remove what is in the way, then run `globalchat destroy` again.",
            )
        left.append(stack)
    return left


def _prefix(stack: DeployedStack) -> str:
    return stack.name.removesuffix(f"-{stack.alias}-{stack.part}")


def left_over(
    aws: Aws, prefix: str, regions: Mapping[str, str], groups: Mapping[str, Sequence[str]]
) -> list[str]:
    """What of a deployment still exists, in words; `groups` are names of log groups by AWS region."""
    left = [f"stack {stack.name} ({stack.status})" for stack in stacks.find(aws, prefix, regions)]
    for region in regions.values():
        for what in (_buses, _queues, _groups):
            with suppress(Denied, CallFailed):
                left.extend(
                    f"{each} in {region}" for each in what(aws, region, prefix, groups.get(region, ()))
                )
    return left


def _buses(aws: Aws, region: str, prefix: str, _: Sequence[str]) -> list[str]:
    name = names.bus(prefix)
    there = exists(
        lambda: aws.call("events", region, "describe_event_bus", Name=name), "ResourceNotFoundException"
    )
    return [f"event bus {name}"] if there else []


def _queues(aws: Aws, region: str, prefix: str, _: Sequence[str]) -> list[str]:
    ours = names.queues(prefix, meshed=True)
    answer = aws.call("sqs", region, "list_queues", QueueNamePrefix=f"{prefix}-")
    urls = [url.rsplit("/", 1)[-1] for url in answer.get("QueueUrls", ())]
    return [f"queue {name}" for name in urls if name in ours]


def _groups(aws: Aws, region: str, _: str, groups: Sequence[str]) -> list[str]:
    return [f"log group {name}" for name in groups if _has_group(aws, region, name)]


def _has_group(aws: Aws, region: str, name: str) -> bool:
    answer = aws.call("logs", region, "describe_log_groups", logGroupNamePrefix=name)
    return any(each["logGroupName"] == name for each in answer["logGroups"])

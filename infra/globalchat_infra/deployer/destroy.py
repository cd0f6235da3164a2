"""The deletion of a deployment: stacks, log groups, and a list of leftovers."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from globalchat.core.clock import MonotonicClock, duration_in_words
from globalchat.core.errors import ExitCode, UsageError, UserError
from globalchat_infra import names
from globalchat_infra.deployer import blockers, resources, stacks
from globalchat_infra.deployer.aws import Aws, CallFailed, Denied
from globalchat_infra.deployer.discovery import ExistingDeployment
from globalchat_infra.deployer.resources import Expected
from globalchat_infra.deployer.stacks import DeployedStack, ForeignResource, is_ours, refusal

# Not CloudFormation's waiter, whose 30 seconds would be most of the time that a deletion takes.
PAUSE = 3.0
"""Seconds between two checks of stacks that are being deleted."""


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What is on AWS after a deletion: `left` belongs to the deployment, `others` to other owners.

    `unasked` says what could not be checked.
    """

    left: Sequence[str] = ()
    others: Sequence[str] = ()
    unasked: Sequence[str] = ()


def stacks_to_delete(
    existing: ExistingDeployment, chosen: Mapping[str, str] | None = None
) -> list[DeployedStack]:
    """Return the stacks to delete: of a deployment, or of the `chosen` regions (alias to AWS region).

    If a single region remains, its relay is deleted, too: it would fill its dead-letter queue.

    Raises:
        UsageError: one belongs to another owner, or more than one region would keep relaying to deleted
            regions.
    """
    regions = existing.regions if chosen is None else chosen
    foreign = [
        each for stack in existing.foreign if stack.alias in regions and (each := stack.foreign) is not None
    ]
    if foreign:
        prefix = existing.foreign[0].prefix
        raise refusal(
            prefix,
            foreign,
            remedy="Name your deployment with --stack-prefix, or its regions with --regions.",
            done="nothing was deleted",
        )
    found = [stack for stack in existing.stacks if stack.alias in regions]
    # The saved mesh may name regions that were never deployed, which relay nothing.
    mesh = {stack.alias for stack in existing.stacks if stack.alias in existing.mesh}
    rest = [alias for alias in existing.mesh if alias in mesh and alias not in regions]
    if mesh.isdisjoint(regions) or not rest:
        return found
    relays = [stack for stack in existing.stacks if stack.part == "relay" and stack.alias in rest]
    if len(rest) > 1 and relays:
        raise UsageError(
            f"{', '.join(rest)} would go on relaying to what is deleted.",
            remedy=f"Run `globalchat deploy --regions {','.join(rest)} --prune`: it ends that first.",
        )
    return found + relays


def delete_stacks(
    aws: Aws,
    found: Sequence[DeployedStack],
    note: Callable[[str], None],
    *,
    seconds: float,
    role: str | None = None,
    pause: Callable[[float], None] = time.sleep,
    clock: MonotonicClock = time.monotonic,
) -> None:
    """Delete stacks, the relays of all regions before the first API, and then the log groups.

    `role` is the ARN of the role that CloudFormation acts with.

    Raises:
        UserError: a stack belongs to another owner, or could not be deleted within `seconds`; or Ctrl-C,
            while AWS continues (exit code 130).
    """
    until = clock() + seconds
    found = _as_found(aws, found)
    try:
        # Relays first: without their targets they would fill their dead-letter queues.
        for part in reversed(names.PARTS):
            deleting = [stack for stack in found if stack.part == part]
            _delete(aws, deleting, found, note, role)
            while deleting := _still_there(aws, deleting):
                if clock() > until:
                    raise _late(deleting, seconds)
                pause(PAUSE)
    except KeyboardInterrupt:
        note(f"Stopped watching: {_what_goes_on(aws, found)} Resume with the same command.")
        raise UserError("Stopped watching.", exit_code=ExitCode.INTERRUPTED) from None
    _delete_log_groups(aws, found)


def _as_found(aws: Aws, found: Sequence[DeployedStack]) -> list[DeployedStack]:
    """Return the stacks that still exist, checked once more before the first deletion.

    Raises:
        UserError: one belongs to another owner, or CloudFormation would refuse to delete it.
    """
    now = [stacks.describe(aws, each.prefix, each.alias, each.region, each.part) for each in found]
    there = [stack for stack in now if stack is not None]
    if there:
        stacks.refuse_foreign(there[0].prefix, (each.foreign for each in there), "nothing was deleted")
        blockers.check_deletable(there)
    return [old for old, new in zip(found, now, strict=True) if new is not None and new.id == old.id]


def _delete(
    aws: Aws,
    deleting: Sequence[DeployedStack],
    found: Sequence[DeployedStack],
    note: Callable[[str], None],
    role: str | None,
) -> None:
    acting = {} if role is None else {"RoleARN": role}
    for stack in deleting:
        note(f"deleting {stack.name}")
        try:
            # By its ARN, since a stack that gets the name meanwhile is a different one.
            name = stack.id or stack.name
            aws.call("cloudformation", stack.region, "delete_stack", StackName=name, **acting)
        except UserError as error:
            raise UserError(
                f"{error} {_what_goes_on(aws, found)}",
                remedy=f"{error.remedy or ''} Then run the same command again.".strip(),
                exit_code=error.exit_code,
            ) from None


def _delete_log_groups(aws: Aws, found: Sequence[DeployedStack]) -> None:
    """Delete the log groups of APIs that are gone: AppSync makes one again when it logs later."""
    for expected in resources.log_groups(found):
        region, name = expected.name.region, expected.name.name
        # What is left is listed by `find_leftovers`; the deletion itself has succeeded.
        with suppress(CallFailed, Denied):
            if _is_own(aws, expected, found[0].prefix):
                aws.call("logs", region, "delete_log_group", logGroupName=name)


def _is_own(aws: Aws, group: Expected, prefix: str) -> bool:
    """Return True if a log group of one of our APIs exists; AppSync's own log groups have no tags."""
    tags = resources.tags_of(aws, group.name)
    return tags is not None and (not tags or is_ours(tags, prefix, group.alias))


def _what_goes_on(aws: Aws, found: Iterable[DeployedStack]) -> str:
    """Return a sentence on what AWS is still deleting and what still exists, as AWS reports it."""
    try:
        now = [stacks.describe(aws, each.prefix, each.alias, each.region, each.part) for each in found]
    except UserError as error:
        return f"What AWS goes on with could not be asked ({str(error).rstrip('.')})."
    there = [each for each in now if each is not None]
    deleting = [each.name for each in there if each.status == "DELETE_IN_PROGRESS"]
    kept = [each.name for each in there if each.status != "DELETE_IN_PROGRESS"]
    first = f"AWS goes on deleting {', '.join(deleting)}" if deleting else "AWS deletes nothing more"
    return f"{first}; still there: {', '.join(kept)}." if kept else f"{first}."


def _late(deleting: Sequence[DeployedStack], seconds: float) -> UserError:
    return UserError(
        f"AWS is still deleting {', '.join(stack.name for stack in deleting)} "
        f"after {duration_in_words(seconds)}.",
        remedy="Wait, then run `globalchat destroy` again.",
    )


def _still_there(aws: Aws, deleting: Sequence[DeployedStack]) -> list[DeployedStack]:
    left = []
    for stack in deleting:
        now = stacks.describe(aws, stack.prefix, stack.alias, stack.region, stack.part)
        # Another stack of the same name has been made meanwhile: ours is gone.
        if now is None or now.id != stack.id:
            continue
        if now.status == "DELETE_FAILED":
            raise UserError(
                f"The stack {stack.name} could not be deleted: {now.reason.rstrip('.')}.",
                remedy="Remove what is in the way, then run `globalchat destroy` again.",
            )
        left.append(stack)
    return left


def find_leftovers(
    aws: Aws, account: str, prefix: str, regions: Mapping[str, str], groups: Sequence[Expected]
) -> Leftovers:
    """Return the leftovers in some regions (alias to AWS region).

    `groups` are the log groups of APIs that are gone.
    """
    left: list[str] = []
    others: list[str] = []
    unasked: list[str] = []
    for alias, region in regions.items():
        try:
            for each in _leftovers_of(aws, account, prefix, alias, region, groups):
                (left if isinstance(each, str) else others).append(str(each))
        except UserError as error:
            unasked.append(f"{region}: {error}")
    return Leftovers(left, others, unasked)


def _leftovers_of(
    aws: Aws, account: str, prefix: str, alias: str, region: str, groups: Sequence[Expected]
) -> Iterator[str | ForeignResource]:
    """Yield a region's leftovers as text, and resources of other owners.

    Raises:
        UserError: something could not be checked; earlier findings are yielded first.
    """
    for stack in stacks.find(aws, prefix, {alias: region}):
        yield f"stack {stack.name} ({stack.status}) in {region}" if stack.foreign is None else stack.foreign
    usual = [Expected(name, alias) for name in names.usual_names(prefix, alias, region)]
    claims = resources.claims(aws, account, prefix, usual)
    yield from (f"{names.TYPE_WORDS[each.type]} {each.name} in {region}" for each in claims.orphans)
    yield from claims.foreign
    for group in groups:
        if group.name.region == region and _is_own(aws, group, prefix):
            yield f"log group {group.name.name} in {region}"
    if (gaps := claims.gaps()) is not None:
        raise UserError(f"{gaps}.")

"""Blockers: reasons why a deployment or a deletion would stop half-way, or act on other owners' resources.

All are found before the first change, and come with the command that removes them.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

from globalchat.core.errors import UserError
from globalchat_infra import names
from globalchat_infra.deployer import resources, stacks
from globalchat_infra.deployer.aws import GLOBAL, Aws, CallFailed, Denied
from globalchat_infra.deployer.plan import Plan
from globalchat_infra.deployer.resources import Expected, log_groups
from globalchat_infra.deployer.stacks import WORKERS, DeployedStack, StackResource, refuse_foreign
from globalchat_infra.names import PhysicalName

DELETE = "aws cloudformation delete-stack --region {region} --stack-name {name}"
STUCK = {
    "CREATE_FAILED": DELETE,
    "DELETE_FAILED": DELETE,
    "ROLLBACK_FAILED": DELETE,
    "UPDATE_FAILED": "aws cloudformation rollback-stack --region {region} --stack-name {name}",
    "UPDATE_ROLLBACK_FAILED": (
        "aws cloudformation continue-update-rollback --region {region} --stack-name {name}"
    ),
}
"""Statuses in which CloudFormation accepts no update, and the command that resolves each."""
_REMADE = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED")
"""Statuses of a failed creation: the CDK deletes such a stack before it makes it again."""
_WAITS = (
    ("CREATE_", "stack-create-complete"),
    ("UPDATE_ROLLBACK_", "stack-rollback-complete"),
    ("UPDATE_", "stack-update-complete"),
    ("DELETE_", "stack-delete-complete"),
)
"""The AWS CLI's waiter for the end of an operation, by the start of its status."""
_ARCHIVE = "Events-Archive-"
"""The name of the managed rule with which EventBridge feeds an archive."""


@dataclass(frozen=True, slots=True)
class Blocker:
    """One sentence about an obstacle, and its remedy."""

    text: str
    remedy: str


def stuck(stack: DeployedStack) -> Blocker | None:
    """Return the blocker if a stack can be neither updated nor made, else None."""
    if stack.busy:
        return _busy(stack)
    if (command := STUCK.get(stack.status)) is not None:
        cause = f": {stack.reason.rstrip('.')}" if stack.reason else ""
        run = command.format(region=stack.region, name=stack.name)
        return Blocker(f"The stack {stack.name} is stuck ({stack.status}{cause}).", f"Run `{run}`.")
    if stack.protected and stack.status in _REMADE:
        return _protected(stack)
    return None


def check_deployment(aws: Aws, account: str, plan: Plan) -> Iterator[str]:
    """Check that nothing blocks a plan; yield warnings about what could not be checked.

    Raises:
        UserError: a name belongs to another owner, a stack is stuck, or one cannot be deleted as planned.
    """
    config, own = plan.config, plan.existing.stacks
    acted_on = {*config.regions.items(), *((stack.alias, stack.region) for stack in plan.to_delete)}
    foreign = [stack.foreign for stack in plan.existing.foreign if (stack.alias, stack.region) in acted_on]
    updated = [stack for stack in own if stack.alias in config.regions]
    held, denied = _held(aws, [*updated, *plan.to_delete])
    expected = [
        Expected(name, alias) for alias in config.regions for name in names.physical_names(config, alias)
    ]
    deleted = [Expected(name, stack.alias) for stack in plan.to_delete for name in held.get(stack.name, ())]
    every = [*expected, *log_groups(updated), *deleted]
    held_names = [name for each in held.values() for name in each]
    claims = resources.claims(aws, account, config.prefix, dict.fromkeys(every), held_names)
    refuse_foreign(config.prefix, [*foreign, *claims.foreign], "nothing was changed")
    found: list[Blocker | str | None] = [stuck(stack) for stack in updated]
    # Without a list of the stacks' resources, all of them would look like leftovers.
    if denied is None:
        found += [_orphan(name) for name in claims.orphans]
    found += undeletable(aws, plan.to_delete)
    found += undeletable(aws, plan.ends_history, _names_of_history)
    yield from _raise_or_warn(found)
    yield from _gaps(claims, denied)


def _names_of_history(stack: DeployedStack) -> Collection[str]:
    """Return what an update deletes that turns history off.

    CloudFormation deletes it last, calls the update complete even if that fails, and forgets what is left.
    """
    roles = (names.role(stack.prefix, stack.alias, part) for part in names.HISTORY_ROLES)
    return {names.history(stack.prefix, stack.alias), *roles}


def check_removal(
    aws: Aws, account: str, prefix: str, regions: Mapping[str, str], found: Sequence[DeployedStack]
) -> Iterator[str]:
    """Check that stacks and their resources belong to this deployment and can be deleted; yield warnings.

    In regions (alias to AWS region) without a stack, the usual names are checked.

    Raises:
        UserError: something belongs to another owner, or cannot be deleted.
    """
    held, denied = _held(aws, found)
    expected = [Expected(name, stack.alias) for stack in found for name in held.get(stack.name, ())]
    empty = {
        alias: region for alias, region in regions.items() if alias not in {each.alias for each in found}
    }
    for alias, region in empty.items():
        expected += [Expected(name, alias) for name in names.usual_names(prefix, alias, region)]
    held_names = [name for each in held.values() for name in each]
    claims = resources.claims(aws, account, prefix, dict.fromkeys(expected), held_names)
    refuse_foreign(prefix, claims.foreign, "nothing was deleted")
    yield from _raise_or_warn(undeletable(aws, found))
    yield from _gaps(claims, denied)


def check_deletable(to_delete: Iterable[DeployedStack]) -> None:
    """Check that CloudFormation would accept the deletion of these stacks.

    Raises:
        UserError: it would refuse one.
    """
    # A generator does nothing until it is consumed.
    list(_raise_or_warn(list(_refusals(to_delete))))


def _refusals(to_delete: Iterable[DeployedStack]) -> Iterator[Blocker]:
    for stack in to_delete:
        if stack.protected:
            yield _protected(stack)
        if stack.busy and stack.status != "DELETE_IN_PROGRESS":
            yield _busy(stack)


def undeletable(
    aws: Aws,
    to_delete: Sequence[DeployedStack],
    parts_of: Callable[[DeployedStack], Collection[str]] | None = None,
) -> list[Blocker | str]:
    """Return the blockers of a deletion of stacks by CloudFormation; strings are warnings.

    `parts_of` returns the physical ids of the resources to which the deletion is limited.
    """
    with ThreadPoolExecutor(WORKERS) as pool:
        listings = list(pool.map(lambda stack: _listed(aws, stack), to_delete))
        rules = frozenset(rule for listing in listings for rule in listing.rules)
        asked = [
            (listing, each)
            for listing in listings
            for each in listing.resources
            if each.type in _DELETIONS and (parts_of is None or each.physical_id in parts_of(listing.stack))
        ]
        answers = list(pool.map(lambda each: _ask(aws, each[0], each[1], rules), asked))
    found: list[Blocker | str] = [] if parts_of is not None else list(_refusals(to_delete))
    found += (each for answer in answers for each in answer)
    # Two stacks may share what is in the way, and each would report it.
    return list(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class _Listing:
    """A stack that will be deleted, and its resources."""

    stack: DeployedStack
    resources: Sequence[StackResource]

    @property
    def rules(self) -> Iterator[tuple[str, str]]:
        """The AWS regions and names of its rules, whose physical ids are `BUS|RULE`."""
        for each in self.resources:
            if each.type == "AWS::Events::Rule":
                yield self.stack.region, each.physical_id.rpartition("|")[2]


_Rules: TypeAlias = "frozenset[tuple[str, str]]"
"""The AWS regions and names of the rules that will be deleted, too."""


def _listed(aws: Aws, stack: DeployedStack) -> _Listing:
    try:
        return _Listing(stack, stacks.resources(aws, stack))
    except Denied:
        return _Listing(stack, ())


def _ask(aws: Aws, listing: _Listing, resource: StackResource, rules: _Rules) -> list[Blocker | str]:
    look, action = _DELETIONS[resource.type]
    stack = listing.stack
    try:
        # A list, so that errors of the generator are raised inside of this `try`.
        return list(look(aws, listing, resource.physical_id, rules))
    except Denied:
        return [
            f"whether {stack.name} can be deleted is not known: {action} is not allowed in {stack.region}"
        ]
    except CallFailed as error:
        if error.code in resources.ABSENT:
            return []
        raise


def _rules_of_others(aws: Aws, listing: _Listing, name: str, own: _Rules) -> Iterator[Blocker]:
    """Yield the rules on a bus that no stack deletes: EventBridge deletes no bus that has rules."""
    region = listing.stack.region
    for rule in aws.pages("events", region, "list_rules", "Rules", EventBusName=name):
        if (region, rule["Name"]) in own:
            continue
        text = f"The bus {name} in {region} cannot be deleted while it has the rule {rule['Name']}."
        if rule["Name"].startswith(_ARCHIVE) and rule.get("ManagedBy"):
            archive = rule["Name"].removeprefix(_ARCHIVE)
            yield Blocker(
                text, f"Run `aws events delete-archive --region {region} --archive-name {archive}`."
            )
            continue
        where = f"--region {region} --event-bus-name {name}"
        targets = aws.pages(
            "events", region, "list_targets_by_rule", "Targets", Rule=rule["Name"], EventBusName=name
        )
        ids = " ".join(target["Id"] for target in targets)
        # EventBridge deletes no rule that has targets.
        remove = f"aws events remove-targets {where} --rule {rule['Name']} --ids {ids} && " if ids else ""
        yield Blocker(text, f"Run `{remove}aws events delete-rule {where} --name {rule['Name']}`.")


def _policies_of_others(aws: Aws, listing: _Listing, name: str, _: _Rules) -> Iterator[Blocker]:
    """Yield the policies of a role that were added by hand: IAM deletes no role that has any."""
    # The CDK names an inline policy after the logical id of its resource.
    own = {each.logical_id for each in listing.resources if each.type == "AWS::IAM::Policy"}
    text = f"The role {name} cannot be deleted while it has the policy"
    for each in aws.pages("iam", GLOBAL, "list_attached_role_policies", "AttachedPolicies", RoleName=name):
        run = f"aws iam detach-role-policy --role-name {name} --policy-arn {each['PolicyArn']}"
        yield Blocker(f"{text} {each['PolicyName']}.", f"Run `{run}`.")
    answer = aws.call("iam", GLOBAL, "list_role_policies", RoleName=name)
    for policy in answer["PolicyNames"]:
        if policy not in own:
            run = f"aws iam delete-role-policy --role-name {name} --policy-name {policy}"
            yield Blocker(f"{text} {policy}.", f"Run `{run}`.")


def _protected_table(aws: Aws, listing: _Listing, name: str, _: _Rules) -> Iterator[Blocker]:
    region = listing.stack.region
    described = aws.call("dynamodb", region, "describe_table", TableName=name)["Table"]
    if described.get("DeletionProtectionEnabled"):
        run = (
            f"aws dynamodb update-table --region {region} --table-name {name} "
            "--no-deletion-protection-enabled"
        )
        yield Blocker(f"The table {name} in {region} is protected against deletion.", f"Run `{run}`.")


def _protected_log_group(aws: Aws, listing: _Listing, name: str, _: _Rules) -> Iterator[Blocker]:
    region = listing.stack.region
    listed = aws.pages("logs", region, "describe_log_groups", "logGroups", logGroupNamePrefix=name)
    # AWS searches by prefix, which longer names share.
    if any(each["logGroupName"] == name and each.get("deletionProtectionEnabled") for each in listed):
        run = (
            f"aws logs put-log-group-deletion-protection --region {region} "
            f"--log-group-identifier {name} --no-deletion-protection-enabled"
        )
        yield Blocker(f"The log group {name} in {region} is protected against deletion.", f"Run `{run}`.")


_Look: TypeAlias = "Callable[[Aws, _Listing, str, _Rules], Iterator[Blocker]]"
_DELETIONS: Mapping[str, tuple[_Look, str]] = {
    names.BUS: (_rules_of_others, "events:ListRules"),
    names.LOG_GROUP: (_protected_log_group, "logs:DescribeLogGroups"),
    names.ROLE: (_policies_of_others, "iam:ListAttachedRolePolicies"),
    names.TABLE: (_protected_table, "dynamodb:DescribeTable"),
}
"""The blockers of a deletion by resource type, and the permissions to check for them."""


def _protected(stack: DeployedStack) -> Blocker:
    run = (
        f"aws cloudformation update-termination-protection --region {stack.region} "
        f"--stack-name {stack.name} --no-enable-termination-protection"
    )
    return Blocker(f"The stack {stack.name} is protected against termination.", f"Run `{run}`.")


def _busy(stack: DeployedStack) -> Blocker:
    until = next((end for start, end in _WAITS if stack.status.startswith(start)), "stack-rollback-complete")
    run = f"aws cloudformation wait {until} --region {stack.region} --stack-name {stack.name}"
    return Blocker(
        f"AWS is at work on the stack {stack.name} ({stack.status}).",
        f"Wait until it is done (`{run}`), then run this again.",
    )


def _orphan(name: PhysicalName) -> Blocker:
    return Blocker(
        f"{str(name)[0].upper()}{str(name)[1:]} is left of an earlier deployment, and no stack holds it.",
        "Delete it, or a new stack cannot take its name.",
    )


def _held(
    aws: Aws, found: Sequence[DeployedStack]
) -> tuple[Mapping[str, Sequence[PhysicalName]], str | None]:
    """Return the names of stacks' resources, by the stack's name, or why they may not be listed."""
    with ThreadPoolExecutor(WORKERS) as pool:
        try:
            held = list(pool.map(lambda stack: resources.held_by(aws, stack), found))
        except Denied as error:
            return {}, str(error)
    return {stack.name: each for stack, each in zip(found, held, strict=True)}, None


def _raise_or_warn(found: Sequence[Blocker | str | None]) -> Iterator[str]:
    """Yield the warnings among the findings.

    Raises:
        UserError: there is a blocker; lists all, with their remedies.
    """
    blockers = [each for each in found if isinstance(each, Blocker)]
    if blockers:
        # All at once, as each run takes a minute and would otherwise reveal a single one.
        text = " ".join(dict.fromkeys(each.text for each in blockers))
        raise UserError(text, remedy=" ".join(dict.fromkeys(each.remedy for each in blockers)))
    yield from (each for each in found if isinstance(each, str))


def _gaps(claims: resources.Claims, denied: str | None) -> Iterator[str]:
    if (gaps := claims.gaps()) is not None:
        yield f"whether all of its names are free or its own is not known: {gaps}"
    if denied is not None:
        yield f"what its stacks hold is not known: {denied}"

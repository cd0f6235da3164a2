"""Checks of a deployment by what AWS reports: its credentials, stacks, rules, dead letters and history."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from globalchat.core.check_result import CheckResult, CheckStatus, failed, ok, skipped, warning
from globalchat.core.credential_errors import NoCredentials
from globalchat.core.errors import Unreachable, UserError
from globalchat.core.text import plural
from globalchat_infra import names
from globalchat_infra.config import DEFAULT_VERIFIED_ROLES
from globalchat_infra.deployer.aws import GLOBAL, Aws, CallFailed, Denied
from globalchat_infra.deployer.blockers import stuck
from globalchat_infra.deployer.resources import ABSENT, tags_of
from globalchat_infra.deployer.stacks import DeployedStack
from globalchat_infra.deployer.stacks import describe as describe_stack
from globalchat_infra.deployer.stacks import find as find_stacks
from globalchat_infra.names import PhysicalName
from globalchat_infra.stack_interface import GENERATION, HISTORY_SINCE, SETTINGS_OUTPUT, load_settings

OPERATIONS = "docs/operations.md"
DEPLOY = "Run `globalchat deploy` again."
DRIFT = f"A deployment does not see what was changed by hand: see {OPERATIONS}, Changed by hand."
HISTORY_KEYS, HISTORY_EXPIRY = {"HASH": "name", "RANGE": "arrival"}, "expires"
"""The keys of the table of a history, and the attribute with the time to live of its items."""
IDENTITY_CENTER_PATH = "/aws-reserved/"
"""The path of the roles that only AWS can make."""
_NO_QUEUE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")


@dataclass(frozen=True, slots=True)
class RegionTarget:
    """One region of a deployment; `peers` are the AWS regions that it relays to."""

    account: str
    prefix: str
    alias: str
    region: str
    peers: Sequence[str]

    @property
    def bus(self) -> str:
        """The name of its event bus."""
        return names.bus(self.prefix)

    @property
    def meshed(self) -> bool:
        """True if there is a relay."""
        return bool(self.peers)

    @property
    def parts(self) -> Sequence[str]:
        """The parts that have a stack each."""
        return names.parts(meshed=self.meshed)


def target_of(alias: str, event_bus: str, peers: Sequence[str]) -> RegionTarget | None:
    """Return the region in the ARN of an event bus; None if the bus is not globalchat's."""
    prefix, parts = names.prefix_of(event_bus), event_bus.split(":")
    return (
        None if prefix is None or len(parts) != 6 else RegionTarget(parts[4], prefix, alias, parts[3], peers)
    )


HealthCheck = Callable[[Aws, RegionTarget], CheckResult]


def credentials(aws: Aws, target: RegionTarget) -> CheckResult:
    """Check that there are AWS credentials, for the account that the deployment is in.

    Users who only chat have none, which is fine: the other checks are then skipped without a failure.
    """
    try:
        account = aws.account(target.region)
    except NoCredentials as error:
        return skipped(f"AWS is not asked: {error}", error.remedy, blocks=True)
    except Unreachable as error:
        return warning(f"AWS is not asked: {error}", error.remedy, blocks=True)
    except UserError as error:
        return failed(str(error), error.remedy)
    if account.number != target.account:
        text = f"The AWS credentials belong to the account {account.number}, not {target.account}."
        return skipped(text, "Choose others with --aws-profile.", blocks=True)
    return ok(f"account {target.account}, {account.arn.rsplit(':', 1)[-1]}")


def stacks(aws: Aws, target: RegionTarget) -> CheckResult:
    """Check that every stack is complete."""
    found = {each.part: each for each in find_stacks(aws, target.prefix, {target.alias: target.region})}
    seen = [_stack(names.stack(target.prefix, target.alias, part), found.get(part)) for part in target.parts]
    for status in (CheckStatus.FAILED, CheckStatus.WARNING):
        if bad := next((each for each in seen if each.status is status), None):
            return bad
    return ok(", ".join(each.text for each in seen))


def _stack(name: str, stack: DeployedStack | None) -> CheckResult:
    if stack is None:
        return failed(f"The stack {name} does not exist.", "Run `globalchat deploy`.")
    if (foreign := stack.foreign) is not None:
        text = f'Not part of the deployment "{stack.prefix}" is {foreign}.'
        return failed(text, "Look at the profile: its names belong to others.")
    if (blocker := stuck(stack)) is not None:
        result = warning if stack.busy else failed
        return result(blocker.text, blocker.remedy)
    if stack.status == "UPDATE_ROLLBACK_COMPLETE":
        return warning(f"The last update of {name} failed; it is as before.", DEPLOY)
    if not stack.is_complete:
        return failed(f"The stack {name} is not whole ({stack.status}).", DEPLOY)
    settings = load_settings(stack.outputs.get(SETTINGS_OUTPUT)) or {}
    if settings.get("senders") == "verified" and GENERATION in stack.parameters:
        return warning(f"{name} still has an API key, which no field takes: an update is missing.", DEPLOY)
    return ok(f"{name} {stack.status}")


def rules(aws: Aws, target: RegionTarget) -> CheckResult:
    """Check that broadcast and relay are enabled, and lead to the API and to every peer.

    Raises:
        CallFailed: AWS refuses to answer.
    """
    found = aws.pages("events", target.region, "list_rules", "Rules", EventBusName=target.bus)
    states = {each["Name"]: each["State"] for each in found if each["Name"].startswith(f"{target.prefix}-")}
    if off := sorted(name for name, state in states.items() if state == "DISABLED"):
        enable = (
            f"aws events enable-rule --region {target.region} --event-bus-name {target.bus} --name {off[0]}"
        )
        return failed(f"Switched off: {', '.join(off)}.", f"Run `{enable}`.")
    expected = (
        names.broadcast_rule(target.prefix),
        names.malformed_rule(target.prefix),
        *names.relay_rules(target.prefix, target.peers),
    )
    if missing := [name for name in expected if name not in states]:
        return failed(f"Missing: {', '.join(missing)}.", DRIFT)
    if lost := _not_led_to(aws, target, states):
        return failed(f"No rule leads to {', '.join(lost)}.", DRIFT)
    return ok(f"switched on: {', '.join(sorted(states))}")


def _not_led_to(aws: Aws, target: RegionTarget, rules: Iterable[str]) -> list[str]:
    """Return the missing targets of rules."""
    arns = {
        each["Arn"]
        for rule in rules
        for each in aws.pages(
            "events", target.region, "list_targets_by_rule", "Targets", Rule=rule, EventBusName=target.bus
        )
    }
    # The ARN of an API's endpoint contains an id that is not in any output.
    lost = [] if any(":appsync:" in arn for arn in arns) else ["the API"]
    buses = {peer: names.bus_arn(target.prefix, peer, target.account) for peer in target.peers}
    return lost + [f"the bus in {peer}" for peer, arn in buses.items() if arn not in arns]


def dead_letters(aws: Aws, target: RegionTarget) -> CheckResult:
    """Check that the dead-letter queues are empty.

    Raises:
        CallFailed: AWS refuses to answer.
    """
    depths = {
        name: _depth(aws, target.region, name) for name in names.queues(target.prefix, meshed=target.meshed)
    }
    if missing := [name for name, depth in depths.items() if depth is None]:
        return failed(f"Missing: {', '.join(missing)}.", DRIFT)
    if filled := {name: depth for name, depth in depths.items() if depth}:
        full = ", ".join(f"{name} holds {depth}" for name, depth in filled.items())
        remedy = f"Read why, then redrive or purge: {OPERATIONS}, Dead letters."
        return warning(f"Not delivered: {full}.", remedy)
    return ok(f"none in {', '.join(depths)}")


def history_table(aws: Aws, target: RegionTarget) -> CheckResult:
    """Check that the table of the history is as it was deployed, and that its items expire.

    Raises:
        CallFailed: AWS refuses to answer.
    """
    if not _stores(aws, target):
        return ok("off: the stack has no table")
    name = names.history(target.prefix, target.alias)
    try:
        table = aws.call("dynamodb", target.region, "describe_table", TableName=name)["Table"]
        expiry = aws.call("dynamodb", target.region, "describe_time_to_live", TableName=name)
    except CallFailed as error:
        if error.code in ABSENT:
            return failed(f"Missing: the table {name}.", DRIFT)
        raise
    keys = {each["KeyType"]: each["AttributeName"] for each in table["KeySchema"]}
    if keys != HISTORY_KEYS:
        return failed(f"The keys of {name} are {', '.join(keys.values())}, not name and arrival.", DRIFT)
    if table["TableStatus"] != "ACTIVE":
        return warning(f"The table {name} is {table['TableStatus']}.", "Wait, then run the doctor again.")
    if table.get("BillingModeSummary", {}).get("BillingMode") != "PAY_PER_REQUEST":
        return warning(f"The table {name} is not on demand: it refuses what exceeds its capacity.", DRIFT)
    time_to_live = expiry.get("TimeToLiveDescription", {})
    if time_to_live.get("TimeToLiveStatus") not in ("ENABLED", "ENABLING"):
        return failed(f"Nothing of {name} is ever deleted: its time to live is off.", DRIFT)
    if (attribute := time_to_live.get("AttributeName")) != HISTORY_EXPIRY:
        return failed(f"The time to live of {name} is in {attribute}, not in {HISTORY_EXPIRY}.", DRIFT)
    return ok(f"{name}: on demand, items expire, about {plural(table.get('ItemCount', 0), 'item')}")


def history_roles(aws: Aws, target: RegionTarget) -> CheckResult:
    """Check that the two roles exist by which the API writes and reads its history.

    Raises:
        CallFailed: AWS refuses to answer.
    """
    if not _stores(aws, target):
        return ok("off: the stack has no roles for it")
    roles = [names.role(target.prefix, target.alias, part) for part in names.HISTORY_ROLES]
    found = [tags_of(aws, PhysicalName(names.ROLE, role, target.region)) for role in roles]
    if missing := [role for role, tags in zip(roles, found, strict=True) if tags is None]:
        return failed(f"Missing: {', '.join(missing)}.", DRIFT)
    return ok(", ".join(roles))


def history_alarm(aws: Aws, target: RegionTarget) -> CheckResult:
    """Check that the alarm on messages that could not be stored exists, and is silent.

    Raises:
        CallFailed: AWS refuses to answer.
    """
    if not _stores(aws, target):
        return ok("off: the stack has no alarm for it")
    name = f"{target.prefix}-{names.HISTORY_ALARM}"
    answer = aws.call("cloudwatch", target.region, "describe_alarms", AlarmNames=[name])
    alarm = next(iter(answer.get("MetricAlarms", ())), None)
    if alarm is None:
        return failed(f"Missing: the alarm {name}.", DRIFT)
    if alarm["StateValue"] == "ALARM":
        text = f"The alarm {name} is on: messages were delivered, but not stored."
        return warning(text, f"See what to do in {OPERATIONS}, Alarms.")
    return ok(f"{name} {alarm['StateValue']}")


def verified_roles(aws: Aws, target: RegionTarget) -> CheckResult:
    """List the roles, other than those of IAM Identity Center, whose sessions count as people.

    Whoever may assume one chooses the name of the session, unless its trust policy prescribes it.

    Raises:
        UserError: AWS refuses to answer.
    """
    stack = describe_stack(aws, target.prefix, target.alias, target.region, "api")
    saved = load_settings(stack.outputs.get(SETTINGS_OUTPUT)) if stack is not None else None
    configured = (saved or {}).get("verifiedRoles")
    wanted = configured if isinstance(configured, list) else list(DEFAULT_VERIFIED_ROLES)
    found = [
        (role["RoleName"], pattern)
        for role in aws.pages("iam", GLOBAL, "list_roles", "Roles", MaxItems=1000)
        if not role["Path"].startswith(IDENTITY_CENTER_PATH)
        and (pattern := _matching(role["RoleName"], wanted)) is not None
    ]
    if guessed := [role for role, pattern in found if pattern.endswith("*")]:
        text = f"Not made by IAM Identity Center, but their sessions count as people: {', '.join(guessed)}."
        return warning(text, "Name exact roles: `globalchat deploy --verified-role NAME`.")
    if found:
        named = ", ".join(role for role, _ in found)
        return ok(f"besides those of IAM Identity Center: {named}; their trust has to fix the session's name")
    return ok(f"people are sessions of {', '.join(wanted) or 'no role'}")


def _matching(role: str, patterns: Iterable[str]) -> str | None:
    """Return the first pattern that a role's name matches, an exact one if there is one."""
    for pattern in sorted(patterns, key=lambda each: each.endswith("*")):
        if role == pattern or (pattern.endswith("*") and role.startswith(pattern[:-1])):
            return pattern
    return None


def _stores(aws: Aws, target: RegionTarget) -> bool:
    """Return True if the Api stack has a table; one that is missing is the finding of another check."""
    stack = describe_stack(aws, target.prefix, target.alias, target.region, "api")
    return stack is not None and HISTORY_SINCE in stack.parameters


def run(check: HealthCheck, aws: Aws, target: RegionTarget) -> CheckResult:
    """Run a check and return its result, which is skipped if the credentials lack a permission."""
    try:
        return check(aws, target)
    except Denied as error:
        return skipped(str(error), error.remedy)
    except UserError as error:
        return failed(str(error), error.remedy)


def _depth(aws: Aws, region: str, name: str) -> int | None:
    try:
        url = aws.call("sqs", region, "get_queue_url", QueueName=name)["QueueUrl"]
        wanted = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = aws.call("sqs", region, "get_queue_attributes", QueueUrl=url, AttributeNames=wanted)
    except CallFailed as error:
        if error.code in _NO_QUEUE:
            return None
        raise
    return sum(int(answer["Attributes"].get(each, 0)) for each in wanted)

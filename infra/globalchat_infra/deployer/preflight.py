"""The pre-flight: quick checks before anything is deployed.

A blocker is an error of one sentence with its remedy; everything else is a finding.
"""

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from globalchat.core.clock import EpochClock
from globalchat.core.errors import UsageError, UserError
from globalchat_infra import names, toolchain
from globalchat_infra.config import Config
from globalchat_infra.deployer import api_keys, blockers, iam_changes, stored_messages
from globalchat_infra.deployer.aws import GLOBAL, Account, Aws, CallFailed, Denied
from globalchat_infra.deployer.discovery import unsearched_warnings
from globalchat_infra.deployer.iam_changes import Synthesis
from globalchat_infra.deployer.plan import Plan, for_account
from globalchat_infra.deployer.stacks import DeployedStack

QUOTAS = (
    ("appsync", "list_graphql_apis", "graphqlApis", 50, "AppSync APIs"),
    ("events", "list_event_buses", "EventBuses", 100, "event buses"),
)
"""Service, listing, its key, AWS's default quota per region (AWS General Reference), and the noun."""
CLOUDFORMATION = "cloudformation.amazonaws.com"
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::(?P<account>\d{12}):role/[\w+=,.@/-]{1,576}", re.ASCII)
_OF_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
"""The ends of host names of AWS's own endpoints, including those of a VPC."""


@dataclass(frozen=True, slots=True)
class PreflightFinding:
    """One line of the pre-flight: a change of the deployment, or a warning."""

    text: str
    is_warning: bool = False

    def __str__(self) -> str:
        return f"warning: {self.text}" if self.is_warning else self.text


def run(
    aws: Aws,
    plan: Plan,
    owner: Account,
    *,
    role: str | None = None,
    synthesis: Synthesis | None = None,
    now: EpochClock = time.time,
) -> Iterator[PreflightFinding]:
    """Check a plan against AWS before the first change, and yield the findings.

    Args:
        aws: the calls of AWS.
        plan: the plan of the deployment.
        owner: the account of the credentials.
        role: the ARN of the role that CloudFormation acts with.
        synthesis: makes the templates, for what they change in IAM; without it that is left out.
        now: the time in epoch seconds.

    Raises:
        UserError: something blocks the deployment.
    """
    existing = [stack for stack in plan.existing.stacks if stack.alias in plan.config.regions]
    # First, since a blocker among them makes the rest pointless.
    for text in _warnings(aws, plan, owner, role, existing):
        yield PreflightFinding(text, is_warning=True)
    yield PreflightFinding(f"account {owner.number}; {'update' if existing else 'first deployment'}")
    yield from map(PreflightFinding, plan.lines())
    yield from map(PreflightFinding, stored_messages.changes(aws, plan))
    if plan.config.has_key:
        yield from map(PreflightFinding, api_keys.find_replacements(aws, existing, now()).notes)
    if synthesis is not None:
        yield from _iam_findings(aws, plan, owner, synthesis, existing)


def _warnings(
    aws: Aws, plan: Plan, owner: Account, role: str | None, existing: Sequence[DeployedStack]
) -> Iterator[str]:
    config = plan.config
    yield from check_regions(aws, config)
    for reason in plan.existing.unreachable_regions(config.regions.values()).values():
        yield f"{reason} Whether the deployment has stacks there is not known."
    yield from unsearched_warnings(plan.existing)
    yield from plan.existing.channels.unknown
    yield from blockers.check_deployment(aws, owner.number, plan)
    yield from warn_of_quotas(aws, config, existing)
    yield from warn_of_permissions(aws, config, owner, role)


def _iam_findings(
    aws: Aws, plan: Plan, owner: Account, synthesis: Synthesis, existing: Sequence[DeployedStack]
) -> Iterator[PreflightFinding]:
    after = synthesis.templates(for_account(plan.content, owner.number))
    try:
        yield from map(PreflightFinding, iam_changes.compare(aws, after, existing, plan.to_delete))
    except UserError as error:
        # This does not block a deployment, as IAM itself decides what may be changed.
        yield PreflightFinding(f"what changes in IAM is not known: {error}", is_warning=True)


def check_tools() -> toolchain.NodeRuntime:
    """Check that Node.js and the libraries of the extra `deploy` are installed; return Node.js.

    Raises:
        UserError: one is missing or too old.
    """
    return toolchain.prepare()


def check_account(aws: Aws, region: str, given: str | None) -> Account:
    """Return the account of the credentials, as AWS reports it in `region`.

    Raises:
        UserError: there are no valid credentials, or they belong to another account than `given`.
    """
    account = aws.account(region)
    # AWS's console shows the number with hyphens.
    if given is not None and given.replace("-", "") != account.number:
        raise UsageError(
            f"The credentials belong to the account {account.number}, not {given}.",
            remedy="Choose others with --aws-profile, or correct --account.",
        )
    return account


def check_role(role: str | None, account: Account) -> None:
    """Check that a role for CloudFormation belongs to the account of the deployment.

    Raises:
        UsageError: it is not, or not the ARN of a role.
    """
    if role is None:
        return
    found = _ROLE.fullmatch(role)
    if found is None:
        raise UsageError(
            f'"{role[:100]}" is not the ARN of a role.',
            remedy=f"Write --role-arn arn:aws:iam::{account.number}:role/NAME.",
        )
    if found["account"] != account.number:
        raise UsageError(
            f"The role {role} belongs to another account than {account.number}, which is deployed to.",
            remedy="Name a role of this account with --role-arn.",
        )


def endpoints(aws: Aws, region: str) -> Iterable[str]:
    """Yield a line for each configured endpoint that is not AWS's own, without the password in its URL."""
    of_profile = aws.sign_in(region).environment()
    if os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return
    for name, url in sorted({**os.environ, **of_profile}.items()):
        if not name.startswith("AWS_ENDPOINT_URL") or not url:
            continue
        parts = urlsplit(url)
        if not (parts.hostname or "").endswith(_OF_AWS):
            where = "the AWS profile" if name in of_profile else name
            service = name.removeprefix("AWS_ENDPOINT_URL").strip("_").lower().replace("_", " ")
            shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
            yield f"the endpoint{f' of {service}' if service else ''} is {shown}, not AWS's (set by {where})"


def confirm(plan: Plan, account: Account, ask: Callable[[str], bool]) -> None:
    """Ask whether to deploy a plan.

    Raises:
        UserError: the answer is no.
    """
    config = plan.config
    where = ", ".join(f"{alias} ({each})" for alias, each in config.regions.items())
    going = [stack.name for stack in plan.to_delete]
    going += [f"the history of {stack.alias}" for stack in plan.ends_history]
    going += [f"the API key of {stack.alias}" for stack in plan.takes_key_away]
    deletions = f", and delete {', '.join(going)}" if going else ""
    account_words = f"the AWS account {account.number} ({account.arn})"
    if not ask(f'Deploy "{config.prefix}" to {where} of {account_words}{deletions}?'):
        raise UserError("Nothing was deployed.", remedy=f"Confirm, or give --account {account.number}.")


def check_regions(aws: Aws, config: Config) -> Iterable[str]:
    """Check that every region is enabled; yield warnings.

    Raises:
        UserError: a region is not enabled.
    """
    regions = list(config.regions.values())
    try:
        answer = aws.call("ec2", regions[0], "describe_regions", AllRegions=True, RegionNames=regions)
    except Denied:
        yield "whether the regions are enabled could not be checked: ec2:DescribeRegions is not allowed"
        return
    for each in answer["Regions"]:
        if each.get("OptInStatus") == "not-opted-in":
            name = each["RegionName"]
            raise UserError(
                f"The region {name} is not enabled in this account.",
                remedy=f"Run `aws account enable-region --region-name {name}`, which takes minutes.",
            )


def warn_of_quotas(aws: Aws, config: Config, existing: Iterable[DeployedStack]) -> Iterable[str]:
    """Yield a warning for each region without room under AWS's default quotas."""
    have = {stack.alias for stack in existing}
    for alias, region in config.regions.items():
        # An update needs no more of these.
        if alias in have:
            continue
        for service, operation, key, most, what in QUOTAS:
            try:
                count = len(aws.pages(service, region, operation, key))
            except (Denied, CallFailed):
                continue
            if count >= most:
                yield f"{region} has {count} {what}; unless the quota of {most} was raised, it is full"


def needed(config: Config, account: str) -> Mapping[str, Sequence[str]]:
    """Return a sample of the actions that the stacks need, by the ARN of their resource.

    CloudFormation decides; the sample, of the first region, serves for warnings. Actions without a resource
    are under `*`.
    """
    prefix = config.prefix
    alias, region = next(iter(config.regions.items()))
    bus, rule = names.bus(prefix), names.broadcast_rule(prefix)
    of_roles = ("iam:CreateRole", "iam:PassRole")
    table = f"arn:aws:dynamodb:{region}:{account}:table/{names.history(prefix, alias)}"
    of_table = {table: ("dynamodb:CreateTable", "dynamodb:UpdateTimeToLive")} if config.history_days else {}
    return {
        f"arn:aws:cloudformation:{region}:{account}:stack/{names.stack(prefix, alias, 'api')}/any": (
            "cloudformation:CreateChangeSet",
            "cloudformation:ExecuteChangeSet",
        ),
        "*": ("appsync:CreateGraphqlApi", "appsync:CreateApiKey"),
        f"arn:aws:events:{region}:{account}:event-bus/{bus}": ("events:CreateEventBus",),
        f"arn:aws:events:{region}:{account}:rule/{bus}/{rule}": ("events:PutRule",),
        f"arn:aws:iam::{account}:role/{names.role(prefix, alias, 'broadcast')}": of_roles,
        f"arn:aws:sqs:{region}:{account}:{names.dead_letters(prefix, 'broadcast')}": ("sqs:CreateQueue",),
        f"arn:aws:logs:{region}:{account}:log-group:{names.log_group('any')}": ("logs:CreateLogGroup",),
        f"arn:aws:cloudwatch:{region}:{account}:alarm:{rule}-failed": ("cloudwatch:PutMetricAlarm",),
        **of_table,
    }


def warn_of_permissions(aws: Aws, config: Config, account: Account, role: str | None = None) -> Iterable[str]:
    """Yield a warning if IAM's simulator says that the credentials lack something.

    Each action is simulated on its own resource, since a policy that allows only `PREFIX-*` denies it on `*`.
    With a `role`, CloudFormation needs the rights, and the caller only those for CloudFormation.
    """
    everything = needed(config, account.number)
    of_caller = {arn: actions for arn, actions in everything.items() if ":cloudformation:" in arn}
    of_role = {arn: actions for arn, actions in everything.items() if arn not in of_caller}
    if role is None:
        yield from _warn_of_lack(aws, "the credentials seem", account.arn, everything)
        return
    yield from _warn_of_lack(
        aws, "the credentials seem", account.arn, {**of_caller, role: ("iam:PassRole",)}, CLOUDFORMATION
    )
    yield from _warn_of_lack(aws, f"the role {role} seems", role, of_role)


def _warn_of_lack(
    aws: Aws,
    who: str,
    arn: str,
    wanted: Mapping[str, Sequence[str]],
    passed_to: str = "events.amazonaws.com",
) -> Iterable[str]:
    lacking: list[str] = []
    context = {
        # Policies often permit `iam:PassRole` for certain services only, and are denied without this key.
        "ContextKeyName": "iam:PassedToService",
        "ContextKeyValues": [passed_to],
        "ContextKeyType": "string",
    }
    try:
        principal = principal_arn(aws, arn)
        for resource, actions in wanted.items():
            answer = aws.call(
                "iam",
                GLOBAL,
                "simulate_principal_policy",
                PolicySourceArn=principal,
                ActionNames=list(actions),
                ResourceArns=[resource],
                ContextEntries=[context],
            )
            results = answer["EvaluationResults"]
            lacking += [each["EvalActionName"] for each in results if each["EvalDecision"] != "allowed"]
    except (Denied, CallFailed):
        # Not everyone may call the simulator, and it does not support the root user.
        return
    if lacking:
        yield f"{who} to lack {', '.join(lacking)}"


def principal_arn(aws: Aws, arn: str) -> str:
    """Return the ARN of a principal for the simulator: for an assumed role it is the role's.

    The ARN of an assumed role lacks the path, which every role of IAM Identity Center has, so IAM is asked.
    """
    head, _, tail = arn.partition(":assumed-role/")
    if not tail:
        return arn
    # The rest is the session's name, which the simulator does not accept.
    name = tail.split("/")[0]
    try:
        found: str = aws.call("iam", GLOBAL, "get_role", RoleName=name)["Role"]["Arn"]
    except Denied:
        return f"{head.replace(':sts:', ':iam:')}:role/{name}"
    return found

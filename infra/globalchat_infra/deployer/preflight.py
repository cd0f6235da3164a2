"""What is checked before anything is deployed: each failure is one sentence with its remedy, in seconds."""

from collections.abc import Callable, Iterable

from globalchat.core.errors import UsageError, UserError
from globalchat_infra import toolchain
from globalchat_infra.config import Config
from globalchat_infra.deployer.aws import Account, Aws, CallFailed, Denied
from globalchat_infra.deployer.plan import Plan
from globalchat_infra.deployer.stacks import DeployedStack

ACTIONS = (
    "cloudformation:CreateChangeSet",
    "cloudformation:ExecuteChangeSet",
    "appsync:CreateGraphqlApi",
    "appsync:CreateApiKey",
    "events:PutRule",
    "events:CreateEventBus",
    "iam:CreateRole",
    "iam:PassRole",
    "sqs:CreateQueue",
    "logs:CreateLogGroup",
    "cloudwatch:PutMetricAlarm",
)
"""A sample of what the stacks need, to warn by; CloudFormation is the judge."""
QUOTAS = (
    ("appsync", "list_graphql_apis", "graphqlApis", 50, "AppSync APIs"),
    ("events", "list_event_buses", "EventBuses", 100, "event buses"),
)
"""Service, listing, its key, AWS's default quota per region (AWS General Reference), what is counted."""
Confirm = Callable[[str], bool]


def check_tools() -> toolchain.Node:
    """See that Node.js and the libraries of the extra `deploy` are installed; return Node.js.

    Raises:
        UserError: one is missing or too old.
    """
    return toolchain.prepare()


def check_account(aws: Aws, region: str, given: str | None) -> Account:
    """See whose credentials these are; `region` is where that is asked.

    Raises:
        UserError: there are no valid credentials, or they belong to another account than `given`.
    """
    account = aws.account(region)
    if given is not None and given.replace("-", "") != account.number:
        raise UsageError(
            f"The credentials belong to the account {account.number}, not {given}.",
            remedy="Choose others with --aws-profile, or correct --account.",
        )
    return account


def confirm(plan: Plan, account: Account, ask: Confirm) -> None:
    """See that all of it is meant.

    Raises:
        UserError: it is not.
    """
    config = plan.config
    where = ", ".join(f"{alias} ({each})" for alias, each in config.regions.items())
    going = f", and delete {', '.join(stack.name for stack in plan.going)}" if plan.going else ""
    account_words = f"the AWS account {account.number} ({account.arn})"
    if not ask(f'Deploy "{config.prefix}" to {where} of {account_words}{going}?'):
        raise UserError("Nothing was deployed.", remedy=f"Confirm, or give --account {account.number}.")


def check_regions(aws: Aws, config: Config) -> Iterable[str]:
    """See that every region is enabled; yields warnings.

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
    """Yields a warning for each region that has no room, as far as AWS's default quotas tell."""
    have = {stack.alias for stack in existing}
    for alias, region in config.regions.items():
        if alias in have:
            continue
        for service, operation, key, most, what in QUOTAS:
            try:
                count = len(aws.pages(service, region, operation, key))
            except (Denied, CallFailed):
                continue
            if count >= most:
                yield f"{region} has {count} {what}; unless the quota of {most} was raised, it is full"


def warn_of_permissions(aws: Aws, config: Config, account: Account) -> Iterable[str]:
    """Yields a warning if IAM's simulator says that the credentials lack something."""
    region = next(iter(config.regions.values()))
    try:
        answer = aws.call(
            "iam",
            region,
            "simulate_principal_policy",
            PolicySourceArn=role_arn(account.arn),
            ActionNames=list(ACTIONS),
        )
    except (Denied, CallFailed):
        # Not everybody may ask, and the root user cannot be asked about.
        return
    lacking = [
        each["EvalActionName"] for each in answer["EvaluationResults"] if each["EvalDecision"] != "allowed"
    ]
    if lacking:
        yield f"the credentials seem to lack {', '.join(lacking)}"


def role_arn(arn: str) -> str:
    """The ARN of the role behind an assumed one, as the simulator wants it; other ARNs as they are."""
    head, _, tail = arn.partition(":assumed-role/")
    return f"{head.replace(':sts:', ':iam:')}:role/{tail.split('/')[0]}" if tail else arn

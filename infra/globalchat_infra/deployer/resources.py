"""Asks AWS if names are taken, and by whose resources."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from globalchat_infra import names
from globalchat_infra.deployer import stacks
from globalchat_infra.deployer.aws import GLOBAL, Aws, CallFailed, Denied
from globalchat_infra.deployer.stacks import WORKERS, DeployedStack, ForeignResource, StackResource, is_ours
from globalchat_infra.names import PhysicalName

ABSENT = frozenset(
    {
        "AWS.SimpleQueueService.NonExistentQueue",
        "DashboardNotFoundError",
        "NoSuchEntity",
        "NotFound",
        "NotFoundException",
        "QueueDoesNotExist",
        "ResourceNotFound",
        "ResourceNotFoundException",
    }
)
"""AWS's codes for what does not exist."""

Tags = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Claims:
    """The owners of names that are taken.

    `foreign` belong to other owners, `orphans` to this deployment although none of its stacks contains them;
    `unasked` are the AWS regions, by action, in which the caller may not ask.
    """

    foreign: Sequence[ForeignResource] = ()
    orphans: Sequence[PhysicalName] = ()
    unasked: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def gaps(self) -> str | None:
        """Return what could not be asked, for a sentence; None if everything was asked."""
        if not self.unasked:
            return None
        regions = dict.fromkeys(region for each in self.unasked.values() for region in each)
        return f"{', '.join(self.unasked)} is not allowed in {', '.join(regions)}"


@dataclass(frozen=True, slots=True)
class Expected:
    """A name that is used in the region of an alias, or will be."""

    name: PhysicalName
    alias: str


@dataclass(slots=True)
class _Found:
    """The answer for one name: `tags` is None if they could not be read."""

    expected: Expected
    exists: bool = False
    tags: Tags | None = None
    unasked: str | None = None
    """The action that was denied."""


def claims(
    aws: Aws, account: str, prefix: str, expected: Iterable[Expected], held: Iterable[PhysicalName] = ()
) -> Claims:
    """Find the owners of the expected names; `held` are those in the deployment's own stacks.

    Tags decide. If there are none, or they cannot be read, the contents of a stack of this deployment are its
    own, so that a service without tags does not block an update.

    Raises:
        UserError: AWS could not be asked for another reason than a lack of permission.
    """
    held = frozenset(held)
    with ThreadPoolExecutor(WORKERS) as pool:
        found = list(pool.map(lambda each: _ask(aws, account, each), expected))
    foreign: list[ForeignResource] = []
    orphans: list[PhysicalName] = []
    for each in found:
        name, tags = each.expected.name, each.tags
        if not each.exists:
            continue
        if tags is not None and is_ours(tags, prefix, each.expected.alias):
            orphans.extend([] if name in held else [name])
        # Another owner's tags; or no tags, on a name that is in none of our stacks.
        elif tags or name not in held:
            foreign.append(ForeignResource(str(name), tags))
    unasked: dict[str, dict[str, None]] = {}
    for each in found:
        if each.unasked is not None:
            unasked.setdefault(each.unasked, {})[each.expected.name.region] = None
    return Claims(foreign, orphans, {action: list(regions) for action, regions in unasked.items()})


def log_groups(found: Iterable[DeployedStack]) -> list[Expected]:
    """Return the log groups of the APIs of stacks."""
    return [
        Expected(PhysicalName(names.LOG_GROUP, names.log_group(api_id), stack.region), stack.alias)
        for stack in found
        if (api_id := stack.outputs.get("apiId"))
    ]


def tags_of(aws: Aws, name: PhysicalName) -> Tags | None:
    """Return the tags of a named resource, or None if it does not exist; topics need an account as well.

    Raises:
        Denied: the credentials may not ask.
    """
    read = _LOOKS[name.type].find(aws, "", name)
    return None if read is None else read()


def check_ours(aws: Aws, name: PhysicalName, prefix: str, alias: str) -> bool:
    """Check that a resource belongs to the region `alias` of this deployment; return False if it is absent.

    Raises:
        Denied: its tags may not be read.
        UsageError: it belongs to others.
    """
    tags = tags_of(aws, name)
    if tags is not None and not is_ours(tags, prefix, alias):
        owner = ForeignResource(str(name), tags)
        raise stacks.refusal(
            prefix, [owner], remedy="Name another profile with --profile.", done="it is left alone"
        )
    return tags is not None


def held_by(aws: Aws, stack: DeployedStack) -> list[PhysicalName]:
    """Return the names in a stack, as CloudFormation lists them.

    Raises:
        Denied: its resources may not be listed.
    """
    listed = stacks.resources(aws, stack)
    return [
        PhysicalName(each.type, _name(each), stack.region)
        for each in listed
        if each.type in names.TYPE_WORDS and each.physical_id
    ]


def _name(resource: StackResource) -> str:
    """Return the name in CloudFormation's physical id, which is a name, a URL, an ARN or a list."""
    if resource.type == names.QUEUE:
        return resource.physical_id.rpartition("/")[2]
    if resource.type == names.TOPIC:
        return resource.physical_id.rpartition(":")[2]
    return resource.physical_id.partition("|")[0]


def _ask(aws: Aws, account: str, expected: Expected) -> _Found:
    name = expected.name
    look = _LOOKS[name.type]
    found = _Found(expected)
    try:
        read_tags = look.find(aws, account, name)
    except Denied:
        found.unasked = look.action
        return found
    if read_tags is None:
        return found
    found.exists = True
    try:
        found.tags = read_tags()
    except Denied:
        found.unasked = look.tags_action
    except CallFailed as error:
        if error.code not in ABSENT:
            raise
        found.exists = False
    return found


def _existing(
    aws: Aws, name: PhysicalName, service: str, operation: str, **arguments: object
) -> dict[str, Any] | None:
    region = GLOBAL if service == "iam" else name.region
    try:
        return aws.call(service, region, operation, **arguments)
    except CallFailed as error:
        if error.code in ABSENT:
            return None
        raise


def _pairs(listed: Iterable[Mapping[str, str]]) -> Tags:
    return {each["Key"]: each["Value"] for each in listed}


def _bus(aws: Aws, _: str, name: PhysicalName) -> Callable[[], Tags] | None:
    found = _existing(aws, name, "events", "describe_event_bus", Name=name.name)
    if found is None:
        return None
    return lambda: _pairs(
        aws.call("events", name.region, "list_tags_for_resource", ResourceARN=found["Arn"])["Tags"]
    )


def _queue(aws: Aws, _: str, name: PhysicalName) -> Callable[[], Tags] | None:
    found = _existing(aws, name, "sqs", "get_queue_url", QueueName=name.name)
    if found is None:
        return None
    return lambda: aws.call("sqs", name.region, "list_queue_tags", QueueUrl=found["QueueUrl"]).get("Tags", {})


def _role(aws: Aws, _: str, name: PhysicalName) -> Callable[[], Tags] | None:
    found = _existing(aws, name, "iam", "get_role", RoleName=name.name)
    return None if found is None else lambda: _pairs(found["Role"].get("Tags", ()))


def _table(aws: Aws, _: str, name: PhysicalName) -> Callable[[], Tags] | None:
    found = _existing(aws, name, "dynamodb", "describe_table", TableName=name.name)
    if found is None:
        return None
    arn = found["Table"]["TableArn"]
    return lambda: _pairs(aws.call("dynamodb", name.region, "list_tags_of_resource", ResourceArn=arn)["Tags"])


def _log_group(aws: Aws, _: str, name: PhysicalName) -> Callable[[], Tags] | None:
    listed = aws.pages("logs", name.region, "describe_log_groups", "logGroups", logGroupNamePrefix=name.name)
    arn = next((each["arn"] for each in listed if each["logGroupName"] == name.name), None)
    if arn is None:
        return None
    plain = arn.removesuffix(":*")
    return lambda: aws.call("logs", name.region, "list_tags_for_resource", resourceArn=plain).get("tags", {})


KINDS = ["MetricAlarm", "CompositeAlarm"]
"""Both share their names."""


def _alarm(aws: Aws, _: str, name: PhysicalName) -> Callable[[], Tags] | None:
    answer = aws.call("cloudwatch", name.region, "describe_alarms", AlarmNames=[name.name], AlarmTypes=KINDS)
    found = [*answer.get("MetricAlarms", ()), *answer.get("CompositeAlarms", ())]
    if not found:
        return None
    arn = found[0]["AlarmArn"]
    return lambda: _pairs(
        aws.call("cloudwatch", name.region, "list_tags_for_resource", ResourceARN=arn).get("Tags", ())
    )


def _topic(aws: Aws, account: str, name: PhysicalName) -> Callable[[], Tags] | None:
    arn = f"arn:aws:sns:{name.region}:{account}:{name.name}"
    if _existing(aws, name, "sns", "get_topic_attributes", TopicArn=arn) is None:
        return None
    return lambda: _pairs(
        aws.call("sns", name.region, "list_tags_for_resource", ResourceArn=arn).get("Tags", ())
    )


def _dashboard(aws: Aws, _: str, name: PhysicalName) -> Callable[[], Tags] | None:
    """Find a dashboard, which has no tags."""
    found = _existing(aws, name, "cloudwatch", "get_dashboard", DashboardName=name.name)
    return None if found is None else dict


def _web_acl(aws: Aws, _: str, name: PhysicalName) -> Callable[[], Tags] | None:
    listed = aws.pages("wafv2", name.region, "list_web_acls", "WebACLs", Scope="REGIONAL")
    arn = next((each["ARN"] for each in listed if each["Name"] == name.name), None)
    if arn is None:
        return None
    return lambda: _pairs(
        aws.call("wafv2", name.region, "list_tags_for_resource", ResourceARN=arn)["TagInfoForResource"][
            "TagList"
        ]
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """How to find a resource by its name, and the actions that this and reading its tags need.

    `find` returns a function that reads its tags, or None if it does not exist.
    """

    find: Callable[[Aws, str, PhysicalName], Callable[[], Tags] | None]
    action: str
    tags_action: str


_LOOKS = {
    names.ALARM: _Look(_alarm, "cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource"),
    names.BUS: _Look(_bus, "events:DescribeEventBus", "events:ListTagsForResource"),
    names.DASHBOARD: _Look(_dashboard, "cloudwatch:GetDashboard", ""),
    names.LOG_GROUP: _Look(_log_group, "logs:DescribeLogGroups", "logs:ListTagsForResource"),
    names.QUEUE: _Look(_queue, "sqs:GetQueueUrl", "sqs:ListQueueTags"),
    names.ROLE: _Look(_role, "iam:GetRole", ""),
    names.TABLE: _Look(_table, "dynamodb:DescribeTable", "dynamodb:ListTagsOfResource"),
    names.TOPIC: _Look(_topic, "sns:GetTopicAttributes", "sns:ListTagsForResource"),
    names.WEB_ACL: _Look(_web_acl, "wafv2:ListWebACLs", "wafv2:ListTagsForResource"),
}
ACTIONS = sorted({action for each in _LOOKS.values() for action in (each.action, each.tags_action) if action})
"""The actions that these calls need."""

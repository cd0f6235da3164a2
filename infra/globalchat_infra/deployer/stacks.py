"""The stacks of a deployment as CloudFormation describes them, and their owners, by tags alone."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from globalchat.core.clock import HOUR, MINUTE
from globalchat.core.errors import UsageError
from globalchat_infra import names
from globalchat_infra.config import Config
from globalchat_infra.deployer.aws import Aws, CallFailed

WORKERS = 8
"""Parallel calls to AWS: a region needs a dozen, each a round trip."""
_USUAL_STACKS = 4
"""The number of stacks of two regions."""
_MORE_SECONDS = 3 * MINUTE
"""Additional seconds for each further stack."""
OWNER_TAGS = (names.PROJECT_TAG, names.DEPLOYMENT_TAG, names.ALIAS_TAG)
MAKER_TAG = "aws:cloudformation:stack-name"
"""CloudFormation's own tag on the resources of a stack."""
SHOWN_TAGS = 6
_LONGEST = 60
"""The most characters of a tag that are shown."""
_RENAME = "Choose another prefix with --stack-prefix, or another alias with --regions."
PROPOSED = "REVIEW_IN_PROGRESS"
"""The status of an empty stack: a change set proposes to make it."""


@dataclass(frozen=True, slots=True)
class ForeignResource:
    """A resource with a name of this deployment that belongs to another owner.

    `what` names it with its AWS region; `tags` are its own (None if they may not be read).
    """

    what: str
    tags: Mapping[str, str] | None

    def __str__(self) -> str:
        return f"{self.what} ({tags_in_words(self.tags)})"


@dataclass(frozen=True, slots=True)
class DeployedStack:
    """A stack that exists: `alias` and `part` as in its expected name, `status` and the rest as AWS says.

    `id` is its ARN, which no later stack of the same name has; `changed` is when it was made or last updated;
    the tags of a proposed stack are those of its change sets; `protected` is termination protection.
    """

    name: str
    alias: str
    region: str
    part: str
    status: str
    reason: str
    outputs: Mapping[str, str]
    tags: Mapping[str, str]
    changed: datetime
    id: str = ""
    protected: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        """The deployment that its name was made for."""
        return self.name.removesuffix(f"-{self.alias}-{self.part}")

    @property
    def ours(self) -> bool:
        """True if its tags say that it belongs to this deployment."""
        return is_ours(self.tags, self.prefix, self.alias)

    @property
    def foreign(self) -> ForeignResource | None:
        """Its owner, if that is another one; a proposal without tags is empty and blocks nothing."""
        if self.ours or (self.status == PROPOSED and not self.tags):
            return None
        return ForeignResource(f'the stack "{self.name}" in {self.region}', self.tags)

    @property
    def busy(self) -> bool:
        """True if AWS is at work on it."""
        return self.status.endswith("_IN_PROGRESS") and self.status != PROPOSED

    @property
    def is_complete(self) -> bool:
        """True if it is complete."""
        return self.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")


def time_limit(count: int) -> float:
    """Return the time limit for some stacks: an hour, as CloudFormation waits that long for one resource.

    Two stacks are made at a time, each within a few minutes.
    """
    return HOUR + max(0, count - _USUAL_STACKS) * _MORE_SECONDS


def stack_names(config: Config) -> list[str]:
    """Return the names of all stacks of a deployment, in the order of creation."""
    parts = names.parts(meshed=len(config.regions) > 1)
    return [names.stack(config.prefix, alias, part) for part in parts for alias in config.regions]


def find(aws: Aws, prefix: str, regions: Mapping[str, str]) -> list[DeployedStack]:
    """Return the stacks that have a deployment's names in regions (alias to AWS region), foreign or not."""
    wanted = [(alias, region, part) for part in names.PARTS for alias, region in regions.items()]
    with ThreadPoolExecutor(WORKERS) as pool:
        found = list(pool.map(lambda each: describe(aws, prefix, *each), wanted))
    return [stack for stack in found if stack is not None]


def describe(aws: Aws, prefix: str, alias: str, region: str, part: str) -> DeployedStack | None:
    """Return one stack, or None if it does not exist."""
    name = names.stack(prefix, alias, part)
    try:
        answer = aws.call("cloudformation", region, "describe_stacks", StackName=name)
    except CallFailed as error:
        # CloudFormation has no code of its own for a stack that does not exist.
        if error.code == "ValidationError" and "does not exist" in str(error):
            return None
        raise
    stack = answer["Stacks"][0]
    tags = _tags(stack)
    # A stack gets its tags when its first change set is executed, not before.
    if stack["StackStatus"] == PROPOSED and not tags:
        tags = _proposed_tags(aws, region, name)
    return DeployedStack(
        name,
        alias,
        region,
        part,
        stack["StackStatus"],
        stack.get("StackStatusReason", ""),
        {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", ())},
        tags,
        stack.get("LastUpdatedTime") or stack["CreationTime"],
        stack.get("StackId", name),
        stack.get("EnableTerminationProtection", False),
        {each["ParameterKey"]: each.get("ParameterValue", "") for each in stack.get("Parameters", ())},
    )


@dataclass(frozen=True, slots=True)
class StackResource:
    """A resource of a stack: its CloudFormation type and the two ids that it has."""

    type: str
    logical_id: str
    physical_id: str


def resources(aws: Aws, stack: DeployedStack) -> list[StackResource]:
    """Return the resources of a stack, as CloudFormation lists them.

    Raises:
        Denied: the credentials may not list it.
    """
    listed = aws.pages(
        "cloudformation",
        stack.region,
        "list_stack_resources",
        "StackResourceSummaries",
        # By the ARN, as the name may belong to a later stack by now.
        StackName=stack.id or stack.name,
    )
    return [
        StackResource(each["ResourceType"], each["LogicalResourceId"], each.get("PhysicalResourceId") or "")
        for each in listed
        if each.get("ResourceStatus") != "DELETE_COMPLETE"
    ]


def _proposed_tags(aws: Aws, region: str, name: str) -> Mapping[str, str]:
    """Return the tags that a stack will have once its change set is executed."""
    listed = aws.pages("cloudformation", region, "list_change_sets", "Summaries", StackName=name)
    # Another change set may lie beside ours, without tags.
    for each in listed:
        given = {"ChangeSetName": each["ChangeSetName"], "StackName": name}
        if tags := _tags(aws.call("cloudformation", region, "describe_change_set", **given)):
            return tags
    return {}


def _tags(described: Mapping[str, Any]) -> Mapping[str, str]:
    return {each["Key"]: each["Value"] for each in described.get("Tags", ())}


def is_ours(tags: Mapping[str, str], prefix: str, alias: str) -> bool:
    """Return True if tags are those of this deployment, in the region of this alias.

    Names cannot decide this: prefixes and aliases may contain hyphens, so `a-b-c-api` is a stack of the
    deployment `a` as well as of `a-b`.
    """
    return tuple(tags.get(key) for key in OWNER_TAGS) == (names.PROJECT, prefix, alias)


def tags_in_words(tags: Mapping[str, str] | None) -> str:
    """Return an owner's tags for a sentence: ours first, and of AWS's only the maker's."""
    if tags is None:
        return "tags that may not be read"
    own = [key for key in OWNER_TAGS if key in tags]
    others = sorted(key for key in tags if key not in OWNER_TAGS and not key.startswith("aws:"))
    keys = [*own, *others, *([MAKER_TAG] if MAKER_TAG in tags else [])]
    if not keys:
        return "no tags"
    shown = ", ".join(f"{_cut(key)}={_cut(tags[key])}" for key in keys[:SHOWN_TAGS])
    return f"tags {shown}{', …' if len(keys) > SHOWN_TAGS else ''}"


def refusal(prefix: str, foreign: Sequence[ForeignResource], *, remedy: str, done: str) -> UsageError:
    """Return the error for a plan that would act on other owners' resources; `done` ends the sentence."""
    listed = "; ".join(map(str, foreign))
    verb = "is" if len(foreign) == 1 else "are"
    return UsageError(f'Not part of the deployment "{prefix}" {verb} {listed}: {done}.', remedy=remedy)


def refuse_foreign(prefix: str, found: Iterable[ForeignResource | None], done: str) -> None:
    """Check that nothing found belongs to another owner, as the last check before a change.

    Raises:
        UsageError: something does; `done` ends the sentence.
    """
    foreign = [each for each in found if each is not None]
    if foreign:
        raise refusal(prefix, foreign, remedy=_RENAME, done=done)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"

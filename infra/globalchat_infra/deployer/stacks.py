"""The stacks of a deployment as CloudFormation describes them."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from globalchat.core.clock import HOUR, MINUTE
from globalchat_infra import names
from globalchat_infra.config import Config
from globalchat_infra.deployer.aws import Aws, CallFailed
from globalchat_infra.deployer.ownership import Foreign, is_ours

WORKERS = 8
"""Questions to AWS at a time: a region takes a dozen, each a round trip."""
USUAL = 4
"""How many stacks two regions have."""
EACH = 3 * MINUTE
"""Seconds that each stack more may take."""
PROPOSED = "REVIEW_IN_PROGRESS"
"""The status of a stack that holds nothing yet: a change set proposes to make it."""


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
        """True if its tags say that it is this very deployment's."""
        return is_ours(self.tags, self.prefix, self.alias)

    @property
    def foreign(self) -> Foreign | None:
        """Its owner, if that is another one; a proposal without tags is empty and blocks nothing."""
        if self.ours or (self.status == PROPOSED and not self.tags):
            return None
        return Foreign(f'the stack "{self.name}" in {self.region}', self.tags)

    @property
    def busy(self) -> bool:
        """True if AWS is at work on it."""
        return self.status.endswith("_IN_PROGRESS") and self.status != PROPOSED

    @property
    def stands(self) -> bool:
        """True if it is complete and whole."""
        return self.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")


def seconds_for(count: int) -> float:
    """Return how long that many stacks may take: an hour, as CloudFormation waits as long for one resource.

    Two are made at a time, each within a few minutes.
    """
    return HOUR + max(0, count - USUAL) * EACH


def expected(config: Config) -> list[str]:
    """Return the names of all stacks of a deployment, in the order in which they are made."""
    parts = names.parts(meshed=len(config.regions) > 1)
    return [names.stack(config.prefix, alias, part) for part in parts for alias in config.regions]


def find(aws: Aws, prefix: str, regions: Mapping[str, str]) -> list[DeployedStack]:
    """Return the stacks that have a deployment's names in regions (alias to AWS region), foreign or not."""
    places = [(alias, region, part) for part in names.PARTS for alias, region in regions.items()]
    with ThreadPoolExecutor(WORKERS) as pool:
        found = list(pool.map(lambda place: describe(aws, prefix, *place), places))
    return [stack for stack in found if stack is not None]


def describe(aws: Aws, prefix: str, alias: str, region: str, part: str) -> DeployedStack | None:
    """Return one stack, or None if it does not exist."""
    name = names.stack(prefix, alias, part)
    try:
        answer = aws.call("cloudformation", region, "describe_stacks", StackName=name)
    except CallFailed as error:
        if error.code == "ValidationError" and "does not exist" in str(error):
            return None
        raise
    stack = answer["Stacks"][0]
    tags = _tags(stack)
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
    """Return what a stack holds, as CloudFormation lists it.

    Raises:
        Denied: the credentials may not list it.
    """
    listed = aws.pages(
        "cloudformation",
        stack.region,
        "list_stack_resources",
        "StackResourceSummaries",
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
    for each in listed:
        given = {"ChangeSetName": each["ChangeSetName"], "StackName": name}
        if tags := _tags(aws.call("cloudformation", region, "describe_change_set", **given)):
            return tags
    return {}


def _tags(described: Mapping[str, Any]) -> Mapping[str, str]:
    return {each["Key"]: each["Value"] for each in described.get("Tags", ())}

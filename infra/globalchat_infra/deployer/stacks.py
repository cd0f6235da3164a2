"""The stacks of a deployment as CloudFormation tells of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from globalchat_infra import names
from globalchat_infra.config import Config
from globalchat_infra.deployer.aws import Aws, CallFailed


@dataclass(frozen=True, slots=True)
class DeployedStack:
    """A stack that exists: `alias` and `part` as in its name, `status` and the rest as AWS says.

    `changed` is when it was made or last updated.
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

    @property
    def ours(self) -> bool:
        """Whether this project made it, or only proposed it: then it has no tags, and nothing in it."""
        return is_ours(self.tags) or self.status == "REVIEW_IN_PROGRESS"

    @property
    def busy(self) -> bool:
        """Whether AWS works on it."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    @property
    def stands(self) -> bool:
        """Whether it is complete and whole."""
        return self.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")


def is_ours(tags: Mapping[str, str]) -> bool:
    """Whether what has these tags was made by this project."""
    return tags.get(names.PROJECT_TAG) == names.PROJECT


def expected(config: Config) -> list[str]:
    """The names of all stacks of a deployment, in the order of their making."""
    parts = names.parts(meshed=len(config.regions) > 1)
    return [names.stack(config.prefix, alias, part) for part in parts for alias in config.regions]


def find(aws: Aws, prefix: str, regions: Mapping[str, str]) -> list[DeployedStack]:
    """The stacks that exist of those that a deployment has in these regions (alias to AWS region)."""
    places = [(alias, region, part) for part in names.PARTS for alias, region in regions.items()]
    found = (describe(aws, prefix, alias, region, part) for alias, region, part in places)
    return [stack for stack in found if stack is not None]


def describe(aws: Aws, prefix: str, alias: str, region: str, part: str) -> DeployedStack | None:
    """One stack; None if it does not exist."""
    name = names.stack(prefix, alias, part)
    try:
        answer = aws.call("cloudformation", region, "describe_stacks", StackName=name)
    except CallFailed as error:
        if error.code == "ValidationError" and "does not exist" in str(error):
            return None
        raise
    stack = answer["Stacks"][0]
    return DeployedStack(
        name,
        alias,
        region,
        part,
        stack["StackStatus"],
        stack.get("StackStatusReason", ""),
        {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", ())},
        {each["Key"]: each["Value"] for each in stack.get("Tags", ())},
        stack.get("LastUpdatedTime") or stack["CreationTime"],
    )

"""Whether the stacks' own API keys are still there: AppSync deletes a key 60 days after it has expired.

CloudFormation cannot update what is gone, so the template of the next deployment has a new key in its place.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from globalchat_infra import stack_key
from globalchat_infra.deployer import keys
from globalchat_infra.deployer.aws import Aws
from globalchat_infra.deployer.settings import context_of, with_context
from globalchat_infra.deployer.stacks import DeployedStack


def generations(aws: Aws, existing: Iterable[DeployedStack]) -> Mapping[str, int]:
    """The generation of the key that each region's stack is to have, by alias; those of 0 are left out."""
    wanted = {stack.alias: _generation(aws, stack) for stack in existing if stack.part == "api"}
    return {alias: generation for alias, generation in wanted.items() if generation}


def with_generations(content: Mapping[str, Any], wanted: Mapping[str, int]) -> Mapping[str, Any]:
    """The content of a `cdk.json` that asks for these generations."""
    if not wanted:
        return content
    return with_context(content, {**context_of(content), "keyGenerations": dict(wanted)})


def _generation(aws: Aws, stack: DeployedStack) -> int:
    resources = aws.pages(
        "cloudformation",
        stack.region,
        "list_stack_resources",
        "StackResourceSummaries",
        StackName=stack.name,
    )
    own = next((each for each in resources if each["ResourceType"] == "AWS::AppSync::ApiKey"), None)
    api_id = stack.outputs.get("apiId")
    if own is None or api_id is None:
        return 0
    current = stack_key.generation_of(own["LogicalResourceId"])
    # The resource's id is an ARN that ends with the key.
    key = own.get("PhysicalResourceId", "").rsplit("/", 1)[-1]
    there = any(each.key == key for each in keys.list_keys(aws, stack.region, api_id))
    return current if there else current + 1

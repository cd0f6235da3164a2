"""Reads a profile anew from the stacks on AWS."""

import time

from cli import deploying
from cli.console.output import narrate
from infra.deployer import outputs, standing


def refresh(
    given: str | None, stack_prefix: str | None, regions: str | None, aws_profile: str | None
) -> None:
    """Write the profile as the stacks and AppSync tell it; without options, of every region that stands.

    Raises:
        DeployError: there is no such deployment, or AWS cannot be asked.
    """
    name = deploying.profile_name(given)
    wish = deploying.wish(deploying.changes(stack_prefix, regions), name)
    aws = deploying.aws(aws_profile)
    hints = deploying.hints(name, wish.prefix)
    stands = standing.find(aws, wish.prefix, {**wish.regions, **hints})
    chosen = standing.chosen(stands, wish.regions, wish.changes.regions)
    for region, error in stands.silent.items():
        if region in chosen.values():
            raise error
        narrate(f"warning: {error} What stands in {region} is not in the profile.")
    made = outputs.find(aws, wish.prefix, chosen)
    deploying.save(outputs.read_profile(aws, name, made, now=time.time()))

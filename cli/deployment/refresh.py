"""Reads a profile anew from the stacks on AWS."""

import time

from cli.console.output import narrate
from cli.deployment.profile import name_to_write, save
from cli.deployment.wish import changes, hints, wish
from infra.deployer import outputs, standing
from infra.deployer.aws import Aws


def refresh(
    given: str | None, stack_prefix: str | None, regions: str | None, aws_profile: str | None
) -> None:
    """Write the profile as the stacks and AppSync tell it; without options, of every region that stands.

    Raises:
        DeployError: there is no such deployment, or AWS cannot be asked.
    """
    name = name_to_write(given)
    wanted = wish(changes(stack_prefix, regions), name)
    aws = Aws(aws_profile)
    stands = standing.find(aws, wanted.prefix, {**wanted.regions, **hints(name, wanted.prefix)})
    chosen = standing.chosen(stands, wanted.regions, wanted.changes.regions)
    for region, error in stands.silent.items():
        if region in chosen.values():
            raise error
        narrate(f"warning: {error} What stands in {region} is not in the profile.")
    made = outputs.find(aws, wanted.prefix, chosen)
    save(outputs.read_profile(aws, name, made, now=time.time()))

"""Reads a profile anew from the stacks on AWS."""

import time

from cli import deploying
from client import paths, profiles
from infra.deployer import outputs, settings


def refresh(
    given: str | None, stack_prefix: str | None, regions: str | None, aws_profile: str | None
) -> None:
    """Write the profile as the stacks and AppSync tell it.

    What the options leave open is as the profile has it, else as `cdk.json` says.

    Raises:
        DeployError: there is no such deployment, or AWS cannot be asked.
    """
    name = deploying.profile_name(given)
    folder = paths.home().config
    known = profiles.load(name, folder) if name in profiles.names(folder) else None
    if known is not None and stack_prefix is None:
        bus = next(iter(known.regions.values())).event_bus
        stack_prefix = bus.rsplit("/", 1)[-1].removesuffix("-bus")
    if known is not None and regions is None:
        regions = ",".join(f"{alias}={each.region}" for alias, each in known.regions.items())
    config = settings.config_of(deploying.content(deploying.changes(stack_prefix, regions)))
    aws = deploying.aws(aws_profile)
    deploying.save(outputs.read_profile(aws, name, config.prefix, config.regions, now=time.time()))

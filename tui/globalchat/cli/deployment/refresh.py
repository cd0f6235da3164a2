"""Reads a profile anew from the stacks on AWS."""

import time

from globalchat.cli.deployment.principal import introduce
from globalchat.cli.deployment.profile import name_to_write, save
from globalchat.cli.deployment.standing import look
from globalchat.cli.deployment.wish import changes, wish
from globalchat_infra.deployer import outputs
from globalchat_infra.deployer.aws import Aws


def refresh(
    given: str | None, stack_prefix: str | None, regions: str | None, aws_profile: str | None
) -> None:
    """Write the profile as the stacks and AppSync tell it; without options, of every region that stands.

    Raises:
        UserError: there is no such deployment, or AWS cannot be asked.
    """
    name = name_to_write(given)
    wanted = wish(changes(stack_prefix, regions), name)
    aws = Aws(aws_profile)
    introduce(aws, wanted.first_region)
    _, chosen = look(aws, wanted, silent="is not in the profile.")
    made = outputs.find(aws, wanted.prefix, chosen)
    save(outputs.read_profile(aws, name, made, now=time.time()))

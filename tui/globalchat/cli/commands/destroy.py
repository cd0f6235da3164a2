"""`globalchat destroy`: everything that `globalchat deploy` made goes away."""

import sys

import click

from globalchat.cli.arguments import options
from globalchat.cli.deployment.options import prefix, regions, timeout, yes


@click.command("destroy")
@regions
@prefix
@click.option("--account", metavar="ID", help="The AWS account that is meant.")
@options.aws_profile
@yes
@timeout
@options.profile
def command(
    regions: str | None,
    stack_prefix: str | None,
    account: str | None,
    aws_profile: str | None,
    yes: bool,
    timeout: float,
    profile: str | None,
) -> int:
    """Delete a deployment on AWS, with its log groups, and the profile of it.

    Without --regions in every region where it stands. Asks for the prefix to be typed. What is left
    afterwards, if anything, is listed.

    \b
    Examples:
      globalchat destroy
      globalchat destroy --stack-prefix test --profile test
      globalchat destroy --account 123456789012 --yes
    """  # noqa: D301 - \b is what click leaves a block alone for
    from globalchat.cli.console.output import narrate
    from globalchat.cli.deployment import wish as wishes
    from globalchat.cli.deployment.log import told
    from globalchat.cli.deployment.principal import introduce
    from globalchat.cli.deployment.profile import forget, name_to_write
    from globalchat.cli.deployment.standing import look
    from globalchat_infra.deployer import removal
    from globalchat_infra.deployer.aws import Aws

    name = name_to_write(profile)
    wish = wishes.wish(wishes.changes(stack_prefix, regions), name)
    aws = Aws(aws_profile)
    owner = introduce(aws, wish.first_region, meant=account)
    stands, chosen = look(aws, wish, silent="is not known, and is left alone.")
    found = removal.removable(stands, chosen)
    if not found:
        narrate(f'There is no deployment "{wish.prefix}" in the account {owner.number}.')
    elif not (yes or _typed(wish.prefix, owner.number, [stack.name for stack in found])):
        narrate("Nothing was deleted.")
        return 1
    patient = aws.patient()
    removal.remove(patient, found, told, seconds=timeout)
    left = removal.left_over(patient, wish.prefix, chosen, removal.log_groups(found))
    for what in left:
        narrate(f"left: {what}")
    forget(name, owner.number, wish.prefix, set(chosen.values()))
    if left:
        return 1
    narrate("Nothing is left.")
    return 0


def _typed(prefix: str, account: str, names: list[str]) -> bool:
    from globalchat.cli.console.output import narrate
    from globalchat.cli.console.screen import is_terminal

    narrate(f"In the AWS account {account} these stacks will be deleted: {', '.join(names)}.")
    if not is_terminal(sys.stdin):
        narrate("There is no terminal to ask on: give --yes.")
        return False
    answer: str = click.prompt(f'Type "{prefix}" to delete them', default="", show_default=False, err=True)
    return answer == prefix

"""`globalchat destroy`: everything that `globalchat deploy` made goes away."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from globalchat.cli.arguments import options
from globalchat.cli.arguments.command import Command
from globalchat.cli.deployment.options import prefix, regions, role_arn, timeout, yes

if TYPE_CHECKING:
    from globalchat_infra.deployer.removal import Remains
    from globalchat_infra.deployer.standing import Standing


HELP = """Delete a deployment on AWS, with its log groups, and the profile of it.

Without --regions in every region where it stands. Asks for the prefix to be typed. What belongs to
others, by its tags, is left alone; what is left afterwards, and where AWS could not be asked, is listed.

\b
Examples:
  globalchat destroy
  globalchat destroy --stack-prefix test --profile test
  globalchat destroy --account 123456789012 --yes
"""


@click.command("destroy", cls=Command, help=HELP)
@regions
@prefix
@click.option("--account", metavar="ID", help="The AWS account that is meant.")
@options.aws_profile
@role_arn
@yes
@timeout
@options.profile
def command(
    regions: str | None,
    stack_prefix: str | None,
    account: str | None,
    aws_profile: str | None,
    role_arn: str | None,
    yes: bool,
    timeout: float | None,
    profile: str | None,
) -> int:
    """Run `globalchat destroy`."""
    from globalchat.cli.console.output import narrate
    from globalchat.cli.deployment import wish as wishes
    from globalchat.cli.deployment.log import told
    from globalchat.cli.deployment.principal import introduce
    from globalchat.cli.deployment.profile import forget, name_to_write
    from globalchat.cli.deployment.standing import look
    from globalchat_infra.deployer import obstacles, preflight, removal, resources
    from globalchat_infra.deployer.aws import Aws
    from globalchat_infra.deployer.stacks import seconds_for

    name = name_to_write(profile)
    wish = wishes.wish(wishes.changes(stack_prefix, regions), name)
    aws = Aws(aws_profile)
    owner = introduce(aws, wish.first_region, meant=account)
    preflight.check_role(role_arn, owner)
    for line in preflight.endpoints(aws, wish.first_region):
        narrate(line)
    standing, chosen = look(aws, wish, silent="is not known, and is left alone.", everywhere=True)
    found = removal.removable(standing, chosen)
    for warning in obstacles.check_removal(aws, owner.number, wish.prefix, chosen, found):
        narrate(f"warning: {warning}")
    if not found:
        where = ", ".join(chosen.values())
        narrate(f'There is no deployment "{wish.prefix}" in {where} of the account {owner.number}.')
    elif not (yes or _typed(wish.prefix, owner.number, [stack.name for stack in found])):
        narrate("Nothing was deleted.")
        return 1
    patient = aws.patient()
    removal.remove(patient, found, told, seconds=timeout or seconds_for(len(found)), role=role_arn)
    groups = resources.log_groups(found)
    remains = removal.remains(patient, owner.number, wish.prefix, chosen, groups)
    forget(name, owner.number, wish.prefix, set(chosen.values()))
    return _report(remains, chosen, standing if not regions else None)


def _report(remains: "Remains", regions: Mapping[str, str], standing: "Standing | None") -> int:
    """Print what is left, and return the exit code.

    `standing` is what was found if all of a deployment was meant; then regions that could not be asked count.
    """
    from globalchat.cli.console.output import narrate

    for what in remains.left:
        narrate(f"left: {what}")
    for what in remains.others:
        narrate(f"not of this deployment, and left alone: {what}")
    unasked = list(remains.unasked)
    if standing is not None:
        unasked += [f"{region}: {why.message}" for region, why in standing.silent.items()]
        if standing.unlisted is not None:
            unasked += [f"{region}: {standing.unlisted.message}" for region in standing.unasked]
    for what in unasked:
        narrate(f"not asked: {what}")
    if remains.left or unasked:
        return 1
    narrate(
        "Nothing is left." if standing is not None else f"Nothing is left in {', '.join(regions.values())}."
    )
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

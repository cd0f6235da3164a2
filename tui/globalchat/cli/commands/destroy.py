"""`globalchat destroy`: delete everything that `globalchat deploy` made."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from globalchat.cli import options
from globalchat.cli.command import CliCommand
from globalchat.cli.options import option, parameters, shared
from globalchat.cli.output import echo_err, is_terminal
from globalchat.core.errors import ExitCode

if TYPE_CHECKING:
    from globalchat_infra.deployer.destroy import Leftovers
    from globalchat_infra.deployer.discovery import ExistingDeployment

HELP = """Delete a deployment on AWS, its log groups, and its profile.

Without --regions, in all of its regions. You confirm by typing the prefix. Resources of other owners, by
their tags, are left alone; leftovers, and regions that could not be asked, are listed.

\b
Examples:
  globalchat destroy
  globalchat destroy --stack-prefix test --profile test
  globalchat destroy --account 123456789012 --yes
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DestroyOptions:
    """The command line of `destroy`."""

    regions: str | None = shared(options.regions)
    stack_prefix: str | None = shared(options.stack_prefix)
    account: str | None = option("--account", metavar="ID", help="The intended AWS account.")
    aws_profile: str | None = shared(options.aws_profile)
    role_arn: str | None = shared(options.role_arn)
    yes: bool = shared(options.yes)
    timeout: float | None = shared(options.timeout)
    profile: str | None = shared(options.profile)


@click.command("destroy", cls=CliCommand, help=HELP)
@parameters(DestroyOptions)
def command(given: DestroyOptions) -> int:
    """Run `globalchat destroy`."""
    from globalchat.cli import aws_deployment
    from globalchat_infra.deployer import blockers, destroy, preflight, resources, stored_messages
    from globalchat_infra.deployer.aws import Aws
    from globalchat_infra.deployer.stacks import time_limit

    name = aws_deployment.profile_to_write(given.profile)
    request = aws_deployment.deploy_request(aws_deployment.changes(given.stack_prefix, given.regions), name)
    aws = Aws(given.aws_profile)
    owner = aws_deployment.sign_in(aws, request.first_region, expected=given.account)
    preflight.check_role(given.role_arn, owner)
    for line in preflight.endpoints(aws, request.first_region):
        echo_err(line)
    # Everywhere, since an earlier deployment may have left stacks in a region that is no longer in the file.
    existing, chosen = aws_deployment.find_existing(
        aws, request, consequence="is not known, and is left alone.", everywhere=True
    )
    found = destroy.stacks_to_delete(existing, chosen)
    for warning in blockers.check_removal(aws, owner.number, request.prefix, chosen, found):
        echo_err(f"warning: {warning}")
    for line in stored_messages.deletions(aws, found):
        echo_err(line)
    if not found:
        where = ", ".join(chosen.values())
        echo_err(f'There is no deployment "{request.prefix}" in {where} of the account {owner.number}.')
    elif not (given.yes or _confirm(request.prefix, owner.number, [stack.name for stack in found])):
        echo_err("Nothing was deleted.")
        return ExitCode.FAILED
    aws = aws.with_retries()
    seconds = given.timeout or time_limit(len(found))
    destroy.delete_stacks(aws, found, aws_deployment.print_step, seconds=seconds, role=given.role_arn)
    groups = resources.log_groups(found)
    leftovers = destroy.find_leftovers(aws, owner.number, request.prefix, chosen, groups)
    # Leftovers do not matter for the profile, since the APIs are gone.
    aws_deployment.forget_regions(name, owner.number, request.prefix, set(chosen.values()))
    return _report(leftovers, chosen, existing if not given.regions else None)


def _report(leftovers: "Leftovers", regions: Mapping[str, str], existing: "ExistingDeployment | None") -> int:
    """Print the leftovers, and return the exit code.

    `existing` is what was found, if the whole deployment was to be deleted; then regions that could not be
    asked count.
    """
    for what in leftovers.left:
        echo_err(f"left: {what}")
    for what in leftovers.others:
        echo_err(f"not of this deployment, and left alone: {what}")
    unasked = list(leftovers.unasked)
    if existing is not None:
        unasked += [f"{region}: {why.message}" for region, why in existing.unreachable.items()]
        if existing.unlisted is not None:
            unasked += [f"{region}: {existing.unlisted.message}" for region in existing.unsearched]
    for what in unasked:
        echo_err(f"not asked: {what}")
    if leftovers.left or unasked:
        return ExitCode.FAILED
    echo_err(
        "Nothing is left." if existing is not None else f"Nothing is left in {', '.join(regions.values())}."
    )
    return ExitCode.DONE


def _confirm(prefix: str, account: str, names: list[str]) -> bool:
    """Let the user type the prefix, and return True if it is the right one."""
    echo_err(f"In the AWS account {account} these stacks will be deleted: {', '.join(names)}.")
    if not is_terminal(sys.stdin):
        echo_err("There is no terminal to ask on: give --yes.")
        return False
    answer: str = click.prompt(f'Type "{prefix}" to delete them', default="", show_default=False, err=True)
    return answer == prefix

"""`globalchat deploy`: deploy the backend, and write the profile that the chat uses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from globalchat.cli import options
from globalchat.cli.command import CliCommand
from globalchat.cli.options import flag, option, parameters, shared
from globalchat.cli.output import echo_err
from globalchat.core.errors import ExitCode, UsageError, UserError

if TYPE_CHECKING:
    from globalchat.client.profiles import Profile
    from globalchat_infra.config import Config

OFF = "off"

HELP = """Deploy, or update, the backend on AWS, and write the profile that the chat uses.

Needs AWS credentials, Node.js 20 or later, and the extra `deploy`. An update keeps earlier options, from
whatever machine; changes are shown before anything is done.

\b
Examples:
  globalchat deploy
  globalchat deploy --diff
  globalchat deploy --account 123456789012 --yes
  globalchat deploy --regions oregon,sydney,tokyo=ap-northeast-1
  globalchat deploy --stack-prefix test --profile test --channels a,b --limit message=500
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployOptions:
    """The command line of `deploy`."""

    regions: str | None = shared(options.regions)
    stack_prefix: str | None = shared(options.stack_prefix)
    channels: str | None = option("--channels", metavar="A,B", help="The channels.")
    limits: tuple[str, ...] = option(
        "--limit", "limits", metavar="NAME=N", multiple=True, help="message, sender or id; repeatable."
    )
    history_days: int | None = option(
        "--history-days",
        type=click.IntRange(0, 366),
        metavar="N",
        help="The number of days for which messages are stored; 0 stores none.",
    )
    senders: str | None = option(
        "--senders",
        type=click.Choice(["anyone", "verified"]),
        help="Who may chat: anyone with the API key, or, without a key, those whom IAM permits.",
    )
    verified_roles: tuple[str, ...] = option(
        "--verified-role",
        "verified_roles",
        metavar="NAME",
        multiple=True,
        help="A role whose sessions are named after people, or AWSReservedSSO_*; repeatable; off for none.",
    )
    alarm_email: str | None = option(
        "--alarm-email", metavar="ADDRESS", help="The e-mail address for alarms; off for none."
    )
    dashboard: bool | None = option(
        "--dashboard/--no-dashboard", default=None, help="A CloudWatch dashboard per region."
    )
    waf_rate: str | None = option(
        "--waf-rate", metavar="N", help="Requests of one address in five minutes; off for no firewall."
    )
    reset: bool = flag("--reset", help="Forget earlier options and use cdk.json.")
    prune: bool = flag("--prune", help="Delete the stacks in regions that are left out.")
    account: str | None = option(
        "--account", metavar="ID", help="The intended AWS account; without it you are asked."
    )
    aws_profile: str | None = shared(options.aws_profile)
    role_arn: str | None = shared(options.role_arn)
    yes: bool = shared(options.yes)
    diff: bool = flag("--diff", help="Only show what would change.")
    timeout: float | None = shared(options.timeout)
    strict: bool = flag("--strict", help="Refuse if AWS and the local cloud differ about the templates.")
    no_proof: bool = flag("--no-proof", help="Do not send a message through the regions afterwards.")
    profile: str | None = shared(options.profile)


@click.command("deploy", cls=CliCommand, help=HELP)
@parameters(DeployOptions)
def command(given: DeployOptions) -> int:
    """Run `globalchat deploy`."""
    from globalchat.cli import aws_deployment
    from globalchat.core.files import user_folders
    from globalchat.verify.deploy_check import compared_with_aws
    from globalchat_infra.deployer.aws import Aws
    from globalchat_infra.deployer.deployment import Deployer, prepare
    from globalchat_infra.deployer.iam_changes import Synthesis

    name = aws_deployment.profile_to_write(given.profile)
    changes = aws_deployment.changes(
        given.stack_prefix, given.regions, given.channels, given.limits, _extras(given)
    )
    request = aws_deployment.deploy_request(changes, name, reset=given.reset, prune=given.prune)
    aws, prompter = Aws(given.aws_profile), aws_deployment.prompter(yes=given.yes)
    cache = user_folders().cache
    synthesis = Synthesis(cache)
    plan = prepare(
        request,
        aws,
        prompter,
        account=given.account,
        ask=not given.diff,
        role=given.role_arn,
        synthesis=synthesis,
        # A diff deploys nothing and should be quick.
        check=None if given.diff else compared_with_aws(aws, strict=given.strict),
    )
    deployer = Deployer(
        plan, cache, aws.with_retries(), seconds=given.timeout, app=synthesis.app, role=given.role_arn
    )
    if given.diff:
        return deployer.diff(prompter)
    deployer.run(prompter)
    profile = deployer.profile(name, prompter.note)
    _save(profile, given.aws_profile)
    if profile.signs:
        echo_err("no message was sent: identities that IAM permits can send one with `globalchat doctor`")
    elif not given.no_proof:
        _send_a_message(profile, deployer.config)
    if not given.prune:
        for line in plan.orphaned():
            echo_err(line)
    _advise(profile)
    return ExitCode.DONE


def _extras(given: DeployOptions) -> Mapping[str, object]:
    """Return the context's keys for optional features; the value "off" switches one off again.

    Raises:
        UsageError: the rate is not a number.
    """
    found: dict[str, object] = {}
    if given.history_days is not None:
        found["historyDays"] = given.history_days
    if given.senders is not None:
        found["senders"] = given.senders
    if given.verified_roles:
        found["verifiedRoles"] = [role for role in given.verified_roles if role != OFF]
    if given.alarm_email is not None:
        found["alarmEmail"] = None if given.alarm_email == OFF else given.alarm_email
    if given.dashboard is not None:
        found["dashboard"] = given.dashboard
    rate = given.waf_rate
    if rate is not None:
        if rate != OFF and not rate.isdecimal():
            raise UsageError(f"Invalid rate: {rate[:50]}.", remedy="Write 2000, for example, or off.")
        found["wafRate"] = None if rate == OFF else int(rate)
    return found


def _save(profile: "Profile", aws_profile: str | None) -> None:
    """Save the profile of a deployment that has succeeded."""
    from globalchat.cli.aws_deployment import save_profile

    # The stacks exist by now, and the error has to say so.
    try:
        save_profile(profile, aws_profile)
    except UserError as error:
        remedy = f"{error.remedy or ''} Then run `globalchat outputs --refresh`.".strip()
        raise UserError(f"The deployment is complete. {error}", remedy=remedy) from None


def _send_a_message(profile: "Profile", config: "Config") -> None:
    """Send a message from each region to every other."""
    import asyncio

    from globalchat.measure.smoke_test import SENDER, TEXT, smoke_test

    echo_err("sending a message through every region")
    # The deployment's limits may be shorter than the usual text.
    text, sender = TEXT[: config.limits.message], SENDER[: config.limits.sender]
    asyncio.run(smoke_test(profile, config.channels[0], echo_err, text=text, sender=sender))


def _advise(profile: "Profile") -> None:
    """Print how to open the chat."""
    from globalchat.cli.profiles import DEFAULT

    chosen = "" if profile.name == DEFAULT else f" --profile {profile.name}"
    echo_err(f"Done. Open the chat with `globalchat {next(iter(profile.regions))}{chosen}`.")

"""`globalchat deploy`: from AWS credentials to a chat over two regions."""

import click

from globalchat.cli.arguments import options
from globalchat.cli.arguments.command import Command
from globalchat.cli.deployment.options import prefix, regions, role_arn, timeout, yes
from globalchat.core.errors import UserError

HELP = """Deploy, or update, the backend on AWS, and write the profile that the chat uses.

Needs AWS credentials, Node.js 22 or later, and the extra `deploy`. An update keeps what earlier options
said, from whatever machine; what changes is shown before anything is done.

\b
Examples:
  globalchat deploy
  globalchat deploy --diff
  globalchat deploy --account 123456789012 --yes
  globalchat deploy --regions oregon,sydney,tokyo=ap-northeast-1
  globalchat deploy --stack-prefix test --profile test --channels a,b --limit message=500
"""


@click.command("deploy", cls=Command, help=HELP)
@regions
@prefix
@click.option("--channels", metavar="A,B", help="The channels.")
@click.option("--limit", "limits", metavar="NAME=N", multiple=True, help="message, sender or id; repeatable.")
@click.option("--alarm-email", metavar="ADDRESS", help="Where mail of alarms goes; off for none.")
@click.option("--dashboard/--no-dashboard", default=None, help="A CloudWatch dashboard per region.")
@click.option("--waf-rate", metavar="N", help="Requests of one address in five minutes; off for no firewall.")
@click.option("--reset", is_flag=True, help="Forget earlier options: as cdk.json says.")
@click.option("--prune", is_flag=True, help="Delete what stands in regions that are left out.")
@click.option("--account", metavar="ID", help="The AWS account that is meant; without it you are asked.")
@options.aws_profile
@role_arn
@yes
@click.option("--diff", is_flag=True, help="Only show what would change.")
@timeout
@click.option("--strict", is_flag=True, help="Refuse if AWS and the local cloud differ about the templates.")
@click.option("--no-proof", is_flag=True, help="Do not send a message through the regions afterwards.")
@options.profile
def command(
    regions: str | None,
    stack_prefix: str | None,
    channels: str | None,
    limits: tuple[str, ...],
    alarm_email: str | None,
    dashboard: bool | None,
    waf_rate: str | None,
    reset: bool,
    prune: bool,
    account: str | None,
    aws_profile: str | None,
    role_arn: str | None,
    yes: bool,
    diff: bool,
    timeout: float | None,
    strict: bool,
    no_proof: bool,
    profile: str | None,
) -> int:
    """Run `globalchat deploy`."""
    import asyncio

    from globalchat.cli.console.output import narrate
    from globalchat.cli.deployment import wish as wishes
    from globalchat.cli.deployment.agreement import compared_with_aws
    from globalchat.cli.deployment.person import person as person_of
    from globalchat.cli.deployment.profile import name_to_write, save
    from globalchat.cli.profiles import DEFAULT
    from globalchat.core.files import user_folders
    from globalchat.measure.smoke_test import SENDER, TEXT, smoke_test
    from globalchat_infra.deployer.aws import Aws
    from globalchat_infra.deployer.deployment import Deployment, prepare
    from globalchat_infra.deployer.iam_changes import Assembly

    name = name_to_write(profile)
    extras = wishes.extras(alarm_email, dashboard, waf_rate)
    changes = wishes.changes(stack_prefix, regions, channels, limits, extras)
    wish = wishes.wish(changes, name, reset=reset, prune=prune)
    aws, person = Aws(aws_profile), person_of(yes=yes)
    assembly = Assembly(user_folders().cache)
    plan = prepare(
        wish,
        aws,
        person,
        account=account,
        ask=not diff,
        role=role_arn,
        assembly=assembly,
        check=None if diff else compared_with_aws(aws, strict=strict),
    )
    deployment = Deployment(
        plan, user_folders().cache, aws.patient(), seconds=timeout, app=assembly.app, role=role_arn
    )
    if diff:
        return deployment.diff(person)
    deployment.run(person)
    made = deployment.profile(name, person.note)
    try:
        save(made)
    except UserError as error:
        remedy = f"{error.remedy or ''} Then run `globalchat outputs --refresh`.".strip()
        raise UserError(f"The deployment stands, but {error}", remedy=remedy) from None
    if not no_proof:
        narrate("sending a message through every region")
        config = deployment.config
        text, sender = TEXT[: config.limits.message], SENDER[: config.limits.sender]
        asyncio.run(smoke_test(made, config.channels[0], narrate, text=text, sender=sender))
    if not prune:
        for line in plan.left_behind():
            narrate(line)
    chosen = "" if name == DEFAULT else f" --profile {name}"
    narrate(f"Done. Open the chat with `globalchat {next(iter(made.regions))}{chosen}`.")
    return 0

"""`globalchat deploy`: from AWS credentials to a chat over two regions."""

import click

from cli import options
from cli.deploying import aws_profile, prefix, regions, yes


@click.command("deploy")
@regions
@prefix
@click.option("--channels", metavar="A,B", help="The channels. [default: those of cdk.json]")
@click.option("--limit", "limits", metavar="NAME=N", multiple=True, help="message, sender or id; repeatable.")
@click.option("--account", metavar="ID", help="The AWS account that is meant; without it you are asked.")
@aws_profile
@yes
@click.option("--diff", is_flag=True, help="Only tell what would change.")
@click.option("--timeout", type=click.FloatRange(1, 600), default=60, help="Minutes at most. [default: 60]")
@click.option("--no-proof", is_flag=True, help="Do not send a message through the regions afterwards.")
@options.profile
def command(
    regions: str | None,
    stack_prefix: str | None,
    channels: str | None,
    limits: tuple[str, ...],
    account: str | None,
    aws_profile: str | None,
    yes: bool,
    diff: bool,
    timeout: float,
    no_proof: bool,
    profile: str | None,
) -> int:
    """Deploy, or update, the backend on AWS, and write the profile that the chat uses.

    Needs AWS credentials, Node.js 22 or later, and the extra `deploy`.
    """
    import asyncio

    from cli import deploying
    from cli.output import narrate
    from cli.proof import prove
    from client import paths
    from client.errors import ClientError
    from infra.deployer.deployment import Deployment

    name = deploying.profile_name(profile)
    deployment = Deployment(
        deploying.content(deploying.changes(stack_prefix, regions, channels, limits)),
        paths.home().cache,
        deploying.aws(aws_profile),
        account=account,
        seconds=timeout * 60,
    )
    person = deploying.person(yes=yes or diff)
    deployment.check(person)
    if diff:
        return deployment.diff(person)
    deployment.run(person)
    made = deployment.profile(name)
    try:
        deploying.save(made)
    except ClientError as error:
        remedy = f"{error.remedy or ''} Then run `globalchat outputs --refresh`.".strip()
        raise ClientError(f"The deployment stands, but {error}", remedy=remedy) from None
    if not no_proof:
        narrate("sending a message through every region")
        asyncio.run(prove(made, deployment.config.channels[0], narrate))
    chosen = "" if name == deploying.DEFAULT else f" --profile {name}"
    narrate(f"Done. Next: globalchat {next(iter(made.regions))}{chosen}")
    return 0

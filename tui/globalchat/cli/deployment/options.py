"""The options that several commands about a deployment share."""

import click

from globalchat.cli.arguments.duration import Duration, at_most

prefix = click.option(
    "--stack-prefix",
    metavar="PREFIX",
    help="What all names on AWS start with. [default: the profile's, else that of cdk.json]",
)
regions = click.option(
    "--regions",
    metavar="A,B",
    help="Aliases or alias=region, comma-separated. [default: all of the deployment]",
)
timeout = click.option(
    "--timeout",
    metavar="TIME",
    type=Duration(),
    callback=at_most(36_000),
    help="How long it may take. [default: 60m, and 3m for each stack beyond four]",
)
role_arn = click.option(
    "--role-arn",
    metavar="ARN",
    help="The role that CloudFormation acts with. [default: the one of last time, else your own rights]",
)
yes = click.option("--yes", is_flag=True, help="Do not ask.")

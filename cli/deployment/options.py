"""The options that several commands about a deployment share."""

import click

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
yes = click.option("--yes", is_flag=True, help="Do not ask.")

"""The options that several commands share."""

import getpass

import click

from globalchat.cli.arguments.command import is_decoded

LONGEST_NAME = 32

profile = click.option(
    "--profile",
    metavar="NAME",
    envvar="GLOBALCHAT_PROFILE",
    help="Which deployment: 'local' is the local cloud. [default: 'default' if it exists, else 'local']",
)
region = click.option(
    "--region", metavar="REGION", help="Alias, AWS region, or auto. [default: the profile's first]"
)
name = click.option("--name", metavar="NICK", help="What you call yourself. [default: your login name]")
aws_profile = click.option("--aws-profile", metavar="NAME", help="AWS's own profile. [default: AWS_PROFILE]")
as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


def sender(given: str | None) -> str:
    """The name to send under: the given one, else the login name."""
    if given is not None:
        return given
    try:
        name = getpass.getuser()[:LONGEST_NAME]
    except (OSError, KeyError):
        return "anonymous"
    return name if is_decoded([name]) else "anonymous"

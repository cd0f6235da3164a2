"""`globalchat outputs`: where the regions of a profile are."""

import click

from globalchat.cli import profiles
from globalchat.cli.arguments import options
from globalchat.cli.arguments.command import Command
from globalchat.cli.console.output import json_line, narrate, write_lines
from globalchat.cli.deployment.options import prefix, regions
from globalchat.client.profiles import RegionEndpoint
from globalchat.core.redaction import MASK

HELP = """Show endpoints and ids of a profile's regions.

With --refresh it asks AWS for them, with AWS credentials; then --regions and --stack-prefix say of what.

\b
Examples:
  globalchat outputs
  globalchat outputs --refresh --aws-profile work
  globalchat outputs --json --show-key | jq -r .sydney.apiKey
"""


@click.command("outputs", cls=Command, help=HELP)
@click.option("--json", "as_json", is_flag=True, help="One object, whose keys are the region aliases.")
@click.option("--show-key", is_flag=True, help="Print the API keys, which are masked otherwise.")
@click.option("--refresh", is_flag=True, help="First read the profile anew from the stacks on AWS.")
@regions
@prefix
@options.aws_profile
@options.profile
def command(
    as_json: bool,
    show_key: bool,
    refresh: bool,
    regions: str | None,
    stack_prefix: str | None,
    aws_profile: str | None,
    profile: str | None,
) -> int:
    """Run `globalchat outputs`."""
    if refresh:
        from globalchat.cli.deployment.refresh import refresh as read_anew

        read_anew(profile, stack_prefix, regions, aws_profile)
    loaded = profiles.load(profiles.choose(profile), note=narrate, warn=False)
    documents = {alias: _document(each, show_key) for alias, each in loaded.regions.items()}
    if as_json:
        write_lines([json_line(documents)])
    else:
        for alias, document in documents.items():
            write_lines([alias, *(f"  {key:<12} {value}" for key, value in document.items())])
    return 0


def _document(endpoint: RegionEndpoint, show_key: bool) -> dict[str, str]:
    return {
        "region": endpoint.region,
        "graphqlUrl": endpoint.graphql_url,
        "realtimeUrl": endpoint.realtime_url,
        "apiId": endpoint.api_id,
        "apiKey": endpoint.api_key if show_key else MASK,
    }

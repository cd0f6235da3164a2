"""`globalchat outputs`: show the endpoints of a profile's regions."""

from dataclasses import dataclass

import click

from globalchat.cli import options, profiles
from globalchat.cli.command import CliCommand
from globalchat.cli.options import flag, parameters, shared
from globalchat.cli.output import echo_err, json_line, write_lines
from globalchat.client.profiles import RegionEndpoint
from globalchat.core.errors import ExitCode
from globalchat.core.redaction import MASK

HELP = """Show endpoints and ids of a profile's regions.

With --refresh it reads them from AWS, which needs AWS credentials; --regions and --stack-prefix then select
the deployment.

\b
Examples:
  globalchat outputs
  globalchat outputs --refresh --aws-profile work
  globalchat outputs --json --show-key | jq -r .sydney.apiKey
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputsOptions:
    """The command line of `outputs`."""

    as_json: bool = flag("--json", "as_json", help="One object, whose keys are the region aliases.")
    show_key: bool = flag("--show-key", help="Print the API keys, which are otherwise masked.")
    refresh: bool = flag("--refresh", help="First read the profile again from the stacks on AWS.")
    regions: str | None = shared(options.regions)
    stack_prefix: str | None = shared(options.stack_prefix)
    aws_profile: str | None = shared(options.aws_profile)
    profile: str | None = shared(options.profile)


@click.command("outputs", cls=CliCommand, help=HELP)
@parameters(OutputsOptions)
def command(given: OutputsOptions) -> int:
    """Run `globalchat outputs`."""
    if given.refresh:
        _refresh(given)
    # Nothing is sent to the region, so no warning about an unencrypted key.
    profile = profiles.load(profiles.choose(given.profile), note=echo_err, warn=False)
    documents = {alias: _document(each, given.show_key) for alias, each in profile.regions.items()}
    if given.as_json:
        write_lines([json_line(documents)])
    else:
        for alias, document in documents.items():
            write_lines([alias, *(f"  {key:<12} {value}" for key, value in document.items())])
    return ExitCode.DONE


def _refresh(given: OutputsOptions) -> None:
    """Write the profile from the stacks and AppSync; without options, of every existing region.

    Raises:
        UserError: there is no such deployment, or AWS cannot be asked.
    """
    import time

    from globalchat.cli import aws_deployment
    from globalchat_infra.deployer import discovery
    from globalchat_infra.deployer.aws import Aws

    name = aws_deployment.profile_to_write(given.profile)
    request = aws_deployment.deploy_request(aws_deployment.changes(given.stack_prefix, given.regions), name)
    aws = Aws(given.aws_profile)
    aws_deployment.sign_in(aws, request.first_region)
    _, chosen = aws_deployment.find_existing(aws, request, consequence="is not in the profile.")
    stacks = discovery.find_api_stacks(aws, request.prefix, chosen)
    profile = discovery.read_profile(aws, name, stacks, now=time.time())
    aws_deployment.save_profile(profile, given.aws_profile)


def _document(endpoint: RegionEndpoint, show_key: bool) -> dict[str, str]:
    document = {
        "region": endpoint.region,
        "graphqlUrl": endpoint.graphql_url,
        "realtimeUrl": endpoint.realtime_url,
        "apiId": endpoint.api_id,
    }
    if endpoint.auth == "iam":
        return {**document, "auth": endpoint.auth}
    return {**document, "apiKey": endpoint.api_key if show_key else MASK}

"""`globalchat local status`: whether the local cloud runs."""

import click

from globalchat.cli import local_cloud
from globalchat.cli.arguments import options
from globalchat.cli.arguments.command import Command
from globalchat.cli.console.output import json_line, write_lines
from globalchat.core.clock import iso_time
from globalchat.core.errors import ExitCode

HELP = """Tell whether a local cloud runs, and how it does; exits 3 if none runs or answers. Starts nothing.

\b
Examples:
  globalchat local status
  globalchat local status --json | jq .regions.oregon.graphqlUrl
"""


@click.command("status", cls=Command, help=HELP)
@options.as_json
def command(as_json: bool) -> int:
    """Run `globalchat local status`."""
    from globalchat.localcloud.process import control

    state = local_cloud.require_running()
    status = control.status(state)
    regions = {each.alias: {"region": each.region, "graphqlUrl": each.graphql_url} for each in state.regions}
    document = {
        "pid": state.pid,
        "startedAt": iso_time(state.started_at),
        "awsEndpointUrl": state.aws_endpoint_url,
        **status,
    }
    if as_json:
        write_lines([json_line({**document, "regions": regions})])
    else:
        write_lines(f"{key:<16} {value}" for key, value in document.items())
        write_lines(f"{alias:<16} {each['region']} {each['graphqlUrl']}" for alias, each in regions.items())
    return ExitCode.DONE

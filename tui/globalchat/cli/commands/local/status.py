"""`globalchat local status`: whether the local cloud runs."""

import click

from globalchat.cli import local_cloud
from globalchat.cli.arguments import options
from globalchat.cli.console.output import json_line, narrate, write_lines
from globalchat.core.clock import iso_time
from globalchat.core.errors import ExitCode


@click.command("status")
@options.as_json
def command(as_json: bool) -> int:
    """Tell whether a local cloud runs, and how it does; exits 3 if none runs. Starts nothing.

    \b
    Examples:
      globalchat local status
      globalchat local status --json | jq .regions.oregon.graphqlUrl
    """  # noqa: D301 - \b is what click leaves a block alone for
    from globalchat.localcloud.process import control, launch

    state = launch.find(local_cloud.folder())
    if state is None:
        narrate("No local cloud runs. Start it with: globalchat local up")
        return ExitCode.UNREACHABLE
    try:
        status = control.status(state)
    except control.NoAnswer:
        narrate("The local cloud has just ended.")
        return ExitCode.UNREACHABLE
    regions = {each.alias: {"region": each.region, "graphqlUrl": each.graphql_url} for each in state.regions}
    document = {"pid": state.pid, "startedAt": iso_time(state.started_at), **status}
    if as_json:
        write_lines([json_line({**document, "regions": regions})])
    else:
        write_lines(f"{key:<16} {value}" for key, value in document.items())
        write_lines(f"{alias:<16} {each['region']} {each['graphqlUrl']}" for alias, each in regions.items())
    return ExitCode.DONE

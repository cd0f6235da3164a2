"""`globalchat local serve`: the local cloud in the foreground."""

from pathlib import Path
from typing import get_args

import click

from globalchat.cli import local_cloud
from globalchat.cli.arguments.command import Command
from globalchat.cli.console.output import narrate
from globalchat.localcloud.events.targets import AppSyncErrors
from globalchat.localcloud.process.state import CloudState

HELP = """Run the local cloud until Ctrl-C; the other commands join it.

\b
Examples:
  globalchat local serve
  globalchat local serve --port 4000 --tls
  globalchat local serve --templates cdk.out
"""


@click.command("serve", cls=Command, help=HELP)
@click.option("--port", type=click.IntRange(1, 65535), help="The first region's port; the others follow it.")
@click.option("--templates", type=click.Path(path_type=Path), metavar="DIR", help="A cloud assembly to run.")
@click.option(
    "--appsync-errors",
    type=click.Choice(get_args(AppSyncErrors)),
    default="ignored",
    show_default=True,
    help="What becomes of a message that publishFromBus answers with errors: AWS does not say.",
)
@click.option("--tls", is_flag=True, help="Serve over https and wss, as some clients insist; needs openssl.")
@click.option("--idle-seconds", type=float, hidden=True)
def command(
    port: int | None,
    templates: Path | None,
    appsync_errors: AppSyncErrors,
    tls: bool,
    idle_seconds: float | None,
) -> int:
    """Run `globalchat local serve`."""
    from globalchat.localcloud.process.serve import ServeOptions, serve

    options = ServeOptions(
        local_cloud.folder(),
        templates=templates,
        port=port,
        idle_seconds=idle_seconds,
        appsync_errors=appsync_errors,
        tls=tls,
    )
    serve(options, announce=_announce)
    return 0


def _announce(state: CloudState) -> None:
    for region in state.regions:
        narrate(f"{region.alias} ({region.region}) at {region.graphql_url}")
    if state.ca_certificate is not None:
        *names, last = local_cloud.TRUST_VARIABLES
        narrate(
            f"Its clients have to trust {state.ca_certificate}: each reads one of {', '.join(names)} and "
            f"{last}. `globalchat local env` prints lines that set them all, for a shell of its own."
        )
    narrate("The local cloud is ready. Ctrl-C ends it.")

"""`globalchat web`: the chat in a browser on this machine."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import click

from globalchat.cli import options, profiles
from globalchat.cli.command import CliCommand
from globalchat.cli.options import argument, flag, option, parameters, shared
from globalchat.cli.output import echo_err, write_lines
from globalchat.client import profiles as stored
from globalchat.client.profiles import LOCAL
from globalchat.core import logs
from globalchat.core.errors import ExitCode, UserError
from globalchat.core.files import user_folders
from globalchat.core.interpreter import child_environment, install_command, module_command

if TYPE_CHECKING:
    from globalchat.web.slots import Slot

PORT = 8742
CHAT_MODULE = "globalchat.cli.web_chat"
"""What runs in the process of a tab."""

HELP = """Serve the chat to browsers on this machine: each tab is a chat of its own.

It prints a link, which lets a browser in: whoever has it can chat as you until the command ends. Only this
machine can connect; from another one, forward the port with SSH: ssh -L 8742:127.0.0.1:8742 HOST.

A tab that is loaded again, or whose connection broke, opens with its name, region, channel and draft. REGION
is where a new tab begins: an alias, an AWS region, or auto.

Exports become downloads. What would reach files of this machine (your editor, other profiles) is left to the
chat in a terminal. Keys that browsers keep for themselves have another key, which the help (F1) shows.

It needs the extra `web`. Ctrl+C ends it, and all of its chats.

\b
Examples:
  globalchat web
  globalchat web sydney --port 0
  globalchat web --read-only
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebOptions:
    """The command line of `web`."""

    region: str | None = argument("region", required=False, metavar="[REGION]")
    port: int | None = option(
        "--port",
        type=click.IntRange(0, 65_535),
        metavar="P",
        help=f"The port; 0 is any that is free. [default: {PORT} if it is free]",
    )
    read_only: bool = flag("--read-only", help="Only read: the chats send nothing.")
    channel: str | None = option("--channel", metavar="C", help="The channel that a new tab opens first.")
    ascii: bool = flag("--ascii", help="Draw with ASCII only.")
    name: str | None = shared(options.name)
    person: str | None = shared(options.person)
    profile: str | None = shared(options.profile)


@click.command("web", cls=CliCommand, help=HELP)
@parameters(WebOptions)
def command(given: WebOptions) -> int:
    """Run `globalchat web`."""
    chosen = profiles.choose(given.profile)
    profiles.check_person(chosen, given.person)
    if given.region is not None and not profiles.surely_has(chosen, given.region):
        profiles.check_region(given.region, profiles.region_names(chosen), commands=[])
    signs = chosen != LOCAL and _signs(chosen)
    try:
        # Imported here, as only this needs a web server.
        import textual_serve  # noqa: F401 - only its files are read
    except ModuleNotFoundError:
        sentence = "The chat in a browser needs textual-serve, which is not installed."
        raise UserError(sentence, remedy=f"Run `{install_command('web')}`.") from None
    import asyncio

    from globalchat.web.serve import listen, listen_at_best, serve

    with listen_at_best(PORT) if given.port is None else listen(given.port) as listening:
        asyncio.run(
            serve(
                listening,
                state=user_folders().state / "web",
                command=partial(chat_command, given, chosen),
                base=child_environment(os.environ) | logs.child_variables(),
                signs=signs,
                ready=_announce,
            )
        )
    echo_err("All chats have ended.")
    return ExitCode.DONE


def chat_command(given: WebOptions, profile: str, slot: "Slot", is_back: bool) -> Sequence[str]:
    """Return the command of a tab's chat, which begins as the options say unless its tab is back."""
    wanted = {
        "--profile": profile,
        "--state": str(slot.folder),
        "--as": given.person,
        "--region": given.region,
        "--channel": given.channel,
        "--name": given.name,
    }
    words = [f"{name}={value}" for name, value in wanted.items() if value is not None]
    flags = {"--read-only": given.read_only, "--ascii": given.ascii, "--new": not is_back}
    return module_command(CHAT_MODULE, *words, *(name for name, is_set in flags.items() if is_set))


def _signs(profile: str) -> bool:
    """Return True if requests to a region of the profile are signed with AWS's credentials.

    Raises:
        UserError: there is no such profile, or it is damaged.
    """
    loaded = stored.load(profile, user_folders().config)
    return any(region.auth == "iam" for region in loaded.regions.values())


def _announce(link: str) -> None:
    """Print the link on standard output, and the rest beside it."""
    echo_err(
        "The chat is served to browsers on this machine. Open this link, which is as good as your keyboard:"
    )
    write_lines([link])
    echo_err("Ctrl+C ends it, and all of its chats.")

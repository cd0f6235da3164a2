"""The chat of a browser's tab, which `globalchat web` starts: `python -m globalchat.cli.web_chat`."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import click

from globalchat.cli import options, profiles
from globalchat.cli.command import CliCommand, add_log_options
from globalchat.cli.options import argument, flag, option, parameters, shared
from globalchat.client.profiles import LOCAL, Profile
from globalchat.core import redaction
from globalchat.core.errors import ExitCode, UserError
from globalchat.core.files import user_folders

CHAT_FOLDER = "chat"
"""Where the chats in terminals keep their state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebChatOptions:
    """The command line, which `globalchat web` writes."""

    socket: int = argument("socket", type=int)
    state: Path = option("--state", required=True, type=click.Path(path_type=Path))
    region: str | None = option("--region")
    channel: str | None = option("--channel")
    name: str | None = shared(options.name)
    person: str | None = shared(options.person)
    profile: str | None = shared(options.profile)
    new: bool = flag("--new", help="Begin as the other options say, not as the tab was left.")
    read_only: bool = flag("--read-only", help="Send nothing.")
    ascii: bool = flag("--ascii", help="Draw with ASCII only.")


def main() -> None:
    """Run the chat of a tab and exit."""
    redaction.install()
    add_log_options(command)
    command()


@click.command("web-chat", cls=CliCommand, hidden=True)
@parameters(WebChatOptions)
def command(given: WebChatOptions) -> int:
    """Run the chat until the tab or the user ends it; the last packet says why it ended."""
    # The processes that this one starts do not get it.
    os.set_inheritable(given.socket, False)
    lines: list[str] = []
    try:
        code = _run(given, lines)
    except UserError as error:
        lines += error.lines
        code = int(error.exit_code)
    _say_why(given.socket, lines)
    click.get_current_context().exit(code)


def _run(given: WebChatOptions, notes: list[str]) -> int:
    """Run the chat and return its exit code; `notes` gets what a user should know afterwards.

    Raises:
        UserError: the profile is unknown or damaged.
    """
    chosen = profiles.choose(given.profile)
    if chosen != LOCAL:
        profiles.region_names(chosen)
    is_automatic = given.region is not None and given.region.lower() == profiles.AUTO

    from globalchat.cli.profile_catalog import KnownProfiles
    from globalchat.ui.browser_app import BrowserChat
    from globalchat.ui.settings import read

    openers = KnownProfiles(given.person, notes.append).openers(chosen)

    async def open_profile() -> Profile:
        loaded = await openers.open()
        return await _nearest_first(loaded) if is_automatic else loaded

    settings = read(user_folders().config)
    if given.ascii:
        settings = settings._replace(settings=replace(settings.settings, ascii=True))
    has_region = prepare_state(given, chosen)
    is_automatic = is_automatic and (given.new or not has_region)
    app = BrowserChat(
        open_profile,
        socket=given.socket,
        is_read_only=given.read_only,
        reload_profile=openers.reload,
        region=None,
        is_nearest_first=is_automatic,
        channel=None,
        is_sender_given=False,
        sender=options.sender(given.name, given.person),
        profile_name=chosen,
        settings=settings,
        state=given.state,
        welcome=False,
    )
    app.run()
    notes += app.exit_message
    if app.failure is not None:
        notes.append(f"The chat ended because of an error in it ({type(app.failure).__name__}).")
    return int(ExitCode.FAILED if app.return_code is None else app.return_code)


def prepare_state(given: WebChatOptions, profile: str) -> bool:
    """Write what a new tab begins with into its state, from which every chat of the tab opens.

    The first tab begins with what the chat in a terminal stored, but for drafts: one that is in two chats
    would be sent twice. Return True if the tab has a region.
    """
    from globalchat.ui.model.kept_choices import KeptChoices
    from globalchat.ui.model.startup import DRAFT
    from globalchat.ui.state_store import StateStore

    own, choices = StateStore(given.state, profile), KeptChoices()
    if not own.load():
        kept: Mapping[str, str] = StateStore(user_folders().state / CHAT_FOLDER, profile).load()
        own.merge({key: value for key, value in kept.items() if not key.startswith(DRAFT)})
    choices.restore(own.load())
    if given.new:
        if given.name is not None or given.person is not None:
            choices.nick = options.sender(given.name, given.person)
        if (alias := _alias(given.region, profile)) is not None:
            choices.region = alias
        if given.channel is not None:
            choices.channel = given.channel
        own.merge(choices.kept())
    return choices.region is not None


def _alias(region: str | None, profile: str) -> str | None:
    """Return the alias of a region by its alias or AWS name; None without one, or for `auto`."""
    word = (region or "").casefold()
    known = profiles.region_names(profile)
    matching = (alias for alias, name in known.items() if word in (alias.casefold(), name.casefold()))
    return next(matching, None)


def _say_why(socket: int, lines: list[str]) -> None:
    import json

    from globalchat.core.interpreter import as_typed_here
    from globalchat.core.packets import META, encode
    from globalchat.core.text import sanitize

    said = [sanitize(as_typed_here(line), multiline=False) for line in lines]
    packet = encode(META, json.dumps({"type": "ended", "lines": said}).encode())
    try:
        while packet:
            packet = packet[os.write(socket, packet) :]
    except ConnectionError:
        return  # The server is gone, and the page with it.


async def _nearest_first(profile: Profile) -> Profile:
    """Return the profile with the nearest region first."""
    from globalchat.client.api import nearest

    first = await nearest(profile.regions.values())
    return replace(profile, regions={first.alias: first, **profile.regions})


if __name__ == "__main__":
    main()

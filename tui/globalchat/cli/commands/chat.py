"""The chat, which `globalchat` opens without a command."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from globalchat.cli import options, profiles
from globalchat.cli.command import CliCommand, is_decoded
from globalchat.cli.options import argument, flag, option, parameters, shared
from globalchat.cli.output import echo_err, is_terminal
from globalchat.client.profiles import LOCAL, Profile
from globalchat.core.errors import ExitCode, UsageError
from globalchat.core.files import user_folders
from globalchat.core.terminal import can_draw
from globalchat.core.text import sanitize

if TYPE_CHECKING:
    from globalchat.ui.interfaces import ProfileOpeners
    from globalchat.ui.settings import Loaded

_SIGNALS = 128
"""Exit codes above this mean a signal, as in shells."""


class ChatCommand(CliCommand):
    """The chat's command line, whose first word is often a mistyped command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words; if that fails, first check the first word.

        Raises:
            UsageError: it is neither a command nor a region (with a suggestion); or click's own reasons.
        """
        words = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.UsageError:
            if words and is_decoded(words) and not words[0].startswith("-"):
                _check_region(profiles.choose(None), words[0])
            raise


HELP = """Open the chat on REGION: an alias, an AWS region, or auto.

Without options it opens as it was left, per profile: with the name, the region and the channel that were
chosen in it.

\b
Examples:
  globalchat
  globalchat sydney --channel tech --name ana
  globalchat auto --profile default
  globalchat --ascii --log-file chat.log
  globalchat --plain --channel tech
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatOptions:
    """The command line of the chat."""

    region: str | None = argument("region", required=False, metavar="[REGION]")
    channel: str | None = option("--channel", metavar="C", help="The channel to open first.")
    ascii: bool = flag("--ascii", help="Draw with ASCII only.")
    plain: bool = flag(
        "--plain", help="Line by line, for screen readers, simple terminals, slow links and pipes."
    )
    name: str | None = shared(options.name)
    person: str | None = shared(options.person)
    profile: str | None = shared(options.profile)


@click.command("chat", cls=ChatCommand, context_settings={"help_option_names": ["-h", "--help"]}, help=HELP)
@parameters(ChatOptions)
def command(given: ChatOptions) -> int:
    """Run `globalchat`."""
    chosen, region = profiles.choose(given.profile), given.region
    profiles.check_person(chosen, given.person)
    if region is not None:
        _check_region(chosen, region)
    elif chosen != LOCAL:
        # An unknown or damaged profile is reported before the chat takes the screen.
        profiles.region_names(chosen)
    if not given.plain:
        # Before Textual is loaded, which takes most of a second.
        _check_terminal()
    notes: list[str] = []
    automatic = region is not None and region.lower() == "auto"

    # Imported here, as only the chat needs them.
    from globalchat.cli.profile_catalog import KnownProfiles
    from globalchat.ui.settings import read

    catalog = KnownProfiles(given.person, notes.append)
    openers = catalog.openers(chosen)

    async def open_profile() -> Profile:
        loaded = await openers.open()
        return await _nearest_first(loaded) if automatic else loaded

    settings = read(user_folders().config)
    if given.plain:
        first = None if automatic else region
        return _run_plain(given, chosen, openers._replace(open=open_profile), first, settings)
    # Imported here, as only the full chat needs Textual.
    from globalchat.ui.app import ChatApp

    if given.ascii:
        settings = settings._replace(settings=replace(settings.settings, ascii=True))
    app = ChatApp(
        open_profile,
        reload_profile=openers.reload,
        region=None if automatic else region,
        is_nearest_first=automatic,
        channel=given.channel,
        is_sender_given=given.name is not None or given.person is not None,
        sender=options.sender(given.name, given.person),
        profile_name=chosen,
        settings=settings,
        state=user_folders().state / "chat",
        catalog=catalog,
        # Users who name a profile, or have one, know the program already.
        welcome=given.profile is None and chosen == LOCAL,
    )
    app.run()
    for note in (*notes, *app.exit_message, *_failure(app.failure)):
        echo_err(f"globalchat: {note}")
    code = ExitCode.FAILED if app.return_code is None else app.return_code
    return code if code > _SIGNALS else min(code, ExitCode.FAILED)


def _run_plain(
    given: ChatOptions, profile: str, openers: "ProfileOpeners", region: str | None, settings: "Loaded"
) -> int:
    """Run the plain chat.

    Raises:
        UserError: the profile cannot be opened, or standard input is closed.
    """
    import asyncio

    from globalchat.cli.commands.plain_terminal import run_plain
    from globalchat.core.clock import now_ms
    from globalchat.ui.model.attention import Level, Levels
    from globalchat.ui.model.calendar import Calendar
    from globalchat.ui.model.chat_model import ChatModel
    from globalchat.ui.model.kept_choices import KeptChoices
    from globalchat.ui.model.own_texts import SentTexts
    from globalchat.ui.model.own_words import OwnWords
    from globalchat.ui.model.view_model import ChatViewModel
    from globalchat.ui.plain_chat import command_for
    from globalchat.ui.state_store import StateStore

    if sys.stdin is None:
        raise UsageError(
            "Standard input is closed: there is nothing to send.",
            remedy="`globalchat subscribe CHANNEL` only follows channels.",
        )
    for problem in settings.problems:
        echo_err(problem)
    chosen, choices = settings.settings, KeptChoices()
    store = StateStore(user_folders().state / "chat", profile)
    # A script does not depend on what was chosen in a terminal.
    if is_terminal(sys.stdin) and is_terminal(sys.stdout):
        choices.restore(store.load())
    sender = options.sender(given.name, given.person)
    is_given = given.name is not None or given.person is not None
    model = ChatModel(
        sender=sender if is_given else choices.nick or sender,
        calendar=Calendar(time_format=chosen.time),
        clock=now_ms,
        limit=chosen.scrollback,
        levels=Levels(Level(chosen.notify.level)),
        words=OwnWords(chosen.notify.words, chosen.notify.nick),
    )
    view_model = ChatViewModel(model, profile, given.channel or choices.channel, command_for)
    # Random, since several chats may start at the same moment and write to the same store.
    view_model.sent = SentTexts(keep=chosen.history, run=os.urandom(3).hex(), clock=now_ms)
    return asyncio.run(
        run_plain(
            openers.open,
            view_model,
            store,
            region=region,
            last_region=None if given.region is not None else choices.region,
            reload_profile=openers.reload,
        )
    )


def _check_terminal() -> None:
    """Check that the chat can be drawn.

    Raises:
        UsageError: it cannot; says what to use instead.
    """
    if not (is_terminal(sys.stdin) and is_terminal(sys.stdout)):
        said = "The chat needs a terminal, and this is not one."
    elif not can_draw(os.environ):
        term = sanitize(os.environ.get("TERM", ""), multiline=False)[:50]
        said = f'The chat needs a terminal that can draw, and this is not one (TERM is "{term}").'
    else:
        return
    remedy = "`globalchat --plain` chats line by line here; `globalchat subscribe CHANNEL` follows channels."
    raise UsageError(said, remedy=remedy)


def _failure(error: Exception | None) -> Iterator[str]:
    """Yield a sentence about the error that ended the chat, if there was one."""
    if error is not None:
        kind = type(error).__name__
        yield f"The chat ended because of an error in it ({kind}); with --log-file FILE, the log says where."


def _check_region(profile: str, word: str) -> None:
    if not profiles.surely_has(profile, word):
        from globalchat.cli.main import COMMANDS

        profiles.check_region(word, profiles.region_names(profile), commands=list(COMMANDS))


async def _nearest_first(profile: Profile) -> Profile:
    """Return the profile with the nearest region first, which the chat then opens."""
    from globalchat.client.api import nearest

    first = await nearest(profile.regions.values())
    return replace(profile, regions={first.alias: first, **profile.regions})

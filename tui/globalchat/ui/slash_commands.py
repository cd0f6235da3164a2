"""The `/` commands: their table, their completion in the composer, and their parsing. Pure."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from globalchat.core.errors import UserError
from globalchat.core.text import sanitize, suggest
from globalchat.ui.actions import DEFAULT_KEYS
from globalchat.ui.irc_words import instead
from globalchat.ui.model.attention import Level
from globalchat.ui.model.search import fuzzy_score
from globalchat.ui.model.view_model import ChatViewModel


class Argument(Enum):
    """The kind of a command's argument, which determines its completions."""

    NONE = "none"
    CHANNEL = "channel"
    REGION = "region"
    LEVEL = "level"
    NAME = "name"
    IGNORED = "ignored"
    PROFILE = "profile"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Command:
    """A command.

    Attributes:
        name: Without the slash.
        summary: What it does.
        argument: The kind of its argument.
        hint: The name of the argument; in brackets if it is optional.
        required: True if the argument is required.
        action: The id of the registry's action that it runs; None if the controller executes it itself.
        aliases: Other names, such as those of IRC.
    """

    name: str
    summary: str
    argument: Argument = Argument.NONE
    hint: str = ""
    required: bool = False
    action: str | None = None
    aliases: tuple[str, ...] = ()

    @property
    def usage(self) -> str:
        """The syntax of the command."""
        return f"/{self.name} {self.hint}".rstrip()


COMMANDS: tuple[Command, ...] = (
    Command("join", "Go to a channel", Argument.CHANNEL, "CHANNEL", required=True, aliases=("j",)),
    Command(
        "leave",
        "Leave a channel until it is joined again",
        Argument.CHANNEL,
        "[CHANNEL]",
        aliases=("part", "close"),
    ),
    Command(
        "win",
        "Go to a channel by its place in the list",
        Argument.TEXT,
        "NUMBER",
        required=True,
        aliases=("window", "buffer"),
    ),
    Command("list", "Choose a channel from all", action="channel.pick"),
    Command("region", "Switch to a region, or to the next one", Argument.REGION, "[REGION]"),
    Command("dual", "Follow this channel in both regions side by side", action="dual"),
    Command("latency", "How long messages take between the regions", action="latency", aliases=("ping",)),
    Command("profile", "Switch to another profile, or choose one", Argument.PROFILE, "[NAME]"),
    Command("me", "Write what you are doing: * NAME TEXT", Argument.TEXT, "TEXT", required=True),
    Command("edit", "Write in your editor ($VISUAL or $EDITOR)", action="write.editor", aliases=("editor",)),
    Command("nick", "Write under another name", Argument.TEXT, "NAME", required=True),
    Command("notify", "What counts here: mentions, all or mute", Argument.LEVEL, "LEVEL", required=True),
    Command("mute", "Mute a channel, or let it count again", Argument.CHANNEL, "[CHANNEL]"),
    Command(
        "who",
        "Who wrote lately, here or in another channel",
        Argument.CHANNEL,
        "[CHANNEL]",
        aliases=("names",),
    ),
    Command("ignore", "Hide a person's messages; alone: whom you ignore", Argument.NAME, "[NAME]"),
    Command("unignore", "Show a person's messages again", Argument.IGNORED, "NAME", required=True),
    Command("clear", "Empty the pane; nothing is deleted elsewhere"),
    Command(
        "export",
        "Write this channel to a file; --since 2h, 09:30 or yesterday: also what is not loaded",
        Argument.TEXT,
        "[FILE] [--since TIME]",
    ),
    Command("search", "Find in this channel", Argument.TEXT, "[TEXT]", aliases=("lastlog", "grep")),
    Command(
        "goto",
        "Go to a time: 2h (ago), 09:30, yesterday 14:00, 2026-11-28",
        Argument.TEXT,
        "[TIME]",
    ),
    Command(
        "reply",
        "Reply to the chosen message, or the newest of another person",
        Argument.TEXT,
        "[TEXT]",
        action="pane.reply",
    ),
    Command("formatting", "Show code and emphasis as such, or as it was written", action="pane.formatting"),
    Command("discard", "Discard what was not sent here, or take back what waits", action="discard"),
    Command(
        "theme", "Choose the colours, or use those of a theme", Argument.TEXT, "[NAME]", action="app.theme"
    ),
    Command("connect", "How to connect to a stack of one's own", action="guide.connect"),
    Command("deploy", "How to deploy to AWS", action="guide.deploy"),
    Command("settings", "What can be set in which file, and how it is set", action="guide.settings"),
    Command(
        "help",
        "All keys and commands, or one command",
        Argument.TEXT,
        "[COMMAND]",
        action="help",
        aliases=("h",),
    ),
    Command("quit", "Quit", action="app.quit", aliases=("q", "exit", "bye")),
)


# -- parsing -------------------------------------------------------------------------------------------------

_COMMAND = re.compile(r"/([^\s/]+)(?:\s+(.*?))?\s*")
"""A first word with a slash only at its beginning, so that a typo (`/nick2`) is never sent, and the rest."""


@dataclass(frozen=True, slots=True)
class PlainText:
    """A text to send."""

    text: str


@dataclass(frozen=True, slots=True)
class CommandCall:
    """A command to execute; `argument` is empty without one."""

    command: Command
    argument: str


class ParseError(UserError):
    """A text looks like a command but is not one."""


def named(name: str, commands: Sequence[Command] = COMMANDS) -> Command | None:
    """Return the command of a name or alias, in any case; None if there is none."""
    wanted = name.casefold()
    return next((each for each in commands if wanted in (each.name, *each.aliases)), None)


def parse(
    text: str,
    commands: Sequence[Command] = COMMANDS,
    keys: Callable[[str], str] = DEFAULT_KEYS.title,
) -> PlainText | CommandCall:
    """Parse an entered text.

    A command is one line: a slash, a word without another slash, and perhaps an argument. Paths
    (`/etc/hosts`), a lone slash and texts of several lines are messages; `//` at the beginning sends a text
    that begins with one slash. `keys` returns the key of an action for display.

    Raises:
        ParseError: the command is unknown, or cannot work here; its argument is missing or too much.
    """
    if text.startswith("//"):
        return PlainText(text[1:])
    # A text of several lines is pasted or written, never a command.
    match = None if "\n" in text else _COMMAND.fullmatch(text)
    if match is None:
        return PlainText(text)
    name, argument = match[1].casefold(), match[2] or ""
    command = named(name, commands)
    if command is None:
        raise ParseError(instead(name, keys) or _unknown(name, commands))
    if command.required and not argument:
        raise ParseError(f"{command.usage}: {command.summary[0].lower()}{command.summary[1:]}.")
    if argument and command.argument is Argument.NONE:
        raise ParseError(f"/{command.name} takes nothing after it. Begin with // to send the text as it is.")
    return CommandCall(command, argument)


def _unknown(name: str, commands: Sequence[Command]) -> str:
    shown = sanitize(name, multiline=False)[:30]
    known = [each for command in commands for each in (command.name, *command.aliases) if len(each) > 1]
    sentence = suggest(f"Unknown command: /{shown}.", name, known, prefix="/")
    return f"{sentence} Begin with // to send the text as it is."


# -- completion ----------------------------------------------------------------------------------------------

LIMIT = 8
"""The most names offered at once."""

_MENTION = re.compile(r"(?:^|(?<=[\s(\[{\"'“]))@([^\s@]*)$")
_NAME = re.compile(r"/([A-Za-z-]*)")
_ARGUMENT = re.compile(r"/([A-Za-z-]+)\s+(\S*)")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words that can be completed, the most likely first."""

    commands: Sequence[Command] = COMMANDS
    channels: Sequence[str] = ()
    regions: Sequence[str] = ()
    levels: Sequence[str] = ()
    names: Sequence[str] = ()
    ignored: Sequence[str] = ()
    profiles: Callable[[], Sequence[str]] = tuple


def vocabulary(view_model: ChatViewModel) -> Vocabulary:
    """Return the words that can be completed in the composer now."""
    return Vocabulary(
        channels=[entry.channel for entry in view_model.switcher()],
        regions=[alias for alias in view_model.names.aliases if alias != view_model.region],
        levels=[level.value for level in Level],
        profiles=view_model.profiles,
        names=view_model.model.known_senders.names(),
        ignored=[name.author or name.raw for name in view_model.model.ignored_names()],
    )


@dataclass(frozen=True, slots=True)
class Completion:
    """A completion. `text` replaces the word at the cursor; `about` explains it."""

    text: str
    label: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Completions:
    """The completions for the part of a text from `start` to the cursor."""

    start: int = 0
    items: tuple[Completion, ...] = ()


NOTHING = Completions()


def complete(text: str, cursor: int, vocabulary: Vocabulary) -> Completions:
    """Return the completions of the word before `cursor` (an index into `text`)."""
    before = text[:cursor]
    if "\n" not in text and not text.startswith("//"):
        if match := _NAME.fullmatch(before):
            return _commands(match[1], vocabulary.commands)
        if match := _ARGUMENT.fullmatch(before):
            return _arguments(match[1], match[2], match.start(2), vocabulary)
    if match := _MENTION.search(before):
        found = _best(match[1], vocabulary.names)
        return Completions(match.start(), tuple(Completion(f"@{name} ", f"@{name}") for name in found))
    return NOTHING


def _commands(typed: str, commands: Sequence[Command]) -> Completions:
    completions = (
        Completion(
            f"/{each.name}" + (" " if each.argument is not Argument.NONE else ""), each.usage, each.summary
        )
        for each in commands
        if each.name.startswith(typed.casefold())
    )
    return Completions(0, tuple(completions))


def _arguments(name: str, typed: str, start: int, vocabulary: Vocabulary) -> Completions:
    command = named(name, vocabulary.commands)
    if command is None:
        return NOTHING
    words = {
        Argument.CHANNEL: vocabulary.channels,
        Argument.REGION: vocabulary.regions,
        Argument.LEVEL: vocabulary.levels,
        Argument.NAME: vocabulary.names,
        Argument.IGNORED: vocabulary.ignored,
        # Asked for only now, since their folder is read.
        Argument.PROFILE: vocabulary.profiles() if command.argument is Argument.PROFILE else (),
    }.get(command.argument, ())
    # A fully typed word needs no completion.
    found = _best(typed, words)
    return (
        NOTHING if found == [typed] else Completions(start, tuple(Completion(word, word) for word in found))
    )


def _best(typed: str, words: Iterable[str]) -> list[str]:
    """Return the best matches, in their own order if they match equally well."""
    scored = [(fuzzy_score(typed, word), number, word) for number, word in enumerate(words)]
    return [word for _, _, word in sorted((s, n, w) for s, n, w in scored if s is not None)][:LIMIT]

"""The classes of the program's commands and groups, and the options about the log that each command has.

Help texts are passed as `help=HELP` instead of docstrings, which `python -OO` strips.
"""

import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from globalchat.core.errors import UsageError
from globalchat.core.text import hint

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_OPTIONS = ("log_file", "log_level", "log_messages")
"""The names of the options about the log among the parameters of a command."""
_LEVEL = "globalchat.log.level"
_TEXTS = "globalchat.log.texts"
_FILE = "--log-file"

log = logging.getLogger("globalchat.cli")


class CliCommand(click.Command):
    """A command whose arguments must be text in the locale's encoding; paths may be any bytes."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Check the encoding of the arguments, then parse them.

        Raises:
            UsageError: an argument is not in the locale's encoding, or click's own reasons.
        """
        # Parsed twice only if a word cannot be decoded: first to find out which parameter it belongs to.
        if not ctx.resilient_parsing and not is_decoded(args):
            given, _, _ = self.make_parser(ctx).parse_args(list(args))
            for param in self.params:
                is_path = isinstance(param.type, (click.Path, click.File))
                if not is_path and not is_decoded(_words(given.get(param.name or ""))):
                    raise click.UsageError(f"{_called(param)} is not {_encoding()}.", ctx)
        return super().parse_args(ctx, args)


def is_decoded(words: Iterable[str]) -> bool:
    """Return True if words are text: Python represents other bytes as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for word in words for character in word)


class CommandGroup(click.Group):
    """A group that suggests a command for an unknown one, and lists commands in order of definition."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names in the order of definition."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command named by the first word.

        Raises:
            UsageError: there is none; suggests the nearest.
        """
        word = args[0]
        if not (word.startswith("-") or ctx.resilient_parsing or self.has_command(word)):
            suggestion = hint(word, self.list_commands(ctx))
            raise click.UsageError(f"Unknown command: {word[:50]}. {suggestion}", ctx)
        return super().resolve_command(ctx, args)

    def has_command(self, name: str) -> bool:
        """Return True if there is a command of this name, even one that the help does not show."""
        return name in self.commands


@dataclass(frozen=True, slots=True)
class Entry:
    """A command: its module in `globalchat.cli.commands`, and its line in the help (None hides it)."""

    module: str
    help: str | None


class LazyGroup(CommandGroup):
    """A group that imports a command only when it runs, so that help and the chat's first frame are fast."""

    def __init__(self, name: str, *, entries: Mapping[str, Entry], help: str) -> None:  # noqa: A002 - click's name
        super().__init__(name, help=help, context_settings={"help_option_names": ["-h", "--help"]})
        self.entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names that the help shows, in the order of the table."""
        return [name for name, entry in self.entries.items() if entry.help is not None]

    def has_command(self, name: str) -> bool:
        """Return True if the table has the name."""
        return name in self.entries

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command, and give it the options about the log."""
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        command = import_module(f"globalchat.cli.commands.{entry.module}").command
        if not isinstance(command, click.Command):
            raise TypeError(f"{entry.module}.command is not a command")
        add_log_options(command)
        # Only shell completion needs them.
        if ctx.resilient_parsing:
            from globalchat.cli.commands.shell_completion import add_completers  # only for completion

            add_completers(command)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Return the commands with the typed prefix, with their lines in the help, without importing them."""
        from click.shell_completion import CompletionItem

        entries = self.entries.items()
        found = [CompletionItem(name, help=entry.help) for name, entry in entries if entry.help]
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [*(item for item in found if item.value.startswith(incomplete)), *options]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the table of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self.entries.items() if entry.help])


def add_log_options(command: click.Command) -> click.Command:
    """Add the log options to a command and its subcommands, and return it."""
    # A group that only has subcommands has nothing to log.
    does_something = not isinstance(command, click.Group) or command.invoke_without_command
    # A command is imported once, but looked up several times.
    if does_something and not any(_FILE in param.opts for param in command.params):
        command.params.extend(_log_options())
    if isinstance(command, click.Group):
        for each in command.commands.values():
            add_log_options(each)
    return command


def _log_options() -> list[click.Option]:
    return [
        click.Option(
            [_FILE],
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            envvar="GLOBALCHAT_LOG",
            expose_value=False,
            callback=_start_log,
            help="Log what happens to FILE, one JSON object per line.",
        ),
        click.Option(
            ["--log-level"],
            type=click.Choice(LOG_LEVELS),
            default="info",
            metavar="LEVEL",
            envvar="GLOBALCHAT_LOG_LEVEL",
            is_eager=True,
            expose_value=False,
            callback=_keep(_LEVEL),
            help="From which level on: debug, info, warning or error. [default: info]",
        ),
        click.Option(
            ["--log-messages"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_keep(_TEXTS),
            help="Log the texts of messages, too.",
        ),
    ]


def _keep(name: str) -> Callable[[click.Context, click.Parameter, object], None]:
    def keep(ctx: click.Context, _: click.Parameter, value: object) -> None:
        ctx.meta[name] = value

    return keep


def _start_log(ctx: click.Context, _: click.Parameter, file: Path | None) -> None:
    # Shell completion creates no file.
    if ctx.resilient_parsing:
        return
    texts = bool(ctx.meta[_TEXTS])
    if file is None:
        if texts:
            raise UsageError("--log-messages needs a log.", remedy="Name its file with --log-file.")
        return
    from globalchat.core import logs

    level = getattr(logging, str(ctx.meta[_LEVEL]).upper())
    # Both a group and its subcommand may name the file.
    if not logs.start(file.absolute(), level=level, texts=texts):
        return
    import platform
    from importlib.metadata import version

    logs.log_event(
        log,
        logging.INFO,
        "command started",
        command=ctx.command_path,
        version=version("globalchat"),
        python=platform.python_version(),
    )


def _words(value: object) -> Iterator[str]:
    """Yield the words that the parser found for a parameter, which may take several."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _words(each)


def _called(param: click.Parameter) -> str:
    if isinstance(param, click.Option):
        return f"The value of {max(param.opts, key=len)}"
    return f"The {(param.name or 'argument').removesuffix('s')}"


def _encoding() -> str:
    encoding = sys.getfilesystemencoding().upper()
    if encoding == "UTF-8":
        return encoding
    return f"{encoding}, the encoding of this locale (for UTF-8 set LC_ALL=C.UTF-8)"

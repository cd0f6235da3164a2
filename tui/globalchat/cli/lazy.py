"""Groups that import a command only when it runs, so that help and the chat's first frame stay fast."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

import click

from globalchat.cli.arguments.log_options import attach
from globalchat.core.text import hint

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


@dataclass(frozen=True, slots=True)
class Entry:
    """A command: its module below `globalchat.cli.commands`, and its line in the help; None hides it."""

    module: str
    help: str | None


class LazyGroup(click.Group):
    """A group whose commands are named in a table of entries."""

    def __init__(self, name: str, *, entries: Mapping[str, Entry], help: str) -> None:  # noqa: A002 - click's name
        super().__init__(name, help=help, context_settings={"help_option_names": ["-h", "--help"]})
        self.entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The names that the help shows, in the order of the table."""
        return [name for name, entry in self.entries.items() if entry.help is not None]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command, and give it the options about the log."""
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        command = import_module(f"globalchat.cli.commands.{entry.module}").command
        if not isinstance(command, click.Command):
            raise TypeError(f"{entry.module}.command is not a command")
        attach(command)
        if ctx.resilient_parsing:
            from globalchat.cli.arguments.completion import equip  # only a shell that completes needs it

            equip(command)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """The commands that go on as typed, with their lines in the help; imports none of them."""
        from click.shell_completion import CompletionItem

        entries = self.entries.items()
        found = [CompletionItem(name, help=entry.help) for name, entry in entries if entry.help]
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [*(item for item in found if item.value.startswith(incomplete)), *options]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first word names.

        Raises:
            UsageError: there is none; names the nearest.
        """
        word = args[0]
        if word not in self.entries and not word.startswith("-") and not ctx.resilient_parsing:
            known = self.list_commands(ctx)
            raise click.UsageError(f'"{word[:50]}" is not a command. {hint(word, known)}', ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the table, importing nothing."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self.entries.items() if entry.help])

"""Groups that import a command only when it runs, so that help and the chat's first frame stay fast."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

import click

from cli.log_options import attach


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a command is (a module with a `command`), and its line in the help; None hides it."""

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

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command, and give it the options about the log."""
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        command = import_module(entry.module).command
        if not isinstance(command, click.Command):
            raise TypeError(f"{entry.module}.command is not a command")
        return attach(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the table, importing nothing."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self.entries.items() if entry.help])

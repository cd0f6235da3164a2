"""Every command of the program."""

from collections.abc import Iterator

import click

from globalchat.cli.main import CHAT, root


def commands(group: click.Group, parent: click.Context, *words: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command that does something."""
    for name in [*group.list_commands(parent), *([CHAT] if group is root else [])]:
        command = group.get_command(parent, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, click.Context(command, parent=parent), *words, name)
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield (*words, name)


ALL = sorted(commands(root, click.Context(root)))

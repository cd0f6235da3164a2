"""The options of every command about its log."""

import logging
from collections.abc import Callable
from pathlib import Path

import click

from globalchat.core.errors import UsageError

LEVELS = ("debug", "info", "warning", "error")
_LEVEL = "globalchat.log.level"
_TEXTS = "globalchat.log.texts"
_FILE = "--log-file"
NAMES = ("log_file", "log_level", "log_messages")
"""The options' names among the parameters of a command."""
log = logging.getLogger("globalchat.cli")


def attach(command: click.Command) -> click.Command:
    """Give a command, and those below it, the options; the same command."""
    does_something = not isinstance(command, click.Group) or command.invoke_without_command
    if does_something and not any(_FILE in param.opts for param in command.params):
        command.params.extend(_options())
    if isinstance(command, click.Group):
        for each in command.commands.values():
            attach(each)
    return command


def _options() -> list[click.Option]:
    return [
        click.Option(
            [_FILE],
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            envvar="GLOBALCHAT_LOG",
            expose_value=False,
            callback=_start,
            help="Note what happens in FILE, one JSON object a line.",
        ),
        click.Option(
            ["--log-level"],
            type=click.Choice(LEVELS),
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
            help="Note the texts of messages too, which people wrote.",
        ),
    ]


def _keep(name: str) -> Callable[[click.Context, click.Parameter, object], None]:
    def keep(ctx: click.Context, _: click.Parameter, value: object) -> None:
        ctx.meta[name] = value

    return keep


def _start(ctx: click.Context, _: click.Parameter, file: Path | None) -> None:
    if ctx.resilient_parsing:
        return
    texts = bool(ctx.meta[_TEXTS])
    if file is None:
        if texts:
            raise UsageError("--log-messages needs a log.", remedy="Name its file with --log-file.")
        return
    from globalchat.core import logs

    level = getattr(logging, str(ctx.meta[_LEVEL]).upper())
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

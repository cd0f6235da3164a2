"""Generates `docs/cli.md` from the commands: `python -m globalchat.cli.docs`."""

import inspect
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from globalchat.cli.command import LOG_OPTIONS
from globalchat.cli.main import CHAT, root
from globalchat.core.errors import ExitCode

FILE = Path(__file__).parents[3] / "docs" / "cli.md"
PROGRAM = "globalchat"

HEAD = """# The command line

Written by `make docs` from the commands themselves. `globalchat COMMAND --help` says the same.

Results go to standard output, everything else to standard error. `--json` prints one JSON object a line, in
which `region` is always an AWS region; `from`, `to` and `via` are aliases.
"""

_EXIT_CODES = {
    ExitCode.DONE: "done",
    ExitCode.FAILED: "the backend refused or failed, or `doctor` or `verify` found something",
    ExitCode.USAGE: "wrong usage",
    ExitCode.UNREACHABLE: "the backend could not be reached",
    ExitCode.INTERRUPTED: "interrupted",
}

ENVIRONMENT = """## Environment

| variable | what it does |
|---|---|
| `GLOBALCHAT_PROFILE` | the profile of commands without `--profile` |
| `GLOBALCHAT_LOG` | the log file of commands without `--log-file` |
| `GLOBALCHAT_LOG_LEVEL` | the level of commands without `--log-level` |
| `GLOBALCHAT_HOME` | a folder for profiles, state and caches in place of the platform's |
| `NO_COLOR` | no colours, if it is not empty |
"""

LOGS = """## Logs

{options}
A log has one JSON object a line: `time` (UTC), `level`, `logger`, `event`, `pid`, and what belongs to
the event: states of the session and their reasons, sockets and subscriptions, what became of each draft
(by its id), gaps, failed calls with AWS's request id, steps of a deployment. At the level `debug` also each
message (by its id) and each call.

It never holds an API key or another credential. Texts of messages and names of senders are in it only with
`--log-messages`, which also lets the libraries speak. The file is readable by you alone, and of 5 MB at
most; the one before it is kept as `FILE.1`. Several processes may share one.
"""


def document() -> str:
    """Return the page."""
    with click.Context(root, info_name=PROGRAM) as ctx:
        commands = list(_commands(ctx))
        sections = [_section(each) for each in commands]
        return "\n".join(
            [
                HEAD,
                _contents(commands),
                *sections,
                LOGS.format(options=_log_table(ctx)),
                ENVIRONMENT,
                _codes(),
            ]
        )


def _commands(ctx: click.Context) -> Iterator[click.Context]:
    """Yield the contexts of all commands, the chat first, groups before their commands."""
    group = ctx.command
    if not isinstance(group, click.Group):
        return
    names = group.list_commands(ctx)
    for name in [CHAT, *names] if group is root else names:
        command = group.get_command(ctx, name)
        # Hidden commands are not documented.
        if command is None or command.hidden:
            continue
        below = click.Context(command, info_name=name, parent=ctx)
        yield below
        yield from _commands(below)


def _title(ctx: click.Context) -> str:
    return PROGRAM if ctx.info_name == CHAT else ctx.command_path


def _contents(commands: list[click.Context]) -> str:
    lines = (
        f"- [`{_title(each)}`](#{_title(each).replace(' ', '-')}): {_first_sentence(each.command.help)}"
        for each in commands
    )
    return "\n".join(lines) + "\n"


def _first_sentence(text: str | None) -> str:
    paragraph = " ".join(inspect.cleandoc(text or "").split("\n\n")[0].split())
    sentence, dot, _ = paragraph.partition(". ")
    return sentence + dot.strip()


def _section(ctx: click.Context) -> str:
    usage = " ".join([_title(ctx), *ctx.command.collect_usage_pieces(ctx)])
    parts = [
        f"## {_title(ctx)}\n",
        f"```\n{usage}\n```\n",
        *_prose(ctx.command.help),
        *_prose(ctx.command.epilog),
    ]
    if rows := _options(ctx):
        parts.append(_table(rows))
    return "\n".join(parts)


def _prose(text: str | None) -> Iterator[str]:
    r"""Yield the paragraphs of a help text; those that click does not wrap (`\b`) as code."""
    for paragraph in inspect.cleandoc(text or "").split("\n\n"):
        if not paragraph.startswith("\b"):
            if paragraph:
                yield f"{paragraph}\n"
            continue
        heading, *lines = paragraph.removeprefix("\b\n").split("\n")
        yield f"{heading}\n\n```console\n{inspect.cleandoc(chr(10).join(lines))}\n```\n"


def _options(ctx: click.Context) -> list[tuple[str, str]]:
    own = (each for each in ctx.command.params if each.name not in LOG_OPTIONS)
    return _records(own, ctx)


def _log_table(ctx: click.Context) -> str:
    """Return the table of the options that every command has."""
    chat = root.get_command(ctx, CHAT)
    params = [] if chat is None else [each for each in chat.params if each.name in LOG_OPTIONS]
    return _table(_records(params, ctx))


def _records(params: Iterable[click.Parameter], ctx: click.Context) -> list[tuple[str, str]]:
    """Return the help of each option; arguments are in the usage line."""
    options = (each for each in params if isinstance(each, click.Option))
    return [record for each in options if (record := each.get_help_record(ctx)) is not None]


def _codes() -> str:
    rows = "".join(f"| {int(code)} | {meaning} |\n" for code, meaning in _EXIT_CODES.items())
    return f"## Exit codes\n\n| code | meaning |\n|---|---|\n{rows}"


def _table(rows: list[tuple[str, str]]) -> str:
    lines = (f"| `{_cell(names)}` | {_cell(help)} |\n" for names, help in rows)  # noqa: A001 - click's word
    return "| option | what it does |\n|---|---|\n" + "".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def main() -> None:
    """Write the page."""
    FILE.write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    main()

"""The entry point: the table of commands, and the handling of errors and exit codes."""

import errno
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

import click

from globalchat.cli.command import Entry, LazyGroup
from globalchat.cli.output import cannot_be_written, discard_output, echo_err, flush_output
from globalchat.core import interpreter, redaction
from globalchat.core.errors import ExitCode, UserError
from globalchat.core.files import unwritable
from globalchat.core.gc_tuning import postpone_gc
from globalchat.core.logs import log_event

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

log = logging.getLogger("globalchat.cli")

CHAT = "chat"
COMMANDS = {
    CHAT: Entry("chat", None),
    "web": Entry("web", "Serve the chat to browsers on this machine."),
    "publish": Entry("publish", "Publish one message, or one per line of standard input."),
    "subscribe": Entry("subscribe", "Follow channels; --json prints one object per line."),
    "history": Entry("history", "Print the messages of a channel."),
    "unsubscribe": Entry("unsubscribe", "End a channel's subscriptions in every region (admin)."),
    "purge": Entry("purge", "Delete the history of a channel in every region (admin)."),
    "channels": Entry("channels", "List, add or remove channels in every region (admin)."),
    "latency": Entry("latency", "Measure how long messages take, region by region."),
    "bench": Entry("bench", "Run a load test: count every message at every subscriber."),
    "doctor": Entry("doctor", "Find out what is wrong, and what to do about it."),
    "verify": Entry("verify", "Ask AWS whether it agrees with the local cloud."),
    "whoami": Entry("whoami", "Print the identity that the backend sees."),
    "outputs": Entry("outputs", "Show where the regions of a profile are."),
    "cost": Entry("cost", "Estimate what a deployment costs in a month."),
    "deploy": Entry("deploy", "Deploy the backend to AWS, or update it."),
    "destroy": Entry("destroy", "Delete a deployment on AWS."),
    "keys": Entry("keys", "List or rotate the API keys of a deployment."),
    "uninstall": Entry("uninstall", "Delete what globalchat keeps on this machine."),
    "completion": Entry("shell_completion", "Print the completion script for bash, zsh or fish."),
    "local": Entry("local", "Run, inspect and end the local cloud."),
}
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
_COMPLETE = "_GLOBALCHAT_COMPLETE"
_GROUP_OPTIONS = ("--help", "-h", "--version")


class Root(LazyGroup):
    """The root command: arguments without a command start the chat, and errors are shown as sentences."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: object
    ) -> click.Context:
        """Parse the command line; errors name the program as it is typed here."""
        with _naming_the_command():
            return super().make_context(info_name, args, parent, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert `chat` before arguments without a command."""
        if ctx.resilient_parsing and not args:
            return super().parse_args(ctx, args)  # A shell is completing the first word.
        # A leading option belongs to the chat, too: `globalchat --channel tech`.
        if not args or (args[0] not in self.entries and args[0] not in _GROUP_OPTIONS):
            args = [CHAT, *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Complete the first word: a command, a region, or an option of the chat."""
        from globalchat.cli.commands.shell_completion import matching, regions

        found = super().shell_complete(ctx, incomplete)
        chat = self.get_command(ctx, CHAT)
        if incomplete.startswith("-") and chat is not None:
            options = [*chat.shell_complete(click.Context(chat, parent=ctx), incomplete), *found]
            return list({each.value: each for each in options}.values())
        return [*found, *matching(regions, ctx, incomplete)]

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write both forms of the command line."""
        formatter.write_usage(ctx.command_path, "[REGION] [--channel C] [--name NICK] [--profile NAME]")
        formatter.write_usage(ctx.command_path, "COMMAND ...", prefix="       ")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the chat's options, which are those of the bare command, and the commands."""
        chat = self.get_command(ctx, CHAT)
        params = [] if chat is None else [*chat.params, *self.params]
        options = (param for param in params if isinstance(param, click.Option))
        records = [record for param in options if (record := param.get_help_record(ctx)) is not None]
        with formatter.section("Options"):
            formatter.write_dl(records)
        self.format_commands(ctx, formatter)

    def invoke(self, ctx: click.Context) -> None:
        """Run the command; its result is the exit code."""
        try:
            code = self._run(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise  # click's own exceptions for ending.
        except Exception:
            log.exception("command crashed")
            raise
        log_event(log, logging.INFO, "command ended", code=int(code or 0))
        if code:
            ctx.exit(code)

    def _run(self, ctx: click.Context) -> int | None:
        """Run the command and return its exit code; a UserError is logged and ends in its sentence."""
        try:
            with _naming_the_command():
                code: int | None = super().invoke(ctx)
            # Flushed here, so that a full disk ends in a sentence; the interpreter's own flush would print a
            # traceback.
            flush_output()
            return code
        except UserError as error:
            # The sentence may quote user input.
            said, kind = str(error), type(error).__name__
            log_event(log, logging.WARNING, "command failed", error=kind, private={"said": said})
            first, *others = error.lines
            echo_err(f"globalchat: {first}")
            for line in others:
                echo_err(line)
            return error.exit_code
        except KeyboardInterrupt:
            # The user knows the reason.
            return ExitCode.INTERRUPTED
        except click.Abort as ended:
            if not isinstance(ended.__context__, KeyboardInterrupt):
                raise
            echo_err("")  # After Ctrl-C at a question, the shell's prompt starts on a new line.
            return ExitCode.INTERRUPTED
        except BrokenPipeError:
            # The reader is satisfied, as in `| head`.
            discard_output()
            return ExitCode.DONE


@contextmanager
def _naming_the_command() -> Iterator[None]:
    """Make usage errors, to which click adds the usage, name the program as it is typed here."""
    try:
        yield
    except click.UsageError as error:
        if error.ctx is not None:
            error.ctx.find_root().info_name = interpreter.own_command()
        raise


root = Root(
    "globalchat",
    entries=COMMANDS,
    help="""The terminal chat over two regions. REGION is an alias (oregon, sydney), an AWS region, or auto
    for the one that answers first.

    \b
    Examples:
      globalchat                                  the chat
      globalchat sydney --channel tech --name ana
      globalchat subscribe tech --json | jq -r .message
      globalchat doctor                           what is wrong, if something is
    """,
)


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # Imported here: it takes 20 ms, and only this needs it.

        click.echo(f"globalchat, version {version('globalchat')}")
        ctx.exit()


click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show the version and exit.",
)(root)


def main() -> None:
    """Run the command line and exit."""
    postpone_gc()
    # First, before any library logs anything.
    redaction.install()
    # A stream that the shell closed (`2>&-`) is None in Python; libraries write to it without checking.
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - until the process ends
    if isinstance(sys.stdout, TextIOWrapper):
        # Characters that the locale lacks must not end a command.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        root(_completion_request(), prog_name="globalchat")
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        echo_err(f"globalchat: {_explain(error).sentence}")
        sys.exit(ExitCode.FAILED)


def _completion_request() -> list[str] | None:
    """Return the command that prints a completion script if click's variable requests one; else None.

    The variable is `_GLOBALCHAT_COMPLETE=bash_source`; click's own script would set variables of the shell.
    """
    shell, _, wanted = os.environ.get(_COMPLETE, "").partition("_")
    if wanted != "source":
        return None
    # Otherwise click handles the variable itself.
    del os.environ[_COMPLETE]
    return ["completion", shell]


def _explain(error: OSError) -> UserError:
    """Return the error for a full disk: about standard output if click wrote there, else about a file."""
    at = error.__traceback__
    # The innermost frame shows what was written: in click it is standard output.
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    if at is not None and at.tb_frame.f_globals["__name__"].startswith("click."):  # A page of help.
        discard_output()
        return cannot_be_written(error)
    return unwritable(Path(error.filename or "A file"), error)

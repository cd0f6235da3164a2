"""`globalchat local dlq`: what the local EventBridge could not deliver."""

from collections.abc import Iterator, Mapping

import click

from globalchat.cli import local_cloud
from globalchat.cli.arguments import options
from globalchat.cli.arguments.command import Command
from globalchat.cli.console.output import json_line, narrate, write_lines
from globalchat.core.errors import ExitCode
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.process import control

_SETTINGS = {"help_option_names": ["-h", "--help"]}


HELP = """Show the dead letters of the local cloud that runs: which queue, when, why, of which rule and event.

\b
Examples:
  globalchat local dlq
  globalchat local dlq --json | jq -r .errorCode
  globalchat local dlq redrive
"""


@click.group("dlq", invoke_without_command=True, context_settings=_SETTINGS, help=HELP)
@options.as_json
@click.option("--text", "with_text", is_flag=True, help="Show the messages too, which people wrote.")
@click.pass_context
def command(ctx: click.Context, as_json: bool, with_text: bool) -> int | None:
    """Run `globalchat local dlq`."""
    if ctx.invoked_subcommand is not None:
        return None
    state = local_cloud.require_running()
    letters = control.dead_letters(state, detail=with_text)
    if as_json:
        write_lines(json_line(letter) for letter in letters)
    elif letters:
        write_lines(line for letter in letters for line in _lines(letter))
    else:
        narrate("There are no dead letters.")
    return ExitCode.DONE


REDRIVE_HELP = """Deliver dead letters once more, each to the target that missed it;
the delivered leave their queue.

Exits 1 if some failed again.

\b
Examples:
  globalchat local dlq redrive
  globalchat local dlq redrive --queue globalchat-relay-dlq --json
"""


@command.command("redrive", context_settings=_SETTINGS, cls=Command, help=REDRIVE_HELP)
@click.option("--queue", metavar="QUEUE", help="The name or ARN of a queue. [default: every queue]")
@options.as_json
def redrive(queue: str | None, as_json: bool) -> int:
    """Run `globalchat local dlq redrive`."""
    state = local_cloud.require_running()
    delivered, failed = control.redrive(state, queue)
    if as_json:
        write_lines([json_line({"delivered": delivered, "failed": failed})])
    stay = f" {failed} failed again and stay." if failed else ""
    narrate(f"{delivered} delivered.{stay}")
    return ExitCode.FAILED if failed else ExitCode.DONE


def _lines(letter: Mapping[str, JSON]) -> Iterator[str]:
    """Yield the lines of a letter: where and when, then why, then what."""
    place = f"{letter['time']}  {letter['region']} {letter['queue']}"
    if letter["errorCode"] is None:
        yield f"{place}  put there by a rule"
        yield f"    event {letter['eventId']}"
    else:
        yield f"{place}  {letter['errorCode']}{_retries(letter)}"
        yield f"    {letter['errorMessage']}"
        yield f"    rule {letter['rule']}, event {letter['eventId']}"
        yield f"    target {letter['target']}"
    if "detail" in letter:
        yield f"    {_text(letter['detail'])}"


def _retries(letter: Mapping[str, JSON]) -> str:
    retries = letter["retryAttempts"]
    return "" if retries is None else f" after {retries} retries ({letter['exhaustedRetryCondition']})"


def _text(detail: JSON) -> str:
    """The message of a chat's event; of any other event all of it."""
    if isinstance(detail, dict) and isinstance(detail.get("message"), str):
        return f"{detail.get('name')}: {detail['message']}"
    return json_line({"detail": detail})

"""`globalchat subscribe`: follow channels without the chat."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from globalchat.cli import options, profiles
from globalchat.cli.command import CliCommand
from globalchat.cli.options import (
    Duration,
    PastMoment,
    argument,
    build,
    flag,
    option,
    parameters,
    shared,
)
from globalchat.cli.output import echo_err, is_terminal
from globalchat.cli.profiles import ALL

if TYPE_CHECKING:
    from globalchat.client.messages import Message

HELP = """Follow channels through outages, one message per line, until interrupted.

Line breaks and control characters in messages are made visible, so that each message stays one line; --json
escapes them, --raw does neither. A time that cannot be true is shown as --:--:--, and is null in JSON.

--json prints one object per message: id, channel, message (the text), sender, author (who AWS vouches for: a
person's name or a machine's ARN, null for a holder of the API key), region (the AWS region in which it was
sent), sentAt (UTC) and arrival (its place in the history of the region that delivered it, null if it was not
stored); via (the alias of that region), transitMs (from sentAt to its arrival) and
transitErrorMs (the maximum error of transitMs), both null if unknown; filled (true if it was read from the
history).

After the time, ✓ marks messages of a verified person, named by their author (with another sender's
name in parentheses), $ those of other users and roles of AWS.
--verified prints only messages of verified persons.

--mentions prints only messages that mention you (@ and your name, or the words in the chat's settings).
--exec runs a shell command for each printed message, one at a time. It finds the message in the variables
GLOBALCHAT_CHANNEL, GLOBALCHAT_SENDER, GLOBALCHAT_MESSAGE, GLOBALCHAT_AUTHOR, GLOBALCHAT_ID,
GLOBALCHAT_REGION and GLOBALCHAT_VIA, and as JSON on standard input. Texts are as sent: quote the variables,
and print none of them to a terminal.

With --since it first prints messages that arrived since then, from the history, then new ones, each once.

Messages missed while the connection was lost are read from the history and printed in the order of arrival,
unless --no-fill is given. Connections, retries, filled gaps, and remaining gaps with the reason are reported
on standard error. With --region all each message is printed once per region, and "via" names the region that
delivered it.

It ends with 0 after --count messages, after --for, on SIGTERM, or when the reader of its output is gone;
with 1 if --for or SIGTERM came before --count was reached, or if the backend has refused or ended every
channel; with 3 if no region could be reached.

\b
Examples:
  globalchat subscribe tech music
  globalchat subscribe tech --json | jq -r .message
  globalchat subscribe tech --since 10m
  globalchat subscribe tech --raw --count 1
  globalchat subscribe tech cars --mentions --exec 'notify-send "$GLOBALCHAT_SENDER" "$GLOBALCHAT_MESSAGE"'
  globalchat subscribe tech --region all --for 30s
  globalchat subscribe cars robots tech --json >> log.ndjson
"""


def _complete_region(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from globalchat.cli.commands.shell_completion import matching, regions

    return matching(lambda ctx: (*regions(ctx), (ALL, "each of them at once")), ctx, incomplete)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscribeOptions:
    """The command line of `subscribe`."""

    channels: tuple[str, ...] = argument("channels", nargs=-1, required=True, metavar="CHANNEL...")
    region: str | None = option(
        "--region",
        metavar="REGION",
        shell_complete=_complete_region,
        help="Alias, AWS region, auto, or all for all regions. [default: the profile's first]",
    )
    since: int | None = option(
        "--since",
        type=PastMoment(),
        help="First print messages that arrived since then: 10m, 09:30.",
    )
    fill: bool = option(
        "--fill/--no-fill",
        default=True,
        help="Read messages that were missed while the connection was lost from the history.",
    )
    count: int | None = option(
        "--count", type=click.IntRange(min=1), metavar="N", help="End after N messages."
    )
    seconds: float | None = option(
        "--for", "seconds", type=Duration(), help="End after 500ms, 30s, 5m or 1h."
    )
    verified: bool = flag("--verified", help="Only messages of persons that AWS vouches for.")
    mentions: bool = flag("--mentions", help="Only messages that mention you, as in the chat.")
    name: str | None = option(
        "--name", metavar="NICK", help="Your name for --mentions. [default: the chat's, else your login name]"
    )
    command: str | None = option(
        "--exec",
        "command",
        metavar="CMD",
        help="Run a shell command for each message, which finds it in its environment.",
    )
    raw: bool = flag(
        "--raw", help="Only the texts, exactly as sent, including line breaks and control characters."
    )
    force: bool = flag(
        "--force", help="Let --raw write to a terminal, which may interpret control sequences in messages."
    )
    as_json: bool = shared(options.as_json)
    person: str | None = shared(options.person)
    profile: str | None = shared(options.profile)


@click.command("subscribe", cls=CliCommand, help=HELP)
@parameters(SubscribeOptions)
def command(given: SubscribeOptions) -> int:
    """Run `globalchat subscribe`."""
    if given.raw and given.as_json:
        raise click.UsageError("--raw and --json exclude each other.")
    if given.raw and not given.force and is_terminal(sys.stdout):
        raise click.UsageError(
            "--raw would let others' messages drive this terminal. Send it into a pipe or a file, "
            "or say --force."
        )
    if given.command is not None and not given.command.strip():
        raise click.UsageError("--exec needs a command.")
    if given.name is not None and not given.mentions:
        raise click.UsageError("--name says who is mentioned: use it with --mentions.")
    loaded = profiles.load(profiles.choose(given.profile), note=echo_err, person=given.person)
    import asyncio

    from globalchat.cli.commands.subscribe_run import LineFormat, SubscribeRequest, follow
    from globalchat.cli.streams import Output

    request = build(
        SubscribeRequest,
        given,
        channels=tuple(dict.fromkeys(given.channels)),
        wanted=_filter(given) if given.mentions else None,
        form=LineFormat.JSON if given.as_json else LineFormat.RAW if given.raw else LineFormat.TEXT,
    )
    return asyncio.run(follow(loaded, given.region, request, Output.standard()))


def _filter(given: SubscribeOptions) -> "Callable[[Message], bool]":
    from globalchat.cli.commands.subscribe_exec import mention_filter

    sender = options.sender(None, given.person)
    return mention_filter(profiles.choose(given.profile), given.name, sender, given.person)

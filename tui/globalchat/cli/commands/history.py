"""`globalchat history`: print what was said in a channel, or compare what the regions have stored of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING

import click

from globalchat.cli import options, profiles
from globalchat.cli.command import CliCommand
from globalchat.cli.options import PastMoment, argument, flag, option, parameters, shared
from globalchat.cli.output import author_mark, echo_err, json_line, message_document, sender_text
from globalchat.core.clock import is_plausible
from globalchat.core.errors import ExitCode, UsageError
from globalchat.core.text import LINE_BREAK, plural, sanitize

if TYPE_CHECKING:
    from globalchat.client.history import RetryingReader
    from globalchat.client.messages import Message
    from globalchat.client.profiles import Profile
    from globalchat.client.retry import RetryPolicy

LATEST = 50
"""How many messages are printed unless --since or --limit says otherwise."""
RETRY_FOR = 30.0
"""Seconds for which a region is asked again while it throttles."""
UNKNOWN_TIME = "----------  --:--:--"

HELP = """Print the messages of CHANNEL in the order of arrival in one region, oldest first.

Without --since the latest 50 messages. A region stores the messages that reached it for a number of days (see
`deploy --history-days`). Line breaks and control characters in messages are made visible; --json escapes
them, and prints one object per message: id, channel, message (the text), sender, author (who AWS vouches
for: a person's name or a machine's ARN, null for a holder of the API key), region (the AWS region in which it
was sent), sentAt (UTC) and arrival (its place in the history of the region that is read).

After the time, ✓ marks messages of a verified person, $ those of other users and roles of AWS, as for
`subscribe`.

With --compare it lists messages of the last hour, or since --since, that one region has stored and another
lacks, and exits 1 if there are any. Messages of the last 30 seconds may be in transit and are left out, as
are expired ones. --repair, which needs AWS credentials, puts missing messages on the region's bus again,
where they are stored, and delivered once; other regions do not get them again. --json then prints one object
per message and region that lacks it: as above without arrival, with lackedBy and storedBy (AWS regions) and,
with --repair, repaired.

\b
Examples:
  globalchat history tech
  globalchat history tech --since 2h
  globalchat history tech --since "yesterday 14:00"
  globalchat history tech --since 7d --json | jq -r .message
  globalchat history cars --limit 5 --region sydney
  globalchat history tech --compare --since 1h
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryOptions:
    """The command line of `history`."""

    channel: str = argument("channel")
    since: int | None = option(
        "--since",
        type=PastMoment(),
        help="Messages that arrived since then: 2h, 09:30, yesterday.",
    )
    limit: int | None = option(
        "--limit", type=click.IntRange(1, 100_000), metavar="N", help="Only the latest N messages."
    )
    compare: bool = flag("--compare", help="List messages that one region has stored and another lacks.")
    repair: bool = flag("--repair", help="With --compare: put missing messages on the region's bus again.")
    region: str | None = shared(options.region)
    aws_profile: str | None = shared(options.aws_profile)
    as_json: bool = shared(options.as_json)
    person: str | None = shared(options.person)
    profile: str | None = shared(options.profile)


@click.command("history", cls=CliCommand, help=HELP)
@parameters(HistoryOptions)
def command(given: HistoryOptions) -> int:
    """Run `globalchat history`."""
    name = profiles.choose(given.profile)
    if given.compare:
        return _compare(name, given)
    if given.repair:
        raise UsageError("--repair needs --compare.")
    loaded = profiles.load(name, note=echo_err, person=given.person)
    import asyncio

    return asyncio.run(_print(loaded, given))


def _compare(name: str, given: HistoryOptions) -> ExitCode:
    """Compare the regions, with the credentials of an administrator if they are to be repaired."""
    if given.limit is not None or given.region is not None:
        raise UsageError("--compare is about all that every region has: leave out --limit and --region.")
    from globalchat.cli.commands import history_compare

    if not given.repair:
        return history_compare.run(given, profiles.load(name, note=echo_err, person=given.person), None)
    from globalchat.cli.aws_deployment import administration

    return history_compare.run(given, *administration(name, given.aws_profile))


def retry_policy() -> "RetryPolicy":
    """Return how the reading of one region is retried."""
    from globalchat.client.retry import ATTEMPTS_BEFORE_FIRST_SUCCESS, RetryPolicy

    return RetryPolicy(
        Random(), give_up_after=RETRY_FOR, attempts_before_reached=ATTEMPTS_BEFORE_FIRST_SUCCESS
    )


async def _print(profile: "Profile", given: HistoryOptions) -> ExitCode:
    from globalchat.cli.streams import Output
    from globalchat.client import history
    from globalchat.client.api import RegionApi

    output = Output.standard()
    line: Callable[[Message], str] = _as_json if given.as_json else text_line
    since = given.since
    async with RegionApi(await profiles.pick(profile, given.region)) as api:
        reader = history.RetryingReader(api, retry_policy())
        if since is None or given.limit is not None:
            count = LATEST if given.limit is None else given.limit
            found = await history.latest_messages(reader, given.channel, count, since=since)
            await output.write(map(line, found))
        else:
            async for message in history.messages_since(reader, given.channel, since):
                await output.write([line(message)])
    warn_unreadable(reader)
    return ExitCode.DONE


def warn_unreadable(reader: "RetryingReader") -> None:
    """Print how many stored messages a reader left out, if any."""
    if reader.unreadable:
        echo_err(f"left out {plural(reader.unreadable, 'message')} that could not be read")


def _as_json(message: "Message") -> str:
    return json_line(message_document(message))


def text_line(message: "Message") -> str:
    """Return the line for readers: one, as line breaks in the text become visible."""
    time = UNKNOWN_TIME
    if is_plausible(message.sent_at):
        time = datetime.fromtimestamp(message.sent_at / 1000).astimezone().strftime("%Y-%m-%d  %H:%M:%S")
    sender, region = sender_text(message), sanitize(message.region, name=True)
    return f"{time} {author_mark(message)} {sender}  {region}  {LINE_BREAK.sub(chr(0x240A), message.text)}"

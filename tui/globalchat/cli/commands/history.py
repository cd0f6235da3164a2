"""`globalchat history`: print what was said in a channel."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import click

from globalchat.cli import options, profiles
from globalchat.cli.command import CliCommand
from globalchat.cli.options import Duration, argument, option, parameters, shared
from globalchat.cli.output import echo_err, json_line, message_document
from globalchat.core.clock import is_plausible, now_ms
from globalchat.core.errors import ExitCode
from globalchat.core.text import LINE_BREAK, sanitize

if TYPE_CHECKING:
    from globalchat.client.history import StoredMessage
    from globalchat.client.profiles import Profile

LATEST = 50
"""How many messages are printed unless --since or --limit says otherwise."""
UNKNOWN_TIME = "----------  --:--:--"

HELP = """Print what was said in CHANNEL, in the order of arrival in one region, the oldest first.

Without --since the latest 50 messages. A region stores what reached it, for as many days as its deployment
says. Line breaks and controls in what others sent are made visible; --json escapes them.

\b
Examples:
  globalchat history tech
  globalchat history tech --since 2h
  globalchat history tech --since 7d --json | jq -r .message
  globalchat history cars --limit 5 --region sydney
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryOptions:
    """The command line of `history`."""

    channel: str = argument("channel")
    since: float | None = option("--since", type=Duration(), help="What arrived since then: 30m, 2h, 7d.")
    limit: int | None = option(
        "--limit", type=click.IntRange(1, 100_000), metavar="N", help="Only the latest N messages."
    )
    region: str | None = shared(options.region)
    as_json: bool = shared(options.as_json)
    profile: str | None = shared(options.profile)


@click.command("history", cls=CliCommand, help=HELP)
@parameters(HistoryOptions)
def command(given: HistoryOptions) -> int:
    """Run `globalchat history`."""
    loaded = profiles.load(profiles.choose(given.profile), note=echo_err)
    import asyncio

    return asyncio.run(_print(loaded, given))


async def _print(profile: "Profile", given: HistoryOptions) -> ExitCode:
    from globalchat.cli.streams import Output
    from globalchat.client import history
    from globalchat.client.api import RegionApi

    output = Output.standard()
    line: Callable[[StoredMessage], str] = _as_json if given.as_json else _as_text
    since = None if given.since is None else now_ms() - round(given.since * 1000)
    async with RegionApi(await profiles.pick(profile, given.region)) as api:
        if since is None or given.limit is not None:
            count = LATEST if given.limit is None else given.limit
            found = await history.latest_messages(api, given.channel, count, since=since)
            await output.write(map(line, found))
        else:
            async for stored in history.messages_since(api, given.channel, since):
                await output.write([line(stored)])
    return ExitCode.DONE


def _as_json(stored: "StoredMessage") -> str:
    return json_line({**message_document(stored.message), "arrival": stored.arrival})


def _as_text(stored: "StoredMessage") -> str:
    """Return the line for readers: one, as line breaks in the text become visible."""
    message = stored.message
    time = UNKNOWN_TIME
    if is_plausible(message.sent_at):
        time = datetime.fromtimestamp(message.sent_at / 1000).astimezone().strftime("%Y-%m-%d  %H:%M:%S")
    sender, region = (sanitize(name, name=True) for name in (message.sender or "-", message.region))
    return f"{time}  {sender}  {region}  {LINE_BREAK.sub(chr(0x240A), message.text)}"

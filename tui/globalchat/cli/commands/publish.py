"""`globalchat publish`: one message, one per line of standard input, or many of a kind."""

import sys

import click

from globalchat.cli import profiles
from globalchat.cli.arguments import options
from globalchat.cli.arguments.command import Command
from globalchat.cli.arguments.duration import Duration
from globalchat.cli.arguments.number import Number
from globalchat.cli.console.output import narrate
from globalchat.client.bulk.builder import PlaceholderError, Template, generate, placeholders, units

STDIN = "-"
WINDOW_OF_A_RATE = 32
"""Publishes in flight that a rate may take: 100 a second at a round trip of 300 ms."""
LARGEST_WINDOW = 100
"""As many connections are kept open."""


HELP = """Publish TEXT, or with - one message per line of standard input.

Each message is waited for until the backend has accepted it; its id goes to standard output. What it
refuses is told with the number of the line, and the rest goes on. While the region throttles or is
away, the same message is tried again under the same id, so that followers show it once.

One publish in flight keeps the order, and makes one message per round trip to the region: --window 16
makes up to sixteen of them.

With --template {n} is the number of the message or line, {time} the time in UTC, {region} the alias
of the region; {{ and }} are plain braces.

A text with spaces needs quotes, and one that starts with - goes after --.

\b
Examples:
  globalchat publish tech "hello"
  globalchat publish tech -- "-40 degrees"
  id=$(globalchat publish tech "hello")
  tail -f app.log | globalchat publish tech -
  globalchat publish tech - --window 16 --json < lines.txt > accepted.ndjson
  globalchat publish tech "{n} from {region} at {time}" --count 100 --rate 10
  globalchat publish tech --size 500 --count 1000 --rate 50
"""


@click.command("publish", cls=Command, help=HELP)
@click.argument("channel")
@click.argument("text", metavar="TEXT|-", required=False)
@options.region
@options.name
@click.option(
    "--count",
    type=click.IntRange(min=1),
    metavar="N",
    help="Publish TEXT N times; of lines only the first N.",
)
@click.option(
    "--rate",
    type=Number(min=0, min_open=True, max=1e6),
    metavar="R",
    help="At most R messages a second, evenly. [default: as fast as it goes]",
)
@click.option(
    "--size",
    type=click.IntRange(1, 1_000_000),
    metavar="U",
    help="Pad each text with blanks to U UTF-16 units; without TEXT, make one up.",
)
@click.option(
    "--template/--no-template",
    "template",
    default=None,
    help="Fill in {n}, {time} and {region}. [default: with --count, in TEXT]",
)
@click.option(
    "--window",
    type=click.IntRange(1, LARGEST_WINDOW),
    metavar="N",
    help=f"Publishes in flight at once: 1 keeps the order, more is faster. "
    f"[default: 1; with --rate {WINDOW_OF_A_RATE}]",
)
@click.option(
    "--retry-for",
    type=Duration(zero=True),
    metavar="TIME",
    help="How long to try again while the region throttles or cannot be reached. [default: 30s]",
)
@options.as_json
@options.profile
def command(
    channel: str,
    text: str | None,
    region: str | None,
    name: str | None,
    count: int | None,
    rate: float | None,
    size: int | None,
    template: bool | None,
    window: int | None,
    retry_for: float | None,
    as_json: bool,
    profile: str | None,
) -> int:
    """Run `globalchat publish`."""
    given = _given(text, size)
    if given is not None and rate is not None and count is None:
        raise click.UsageError("With a TEXT, --rate needs --count.")
    if template is None:
        template = count is not None and text not in (None, STDIN)
    if given is not None:
        _check(given, size, templated=template)
        count = count or 1
    elif sys.stdin is None:
        raise click.UsageError("Standard input is closed: there is nothing to publish.")
    loaded = profiles.load_within(retry_for or 0, profiles.choose(profile), note=narrate)
    import asyncio

    from globalchat.cli.publishing.request import Request
    from globalchat.cli.publishing.run import publish

    request = Request(
        channel=channel,
        sender=options.sender(name),
        text=given,
        count=count,
        templated=template,
        size=size,
        rate=rate,
        window=window or (1 if rate is None else WINDOW_OF_A_RATE),
        retry_for=retry_for,
        as_json=as_json,
    )
    return asyncio.run(publish(loaded, region, request))


def _given(text: str | None, size: int | None) -> str | None:
    """The text to publish; None is standard input."""
    if text is None and size is None:
        raise click.UsageError("Missing argument 'TEXT|-'. Say - for the lines of standard input.")
    if text is None:
        return generate(size or 0)
    return None if text == STDIN else text


def _check(text: str, size: int | None, *, templated: bool) -> None:
    """See before anything is started that the text can be sent as it is asked for."""
    if templated:
        try:
            Template.parse(text)
        except PlaceholderError as error:
            raise click.UsageError(f"{error} Or send it as it is: --no-template.") from None
    elif found := placeholders(text):
        narrate(f"{' and '.join(found)} went out as written; --template fills it in.")
    if size is not None and not templated and units(text) > size:
        raise click.UsageError(f"The text has {units(text)} UTF-16 units, more than --size {size}.")

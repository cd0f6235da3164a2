"""`globalchat publish`: one message, one per line of standard input, or many from a template."""

import sys
from dataclasses import dataclass

import click

from globalchat.cli import options, profiles
from globalchat.cli.command import CliCommand
from globalchat.cli.options import Duration, Number, argument, build, option, parameters, shared
from globalchat.cli.output import echo_err
from globalchat.client.bulk.builder import PlaceholderError, Template, generate, placeholders, units

STDIN = "-"
WINDOW_OF_A_RATE = 32
"""The most publishes in flight for a rate: 100 a second at a round trip of 300 ms."""
LARGEST_WINDOW = 100
"""The largest window, which is also the number of open connections."""

HELP = """Publish TEXT, or with - one message per line of standard input.

Each message is sent until the backend has accepted it; then its id is printed on standard output. A refusal
is reported with the number of the line, and the next line follows. While the region throttles or cannot be
reached, the message is retried with the same id, so that subscribers show it once.

One publish in flight keeps the order, and makes one message per round trip to the region: --window 16
makes up to sixteen of them.

--json prints one object per accepted message: id, channel, message (the text), sender, author (as
`globalchat whoami` prints it), region (the AWS region), sentAt (UTC) and arrival (null: it is not known yet);
for standard input also line, its number.

With --template {n} is the number of the message or line, {time} the time in UTC, {region} the alias
of the region; {{ and }} are plain braces.

Several words are joined by a space, as by echo; quotes keep other spaces. A text that starts with - goes
after --.

\b
Examples:
  globalchat publish tech "hello"
  globalchat publish tech -- -40 degrees
  id=$(globalchat publish tech "hello")
  tail -f app.log | globalchat publish tech -
  globalchat publish tech - --window 16 --json < lines.txt > accepted.ndjson
  globalchat publish tech "{n} from {region} at {time}" --count 100 --rate 10
  globalchat publish tech --size 500 --count 1000 --rate 50
"""


def _joined(_context: click.Context, _parameter: click.Parameter, words: tuple[str, ...]) -> str | None:
    """Return the text that the words make; None without any.

    Raises:
        click.UsageError: standard input is named beside a text.
    """
    if len(words) > 1 and words[0] == STDIN:
        said = f"{STDIN} is standard input, and there is a text, too."
        raise click.UsageError(f'{said} A text that starts with "{STDIN} " needs quotes.')
    return " ".join(words) if words else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishOptions:
    """The command line of `publish`."""

    channel: str = argument("channel")
    text: str | None = argument("text", nargs=-1, metavar="TEXT...|-", required=False, callback=_joined)
    region: str | None = shared(options.region)
    name: str | None = shared(options.name)
    count: int | None = option(
        "--count",
        type=click.IntRange(min=1),
        metavar="N",
        help="Publish TEXT N times; with -, only the first N lines.",
    )
    rate: float | None = option(
        "--rate",
        type=Number(min=0, min_open=True, max=1e6),
        metavar="R",
        help="At most R messages a second, evenly. [default: as fast as it goes]",
    )
    size: int | None = option(
        "--size",
        type=click.IntRange(1, 1_000_000),
        metavar="U",
        help="Pad each text with blanks to U UTF-16 units; without TEXT, make one up.",
    )
    template: bool | None = option(
        "--template/--no-template",
        "template",
        default=None,
        help="Fill in {n}, {time} and {region}. [default: with --count, in TEXT]",
    )
    window: int | None = option(
        "--window",
        type=click.IntRange(1, LARGEST_WINDOW),
        metavar="N",
        help=f"Publishes in flight at once: 1 keeps the order, more is faster. "
        f"[default: 1; with --rate {WINDOW_OF_A_RATE}]",
    )
    retry_for: float | None = option(
        "--retry-for",
        type=Duration(zero=True),
        help="How long to retry while the region throttles or cannot be reached. [default: 30s]",
    )
    as_json: bool = shared(options.as_json)
    person: str | None = shared(options.person)
    profile: str | None = shared(options.profile)


class PublishCommand(CliCommand):
    """The command `publish`, whose text may look like an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments.

        Raises:
            UsageError: click's own reasons; says how a text is given that starts like an option.
        """
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if error.possibilities:
                raise
            said = f"{error.format_message()} A text that starts with - goes after --."
            raise click.UsageError(said, ctx) from None


@click.command("publish", cls=PublishCommand, help=HELP)
@parameters(PublishOptions)
def command(given: PublishOptions) -> int:
    """Run `globalchat publish`."""
    text = _text(given)
    count, templated = given.count, bool(given.template)
    if text is not None and given.rate is not None and count is None:
        raise click.UsageError("With a TEXT, --rate needs --count.")
    # Lines are often JSON, full of braces; a repeated text is often meant as a template.
    if given.template is None:
        templated = count is not None and given.text not in (None, STDIN)
    if text is not None:
        _check(text, given.size, templated=templated)
        count = count or 1
    elif sys.stdin is None:
        raise click.UsageError("Standard input is closed: there is nothing to publish.")
    # The local cloud may be restarting; the retry time also applies to that.
    loaded = profiles.load_within(
        given.retry_for or 0, profiles.choose(given.profile), note=echo_err, person=given.person
    )
    import asyncio

    from globalchat.cli.commands.publish_run import PublishRequest, publish

    request = build(
        PublishRequest,
        given,
        sender=options.sender(given.name, given.person),
        text=text,
        count=count,
        templated=templated,
        window=given.window or (1 if given.rate is None else WINDOW_OF_A_RATE),
    )
    return asyncio.run(publish(loaded, given.region, request))


def _text(given: PublishOptions) -> str | None:
    """Return the text to publish; None means the lines of standard input."""
    if given.text is None and given.size is None:
        raise click.UsageError("Missing argument 'TEXT...|-'. Say - for the lines of standard input.")
    if given.text is None:
        return generate(given.size or 0)
    return None if given.text == STDIN else given.text


def _check(text: str, size: int | None, *, templated: bool) -> None:
    """Check, before anything is started, that the text can be sent as the options say."""
    if templated:
        try:
            Template.parse(text)
        except PlaceholderError as error:
            raise click.UsageError(f"{error} Or send it as it is: --no-template.") from None
    elif found := placeholders(text):
        echo_err(f"{' and '.join(found)} went out as written; --template fills it in.")
    if size is not None and not templated and units(text) > size:
        raise click.UsageError(f"The text has {units(text)} UTF-16 units, more than --size {size}.")

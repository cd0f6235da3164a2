"""The class of every command: arguments that cannot be decoded are refused before anything looks at them.

Help texts are passed as `help=HELP`, never left to a docstring: `python -OO` strips those.
"""

import sys
from collections.abc import Iterable, Iterator

import click


class Command(click.Command):
    """A command whose words are text in the encoding of this locale; paths may be any bytes."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Check how the words are encoded, then parse them.

        Raises:
            UsageError: a word is not in the locale's encoding, or click's own reason.
        """
        if not ctx.resilient_parsing and not is_decoded(args):
            given, _, _ = self.make_parser(ctx).parse_args(list(args))
            for param in self.params:
                is_path = isinstance(param.type, (click.Path, click.File))
                if not is_path and not is_decoded(_words(given.get(param.name or ""))):
                    raise click.UsageError(f"{_called(param)} is not {_encoding()}.", ctx)
        return super().parse_args(ctx, args)


def is_decoded(words: Iterable[str]) -> bool:
    """Return whether words of the command line are text: Python marks other bytes by lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for word in words for character in word)


def _words(value: object) -> Iterator[str]:
    """Yield the words that the parser found for a parameter, which may take several."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _words(each)


def _called(param: click.Parameter) -> str:
    if isinstance(param, click.Option):
        return f"The value of {max(param.opts, key=len)}"
    return f"The {(param.name or 'argument').removesuffix('s')}"


def _encoding() -> str:
    encoding = sys.getfilesystemencoding().upper()
    if encoding == "UTF-8":
        return encoding
    return f"{encoding}, the encoding of this locale (for UTF-8 set LC_ALL=C.UTF-8)"

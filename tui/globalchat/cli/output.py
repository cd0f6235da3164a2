"""Writes results to standard output, progress and questions to standard error.

Every line passes through `printable`, into a pipe or file as well as to a terminal: a value from a server,
file or profile can neither forge a line nor control a terminal that shows it later. JSON is ASCII, which is
left unchanged. Only `write_exactly` and `subscribe --raw` are exempt.
"""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, TextIO, TypeAlias

import click

from globalchat.client.authors import ANONYMOUS, AuthorKind, author_kind, full_name
from globalchat.core.clock import UNKNOWN_TIME, MonotonicClock, is_plausible, iso_time
from globalchat.core.errors import UserError
from globalchat.core.interpreter import as_typed_here
from globalchat.core.terminal import can_draw, shows_any_character, wants_no_colour, window_size
from globalchat.core.text import sanitize

if TYPE_CHECKING:
    from globalchat.client.messages import Message

JSONScalar = str | int | float | bool | None

TERMINAL_SECONDS = 0.25
PLAIN_SECONDS = 5.0
"""Seconds between updates of progress in a terminal, and elsewhere."""
_CLEAR = "\r\x1b[K"


@dataclass(frozen=True, slots=True)
class Styled:
    """A piece of a line in a colour of click's."""

    text: str
    colour: str


Line: TypeAlias = str | Sequence[str | Styled]
"""A line, or its pieces."""


def printable(line: Line) -> str:
    """Return a line that is safe in any terminal: without control sequences and line breaks."""
    if isinstance(line, str):
        return sanitize(line, multiline=False)
    return "".join(
        click.style(printable(piece.text), fg=piece.colour) if isinstance(piece, Styled) else printable(piece)
        for piece in line
    )


def echo_err(text: str) -> None:
    """Write a sentence to standard error; it names our commands as they are typed here.

    A stream that is closed, or a pipe without a reader, is ignored: work does not end for that.
    """
    if sys.stderr is None:
        return
    with suppress(OSError):
        sys.stderr.write(printable(as_typed_here(text)) + "\n")
        sys.stderr.flush()


def is_terminal(stream: TextIO | None) -> bool:
    """Return True if a stream is a terminal; None means a stream that the shell closed."""
    return stream is not None and stream.isatty()


def can_redraw(stream: TextIO | None) -> bool:
    """Return True if a line can be overwritten in a stream."""
    return is_terminal(stream) and can_draw(os.environ)


def wants_colour(stream: TextIO | None) -> bool:
    """Return True if colours are wanted there."""
    return can_redraw(stream) and not wants_no_colour(os.environ)


def wants_ascii(asked: bool) -> bool:
    """Return True if ASCII is requested, or the locale supports nothing else."""
    if sys.stdout is None:
        return asked
    return asked or not shows_any_character(sys.stdout.encoding or "", os.environ)


def width() -> int:
    """Return the columns of the terminal; 80 if there is none."""
    return window_size(sys.stdout, sys.stderr)[0]


def write_lines(lines: Iterable[Line]) -> None:
    """Write result lines at once.

    Raises:
        BrokenPipeError: the reader is gone.
        UserError: they cannot be written.
    """
    flush_output("".join(f"{printable(line)}\n" for line in lines))


def write_exactly(script: str) -> None:
    """Write text that a shell will run: to a pipe or file unchanged, to a terminal like `write_lines`.

    Raises:
        BrokenPipeError: the reader is gone.
        UserError: it cannot be written.
    """
    if is_terminal(sys.stdout):
        write_lines(script.splitlines())
    else:
        flush_output(f"{script}\n")


def flush_output(text: str = "") -> None:
    """Write a text and flush standard output, unless the shell closed it.

    Raises:
        BrokenPipeError: the reader is gone.
        UserError: it cannot be written.
    """
    if sys.stdout is None:
        return
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    # Not an error of the user's: `main` ends quietly, as other filters do.
    except BrokenPipeError:
        raise
    except OSError as error:
        discard_output()
        raise cannot_be_written(error) from None


def cannot_be_written(error: OSError) -> UserError:
    """Return the error for a failure to write to standard output."""
    return UserError(f"Standard output cannot be written: {error.strerror}.")


def discard_output() -> None:
    """Discard the buffer of standard output, so that the interpreter's last flush succeeds."""
    with suppress(OSError):
        # The descriptor is replaced, not only Python's object, since the interpreter flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def json_line(document: Mapping[str, object]) -> str:
    """Return an object as one line of ASCII JSON, which is safe in any terminal."""
    return json.dumps(document, ensure_ascii=True)


def message_document(message: "Message") -> dict[str, JSONScalar]:
    """Return the fields of a message in the `--json` of every command, a public format.

    `author` is None for a holder of the API key, `sentAt` if the time cannot be true, `arrival` if the
    message is not known to be stored.
    """
    return {
        "id": message.id,
        "channel": message.channel,
        "message": message.text,
        "sender": message.sender,
        "author": message.author,
        "region": message.region,
        "sentAt": iso_time(message.sent_at) if is_plausible(message.sent_at) else None,
        "arrival": message.arrival,
    }


def author_mark(message: "Message") -> str:
    """Return the mark of who AWS vouches for, one cell: of a person, of a machine, or a blank."""
    return _author_marks()[author_kind(message.author)]


@cache
def _author_marks() -> Mapping[AuthorKind, str]:
    person = "v" if wants_ascii(asked=False) else "\u2713"
    return {AuthorKind.NONE: " ", AuthorKind.PERSON: person, AuthorKind.MACHINE: "$"}


def sender_text(message: "Message") -> str:
    """Return the name of a message's sender for a line, with the author first; `-` if it has no name."""
    name = full_name(message.sender, message.author)
    return "-" if name == ANONYMOUS and message.sender is None else sanitize(name, name=True)


def clock_time(epoch_ms: int) -> str:
    """Return an instant on this machine's clock, to the second; `--:--:--` if it cannot be true."""
    if not is_plausible(epoch_ms):
        return UNKNOWN_TIME
    return datetime.fromtimestamp(epoch_ms / 1000).astimezone().strftime("%H:%M:%S")


class LiveLine:
    """Shows progress: one line that is overwritten in a terminal, occasional plain lines elsewhere.

    `width` is that of the terminal, `clock` gives seconds; without a stream nothing is shown.
    """

    def __init__(self, stream: TextIO | None, *, width: int, clock: MonotonicClock) -> None:
        self._stream = stream
        self._width = width
        self._clock = clock
        self._terminal = can_redraw(stream)
        self._shown_at: float | None = None
        self._topic = ""
        self._drawn = False

    def show(self, topic: str, text: str) -> None:
        """Show a text; another topic is shown at once."""
        now = self._clock()
        pause = TERMINAL_SECONDS if self._terminal else PLAIN_SECONDS
        if self._shown_at is not None and topic == self._topic and now - self._shown_at < pause:
            return
        self._shown_at, self._topic = now, topic
        if self._terminal:
            # The last column stays free, since some terminals wrap as soon as it is filled.
            self._write(f"{_CLEAR}{printable(text)[: self._width - 1]}")
            self._drawn = True
        else:
            self._write(f"{printable(text)}\n")

    def clear(self) -> None:
        """Erase the line, so that something else can be printed."""
        if self._drawn:
            self._write(_CLEAR)
            self._drawn = False

    def _write(self, text: str) -> None:
        # The terminal may be gone; progress is not worth a failure.
        if self._stream is not None:
            with suppress(OSError):
                self._stream.write(text)
                self._stream.flush()


def confirm(question: str, *, yes: bool) -> bool:
    """Ask a question on standard error, and return the answer: True with `yes`, False without a terminal."""
    if yes:
        # The action is printed in any case.
        echo_err(question.replace("?", "."))
        return True
    if not is_terminal(sys.stdin):
        echo_err(f"{question} There is no terminal to ask on: give --yes.")
        return False
    # On standard error, since standard output may be a pipe that takes results only.
    return click.confirm(sanitize(question, multiline=False), err=True)

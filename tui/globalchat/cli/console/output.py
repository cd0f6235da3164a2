"""What goes to standard output (results) and standard error (narration).

Every line passes `printable` on its way out, into a pipe or file as well as to a terminal: a value of a
server, file or profile can neither forge a line nor drive the terminal that shows it later. JSON is ASCII,
which that leaves alone. Only `write_exactly` and `subscribe --raw` are exempt.
"""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import click

from globalchat.cli.console.screen import is_terminal
from globalchat.client.messages import Message
from globalchat.core.clock import UNKNOWN_TIME, is_plausible, iso_time
from globalchat.core.errors import UserError
from globalchat.core.interpreter import as_typed_here
from globalchat.core.text import sanitize

JSONScalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Styled:
    """A piece of a line in a colour of click's."""

    text: str
    colour: str


Line: TypeAlias = str | Sequence[str | Styled]
"""A line, or its pieces."""


def printable(line: Line) -> str:
    """Return a line as any terminal may show it: nothing in it is obeyed, and it stays one line."""
    if isinstance(line, str):
        return sanitize(line, multiline=False)
    return "".join(
        click.style(printable(piece.text), fg=piece.colour) if isinstance(piece, Styled) else printable(piece)
        for piece in line
    )


def narrate(text: str) -> None:
    """Write a sentence for people to standard error; it names our commands as one types them here.

    Nothing is written where nothing reads it (closed, or a pipe without reader): no work ends for that.
    """
    if sys.stderr is None:
        return
    with suppress(OSError):
        sys.stderr.write(printable(as_typed_here(text)) + "\n")
        sys.stderr.flush()


def write_lines(lines: Iterable[Line]) -> None:
    """Write result lines at once.

    Raises:
        BrokenPipeError: the reader is gone.
        UserError: they cannot be written.
    """
    flush_output("".join(f"{printable(line)}\n" for line in lines))


def write_exactly(script: str) -> None:
    """Write text that a shell runs: into a pipe or file as it is, to a terminal as `write_lines`.

    Raises:
        BrokenPipeError: the reader is gone.
        UserError: it cannot be written.
    """
    if is_terminal(sys.stdout):
        write_lines(script.splitlines())
    else:
        flush_output(f"{script}\n")


def flush_output(text: str = "") -> None:
    """Write a text, and all that standard output still holds, unless the shell closed it.

    Raises:
        BrokenPipeError: the reader is gone.
        UserError: it cannot be written.
    """
    if sys.stdout is None:
        return
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        discard_output()
        raise cannot_be_written(error) from None


def cannot_be_written(error: OSError) -> UserError:
    """What to say of a failure to write to standard output."""
    return UserError(f"Standard output cannot be written: {error.strerror}.")


def discard_output() -> None:
    """Let what standard output still holds go nowhere, so that the interpreter's last flush succeeds."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def json_line(document: Mapping[str, object]) -> str:
    """One JSON object on one line; everything beyond ASCII is escaped, so it is safe on any terminal."""
    return json.dumps(document, ensure_ascii=True)


def message_document(message: Message) -> dict[str, JSONScalar]:
    """A message under the API's names; `sentAt` is null if the time cannot be true."""
    return {
        "id": message.id,
        "name": message.channel,
        "message": message.text,
        "sender": message.sender,
        "region": message.region,
        "sentAt": iso_time(message.sent_at) if is_plausible(message.sent_at) else None,
    }


def clock_time(epoch_ms: int) -> str:
    """Return an instant on this machine's clock, to the second; `--:--:--` if it cannot be true."""
    if not is_plausible(epoch_ms):
        return UNKNOWN_TIME
    return datetime.fromtimestamp(epoch_ms / 1000).astimezone().strftime("%H:%M:%S")

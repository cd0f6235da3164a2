"""What goes to standard output (results) and standard error (narration)."""

import json
import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime

from globalchat.cli.console.screen import is_terminal
from globalchat.client.messages import Message
from globalchat.core.clock import iso_time
from globalchat.core.errors import UserError
from globalchat.core.text import sanitize

JSONScalar = str | int | float | bool | None


def narrate(text: str) -> None:
    """Tell a person something, on standard error: names in it may come from others, so it is sanitised.

    Where nobody listens (closed, or its pipe has no reader) nothing is said: no work ends for that.
    """
    if sys.stderr is None:
        return
    with suppress(OSError):
        sys.stderr.write(sanitize(text, multiline=False) + "\n")
        sys.stderr.flush()


def write_lines(lines: Iterable[str]) -> None:
    """Write result lines at once.

    Raises:
        BrokenPipeError: nobody reads any more.
        UserError: they cannot be written.
    """
    flush_output("".join(f"{line}\n" for line in lines))


def flush_output(text: str = "") -> None:
    """Write a text, and all that standard output still holds, unless the shell closed it.

    Raises:
        BrokenPipeError: nobody reads any more.
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
    """A message under the API's names."""
    return {
        "id": message.id,
        "name": message.channel,
        "message": message.text,
        "sender": message.sender,
        "region": message.region,
        "sentAt": iso_time(message.sent_at),
    }


def clock_time(epoch_ms: int) -> str:
    """An instant on this machine's clock, to the second."""
    return datetime.fromtimestamp(epoch_ms / 1000).astimezone().strftime("%H:%M:%S")


def for_terminal(text: str) -> str:
    """A message's text as standard output may show it: made harmless if a terminal would act on it."""
    return sanitize(text, multiline=False) if is_terminal(sys.stdout) else text

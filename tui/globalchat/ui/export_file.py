"""Writes an export: never over another file."""

from pathlib import Path

from globalchat.core.errors import UserError
from globalchat.core.files import expand_home
from globalchat.core.text import sanitize
from globalchat.ui.model.conversation import Conversation
from globalchat.ui.model.export import default_name, export, form_of


def write_export(
    conversation: Conversation, file: str | None, *, now: int, folder: Path | None = None
) -> Path:
    """Write a channel to a new file and return its path.

    Args:
        conversation: The channel.
        file: The name, whose ending chooses the form; None for a name that is still free.
        now: Epoch ms, for that name.
        folder: Where to put it; None for the working folder.

    Raises:
        UserError: there is such a file, or it cannot be written.
    """
    folder = folder or Path.cwd()
    day = conversation.calendar.day(now).isoformat()
    number = 1
    while True:
        name = file or default_name(conversation.channel, day, number)
        path = folder / expand_home(name)
        try:
            with path.open("x", encoding="utf-8", newline="\n") as out:
                out.write(export(conversation, form_of(name)))
        except FileExistsError:
            if file is None:
                number += 1
                continue
            raise UserError(f"{_shown(path)} exists already: nothing was written.") from None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            problem = f"{_shown(path)} cannot be written: {sanitize(reason, multiline=False)}."
            raise UserError(problem) from None
        return path


def _shown(path: Path) -> str:
    return sanitize(str(path), multiline=False)

"""What the chat remembers from one run to the next: texts, levels, what was put away.

Several chats may run at once: each writes only what it changed, so none undoes what another did.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from globalchat.core.errors import UserError
from globalchat.core.files import ensure_folder, locked, read_text, replace_file

LONGEST = 100_000
"""Characters of a longer text are not remembered: nobody can send it either."""

THEME = "theme"
"""The key of the theme that was chosen in the chat: looked at before all others."""

_MOST = 500
"""Entries kept; those that changed longest ago go first."""


class Memory:
    """A small map from text to text in one file per profile; without a folder, nothing is remembered."""

    def __init__(self, folder: Path | None, profile: str) -> None:
        self._file = folder / f"{profile}.json" if folder is not None else None

    def load(self) -> dict[str, str]:
        """Everything remembered; nothing from a file that is missing, damaged or unreadable."""
        return {} if self._file is None else _read(self._file)

    def merge(self, changes: Mapping[str, str | None]) -> None:
        """Remember what changed; None forgets. All or nothing, and only for the user's own eyes.

        Raises:
            OSError: the file cannot be written.
            UserError: its folder cannot be used.
        """
        if self._file is None or not changes:
            return
        ensure_folder(self._file.parent)
        with locked(self._file.with_suffix(".lock")):
            values = _read(self._file)
            for key, value in changes.items():
                values.pop(key, None)
                if value is not None and len(value) <= LONGEST:
                    values[key] = value
            for key in list(values)[:-_MOST]:
                del values[key]
            replace_file(self._file, json.dumps({"version": 1, "values": values}))


def problem(error: OSError | UserError) -> str:
    """What to say of a memory that could not be written."""
    why = error.strerror if isinstance(error, OSError) else str(error)
    return f"Your texts cannot be kept for the next time: {why}"


def _read(file: Path) -> dict[str, str]:
    try:
        content = json.loads(read_text(file))
    except (OSError, ValueError, RecursionError):
        return {}
    values = content.get("values") if isinstance(content, dict) else None
    if not isinstance(values, dict):
        return {}
    return {key: value for key, value in values.items() if isinstance(value, str)}

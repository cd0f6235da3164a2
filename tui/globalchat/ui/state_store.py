"""Stores what the chat keeps from one run to the next: texts, levels, what is read, the theme.

Several chats may run at once: each writes only its own changes, so none overwrites another's, and each owns a
set of drafts while it runs.
"""

import json
import os
import re
from collections.abc import Mapping
from itertools import count
from pathlib import Path

from globalchat.core.errors import UserError
from globalchat.core.files import FileLock, NoLocks, ensure_folder, locked, read_text, replace_file
from globalchat.ui.model.startup import DRAFT, READ

LONGEST = 100_000
"""The most characters of a stored text; no message can be that long. See `StateStore.put_aside`."""

_SET = re.compile("draft([0-9]*):")
_OTHERS = re.compile("draft[0-9]*:|writer[0-9]*$")
_MOST = 1_000
"""The most entries; those that changed longest ago are dropped first."""


class StateStore:
    """A small map of strings in one file per profile; without a folder, nothing is stored.

    The drafts in the file are in numbered sets, each with the name of its writer. `claim` reserves a set
    until `release` or the end of the process; without it, the first set is used.
    """

    def __init__(self, folder: Path | None, profile: str) -> None:
        self._file = folder / f"{profile}.json" if folder is not None else None
        self._set = 0
        self._lock: FileLock | None = None

    def claim(self, name: str) -> list[str]:
        """Claim a set of drafts: one written by `name` that no running chat owns, or a new one.

        The drafts of further such sets are moved to it. Returns those whose channel has a draft already.

        Raises:
            OSError: the file cannot be written.
            UserError: its folder cannot be used.
        """
        if self._file is None or self._lock is not None:
            return []
        ensure_folder(self._file.parent)
        with locked(self._file.with_suffix(".lock")):
            values = _read(self._file)
            before = dict(values)
            used = _used(values)
            spare: list[str] = []
            for number in (each for each in used if values.get(_owner(each), name) == name):
                if self._lock is None:
                    self._lock, self._set = self._acquire(number), number
                elif (lock := self._acquire(number)) is not None:
                    with lock:
                        spare += _move(values, number, self._set)
            # Only if no set was free: then the first unused number.
            for number in (each for each in range(_MOST) if each not in used):
                if self._lock is None:
                    self._lock, self._set = self._acquire(number), number
            values[_owner(self._set)] = name
            # No write without a change: most starts change nothing.
            if values != before:
                replace_file(self._file, json.dumps({"version": 1, "values": values}))
        return spare

    def rename(self, name: str) -> None:
        """Give the claimed set of drafts to another name.

        Raises:
            OSError: the file cannot be written.
            UserError: its folder cannot be used.
        """
        if self._file is None or self._lock is None:
            return
        with locked(self._file.with_suffix(".lock")):
            values = _read(self._file)
            values[_owner(self._set)] = name
            replace_file(self._file, json.dumps({"version": 1, "values": values}))

    def release(self) -> None:
        """Release the set of drafts, for the next chat of the same name."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def load(self) -> dict[str, str]:
        """Return all entries, with only the drafts of the own set.

        The result is empty if the file is missing, damaged or unreadable.
        """
        values = {} if self._file is None else _read(self._file)
        own = _prefix(self._set)
        drafts = {DRAFT + key.removeprefix(own): text for key, text in values.items() if key.startswith(own)}
        return {key: text for key, text in values.items() if not _OTHERS.match(key)} | drafts

    def merge(self, changes: Mapping[str, str | None]) -> None:
        """Store changes atomically, in a file that only the user can read; None removes an entry.

        Raises:
            OSError: the file cannot be written.
            UserError: its folder cannot be used.
        """
        if self._file is None or not changes:
            return
        ensure_folder(self._file.parent)
        with locked(self._file.with_suffix(".lock")):
            values = _read(self._file)
            for changed, value in changes.items():
                if _is_behind(changed, value, values):
                    continue
                own = changed.startswith(DRAFT)
                key = _prefix(self._set) + changed.removeprefix(DRAFT) if own else changed
                values.pop(key, None)
                if value is not None and len(value) <= LONGEST:
                    values[key] = value
            # A changed key was moved to the end, so the first ones changed longest ago.
            for key in list(values)[:-_MOST]:
                del values[key]
            replace_file(self._file, json.dumps({"version": 1, "values": values}))

    def forget_sent(self, channel: str, text: str) -> None:
        """Remove a text from the drafts of ended chats, since it was in their outbox and is sent now.

        Such a chat was killed after the text was in the outbox and before its draft was removed.

        Raises:
            OSError: the file cannot be written.
            UserError: its folder cannot be used.
        """
        if self._file is None or not self._file.exists():
            return
        with locked(self._file.with_suffix(".lock")):
            values = _read(self._file)
            for number in _used(values):
                is_same = values.get(_prefix(number) + channel) == text
                if is_same and number != self._set and (lock := self._acquire(number)) is not None:
                    with lock:
                        del values[_prefix(number) + channel]
                        replace_file(self._file, json.dumps({"version": 1, "values": values}))

    def put_aside(self, text: str) -> Path | None:
        """Write a text too long for a draft to a file and return its path; None without a folder.

        Raises:
            OSError: the file cannot be written.
            UserError: its folder cannot be used.
        """
        if self._file is None:
            return None
        ensure_folder(self._file.parent)
        # Created exclusively, so that two chats that end at once do not overwrite each other's text.
        for number in count(1):
            file = self._file.with_name(f"{self._file.stem}.unsent-{number}.txt")
            try:
                descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                continue
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(text.encode(errors="replace"))
            break
        return file

    def _acquire(self, number: int) -> FileLock | None:
        """Lock a set of drafts; None if a running chat owns it, or nothing can be locked here."""
        assert self._file is not None, "nothing is locked without a folder"
        try:
            return FileLock.acquire(self._file.with_name(f"{self._file.stem}.drafts{number}.lock"))
        except NoLocks:
            return None


def _is_behind(key: str, value: str | None, values: Mapping[str, str]) -> bool:
    """Return True if another chat of the same name has read a channel further than this one."""
    if value is None or key not in values or not key.startswith(READ):
        return False
    # Imported here, since the store is read before the first frame.
    from globalchat.ui.model.read_mark import is_later

    return is_later(values[key], value)


def _prefix(number: int) -> str:
    return f"draft{number or ''}:"


def _owner(number: int) -> str:
    return f"writer{number or ''}"


def _used(values: Mapping[str, str]) -> list[int]:
    """Return the sets with drafts."""
    return sorted({int(found[1] or 0) for key in values if (found := _SET.match(key))})


def _move(values: dict[str, str], source: int, target: int) -> list[str]:
    """Move the drafts of one set to another. Return those whose channel already has one there."""
    spare = []
    for key in [key for key in values if key.startswith(_prefix(source))]:
        text = values.pop(key)
        # The text in the set stays: the others are offered by the history of sent texts instead.
        if values.setdefault(_prefix(target) + key.removeprefix(_prefix(source)), text) != text:
            spare.append(text)
    values.pop(_owner(source), None)
    return spare


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str | None]:
    """Return what makes the present entries of the ones before, for `merge`; None removes an entry.

    Only differences are written, since other chats write to the same file.
    """
    return {key: now.get(key) for key in now.keys() | before.keys() if now.get(key) != before.get(key)}


def storage_problem(error: OSError | UserError) -> str:
    """Return the sentence for state that cannot be written."""
    why = error.strerror if isinstance(error, OSError) else str(error)
    return f"Your texts cannot be kept for the next time: {why}"


def rescue(store: StateStore, text: str) -> str:
    """Put aside a text that is too long for a draft.

    Return a sentence on where it is, or why it could not be written.
    """
    subject = f"An unsent text of {len(text):,} characters"
    try:
        file = store.put_aside(text)
    except (OSError, UserError) as error:
        return f"{subject} is lost. {storage_problem(error)}"
    if file is None:
        return f"{subject} is lost."
    return f"{subject} is too long to be kept as a draft: it is in {file}."


def _read(file: Path) -> dict[str, str]:
    try:
        content = json.loads(read_text(file))
    except (OSError, ValueError, RecursionError):
        return {}
    values = content.get("values") if isinstance(content, dict) else None
    if not isinstance(values, dict):
        return {}
    # A damaged file costs its contents, never the start of the chat.
    return {key: value for key, value in values.items() if isinstance(value, str)}

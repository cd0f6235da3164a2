"""Log records as JSON, one object a line, in a file that only its owner may read and that stays small."""

import json
import logging
import os
import stat
from collections.abc import Mapping, Set
from contextlib import suppress
from enum import Enum
from pathlib import Path

from globalchat.client import redact
from globalchat.client.logs import FIELDS, OWN, PRIVATE
from globalchat.core.clock import iso_time
from globalchat.core.errors import UserError
from globalchat.core.files import is_file_at, try_lock

LARGEST = 5_000_000
"""Bytes of a file; the one before it is kept, so that a log takes twice as much."""
_WITHHELD = "(withheld)"


class JsonLines(logging.Formatter):
    """Writes a record as an object: time, level, logger, event, pid, and the event's fields that are known.

    What libraries say may quote messages and requests: without `texts` only what kind of record it is stays.
    """

    def __init__(self, *, texts: bool) -> None:
        super().__init__()
        self._texts = texts

    def format(self, record: logging.LogRecord) -> str:
        """One line, without its end."""
        document: dict[str, object] = {
            "time": iso_time(record.created * 1000),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": self._event(record),
            "pid": record.process,
            **getattr(record, FIELDS, {}),
            **(getattr(record, PRIVATE, {}) if self._texts else {}),
            **self._error(record),
        }
        known = {name: value for name, value in document.items() if value is not None}
        return json.dumps(_plain(known), ensure_ascii=True)

    def _event(self, record: logging.LogRecord) -> str:
        if self._texts or record.name.split(".")[0] in OWN:
            return record.getMessage()
        return _WITHHELD

    def _error(self, record: logging.LogRecord) -> Mapping[str, object]:
        """An exception: its kind and where it came from; what it says may quote anything."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            kind, at, said = type(error).__name__, redact.frames(error), str(error)
        elif record.exc_text:  # what the filter of a logger left of it
            kind, _, said = record.exc_text.splitlines()[-1].partition(": ")
            at = getattr(record, redact.FRAMES, [])
        else:
            return {}
        return {"error": kind, "at": at, **({"said": said} if self._texts else {})}


class BoundedFile(logging.Handler):
    """Appends lines to a file (mode 0600), which makes place for a new one once it is large.

    Several processes may share it: each line is one write, and who finds the file moved away opens the new.

    Raises:
        UserError: the file cannot be written.
    """

    def __init__(self, file: Path, *, largest: int = LARGEST) -> None:
        super().__init__()
        self._file = file
        self._largest = largest
        self._descriptor: int | None = None
        try:
            self._open()
        except OSError as error:
            raise UserError(
                f"The log file {file} cannot be written: {error.strerror}.",
                remedy="Name another with --log-file.",
            ) from None

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; a log that cannot be written ends no chat."""
        try:
            line = self.format(record).encode("ascii") + b"\n"
            self._follow()
            if self._descriptor is not None:
                os.write(self._descriptor, line)
        except OSError:
            return
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.close(self._descriptor)
        self._descriptor = None
        super().close()

    def _open(self) -> None:
        """Open the file; one that was open until now is closed, but not before there is another."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        before, self._descriptor = self._descriptor, os.open(self._file, flags, 0o600)
        if before is not None:
            os.close(before)
        found = os.fstat(self._descriptor)
        self._regular = stat.S_ISREG(found.st_mode)
        if self._regular and found.st_uid == os.getuid() and found.st_mode & 0o077:
            os.fchmod(self._descriptor, 0o600)

    def _follow(self) -> None:
        """Make place if the file is large, and open anew if it was moved or removed."""
        if self._descriptor is None or not self._regular:
            return
        if is_file_at(self._file, self._descriptor):
            if os.fstat(self._descriptor).st_size < self._largest:
                return
            # Who has the lock moves this file; else another one's new file could be moved over it.
            if not try_lock(self._descriptor):
                return
            if is_file_at(self._file, self._descriptor):
                os.replace(self._file, self._file.with_name(f"{self._file.name}.1"))
        self._open()


def _plain(value: object) -> object:
    """A value as JSON knows it, with nothing that looks like a credential."""
    match value:
        case None | bool() | int() | float():
            return value
        case Enum():
            return _plain(value.value)
        case Mapping():
            return {redact.scrub(str(key)): _named(str(key), each) for key, each in value.items()}
        case Set():
            return sorted(redact.scrub(str(each)) for each in value)
        case list() | tuple():
            return [_plain(each) for each in value]
        case _:
            return redact.scrub(str(value))


def _named(name: str, value: object) -> object:
    return redact.MASK if isinstance(value, str) and redact.is_secret(name) else _plain(value)

"""The log of the program: events with fields as JSON lines, in a file that only its owner can read.

Nothing is written until `start`. Credentials are never written; users' texts only on request.
"""

import json
import logging
import os
import stat
from collections.abc import Mapping, Set
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Final

from globalchat.core import redaction
from globalchat.core.clock import iso_time
from globalchat.core.errors import UserError
from globalchat.core.files import NoLocks, follow_links, is_file_at, open_private, try_lock
from globalchat.core.redaction import redact

OWN: Final = ("globalchat", "globalchat_infra")
"""The first parts of the names of our loggers."""
LARGEST: Final = 5_000_000
"""The size of a log file in bytes; the previous one is kept, so that a log takes up to twice as much."""
_FIELDS: Final = "globalchat_fields"
_PRIVATE: Final = "globalchat_private"
"""Attributes of a log record: fields to write always, and fields to write only with users' texts."""
_WITHHELD: Final = "(withheld)"

_handlers: dict[Path, logging.Handler] = {}

for _name in OWN:
    # Otherwise Python writes warnings to standard error, in the middle of the chat.
    logging.getLogger(_name).addHandler(logging.NullHandler())


def log_event(
    log: logging.Logger,
    level: int,
    event: str,
    *,
    private: Mapping[str, object] | None = None,
    **fields: object,
) -> None:
    """Log an event; `private` holds users' texts, which are left out unless requested."""
    # Checked first, since most events of a chat are below the level.
    if log.isEnabledFor(level):
        log.log(level, event, extra={_FIELDS: fields, _PRIVATE: private or {}}, stacklevel=2)


def start(file: Path, *, level: int = logging.INFO, texts: bool = False) -> bool:
    """Start to write the log to a file; return False, and change nothing, if a log is being written already.

    With `texts`, the texts of messages and the log messages of libraries are written, too.

    Raises:
        UserError: the file cannot be written.
    """
    if file in _handlers:
        return False
    handler = BoundedFile(file)
    handler.setFormatter(JsonLines(texts=texts))
    _handlers[file] = handler
    logging.root.addHandler(handler)
    for name in OWN:
        logging.getLogger(name).setLevel(level)
    if texts:
        logging.root.setLevel(level)
    return True


def child_variables() -> dict[str, str]:
    """Return the variables by which a process that we start writes to the same log; none without a log."""
    level = logging.getLevelName(logging.getLogger(OWN[0]).level).lower()
    return {"GLOBALCHAT_LOG": str(next(iter(_handlers))), "GLOBALCHAT_LOG_LEVEL": level} if _handlers else {}


def stop() -> None:
    """Stop writing the log, and close its files."""
    for handler in _handlers.values():
        logging.root.removeHandler(handler)
        handler.close()
    _handlers.clear()
    for name in OWN:
        logging.getLogger(name).setLevel(logging.NOTSET)
    logging.root.setLevel(logging.WARNING)


class JsonLines(logging.Formatter):
    """Formats a record as an object: time, level, logger, event, pid, and the event's known fields.

    Messages of libraries may quote texts and requests: without `texts` only the kind of the record is
    written.
    """

    def __init__(self, *, texts: bool) -> None:
        super().__init__()
        self._texts = texts

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, without a line feed."""
        document: dict[str, object] = {
            "time": iso_time(record.created * 1000),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": self._event(record),
            "pid": record.process,
            **getattr(record, _FIELDS, {}),
            **(getattr(record, _PRIVATE, {}) if self._texts else {}),
            **self._error(record),
        }
        known = {name: value for name, value in document.items() if value is not None}
        return json.dumps(_plain(known), ensure_ascii=True)

    def _event(self, record: logging.LogRecord) -> str:
        if self._texts or record.name.split(".")[0] in OWN:
            return record.getMessage()
        return _WITHHELD

    def _error(self, record: logging.LogRecord) -> Mapping[str, object]:
        """Return an exception's type and frames; its message is left out, since it may quote anything."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            kind, at, said = type(error).__name__, redaction.frames(error), str(error)
        elif record.exc_text:  # Set by the filter of a logger.
            kind, _, said = record.exc_text.splitlines()[-1].partition(": ")
            at = getattr(record, redaction.FRAMES, [])
        else:
            return {}
        return {"error": kind, "at": at, **({"said": said} if self._texts else {})}


class BoundedFile(logging.Handler):
    """Appends lines to a file (mode 0600), and rotates it once it is large.

    Several processes may share it: each line is one write, and a process whose file was moved opens the new
    one.

    Raises:
        UserError: the file cannot be written.
    """

    def __init__(self, file: Path, *, largest: int = LARGEST) -> None:
        super().__init__()
        self._largest = largest
        self._descriptor: int | None = None
        try:
            self._file = follow_links(file)  # Otherwise a link would be renamed instead of its file.
            self._open()
        except OSError as error:
            raise UserError(
                f"The log file {file} cannot be written: {error.strerror}.",
                remedy="Name another with --log-file.",
            ) from None

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; a failure to write does not end the chat."""
        try:
            # A formatter's text may contain lone surrogates, which have no encoding in UTF-8.
            line = self.format(record).encode("utf-8", "backslashreplace") + b"\n"
            # Another process may have moved the file away since the last record.
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
        """Open the file, then close the one that was open before."""
        before, self._descriptor = self._descriptor, open_private(self._file, os.O_WRONLY | os.O_APPEND)
        if before is not None:
            os.close(before)
        is_regular = stat.S_ISREG(os.fstat(self._descriptor).st_mode)
        self._is_bounded = is_regular and not self._file.is_symlink()

    def _follow(self) -> None:
        """Rotate the file if it is large, and open it again if it was moved or removed."""
        if self._descriptor is None or not self._is_bounded:
            return
        if is_file_at(self._file, self._descriptor):
            if os.fstat(self._descriptor).st_size < self._largest:
                return
            # Only the holder of the lock renames this file; otherwise another process could rename its new
            # file over it.
            # Without locks the file is rotated anyway: growing without a limit would be worse.
            with suppress(NoLocks):
                if not try_lock(self._file, self._descriptor):
                    return
            # Again, since another process may have renamed it before this one had the lock.
            if is_file_at(self._file, self._descriptor):
                os.replace(self._file, self._file.with_name(f"{self._file.name}.1"))
        self._open()


def _plain(value: object) -> object:
    """Convert a value to JSON types, with credentials masked."""
    match value:
        case None | bool() | int() | float():
            return value
        case Enum():
            return _plain(value.value)
        case Mapping():
            return {redact(str(key)): _named(str(key), each) for key, each in value.items()}
        case Set():
            return sorted(redact(str(each)) for each in value)
        case list() | tuple():
            return [_plain(each) for each in value]
        case _:
            return redact(str(value))


def _named(name: str, value: object) -> object:
    return redaction.MASK if isinstance(value, str) and redaction.is_secret_name(name) else _plain(value)

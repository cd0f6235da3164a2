"""The file of the outbox: opened with care, its failures told in sentences."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from globalchat.core.errors import UserError
from globalchat.core.files import OWN_DISK, ensure_folder, has_record_locks, open_private

FILE = "outbox.sqlite3"
VERSION = 1
PATIENCE = 1.0
"""Seconds that a write waits for another chat's; theirs take microseconds."""

_TABLE = """
CREATE TABLE drafts (
  place INTEGER PRIMARY KEY,
  owner TEXT NOT NULL,
  profile TEXT NOT NULL,
  id TEXT NOT NULL UNIQUE,
  channel TEXT NOT NULL,
  text TEXT NOT NULL,
  sender TEXT,
  created_at INTEGER NOT NULL,
  since INTEGER NOT NULL,
  held INTEGER NOT NULL
)
"""

_REASONS = {
    sqlite3.SQLITE_FULL: ("the disk is full", "Make room, then open the chat again."),
    sqlite3.SQLITE_NOTADB: ("it is damaged", "Move the file away; what it holds may still be recovered."),
    sqlite3.SQLITE_CORRUPT: ("it is damaged", "Move the file away; what it holds may still be recovered."),
    sqlite3.SQLITE_BUSY: ("another program keeps it locked", "Close that program, then open the chat again."),
    sqlite3.SQLITE_READONLY: ("it cannot be written", "Make it writable, then open the chat again."),
    sqlite3.SQLITE_CANTOPEN: ("it cannot be opened", "Make it writable, then open the chat again."),
}


_OF_LOCKS = frozenset(
    {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_IOERR}
)
"""What SQLite answers where the file system has no locks: to ENOLCK the same as to a lock of another."""


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn what goes wrong with the file at `path` into an UserError that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        # The low byte is the primary code, whatever the extended one adds.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
        reason, remedy = _REASONS.get(code, (str(error), None))
        if code in _OF_LOCKS and _lies_where_there_are_no_locks(path):
            reason, remedy = "it lies on a network file system without locks", OWN_DISK
        raise UserError(f"The outbox {path} cannot be used: {reason}.", remedy=remedy) from None
    except OSError as error:
        raise UserError(
            f"The outbox {path} cannot be used: {error.strerror}.", remedy="Make its folder writable."
        ) from None


def connect(folder: Path) -> sqlite3.Connection:
    """Open the database in `folder`, and make it if there is none (folder 0700, file 0600).

    Autocommit; a commit survives the death of the process. It is not flushed to the disk each time, so a
    power cut may take the last moments.

    Raises:
        UserError: the folder or the file cannot be used.
    """
    ensure_folder(folder)
    path = folder / FILE
    with told(path):
        # Made here, as SQLite would leave the mode to the umask; its side files take the mode of this one.
        os.close(open_private(path, os.O_RDWR))
        connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous = NORMAL")
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Hold the write lock for a few statements; all of them happen or none."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _lies_where_there_are_no_locks(path: Path) -> bool:
    try:
        return not has_record_locks(path.parent)
    except OSError:
        return False


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the table of a new file; refuse the file of a newer version."""
    with transaction(connection):
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            connection.execute(_TABLE)
            connection.execute(f"PRAGMA user_version = {VERSION}")
    if version > VERSION:
        raise UserError(
            f"The outbox {path} was made by a newer version of globalchat.",
            remedy="Update globalchat, or move the file away.",
        )
    connection.execute("PRAGMA journal_mode = WAL")

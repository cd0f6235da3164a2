"""SQLite files: readable by their owner alone, of a known format, set aside if damaged; their errors."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from globalchat.core.errors import UserError
from globalchat.core.files import FREE_SPACE, OWN_DISK, has_record_locks, locked, unwritable

_COMPANIONS: Final = ("-wal", "-shm", "-journal")

_REASONS = {
    sqlite3.SQLITE_FULL: ("the disk is full", "Make room, then open the chat again."),
    sqlite3.SQLITE_NOTADB: ("it is damaged", "Move the file away; its contents may still be recovered."),
    sqlite3.SQLITE_CORRUPT: ("it is damaged", "Move the file away; its contents may still be recovered."),
    sqlite3.SQLITE_BUSY: ("another program keeps it locked", "Close that program, then open the chat again."),
    sqlite3.SQLITE_READONLY: ("it cannot be written", "Make it writable, then open the chat again."),
    sqlite3.SQLITE_CANTOPEN: ("it cannot be opened", "Make it writable, then open the chat again."),
}

_OF_LOCKS = frozenset(
    {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_IOERR}
)
"""SQLite's errors on a file system without locks.

For ENOLCK the same as for a lock held by another process.
"""


@contextmanager
def translate_sqlite_errors(noun: str, path: Path) -> Iterator[None]:
    """Convert errors of the file at `path` (its `noun`: "outbox") to a UserError with a remedy."""
    try:
        yield
    except sqlite3.Error as error:
        # The low byte of an extended code is the primary code.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
        reason, remedy = _REASONS.get(code, (str(error), None))
        if code in _OF_LOCKS and _has_no_locks(path):
            reason, remedy = "it is on a network file system without locks", OWN_DISK
        raise UserError(f"The {noun} {path} cannot be used: {reason}.", remedy=remedy) from None
    except OSError as error:
        raise UserError(
            f"The {noun} {path} cannot be used: {error.strerror}.", remedy="Make its folder writable."
        ) from None


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run a few statements under the write lock, all or nothing."""
    # With a deferred BEGIN, the first write could fail at once with SQLITE_BUSY, whatever the timeout.
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # After some errors, such as a full disk, SQLite has already rolled back.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@dataclass(frozen=True, slots=True)
class FileFormat:
    """The schema and settings of a kind of file.

    Attributes:
        noun: The name of the contents in sentences: "local cloud's tables".
        remedy: What to do about a file of a later version.
        application: Marks the file as ours (SQLite's application id).
        version: The version of the schema; a file of a later one is refused.
        schema: SQL that makes a new file.
        synchronous: NORMAL survives a power cut, except for the last writes; OFF may lose the file then. Both
            survive the end of the process.
        is_exclusive: No second connection may open the file.
    """

    noun: str
    remedy: str
    application: int
    version: int
    schema: str
    synchronous: Literal["NORMAL", "OFF"] = "NORMAL"
    is_exclusive: bool = False


class DamagedFile(Exception):
    """A file is not a database of this program, or is corrupt."""


def open_or_replace(path: Path | None, form: FileFormat) -> tuple[sqlite3.Connection, Path | None]:
    """Open a file, made if need be; None is memory. A damaged one is moved aside: also return to where.

    Raises:
        UserError: it cannot be opened, another process has it, or a later version of this program wrote it.
    """
    if path is None:
        return open_file(None, form), None
    # One at a time: a file that another process is making looks damaged until it is complete.
    with _opening_lock(path, form):
        try:
            return open_file(path, form), None
        except DamagedFile:
            aside = move_aside(path)
            return open_file(path, form), aside


def open_file(path: Path | None, form: FileFormat) -> sqlite3.Connection:
    """Open a file, made if need be; None is memory.

    Raises:
        DamagedFile: it is damaged.
        UserError: it cannot be opened, another process has it, or a later version of this program wrote it.
    """
    if path is not None:
        _make_private(path)
    # Otherwise Python would begin transactions implicitly, beside those of `transaction`.
    connection = sqlite3.connect(":memory:" if path is None else path, isolation_level=None)
    try:
        _prepare(connection, form)
    except sqlite3.OperationalError as error:
        connection.close()
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            raise UserError(f"Another process uses {path}.", remedy="End it first.") from error
        # SQLite does not say what kind of failure it was: mostly a full disk.
        raise UserError(f"{path} cannot be written: {error}.", remedy=FREE_SPACE) from error
    except sqlite3.DatabaseError as error:
        connection.close()
        raise DamagedFile from error
    except BaseException:
        connection.close()
        raise
    return connection


def count_rows(path: Path, form: FileFormat, *tables: str) -> int:
    """Return the number of rows in some tables of a file that no process has open; 0 if damaged or absent.

    Raises:
        UserError: it cannot be opened.
    """
    if not path.exists():
        return 0
    try:
        connection = open_file(path, form)
    except DamagedFile:
        return 0
    with closing(connection):
        return sum(connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables)


def delete_file(path: Path) -> None:
    """Delete a file that no process has open, its lock, and damaged files that were set aside.

    Raises:
        UserError: it cannot be removed.
    """
    try:
        for each in (*_files(path), _lock_of(path), *path.parent.glob(f"{path.name}.damaged-*")):
            each.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error


def move_aside(path: Path) -> Path:
    """Rename a damaged file; return its new path.

    Raises:
        UserError: it cannot be renamed.
    """
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    try:
        # A -wal file that stayed behind would be taken for that of the new database.
        for each in _files(path):
            if each.exists():
                each.rename(aside.with_name(aside.name + each.name.removeprefix(path.name)))
    except OSError as error:
        raise unwritable(path, error) from error
    return aside


def _prepare(connection: sqlite3.Connection, form: FileFormat) -> None:
    if form.is_exclusive:
        connection.execute("PRAGMA busy_timeout = 0")
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    # Under the write lock: another process may make the file at the same time.
    with transaction(connection):
        application, version, tables = (
            connection.execute(query).fetchone()[0]
            for query in (
                "PRAGMA application_id",
                "PRAGMA user_version",
                "SELECT count(*) FROM sqlite_master",
            )
        )
        if not (application or version or tables):
            # `executescript` would commit the open transaction.
            for statement in form.schema.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {form.application}")
            connection.execute(f"PRAGMA user_version = {form.version}")
        elif application != form.application or version < 1:
            raise DamagedFile
        elif version > form.version:
            raise UserError(
                f"A later version of globalchat wrote the {form.noun}.",
                remedy=f"Upgrade globalchat, or {form.remedy}.",
            )
    # `integrity_check` would also compare the indexes, and makes each start slower. One error is enough.
    if tables and connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise DamagedFile
    # Only now: the switch itself writes to a new file.
    connection.execute("PRAGMA journal_mode = WAL")
    # No sync at each commit: the operating system has the writes when the process dies.
    connection.execute(f"PRAGMA synchronous = {form.synchronous}")


@contextmanager
def _opening_lock(path: Path, form: FileFormat) -> Iterator[None]:
    """Hold a lock beside a file that several processes may open; one that is exclusive needs none."""
    if form.is_exclusive:
        yield
        return
    with ExitStack() as held:
        try:
            held.enter_context(locked(_lock_of(path)))
        except OSError as error:
            raise unwritable(path, error) from error
        yield


def _lock_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def _make_private(path: Path) -> None:
    """Make the file one that only its owner can read; SQLite's files beside it get the same mode."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(handle, 0o600)
        finally:
            os.close(handle)
    except OSError as error:
        raise unwritable(path, error) from error


def _has_no_locks(path: Path) -> bool:
    try:
        return not has_record_locks(path.parent)
    except OSError:
        return False


def _files(path: Path) -> list[Path]:
    return [path, *(path.with_name(path.name + ending) for ending in _COMPANIONS)]

"""Keeps items in SQLite: one file for all tables of all regions, or in memory.

Writes survive the end of the process, even by `kill -9`; a power cut may lose the last ones. Calls take well
under a millisecond and run inline in the event loop, the only user of the connection.
"""

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from globalchat.core.errors import UserError
from globalchat.core.files import FREE_SPACE, unwritable
from globalchat.localcloud.dynamodb.items import DynamoDBError, Item
from globalchat.localcloud.dynamodb.keys import Key, KeyRange

_APPLICATION: Final = 0x676C7462
"""Marks the file as ours (SQLite's application id)."""
_VERSION: Final = 1
_COMPANIONS: Final = ("-wal", "-shm", "-journal")
_SCHEMA: Final = """
CREATE TABLE items (
  table_id TEXT NOT NULL, partition BLOB NOT NULL, sort BLOB NOT NULL,
  item TEXT NOT NULL, size INTEGER NOT NULL, expires INTEGER
);
CREATE UNIQUE INDEX by_key ON items (table_id, partition, sort);
CREATE INDEX by_expiry ON items (table_id, expires) WHERE expires IS NOT NULL;
"""


@dataclass(frozen=True, slots=True)
class StoredItem:
    """An item with its size in bytes, as DynamoDB counts it."""

    item: Item
    size: int


class ItemStore:
    """The items of all tables; its methods raise DynamoDBError if SQLite fails.

    Args:
        path: the file; None keeps everything in memory.

    Attributes:
        set_aside: the path to which a damaged file was moved to make way for a new one.

    Raises:
        UserError: the file cannot be opened, or a later version of this program wrote it.
    """

    def __init__(self, path: Path | None) -> None:
        self.set_aside: Path | None = None
        # Memory is never damaged: the second attempt is only for a file.
        try:
            self._connection = _open(path)
        except _DamagedFile:
            self.set_aside = _move_aside(cast("Path", path))
            self._connection = _open(path)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make the writes of the block atomic."""
        self._execute("BEGIN IMMEDIATE")
        try:
            yield
            self._execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._execute("ROLLBACK")
            raise

    def put(self, table_id: str, key: Key, stored: StoredItem, expires: int | None) -> None:
        """Write an item, replacing the one with its key; `expires` is in epoch seconds."""
        # All strings of a checked item can be encoded, so nothing needs escaping.
        text = json.dumps(stored.item, ensure_ascii=False, separators=(",", ":"))
        self._execute(
            "INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?, ?, ?)",
            (table_id, key.partition, key.sort, text, stored.size, expires),
        )

    def get(self, table_id: str, key: Key) -> Item | None:
        """Read the item with a key."""
        row = self._execute(
            "SELECT item FROM items WHERE table_id = ? AND partition = ? AND sort = ?",
            (table_id, key.partition, key.sort),
        ).fetchone()
        return None if row is None else cast("Item", json.loads(row[0]))

    def delete(self, table_id: str, key: Key) -> None:
        """Delete the item with a key, if there is one."""
        self._execute(
            "DELETE FROM items WHERE table_id = ? AND partition = ? AND sort = ?",
            (table_id, key.partition, key.sort),
        )

    def read(
        self, table_id: str, keys: KeyRange, *, after: Key | None, forward: bool
    ) -> Iterator[StoredItem]:
        """Read the items of a range in the order of their sort keys, starting after `after`."""
        clauses = ["table_id = ?", "partition = ?"]
        values: list[str | bytes] = [table_id, keys.partition]
        if keys.low is not None:
            clauses.append("sort >= ?" if keys.with_low else "sort > ?")
            values.append(keys.low)
        if keys.high is not None:
            clauses.append("sort <= ?" if keys.with_high else "sort < ?")
            values.append(keys.high)
        if after is not None:
            clauses.append("sort > ?" if forward else "sort < ?")
            values.append(after.sort)
        direction = "ASC" if forward else "DESC"
        # The statement contains only constants; all values are bound.
        statement = f"SELECT item, size FROM items WHERE {' AND '.join(clauses)} ORDER BY sort {direction}"
        with _failures(), closing(self._execute(statement, values)) as rows:
            for text, size in rows:
                yield StoredItem(cast("Item", json.loads(text)), size)

    def totals(self, table_id: str) -> tuple[int, int]:
        """Return the number of a table's items and their bytes."""
        row = self._execute(
            "SELECT count(*), coalesce(sum(size), 0) FROM items WHERE table_id = ?", (table_id,)
        ).fetchone()
        return row[0], row[1]

    def delete_expired(self, table_id: str, *, first: float, last: float, limit: int) -> int:
        """Delete at most `limit` items that expire between two epoch seconds; return their number."""
        # SQLite's DELETE has LIMIT only if compiled with it.
        return self._execute(
            "DELETE FROM items WHERE rowid IN (SELECT rowid FROM items "
            "WHERE table_id = ? AND expires BETWEEN ? AND ? LIMIT ?)",
            (table_id, first, last, limit),
        ).rowcount

    def _execute(self, statement: str, values: Sequence[str | bytes | float | None] = ()) -> sqlite3.Cursor:
        with _failures():
            return self._connection.execute(statement, values)


def count_items(path: Path) -> int:
    """Return the number of items in a file that no cloud has open; 0 if it is damaged or absent.

    Raises:
        UserError: it cannot be opened.
    """
    if not path.exists():
        return 0
    try:
        connection = _open(path)
    except _DamagedFile:
        return 0
    with closing(connection):
        return int(connection.execute("SELECT count(*) FROM items").fetchone()[0])


def delete_file(path: Path) -> None:
    """Delete a file of items that no cloud has open, and damaged files that were set aside.

    Raises:
        UserError: it cannot be removed.
    """
    try:
        for each in (*_files(path), *path.parent.glob(f"{path.name}.damaged-*")):
            each.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error


class _DamagedFile(Exception):
    """A file is not a database of this program, or is corrupt."""


@contextmanager
def _failures() -> Iterator[None]:
    """Raise failures of SQLite, such as a full disk, as DynamoDB's internal error."""
    try:
        yield
    except sqlite3.Error as error:
        message = f"The local cloud cannot use its tables: {error}."
        raise DynamoDBError("InternalServerError", message, status=500) from error


def _open(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        _make_private(path)
    connection = sqlite3.connect(":memory:" if path is None else path, isolation_level=None)
    try:
        _prepare(connection)
    except sqlite3.OperationalError as error:
        connection.close()
        # SQLite does not say what kind of failure it was: mostly a full disk.
        raise UserError(f"{path} cannot be written: {error}.", remedy=FREE_SPACE) from error
    except sqlite3.DatabaseError as error:
        connection.close()
        raise _DamagedFile from error
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    application, version, pages = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("application_id", "user_version", "page_count")
    )
    if pages and (application != _APPLICATION or version < 1):
        raise _DamagedFile
    if version > _VERSION:
        raise UserError(
            "A later version of globalchat wrote the local cloud's tables.",
            remedy="Upgrade globalchat, or delete the tables with `globalchat local reset`.",
        )
    if pages and connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise _DamagedFile
    connection.execute("PRAGMA journal_mode = WAL")
    # No sync at each commit: the operating system keeps the writes if the process dies.
    connection.execute("PRAGMA synchronous = NORMAL")
    if not pages:
        connection.executescript(
            f"BEGIN; {_SCHEMA} PRAGMA application_id = {_APPLICATION}; "
            f"PRAGMA user_version = {_VERSION}; COMMIT;"
        )


def _make_private(path: Path) -> None:
    """Restrict the file to its owner; SQLite's side files get the same mode."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(handle, 0o600)
        finally:
            os.close(handle)
    except OSError as error:
        raise unwritable(path, error) from error


def _move_aside(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    try:
        for each in _files(path):
            if each.exists():
                each.rename(aside.with_name(aside.name + each.name.removeprefix(path.name)))
    except OSError as error:
        raise unwritable(path, error) from error
    return aside


def _files(path: Path) -> list[Path]:
    return [path, *(path.with_name(path.name + ending) for ending in _COMPANIONS)]

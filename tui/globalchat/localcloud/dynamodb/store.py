"""Keeps items in SQLite: one file for all tables of all regions, or in memory.

Writes survive the end of the process, even by `kill -9`; a power cut may lose the last ones. Calls take well
under a millisecond and run inline in the event loop, the only user of the connection.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from globalchat.core.database import FileFormat, count_rows, open_or_replace
from globalchat.localcloud.dynamodb.items import DynamoDBError, Item
from globalchat.localcloud.dynamodb.keys import Key, KeyRange

_FORMAT: Final = FileFormat(
    noun="local cloud's tables",
    remedy="delete the tables with `globalchat local reset`",
    application=0x676C7462,
    version=1,
    schema="""
CREATE TABLE items (
  table_id TEXT NOT NULL, partition BLOB NOT NULL, sort BLOB NOT NULL,
  item TEXT NOT NULL, size INTEGER NOT NULL, expires INTEGER
);
CREATE UNIQUE INDEX by_key ON items (table_id, partition, sort);
CREATE INDEX by_expiry ON items (table_id, expires) WHERE expires IS NOT NULL;
""",
)


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
        self._connection, self.set_aside = open_or_replace(path, _FORMAT)

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
    return count_rows(path, _FORMAT, "items")


@contextmanager
def _failures() -> Iterator[None]:
    """Raise failures of SQLite, such as a full disk, as DynamoDB's internal error."""
    try:
        yield
    except sqlite3.Error as error:
        message = f"The local cloud cannot use its tables: {error}."
        raise DynamoDBError("InternalServerError", message, status=500) from error

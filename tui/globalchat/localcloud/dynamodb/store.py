"""Keeps items in SQLite: one file for all tables of all regions, or in memory.

Writes survive the end of the process, even by `kill -9`; a power cut may lose the last ones. Calls take well
under a millisecond and run inline in the event loop, the only user of the connection.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
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
TURNS: Final = 8
"""Turns of the event loop for which a transaction is open after the one of its first write.

More than the file of events gathers for: in the local cloud that one commits first, once for many messages.
"""
# `json.dumps` with these options would make an encoder for each item.
_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class StoredItem:
    """An item with its size in bytes, as DynamoDB counts it."""

    item: Item
    size: int


class ItemStore:
    """The items of all tables; its methods raise DynamoDBError if SQLite fails.

    Args:
        path: the file; None keeps everything in memory.
        defer: calls a function in the next turn of the event loop. Writes of a few turns are then one
            transaction, unless `commit` ends it before; without it each write is one.

    Attributes:
        lost: how many writes could not be committed after they were made.
        set_aside: the path to which a damaged file was moved to make way for a new one.

    Raises:
        UserError: the file cannot be opened, or a later version of this program wrote it.
    """

    def __init__(
        self, path: Path | None, defer: Callable[[Callable[[], None]], object] | None = None
    ) -> None:
        self._connection, self.set_aside = open_or_replace(path, _FORMAT)
        self._defer = defer
        self._is_scheduled = False
        self._uncommitted = 0
        self.lost = 0

    def close(self) -> None:
        """Commit what is left, and close the file."""
        try:
            self.commit()
        finally:
            self._defer = None
            self._connection.close()

    def commit(self) -> None:
        """Commit the writes so far: they survive the end of the process."""
        if not self._uncommitted:
            return
        count, self._uncommitted = self._uncommitted, 0
        try:
            self._execute("COMMIT")
        except DynamoDBError:
            self.lost += count
            if self._connection.in_transaction:
                self._execute("ROLLBACK")
            raise

    def commit_or_lose(self) -> None:
        """Commit the writes so far, or count them as lost: no request is left to answer with the error."""
        with suppress(DynamoDBError):
            self.commit()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make the writes of the block atomic, and commit them."""
        # Earlier writes must not be lost if the block fails.
        self.commit()
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
        text = _json(stored.item)
        self._write(
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
        self._write(
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

    def _write(self, statement: str, values: Sequence[str | bytes | float | None]) -> None:
        # A transaction without counted writes is that of a `transaction` block, which commits it itself.
        if self._defer is None or (self._connection.in_transaction and not self._uncommitted):
            self._execute(statement, values)  # alone, or in the block of `transaction`
            return
        if not self._uncommitted:
            self._execute("BEGIN IMMEDIATE")
        # Counted first: a write that fails leaves those before it in the transaction, unless SQLite ends it.
        self._uncommitted += 1
        try:
            self._execute(statement, values)
        except DynamoDBError:
            self._uncommitted -= 1
            self._end_failed()
            raise
        if not self._is_scheduled:
            self._is_scheduled = True
            self._defer(partial(self._commit_later, TURNS))

    def _end_failed(self) -> None:
        """Count what SQLite has rolled back; end a transaction that has no writes."""
        if not self._connection.in_transaction:
            self.lost += self._uncommitted
            self._uncommitted = 0
        elif not self._uncommitted:
            self._execute("ROLLBACK")

    def _commit_later(self, turns: int) -> None:
        if self._defer is None:  # closed meanwhile
            return
        if turns:
            self._defer(partial(self._commit_later, turns - 1))
            return
        self._is_scheduled = False
        self.commit_or_lose()

    def _execute(self, statement: str, values: Sequence[str | bytes | float | None] = ()) -> sqlite3.Cursor:
        try:
            return self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise _failure(error) from error


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
        raise _failure(error) from error


def _failure(error: sqlite3.Error) -> DynamoDBError:
    return DynamoDBError(
        "InternalServerError", f"The local cloud cannot use its tables: {error}.", status=500
    )

import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from globalchat.core.database import delete_file
from globalchat.core.errors import UserError
from globalchat.localcloud.dynamodb.items import DynamoDBError, Item
from globalchat.localcloud.dynamodb.keys import Key, KeyRange
from globalchat.localcloud.dynamodb.store import TURNS, ItemStore, StoredItem, count_items

ITEM: Item = {"a": {"S": "ünï\U0001f600"}}
KEY = Key(b"p", b"s")
ALL = KeyRange(b"p")


def put(store: ItemStore, key: Key = KEY) -> None:
    store.put("t", key, StoredItem(ITEM, 10), None)


def items(store: ItemStore) -> list[Item]:
    return [stored.item for stored in store.read("t", ALL, after=None, forward=True)]


def test_items_are_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "tables.sqlite"
    store = ItemStore(path)
    put(store)
    store.close()
    again = ItemStore(path)
    assert items(again) == [ITEM]
    assert again.get("t", KEY) == ITEM
    assert again.totals("t") == (1, 10)
    assert again.set_aside is None
    again.close()


def test_only_the_owner_can_read_the_files(tmp_path: Path) -> None:
    path = tmp_path / "tables.sqlite"
    path.touch(0o644)
    store = ItemStore(path)
    put(store)
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()}
    assert modes == dict.fromkeys(
        ("tables.sqlite", "tables.sqlite-wal", "tables.sqlite-shm", "tables.sqlite.lock"), 0o600
    )
    store.close()


KILLED = """
import os, signal, sys
from pathlib import Path
from globalchat.localcloud.dynamodb.keys import Key
from globalchat.localcloud.dynamodb.store import ItemStore, StoredItem
store = ItemStore(Path(sys.argv[1]))
for number in range(50):
    store.put("t", Key(b"p", b"%02d" % number), StoredItem({"a": {"S": "x"}}, 1), None)
with store.transaction():
    store.put("t", Key(b"p", b"never committed"), StoredItem({"a": {"S": "x"}}, 1), None)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_written_survives_a_kill_and_a_half_transaction_does_not(tmp_path: Path) -> None:
    path = tmp_path / "tables.sqlite"
    killed = subprocess.run([sys.executable, "-P", "-c", KILLED, str(path)], check=False, timeout=60)
    assert killed.returncode == -9
    store = ItemStore(path)
    assert len(items(store)) == 50
    store.close()


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    store = ItemStore(tmp_path / "tables.sqlite")

    def fail() -> None:
        with store.transaction():
            put(store)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert items(store) == []
    store.close()


def garbage(path: Path) -> None:
    path.write_bytes(b"not a database, but long enough to be looked at" * 100)


def torn(path: Path) -> None:
    store = ItemStore(path)
    for number in range(2000):
        put(store, Key(b"p", b"%04d" % number))
    store.close()
    content = bytearray(path.read_bytes())
    content[8192:40_960] = b"\x99" * 32_768
    path.write_bytes(content)


def foreign(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE items (x)")
    connection.close()


@pytest.mark.parametrize("damage", [garbage, torn, foreign])
def test_a_damaged_file_is_set_aside(tmp_path: Path, damage: "object") -> None:
    path = tmp_path / "tables.sqlite"
    assert callable(damage)
    for number in (1, 2):
        damage(path)
        store = ItemStore(path)
        assert store.set_aside == tmp_path / f"tables.sqlite.damaged-{number}"
        assert store.set_aside.exists()
        put(store)
        assert items(store) == [ITEM]
        store.close()
        path.unlink()


def test_a_file_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "tables.sqlite"
    ItemStore(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(UserError, match="A later version of globalchat"):
        ItemStore(path)
    assert path.read_bytes() == before


def test_a_folder_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tables.sqlite"
    path.mkdir()
    with pytest.raises(UserError, match=r"tables\.sqlite"):
        ItemStore(path)


def test_a_failure_of_sqlite_is_dynamodbs_own(tmp_path: Path) -> None:
    store = ItemStore(tmp_path / "tables.sqlite")
    with sqlite3.connect(tmp_path / "tables.sqlite") as other:
        other.execute("DROP TABLE items")
    other.close()
    with pytest.raises(DynamoDBError, match="no such table") as caught:
        put(store)
    assert (caught.value.code, caught.value.status) == ("InternalServerError", 500)
    store.close()


def test_a_file_is_counted_and_deleted_with_all_that_belongs_to_it(tmp_path: Path) -> None:
    path = tmp_path / "tables.sqlite"
    assert count_items(path) == 0
    store = ItemStore(path)
    put(store)
    put(store, Key(b"p", b"other"))
    store.close()
    (tmp_path / "tables.sqlite.damaged-1").touch()
    (tmp_path / "cloud.log").touch()
    assert count_items(path) == 2
    delete_file(path)
    assert [each.name for each in tmp_path.iterdir()] == ["cloud.log"]


def test_a_damaged_file_counts_as_empty(tmp_path: Path) -> None:
    path = tmp_path / "tables.sqlite"
    garbage(path)
    assert count_items(path) == 0


class Turns:
    """The event loop's turns."""

    def __init__(self) -> None:
        self._next: list[Callable[[], None]] = []

    def defer(self, function: Callable[[], None]) -> None:
        self._next.append(function)

    def pass_by(self, count: int) -> None:
        for _ in range(count):
            due, self._next = self._next, []
            for function in due:
                function()


def stored(path: Path) -> int:
    """Return the number of items that a process would find that starts now."""
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM items").fetchone()[0])


def test_writes_of_some_turns_are_one_transaction(tmp_path: Path) -> None:
    turns, path, statements = Turns(), tmp_path / "tables.sqlite", list[str]()
    store = ItemStore(path, turns.defer)
    store._connection.set_trace_callback(statements.append)
    put(store)
    turns.pass_by(1)
    put(store, Key(b"p", b"other"))
    assert len(items(store)) == 2  # read before they are committed
    assert stored(path) == 0
    turns.pass_by(TURNS)
    assert stored(path) == 2
    store.delete("t", KEY)
    store.commit()
    assert stored(path) == 1
    turns.pass_by(TURNS + 1)
    assert [each for each in statements if each in ("BEGIN IMMEDIATE", "COMMIT")] == [
        *("BEGIN IMMEDIATE", "COMMIT"),
        *("BEGIN IMMEDIATE", "COMMIT"),
    ]
    store.close()


def test_a_block_is_a_transaction_of_its_own_and_the_end_commits_the_rest(tmp_path: Path) -> None:
    turns, path = Turns(), tmp_path / "tables.sqlite"
    store = ItemStore(path, turns.defer)
    put(store)
    with store.transaction():
        assert stored(path) == 1
        put(store, Key(b"p", b"in a block"))
    assert stored(path) == 2
    put(store, Key(b"p", b"last"))
    store.close()
    turns.pass_by(TURNS + 1)
    assert stored(path) == 3


def test_writes_that_cannot_be_committed_are_counted(tmp_path: Path) -> None:
    turns, path = Turns(), tmp_path / "tables.sqlite"
    store = ItemStore(path, turns.defer)
    put(store)
    put(store, Key(b"p", b"other"))
    store._connection.rollback()  # as SQLite does when a disk is full
    turns.pass_by(TURNS + 1)
    assert store.lost == 2
    put(store)
    turns.pass_by(TURNS + 1)
    assert (store.lost, stored(path)) == (2, 1)
    store.close()

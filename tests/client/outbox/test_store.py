"""The outbox on disk: what it keeps, whose it is, and how it fails."""

import errno
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from globalchat.client.events import OutboxUnavailable
from globalchat.client.messages import Draft
from globalchat.client.outbox.store import (
    FILE,
    VERSION,
    DraftDatabase,
    DraftStore,
    StoredDraft,
)
from globalchat.core.database import translate_sqlite_errors
from globalchat.core.errors import UserError


def draft(number: int, text: str = "hi", channel: str = "tech") -> Draft:
    return Draft(f"id{number}", channel, text, None, number)


def kept(number: int, text: str = "hi") -> StoredDraft:
    return StoredDraft(draft(number, text), number)


def left_by(store: DraftDatabase) -> None:
    """End a store the way a killed process does: the kernel closes its files, nothing else happens."""
    assert store._lock is not None
    os.close(store._lock._descriptor)
    store._lock = None
    store._database.close()


def test_next_session_adopts_what_a_closed_one_left_in_order(tmp_path: Path) -> None:
    first = DraftDatabase(tmp_path, "local")
    wanted = [StoredDraft(Draft("9", "tech", "a\0\n😀", "ada", 7), 8, False), kept(1), kept(5), kept(3)]
    for each in [*wanted, kept(4)]:
        first.save(each)
    first.require_confirmation("id5")
    first.remove("id4")
    first.close()
    second = DraftDatabase(tmp_path, "local")
    assert second.adopted == [wanted[0], kept(1), StoredDraft(draft(5), 5, True), kept(3)]
    second.save(kept(1))  # once more, behind the others
    second.close()
    third = DraftDatabase(tmp_path, "local")
    assert [each.draft.id for each in third.adopted] == ["9", "id5", "id3", "id1"]
    third.close()


@pytest.mark.parametrize("killed", [False, True], ids=["closed", "killed"])
def test_nobody_adopts_the_drafts_of_the_living(tmp_path: Path, killed: bool) -> None:
    first, second = DraftDatabase(tmp_path, "local"), DraftDatabase(tmp_path, "local")
    first.save(kept(1))
    second.save(kept(2))
    third = DraftDatabase(tmp_path, "local")
    assert not third.adopted
    (left_by if killed else DraftDatabase.close)(second)
    fourth, fifth = DraftDatabase(tmp_path, "local"), DraftDatabase(tmp_path, "local")
    assert [each.draft.id for each in fourth.adopted] == ["id2"]
    assert not fifth.adopted
    for store in (first, third, fourth, fifth):
        store.close()
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_drafts_of_another_profile_wait_for_a_session_of_theirs(tmp_path: Path) -> None:
    first = DraftDatabase(tmp_path, "work")
    first.save(kept(1))
    left_by(first)
    other = DraftDatabase(tmp_path, "local")
    assert not other.adopted
    again = DraftDatabase(tmp_path, "work")
    assert again.adopted == [kept(1)]
    other.close()
    again.close()


def test_a_crash_while_adopting_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = DraftDatabase(tmp_path, "local")
    first.save(kept(1))
    first.close()
    with monkeypatch.context() as patch:
        patch.setattr(DraftDatabase, "_read", lambda self, row: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            DraftDatabase(tmp_path, "local")
    second = DraftDatabase(tmp_path, "local")
    assert second.adopted == [kept(1)]
    second.close()


def test_only_the_user_may_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "outbox"
    folder.mkdir(parents=True, mode=0o755)
    (folder / FILE).touch(0o644)
    store = DraftDatabase(folder, "local")
    store.save(kept(1))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {path.suffix: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes.keys() == {".sqlite3", ".sqlite3-wal", ".sqlite3-shm", ".owner"}
    assert set(modes.values()) == {0o600}
    store.close()


PROCESSES = """
import sys
from pathlib import Path
from globalchat.client.messages import Draft
from globalchat.client.outbox.store import StoredDraft, DraftDatabase
sys.stdin.readline()
store = DraftDatabase(Path(sys.argv[1]), "local")
for number in range(50):
    store.save(StoredDraft(Draft(f"{sys.argv[2]}-{number}", "tech", "hi", None, 0), 0))
print(len(store.adopted), flush=True)
sys.stdin.readline()
"""


def test_many_processes_open_a_new_outbox_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROCESSES, str(tmp_path / "outbox")]
    processes = [
        subprocess.Popen([*command, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for number in range(6)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "0\n"
    for process in processes:
        process.kill()
        process.communicate()
    store = DraftDatabase(tmp_path / "outbox", "local")
    found: dict[str, list[int]] = {}
    for each in store.adopted:
        who, number = each.draft.id.split("-")
        found.setdefault(who, []).append(int(number))
    assert found == {str(who): list(range(50)) for who in range(6)}
    store.close()


# Failures


def damage(folder: Path) -> None:
    (folder / FILE).write_bytes(b"this is no database, but long enough to be looked at" * 20)


def damage_inside(folder: Path) -> None:
    store = DraftDatabase(folder, "local")
    for number in range(200):
        store.save(kept(number, "x" * 200))
    store.close()
    data = bytearray((folder / FILE).read_bytes())
    data[4096 : len(data)] = b"\x5a" * (len(data) - 4096)
    (folder / FILE).write_bytes(data)


def make_newer(folder: Path) -> None:
    with sqlite3.connect(folder / FILE) as database:
        database.execute(f"PRAGMA user_version = {VERSION + 1}")
    database.close()


def fill_with_other_things(folder: Path) -> None:
    DraftDatabase(folder, "local").close()
    with sqlite3.connect(folder / FILE) as database:
        database.execute("INSERT INTO drafts VALUES (1, 'gone', 'local', 'i', 'c', x'00ff', NULL, 'x', 0, 0)")
    database.close()


def put_a_folder_there(folder: Path) -> None:
    (folder / FILE).mkdir()


def keep_it_locked(folder: Path) -> None:
    DraftDatabase(folder, "local").close()
    locked = sqlite3.connect(folder / FILE, isolation_level=None)
    locked.execute("BEGIN EXCLUSIVE")
    LOCKED.append(locked)


LOCKED: list[sqlite3.Connection] = []


@pytest.mark.parametrize(
    ("break_it", "reason"),
    [
        (damage, "damaged"),
        (damage_inside, "damaged"),
        (make_newer, "newer version"),
        (fill_with_other_things, "other than drafts"),
        (put_a_folder_there, "cannot be used"),
        (keep_it_locked, "locked"),
    ],
)
def test_what_cannot_be_opened_is_reported_and_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, break_it: "object", reason: str
) -> None:
    monkeypatch.setattr("globalchat.client.outbox.store.BUSY_TIMEOUT", 0.01)
    assert callable(break_it)
    break_it(tmp_path)
    before = (tmp_path / FILE).read_bytes() if (tmp_path / FILE).is_file() else None
    emitted: list[OutboxUnavailable] = []
    store = DraftStore(tmp_path, "local", emitted.append)
    assert store.open() == []
    store.save(kept(1))
    assert not store.has("id1")
    store.close()
    (event,) = emitted
    assert reason in event.reason
    assert event.reason.endswith("Messages are kept in memory only.")
    assert event.remedy
    while LOCKED:
        LOCKED.pop().close()
    if before is not None and break_it is not make_newer:
        assert (tmp_path / FILE).read_bytes() == before
    assert not list(tmp_path.glob("*.owner"))


def test_an_unwritable_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    emitted: list[OutboxUnavailable] = []
    store = DraftStore(tmp_path / "file" / "outbox", "local", emitted.append)
    assert store.open() == []
    assert "cannot be used" in emitted[0].reason
    store.close()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EPERM, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(UserError, match="network file system without locks") as refused:
        DraftDatabase(tmp_path, "local")
    assert "GLOBALCHAT_HOME" in (refused.value.remedy or "")
    assert not list(tmp_path.glob("*.owner"))


def test_a_lock_of_another_is_not_taken_for_no_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite answers both with SQLITE_BUSY (os_unix.c: ENOLCK is taken for an error of NFS that passes)."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("globalchat.client.outbox.store.BUSY_TIMEOUT", 0.01)
    keep_it_locked(tmp_path)
    with pytest.raises(UserError, match="another program keeps it locked"):
        DraftDatabase(tmp_path, "local")
    monkeypatch.setattr("fcntl.lockf", refuse)
    with pytest.raises(UserError, match="network file system without locks") as refused:
        DraftDatabase(tmp_path, "local")
    assert "GLOBALCHAT_HOME" in (refused.value.remedy or "")
    LOCKED.pop().close()


@pytest.mark.parametrize("code", [sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR_LOCK, sqlite3.SQLITE_PROTOCOL])
def test_other_answers_of_sqlite_about_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    failure = sqlite3.OperationalError("access permission denied")
    failure.sqlite_errorcode = code
    with (
        pytest.raises(UserError, match="access permission denied"),
        translate_sqlite_errors("outbox", tmp_path / FILE),
    ):
        raise failure
    monkeypatch.setattr("fcntl.lockf", refuse)
    with (
        pytest.raises(UserError, match="network file system without locks"),
        translate_sqlite_errors("outbox", tmp_path / FILE),
    ):
        raise failure


def fill_the_disk(store: DraftStore) -> None:
    assert store._database is not None
    database = store._database._database
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count = {pages}")


def test_a_full_disk_is_reported_once_and_what_was_kept_stays(tmp_path: Path) -> None:
    emitted: list[OutboxUnavailable] = []
    store = DraftStore(tmp_path, "local", emitted.append)
    store.open()
    store.save(kept(1))
    store.save(kept(2))
    fill_the_disk(store)
    store.save(kept(3, "x" * 10_000))
    store.save(kept(4))  # there would be room for it, but not for the one before
    assert [number for number in range(1, 5) if store.has(f"id{number}")] == [1, 2]
    assert len(emitted) == 1
    assert "disk is full" in emitted[0].reason
    store.remove("id1")
    store.close()
    later = DraftDatabase(tmp_path, "local")
    assert later.adopted == [kept(2)]
    later.close()


def test_what_could_not_be_removed_is_removed_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emitted: list[OutboxUnavailable] = []
    store = DraftStore(tmp_path, "local", emitted.append)
    store.open()
    store.save(kept(1))
    with monkeypatch.context() as patch:

        def fail(self: DraftDatabase, draft_id: str) -> None:
            raise UserError("The disk is gone.")

        patch.setattr(DraftDatabase, "remove", fail)
        store.remove("id1")
    assert len(emitted) == 1
    store.close()
    later = DraftDatabase(tmp_path, "local")
    assert later.adopted == []
    later.close()


def test_no_folder_means_no_outbox_and_no_complaint() -> None:
    emitted: list[OutboxUnavailable] = []
    store = DraftStore(None, "local", emitted.append)
    assert not store.is_wanted
    assert store.open() == []
    store.save(kept(1))
    store.remove("id1")
    store.close()
    assert not emitted


def test_errors_are_the_clients(tmp_path: Path) -> None:
    damage(tmp_path)
    with pytest.raises(UserError) as caught:
        DraftDatabase(tmp_path, "local")
    assert caught.value.__suppress_context__

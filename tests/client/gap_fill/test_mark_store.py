"""The marks on disk: what survives, who shares it, and how it fails."""

import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from globalchat.client.events import GapReason, MarksUnavailable
from globalchat.client.gap_fill import mark_store
from globalchat.client.gap_fill.gaps import ChannelMark, Gap, Place
from globalchat.client.gap_fill.mark_store import MarkStore
from globalchat.client.gap_fill.marks import MarkChanges
from globalchat.client.history import cursor_at
from globalchat.client.inbox import SeenId

NOW = 1_800_000_000_000
HERE, THERE = Place("us-west-2", "tech"), Place("ap-southeast-2", "tech")
MARK = ChannelMark(cursor_at(NOW), cursor_at(NOW - 90_000))
GAP = Gap(cursor_at(NOW - 5_000), cursor_at(NOW - 3_000), GapReason.TOO_MANY)

Opener = Callable[..., MarkStore]


def ids(first: int, count: int) -> tuple[SeenId, ...]:
    return tuple(
        SeenId(number.to_bytes(16, "big"), (number + 1).to_bytes(16, "big"))
        for number in range(first, first + count)
    )


@pytest.fixture
def emitted() -> list[MarksUnavailable]:
    return []


@pytest.fixture
def opened(tmp_path: Path, emitted: list[MarksUnavailable]) -> Iterator[Opener]:
    stores: list[MarkStore] = []

    def open_one(reader: str = "ana", *, profile: str = "default", now: int = NOW) -> MarkStore:
        store = MarkStore(tmp_path / "marks", profile, reader, emit=emitted.append, clock=lambda: now)
        stores.append(store)
        return store

    yield open_one
    for each in stores:
        each.close()


def test_what_was_saved_is_there_after_a_restart(opened: Opener, emitted: list[MarksUnavailable]) -> None:
    first = opened()
    assert (first.stored.marks, first.stored.seen, first.stored.ignored) == ({}, [], [])
    first.save(MarkChanges({HERE: MARK}, opened=((HERE, GAP),), seen=ids(0, 3), ignored=ids(50, 2)))
    first.save(MarkChanges({}, seen=ids(3, 2)))
    first.save(None)
    stored = opened().stored
    assert stored.marks == {HERE: ChannelMark(MARK.mark, MARK.start, (GAP,))}
    assert stored.seen == list(ids(0, 5))
    assert stored.ignored == list(ids(50, 2))
    assert not emitted


def test_readers_and_profiles_have_marks_of_their_own(opened: Opener) -> None:
    opened().save(MarkChanges({HERE: MARK}, seen=ids(0, 1)))
    for other in (opened("eve"), opened(profile="work")):
        assert (other.stored.marks, other.stored.seen) == ({}, [])


def test_a_forgotten_channel_and_a_closed_gap_are_deleted(opened: Opener) -> None:
    store = opened()
    store.save(MarkChanges({HERE: MARK, THERE: MARK}, opened=((HERE, GAP), (THERE, GAP))))
    store.save(MarkChanges({HERE: None}, closed=((THERE, GAP),)))
    assert opened().stored.marks == {THERE: MARK}


def test_two_sessions_of_one_reader_add_to_each_other(opened: Opener) -> None:
    """The mark is the newer one's; neither deletes a gap that only the other has listed."""
    one, other = opened(), opened()
    older = ChannelMark(cursor_at(NOW - 9_000), cursor_at(NOW - 99_000))
    part = Gap(GAP.after, cursor_at(NOW - 4_000), GAP.reason)
    one.save(MarkChanges({HERE: MARK}, opened=((HERE, GAP),), seen=ids(0, 2)))
    other.save(MarkChanges({HERE: older}, opened=((HERE, GAP),), seen=ids(2, 2)))
    one.save(MarkChanges({}, closed=((HERE, GAP),), opened=((HERE, part),), seen=ids(4, 1)))
    stored = opened().stored
    assert stored.marks == {HERE: ChannelMark(MARK.mark, older.start, (part,))}
    assert set(stored.seen) == set(ids(0, 5))


def test_the_ids_are_bounded_and_the_newest_stay(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mark_store, "MOST_IDS", 5_000)
    one, other = opened(), opened()
    one.save(MarkChanges({HERE: MARK}))
    for number in range(400):
        (one, other)[number % 2].save(MarkChanges({}, seen=ids(number * 40, 40)))
    stored = set(opened().stored.seen)
    assert 5_000 <= len(stored) <= 7_000
    assert stored >= set(ids(400 * 40 - 4_000, 4_000))
    one.save(MarkChanges({}, seen=ids(10**6, 3_000)))  # a second of a flood
    assert set(opened().stored.seen) >= set(ids(10**6, 3_000))


def test_another_reader_takes_over_what_is_known(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one with marks of its own; the former reader keeps what it had until then."""
    opened("eve").save(
        MarkChanges({HERE: ChannelMark(cursor_at(NOW - 9), cursor_at(NOW - 9))}, seen=ids(90, 1))
    )
    store = opened()
    store.save(
        MarkChanges({HERE: MARK, THERE: MARK}, opened=((HERE, GAP),), seen=ids(0, 3), ignored=ids(50, 2))
    )
    before = opened().stored
    store.change_reader("eve")
    store.save(MarkChanges({}, closed=((HERE, GAP),), seen=ids(3, 1)))
    after = opened("eve").stored
    assert after.marks == {HERE: MARK, THERE: MARK}
    assert (set(after.seen), set(after.ignored)) == (set(ids(0, 4) + ids(90, 1)), set(ids(50, 2)))
    assert opened().stored == before


def test_a_change_of_reader_on_a_full_disk_is_reported(
    opened: Opener, emitted: list[MarksUnavailable]
) -> None:
    store = opened()
    store.save(MarkChanges({HERE: MARK}, seen=ids(0, 500)))
    assert store._database is not None
    pages = store._database._connection.execute("PRAGMA page_count").fetchone()[0]
    store._database._connection.execute(f"PRAGMA max_page_count = {pages}")
    store.change_reader("eve")
    assert len(emitted) == 1
    assert not store.works


def test_readers_that_are_not_used_are_deleted(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mark_store, "_MOST_READERS", 3)
    for number in range(5):
        store = opened(f"reader{number}", now=NOW + number)
        store.save(MarkChanges({HERE: MARK}, opened=((HERE, GAP),), seen=ids(0, 1)))
    assert [len(opened(f"reader{number}", now=NOW + 9).stored.seen) for number in range(5)] == [0, 0, 1, 1, 1]
    assert not opened("reader4", now=NOW + 500 * 86_400_000).stored.marks


def test_only_the_user_may_read_it(opened: Opener, tmp_path: Path) -> None:
    opened().save(MarkChanges({HERE: MARK}))
    folder = tmp_path / "marks"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    names = ("default.sqlite3", "default.sqlite3-wal", "default.sqlite3-shm", "default.sqlite3.lock")
    assert modes == dict.fromkeys(names, 0o600)


WRITER = """
import sys
from pathlib import Path
from tests.client.gap_fill.test_mark_store import HERE, MARK, NOW, ids
from globalchat.client.gap_fill.mark_store import MarkStore
from globalchat.client.gap_fill.marks import MarkChanges
sys.stdin.readline()
store = MarkStore(Path(sys.argv[1]), "default", "ana", emit=print, clock=lambda: NOW)
for number in range(50):
    store.save(MarkChanges({HERE: MARK}, seen=ids(int(sys.argv[2]) * 100 + number, 1)))
print("done", flush=True)
sys.stdin.readline()
"""


def test_processes_share_a_new_file_and_may_be_killed(opened: Opener, tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path / "marks")]
    processes = [
        subprocess.Popen([*command, str(each)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for each in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "done\n"
        process.kill()
        process.communicate()
    expected = {each for number in range(4) for each in ids(number * 100, 50)}
    assert set(opened().stored.seen) == expected


# Failures


def file_of(tmp_path: Path) -> Path:
    return tmp_path / "marks" / "default.sqlite3"


def overwrite(file: Path) -> None:
    file.write_bytes(b"this is no database, but long enough to be looked at" * 20)


def damage_inside(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[4096:] = b"\x5a" * (len(data) - 4096)
    file.write_bytes(data)


@pytest.mark.parametrize("damage", [overwrite, damage_inside])
def test_a_damaged_file_is_set_aside(
    opened: Opener, emitted: list[MarksUnavailable], tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    store = opened()
    store.save(MarkChanges({HERE: MARK}, seen=ids(0, 5)))
    store.close()
    damage(file_of(tmp_path))
    store = opened()
    assert store.stored.marks == {}
    (event,) = emitted
    assert f"was damaged, and is kept as {file_of(tmp_path)}.damaged-1" in event.reason
    store.save(MarkChanges({HERE: MARK}))
    assert opened().stored.marks == {HERE: MARK}


def test_other_content_is_refused(opened: Opener, emitted: list[MarksUnavailable], tmp_path: Path) -> None:
    store = opened()
    store.save(MarkChanges({HERE: MARK}, opened=((HERE, GAP),)))
    store.close()
    with closing(sqlite3.connect(file_of(tmp_path))) as connection, connection:
        connection.execute("UPDATE gaps SET reason = 'FULL_MOON'")
    assert not opened().works
    assert "cannot be used" in emitted[0].reason


def test_a_full_disk_is_reported_once_and_the_session_goes_on(
    opened: Opener, emitted: list[MarksUnavailable]
) -> None:
    store = opened()
    store.save(MarkChanges({HERE: MARK}, seen=ids(0, 5)))
    assert store._database is not None
    connection = store._database._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    for first in (1_000, 2_000):
        store.save(MarkChanges({THERE: MARK}, seen=ids(first, 400)))
    (event,) = emitted
    assert "the disk is full" in event.reason
    assert event.remedy
    assert not store.works
    assert list(opened().stored.marks) == [HERE]


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path, emitted: list[MarksUnavailable]) -> None:
    (tmp_path / "file").touch()
    store = MarkStore(tmp_path / "file" / "marks", "default", "ana", emit=emitted.append, clock=lambda: NOW)
    assert not store.works
    store.save(MarkChanges({HERE: MARK}))
    assert len(emitted) == 1


def test_without_a_folder_nothing_is_stored_or_reported(emitted: list[MarksUnavailable]) -> None:
    store = MarkStore(None, "default", "ana", emit=emitted.append, clock=lambda: NOW)
    store.save(MarkChanges({HERE: MARK}))
    store.close()
    assert (store.works, emitted) == (False, [])


def test_a_file_of_a_later_version_is_left_alone(
    opened: Opener, emitted: list[MarksUnavailable], tmp_path: Path
) -> None:
    opened().close()
    with closing(sqlite3.connect(file_of(tmp_path))) as connection:
        connection.execute("PRAGMA user_version = 9")
    assert not opened().works
    assert "A later version" in emitted[0].reason

"""Stores the marks on disk: one SQLite file per profile, which the sessions of all its readers share.

Ids are stored in chunks, so that thousands of messages a second take one row. A power cut may lose the last
writes, the end of the process loses none.
"""

import itertools
import sqlite3
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from globalchat.client.events import GapReason, MarksUnavailable
from globalchat.client.gap_fill.gaps import ChannelMark, Gap, Place, with_gap
from globalchat.client.gap_fill.marks import MarkChanges
from globalchat.client.inbox import SeenId
from globalchat.client.messages import LENGTH
from globalchat.core.database import FileFormat, open_or_replace, transaction, translate_sqlite_errors
from globalchat.core.errors import UserError
from globalchat.core.files import ensure_folder

MOST_IDS: Final = 100_000
"""The most ids stored per reader, the same number as a session remembers (`SessionOptions.dedupe_ids`)."""
_UNUSED_MS: Final = 400 * 86_400_000
"""A reader that has written nothing for this long is deleted: longer than any history is stored."""
_MOST_READERS: Final = 50
"""The most readers per profile; above that, the least recently used are deleted."""
# A chunk of 16 kB: few rows for a hundred thousand ids, and still cheap to rewrite for each message.
_CHUNK: Final = 500
"""The most ids in a row, which is written as a whole whenever some are added."""
# Two digests of 16 bytes, without the text itself: the file does not reveal what was written.
_ID: Final = struct.Struct("16s16s")
_NOUN: Final = "file of marks"
_FORMAT: Final = FileFormat(
    noun=_NOUN,
    remedy="move the file away",
    # "glmk" in ASCII.
    application=0x676C6D6B,
    version=1,
    schema="""
CREATE TABLE marks (
  reader TEXT NOT NULL, region TEXT NOT NULL, channel TEXT NOT NULL,
  mark TEXT NOT NULL, start TEXT NOT NULL, written INTEGER NOT NULL,
  PRIMARY KEY (reader, region, channel)
) WITHOUT ROWID;
CREATE TABLE gaps (
  reader TEXT NOT NULL, region TEXT NOT NULL, channel TEXT NOT NULL,
  after TEXT NOT NULL, until TEXT NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY (reader, region, channel, after, until, reason)
) WITHOUT ROWID;
CREATE TABLE ids (
  number INTEGER PRIMARY KEY,
  reader TEXT NOT NULL, is_ignored INTEGER NOT NULL, count INTEGER NOT NULL, ids BLOB NOT NULL
);
CREATE INDEX ids_by_reader ON ids (reader, number);
""",
)


@dataclass(frozen=True, slots=True)
class StoredMarks:
    """The stored state of a reader's earlier sessions.

    Attributes:
        seen: Ids of emitted messages, oldest first.
        ignored: Ids of messages from before the first mark of their channel.
    """

    marks: dict[Place, ChannelMark] = field(default_factory=dict)
    seen: list[SeenId] = field(default_factory=list)
    ignored: list[SeenId] = field(default_factory=list)


class MarkDatabase:
    """One reader's marks in the file of a profile. Every method raises UserError on failure.

    Attributes:
        set_aside: The path to which a damaged file was moved.
    """

    def __init__(self, folder: Path, profile: str, reader: str) -> None:
        ensure_folder(folder)
        self._path = folder / f"{profile}.sqlite3"
        self._reader = reader
        self._chunks: dict[bool, tuple[int | None, bytes]] = {}
        self._connection, self.set_aside = open_or_replace(self._path, _FORMAT)
        self._connection.execute("PRAGMA busy_timeout = 1000")  # Others write for milliseconds.

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def load(self, now: int) -> StoredMarks:
        """Return the stored state, and delete what is no longer needed. `now` is epoch ms."""
        with translate_sqlite_errors(_NOUN, self._path), transaction(self._connection):
            self._prune(now)
            stored = StoredMarks()
            gaps = self._read_gaps()
            for region, channel, mark, start in self._rows("SELECT region, channel, mark, start FROM marks"):
                place = Place(str(region), str(channel))
                stored.marks[place] = ChannelMark(_cursor(mark), _cursor(start), gaps.get(place, ()))
            for is_ignored, ids in self._rows("SELECT is_ignored, ids FROM ids", "ORDER BY number"):
                assert isinstance(ids, bytes)
                read = itertools.starmap(SeenId, _ID.iter_unpack(ids))
                (stored.ignored if is_ignored else stored.seen).extend(read)
        return stored

    def save(self, changes: MarkChanges, now: int) -> None:
        """Write changes, all or none. `now` is epoch ms."""
        with translate_sqlite_errors(_NOUN, self._path), transaction(self._connection):
            for place, mark in changes.marks.items():
                if mark is None:
                    self._forget(place)
                else:
                    self._save_mark(place, mark, now)
            for place, gap in changes.closed:
                self._connection.execute(
                    "DELETE FROM gaps WHERE reader = ? AND region = ? AND channel = ? "
                    "AND after = ? AND until = ? AND reason = ?",
                    (self._reader, *place, gap.after, gap.until, gap.reason.name),
                )
            self._connection.executemany(
                "INSERT OR IGNORE INTO gaps VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (self._reader, *place, gap.after, gap.until, gap.reason.name)
                    for place, gap in changes.opened
                ],
            )
            self._save_ids(changes.seen, is_ignored=False)
            self._save_ids(changes.ignored, is_ignored=True)

    def change_reader(self, reader: str) -> None:
        """Save further changes for another reader, who knows what this one knows besides its own."""
        names = (reader, self._reader)
        with translate_sqlite_errors(_NOUN, self._path), transaction(self._connection):
            self._connection.execute(
                "INSERT INTO marks SELECT ?, region, channel, mark, start, written FROM marks "
                "WHERE reader = ? ON CONFLICT DO UPDATE SET mark = max(mark, excluded.mark), "
                "start = min(start, excluded.start), written = excluded.written",
                names,
            )
            self._connection.execute(
                "INSERT OR IGNORE INTO gaps SELECT ?, region, channel, after, until, reason FROM gaps "
                "WHERE reader = ?",
                names,
            )
            self._connection.execute(
                "INSERT INTO ids (reader, is_ignored, count, ids) SELECT ?, is_ignored, count, ids FROM ids "
                "WHERE reader = ? ORDER BY number",
                names,
            )
            self._reader, self._chunks = reader, {}
            self._limit_ids()

    def _rows(self, query: str, rest: str = "") -> Iterator[tuple[object, ...]]:
        with closing(self._connection.execute(f"{query} WHERE reader = ? {rest}", (self._reader,))) as rows:
            yield from rows

    def _read_gaps(self) -> dict[Place, tuple[Gap, ...]]:
        gaps: dict[Place, tuple[Gap, ...]] = {}
        for region, channel, after, until, reason in self._rows(
            "SELECT region, channel, after, until, reason FROM gaps"
        ):
            place = Place(str(region), str(channel))
            # Two sessions may have listed parts of the same gap.
            gaps[place] = with_gap(gaps.get(place, ()), Gap(_cursor(after), _cursor(until), _reason(reason)))
        return gaps

    def _save_mark(self, place: Place, mark: ChannelMark, now: int) -> None:
        # Messages that another session of the same reader has read are known, too.
        self._connection.execute(
            "INSERT INTO marks VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "mark = max(mark, excluded.mark), start = min(start, excluded.start), written = excluded.written",
            (self._reader, *place, mark.mark, mark.start, now),
        )

    def _save_ids(self, ids: Sequence[SeenId], *, is_ignored: bool) -> None:
        if not ids:
            return
        number, chunk = self._chunks.get(is_ignored, (None, b""))
        if len(chunk) // _ID.size + len(ids) > _CHUNK:
            number, chunk = None, b""
        chunk += b"".join(_ID.pack(*each) for each in ids)
        # Another session may have deleted the chunk; it is then inserted again.
        row = self._connection.execute(
            "INSERT OR REPLACE INTO ids VALUES (?, ?, ?, ?, ?)",
            (number, self._reader, is_ignored, len(chunk) // _ID.size, chunk),
        ).lastrowid
        self._chunks[is_ignored] = row, chunk
        if number is None:
            self._limit_ids()

    def _limit_ids(self) -> None:
        """Delete the oldest chunks of this reader above `MOST_IDS`."""
        self._connection.execute(
            "DELETE FROM ids WHERE reader = :reader AND number <= ("
            "SELECT number FROM ("
            "SELECT number, sum(count) OVER (ORDER BY number DESC) AS total FROM ids WHERE reader = :reader"
            ") WHERE total > :most ORDER BY number DESC LIMIT 1)",
            {"reader": self._reader, "most": MOST_IDS + _CHUNK},
        )

    def _forget(self, place: Place) -> None:
        for table in ("marks", "gaps"):
            self._connection.execute(
                f"DELETE FROM {table} WHERE reader = ? AND region = ? AND channel = ?",
                (self._reader, *place),
            )

    def _prune(self, now: int) -> None:
        """Delete readers that have not been used for a long time."""
        used = (
            "SELECT reader FROM marks GROUP BY reader HAVING max(written) > ? "
            "ORDER BY max(written) DESC LIMIT ?"
        )
        for table in ("gaps", "ids", "marks"):
            self._connection.execute(
                f"DELETE FROM {table} WHERE reader NOT IN ({used})", (now - _UNUSED_MS, _MOST_READERS)
            )


class MarkStore:
    """Stores a session's marks while that works, and never raises.

    Without a folder, or once the disk has failed, marks are kept in memory only. `emit` takes the event about
    that, and `clock` gives epoch ms.
    """

    def __init__(
        self,
        folder: Path | None,
        profile: str,
        reader: str,
        *,
        emit: Callable[[MarksUnavailable], None],
        clock: Callable[[], int],
    ) -> None:
        self._emit = emit
        self._clock = clock
        self._database: MarkDatabase | None = None
        self.stored = StoredMarks() if folder is None else self._open(folder, profile, reader)

    @property
    def works(self) -> bool:
        """True if saved state outlives the session."""
        return self._database is not None

    def save(self, changes: MarkChanges | None) -> None:
        """Write the changes."""
        if self._database is None or changes is None:
            return
        try:
            self._database.save(changes, self._clock())
        except UserError as error:
            self._fail(error)

    def change_reader(self, reader: str) -> None:
        """Save what is known, and all further changes, for another reader."""
        if self._database is None:
            return
        try:
            self._database.change_reader(reader)
        except UserError as error:
            self._fail(error)

    def close(self) -> None:
        """Close the file. Closing again does nothing."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _open(self, folder: Path, profile: str, reader: str) -> StoredMarks:
        database: MarkDatabase | None = None
        try:
            database = MarkDatabase(folder, profile, reader)
            stored = database.load(self._clock())
        except UserError as error:
            if database is not None:
                database.close()
            self._fail(error)
            return StoredMarks()
        self._database = database
        if database.set_aside is not None:
            self._emit(
                MarksUnavailable(
                    f"The {_NOUN} was damaged, and is kept as {database.set_aside}. "
                    "What was said before this start is not marked as missed."
                )
            )
        return stored

    def _fail(self, error: UserError) -> None:
        self.close()
        self._emit(
            MarksUnavailable(
                f"{error} What is said while this is closed will not be marked as missed.", error.remedy
            )
        )


def _cursor(value: object) -> str:
    if not isinstance(value, str) or len(value) != LENGTH:
        raise sqlite3.DatabaseError("no cursor")
    return value


def _reason(value: object) -> GapReason:
    try:
        return GapReason[str(value)]
    except KeyError:
        raise sqlite3.DatabaseError("no reason of a gap") from None

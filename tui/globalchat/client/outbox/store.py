"""Stores drafts on disk: several sessions share the SQLite file, and each sees its own drafts.

Each running session holds a lock that is released however the session ends: if an owner's lock is free, its
drafts may be adopted.
"""

import os
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from globalchat.client.events import OutboxUnavailable
from globalchat.client.messages import Draft
from globalchat.core.database import transaction, translate_sqlite_errors
from globalchat.core.errors import UserError
from globalchat.core.files import FileLock, NoLocks, ensure_folder, is_locked, open_private

FILE = "outbox.sqlite3"
_NOUN = "outbox"
VERSION = 1
BUSY_TIMEOUT = 1.0
"""Seconds that a write waits for another chat's write, which takes microseconds."""

_OWNER_SUFFIX = ".owner"
_COLUMNS = "id, channel, text, sender, created_at, since, held"

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


def connect(folder: Path) -> sqlite3.Connection:
    """Open the database in `folder`, creating it if necessary (folder 0700, file 0600).

    Autocommit. A commit survives the death of the process, but is not flushed to the disk each time: a
    power cut may lose the last few.

    Raises:
        UserError: the folder or the file cannot be used.
    """
    ensure_folder(folder)
    path = folder / FILE
    with translate_sqlite_errors(_NOUN, path):
        # Created here, since SQLite would leave the mode to the umask; its side files get the mode of this
        # file.
        os.close(open_private(path, os.O_RDWR))
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None)
        try:
            # A flush per message would stop the event loop for milliseconds on a slow disk.
            connection.execute("PRAGMA synchronous = NORMAL")
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Create the tables of a new file; refuse the file of a newer version."""
    # In one transaction, so that of two sessions that start together only one creates the table.
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
    # Only now: in a transaction SQLite refuses the change, and another version's file is left as it was.
    connection.execute("PRAGMA journal_mode = WAL")


@dataclass(frozen=True, slots=True)
class StoredDraft:
    """A draft as it is stored: its age counts from `since` (epoch ms); `held` if it needs confirmation."""

    draft: Draft
    since: int
    held: bool = False


class DraftDatabase:
    """One session's drafts in the SQLite file of `folder`. Every method raises UserError on failure.

    Making one adopts the drafts of sessions that have ended.

    Attributes:
        adopted: The drafts that ended sessions of the same profile left, in the order of writing. Each draft
            goes to exactly one session.

    Raises:
        UserError: the folder or the file cannot be used.
    """

    def __init__(self, folder: Path, profile: str) -> None:
        self._path = folder / FILE
        self._folder = folder
        self._profile = profile
        self._name = secrets.token_hex(16)  # Never used before.
        self._lock: FileLock | None = None
        self._database = connect(folder)
        try:
            with translate_sqlite_errors(_NOUN, self._path), transaction(self._database):
                # The write lock serialises sessions that start and clean up at the same time.
                self._lock = self._become_owner()
                self._sweep()
                self.adopted = self._adopt()
        except BaseException:
            self.close()
            raise

    def save(self, stored: StoredDraft) -> None:
        """Store a draft after all others, replacing one with the same id."""
        draft = stored.draft
        with translate_sqlite_errors(_NOUN, self._path):
            self._database.execute(
                # REPLACE deletes the old row, so a draft that is resent gets a new place, after all others.
                f"INSERT OR REPLACE INTO drafts (owner, profile, {_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?)",
                (
                    self._name,
                    self._profile,
                    draft.id,
                    draft.channel,
                    draft.text,
                    draft.sender,
                    draft.created_at,
                    stored.since,
                    stored.held,
                ),
            )

    def require_confirmation(self, draft_id: str) -> None:
        """Mark a draft as one that is sent only after confirmation."""
        with translate_sqlite_errors(_NOUN, self._path):
            self._database.execute("UPDATE drafts SET held = 1 WHERE id = ?", (draft_id,))

    def remove(self, draft_id: str) -> None:
        """Delete a draft."""
        with translate_sqlite_errors(_NOUN, self._path):
            self._database.execute("DELETE FROM drafts WHERE id = ?", (draft_id,))

    def close(self) -> None:
        """Leave stored drafts to the next session. Closing again does nothing."""
        if self._lock is not None:
            self._lock.release(remove=True)
            self._lock = None
        self._database.close()

    def _become_owner(self) -> FileLock:
        file = self._owner_file(self._name)
        try:
            # In a transaction, or another session could sweep the file between its creation and its lock.
            lock = FileLock.acquire(file)
        except (OSError, NoLocks):
            file.unlink(missing_ok=True)
            raise
        assert lock is not None  # No other session knows this name.
        return lock

    def _sweep(self) -> None:
        """Remove the lock files of killed sessions."""
        for file in self._folder.glob(f"*{_OWNER_SUFFIX}"):
            # A killed process cannot delete its file, but the kernel has released its lock.
            if not is_locked(file):
                file.unlink(missing_ok=True)

    def _owner_file(self, name: str) -> Path:
        return self._folder / f"{name}{_OWNER_SUFFIX}"

    def _adopt(self) -> list[StoredDraft]:
        rows = self._database.execute("SELECT DISTINCT owner FROM drafts WHERE profile = ?", (self._profile,))
        for (owner,) in rows.fetchall():
            # Drafts of other profiles stay with their owner's name; a session of that profile adopts them.
            if not is_locked(self._owner_file(owner)):
                self._database.execute(
                    "UPDATE drafts SET owner = ? WHERE owner = ? AND profile = ?",
                    (self._name, owner, self._profile),
                )
        rows = self._database.execute(
            f"SELECT {_COLUMNS} FROM drafts WHERE owner = ? ORDER BY place", (self._name,)
        )
        return [self._read(row) for row in rows]

    def _read(self, row: tuple[object, ...]) -> StoredDraft:
        match row:
            case (str(id_), str(channel), str(text), str() | None as sender, int(at), int(since), int(held)):
                return StoredDraft(Draft(id_, channel, text, sender, at), since, bool(held))
        raise UserError(
            f"The outbox {self._path} holds something other than drafts.", remedy="Move the file away."
        )


class DraftStore:
    """Stores a session's drafts while that works, and never raises.

    Without a folder, or after a disk error, drafts are kept in memory only.

    Attributes:
        is_wanted: True if an outbox was asked for, working or not.
    """

    def __init__(self, folder: Path | None, profile: str, emit: Callable[[OutboxUnavailable], None]) -> None:
        self.is_wanted = folder is not None
        self._folder = folder
        self._profile = profile
        self._emit = emit
        self._database: DraftDatabase | None = None
        self._works = False
        self._saved: set[str] = set()
        self._to_remove: set[str] = set()

    def open(self) -> list[StoredDraft]:
        """Open the outbox; return the drafts that earlier sessions left."""
        if self._folder is None:
            return []
        try:
            self._database = DraftDatabase(self._folder, self._profile)
        except UserError as error:
            self._fail(error)
            return []
        self._works = True
        # Adopted drafts are in the file as well, and have to be deleted from it when they are settled.
        self._saved.update(stored.draft.id for stored in self._database.adopted)
        return self._database.adopted

    def has(self, draft_id: str) -> bool:
        """Return True if a draft is stored beyond the session."""
        return draft_id in self._saved

    def save(self, stored: StoredDraft) -> None:
        """Store a draft."""
        if self._database is None or not self._works:
            return
        try:
            self._database.save(stored)
        except UserError as error:
            self._fail(error)
        else:
            self._saved.add(stored.draft.id)

    def require_confirmation(self, draft_id: str) -> None:
        """Mark a stored draft as one that is sent only after confirmation."""
        if self._database is None or draft_id not in self._saved:
            return
        try:
            self._database.require_confirmation(draft_id)
        except UserError as error:
            self._fail(error)

    def remove(self, draft_id: str) -> None:
        """Delete a draft; after a disk error, retry the deletion at the end."""
        if draft_id in self._saved:
            self._saved.remove(draft_id)
            # Remembered first: if the disk fails now, `close` tries again, or the next session would send it
            # twice.
            self._to_remove.add(draft_id)
            if self._works:
                self._remove_pending()

    def close(self) -> None:
        """Leave stored drafts to the next session."""
        if self._database is not None:
            self._remove_pending()
            self._database.close()
            self._database = None
            self._works = False

    def _remove_pending(self) -> None:
        assert self._database is not None
        try:
            for draft_id in tuple(self._to_remove):
                self._database.remove(draft_id)
                self._to_remove.remove(draft_id)
        except UserError as error:
            self._fail(error)

    def _fail(self, error: UserError) -> None:
        """Store no more drafts, and emit that once: gaps among stored drafts would break the order."""
        # Without a database the opening has failed, before `_works` could become true.
        if self._works or self._database is None:
            self._emit(OutboxUnavailable(f"{error} Messages are kept in memory only.", error.remedy))
        self._works = False

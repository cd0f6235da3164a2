"""The drafts on disk: several sessions share the file, each sees its own.

Each running session, an owner of drafts, holds a lock that ends with it, however it ends: the drafts of one
whose lock is free may be adopted.
"""

import secrets
from dataclasses import dataclass
from pathlib import Path

from globalchat.client.messages import Draft
from globalchat.client.outbox.database import FILE, connect, told, transaction
from globalchat.core.errors import UserError
from globalchat.core.files import FileLock, NoLocks, is_locked

_OWNER_SUFFIX = ".owner"
_COLUMNS = "id, channel, text, sender, created_at, since, held"


@dataclass(frozen=True, slots=True)
class Kept:
    """A draft as it is stored: its age counts from `since` (epoch ms); `held` if a person must decide."""

    draft: Draft
    since: int
    held: bool = False


class Store:
    """One session's part of the outbox in `folder`. What it raises is an UserError.

    Attributes:
        adopted: What sessions of the same profile that are no more have left, in the order of its writing.
            Exactly one session gets a draft.
    """

    def __init__(self, folder: Path, profile: str) -> None:
        """Become an owner, and adopt the drafts of the dead.

        Raises:
            UserError: the folder or the file cannot be used.
        """
        self._path = folder / FILE
        self._folder = folder
        self._profile = profile
        self._name = secrets.token_hex(16)  # never used before
        self._lock: FileLock | None = None
        self._database = connect(folder)
        try:
            with told(self._path), transaction(self._database):
                # The database's write lock keeps two that begin or sweep from meeting half-way.
                self._lock = self._become_owner()
                self._sweep()
                self.adopted = self._adopt()
        except BaseException:
            self.close()
            raise

    def put(self, kept: Kept) -> None:
        """Store a draft behind all others; one with the same id is replaced."""
        draft = kept.draft
        with told(self._path):
            self._database.execute(
                f"INSERT OR REPLACE INTO drafts (owner, profile, {_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?)",
                (
                    self._name,
                    self._profile,
                    draft.id,
                    draft.channel,
                    draft.text,
                    draft.sender,
                    draft.created_at,
                    kept.since,
                    kept.held,
                ),
            )

    def hold(self, draft_id: str) -> None:
        """Mark a draft as one that a person must decide on."""
        with told(self._path):
            self._database.execute("UPDATE drafts SET held = 1 WHERE id = ?", (draft_id,))

    def remove(self, draft_id: str) -> None:
        """Forget a draft."""
        with told(self._path):
            self._database.execute("DELETE FROM drafts WHERE id = ?", (draft_id,))

    def close(self) -> None:
        """Leave what is stored to the next session. Closing again does nothing."""
        if self._lock is not None:
            self._lock.release(remove=True)
            self._lock = None
        self._database.close()

    def _become_owner(self) -> FileLock:
        file = self._owner_file(self._name)
        try:
            lock = FileLock.acquire(file)
        except (OSError, NoLocks):
            file.unlink(missing_ok=True)
            raise
        assert lock is not None  # no other session knows the name
        return lock

    def _sweep(self) -> None:
        """Remove the files of killed sessions."""
        for file in self._folder.glob(f"*{_OWNER_SUFFIX}"):
            if not is_locked(file):
                file.unlink(missing_ok=True)

    def _owner_file(self, name: str) -> Path:
        return self._folder / f"{name}{_OWNER_SUFFIX}"

    def _adopt(self) -> list[Kept]:
        rows = self._database.execute("SELECT DISTINCT owner FROM drafts WHERE profile = ?", (self._profile,))
        for (owner,) in rows.fetchall():
            if not is_locked(self._owner_file(owner)):
                self._database.execute(
                    "UPDATE drafts SET owner = ? WHERE owner = ? AND profile = ?",
                    (self._name, owner, self._profile),
                )
        rows = self._database.execute(
            f"SELECT {_COLUMNS} FROM drafts WHERE owner = ? ORDER BY place", (self._name,)
        )
        return [self._read(row) for row in rows]

    def _read(self, row: tuple[object, ...]) -> Kept:
        match row:
            case (str(id_), str(channel), str(text), str() | None as sender, int(at), int(since), int(held)):
                return Kept(Draft(id_, channel, text, sender, at), since, bool(held))
        raise UserError(
            f"The outbox {self._path} holds something other than drafts.", remedy="Move the file away."
        )

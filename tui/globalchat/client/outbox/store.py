"""The drafts on disk: several sessions share the file, each sees its own."""

from dataclasses import dataclass
from pathlib import Path

from globalchat.client.messages import Draft
from globalchat.client.outbox.database import FILE, connect, told, transaction
from globalchat.client.outbox.owner import Owner, is_alive, sweep
from globalchat.core.errors import UserError

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
            UserError: the folder cannot be made.
            UserError: the file cannot be used.
        """
        self._path = folder / FILE
        self._folder = folder
        self._profile = profile
        self._owner: Owner | None = None
        self._database = connect(folder)
        try:
            with told(self._path), transaction(self._database):
                self._owner = Owner(folder)
                sweep(folder)
                self.adopted = self._adopt(self._owner.name)
        except BaseException:
            self.close()
            raise

    def put(self, kept: Kept) -> None:
        """Store a draft behind all others; one with the same id is replaced."""
        assert self._owner is not None
        draft = kept.draft
        with told(self._path):
            self._database.execute(
                f"INSERT OR REPLACE INTO drafts (owner, profile, {_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?)",
                (
                    self._owner.name,
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
        if self._owner is not None:
            self._owner.close()
            self._owner = None
        self._database.close()

    def _adopt(self, name: str) -> list[Kept]:
        rows = self._database.execute("SELECT DISTINCT owner FROM drafts WHERE profile = ?", (self._profile,))
        for (owner,) in rows.fetchall():
            if not is_alive(self._folder, owner):
                self._database.execute(
                    "UPDATE drafts SET owner = ? WHERE owner = ? AND profile = ?",
                    (name, owner, self._profile),
                )
        rows = self._database.execute(
            f"SELECT {_COLUMNS} FROM drafts WHERE owner = ? ORDER BY place", (name,)
        )
        return [self._read(row) for row in rows]

    def _read(self, row: tuple[object, ...]) -> Kept:
        match row:
            case (str(id_), str(channel), str(text), str() | None as sender, int(at), int(since), int(held)):
                return Kept(Draft(id_, channel, text, sender, at), since, bool(held))
        raise UserError(
            f"The outbox {self._path} holds something other than drafts.", remedy="Move the file away."
        )

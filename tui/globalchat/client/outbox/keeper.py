"""Keeps drafts on disk as long as that works, and says so when it does not."""

from collections.abc import Callable
from pathlib import Path

from globalchat.client.events import OutboxUnavailable
from globalchat.client.outbox.store import Kept, Store
from globalchat.core.errors import UserError


class Keeper:
    """A session's outbox that never fails it: without a folder, or when the disk fails, nothing is kept.

    Attributes:
        is_wanted: Whether there should be an outbox, working or not.
    """

    def __init__(self, folder: Path | None, profile: str, tell: Callable[[OutboxUnavailable], None]) -> None:
        self.is_wanted = folder is not None
        self._folder = folder
        self._profile = profile
        self._tell = tell
        self._store: Store | None = None
        self._works = False
        self._kept: set[str] = set()
        self._to_remove: set[str] = set()

    def open(self) -> list[Kept]:
        """Open the outbox; what earlier sessions left."""
        if self._folder is None:
            return []
        try:
            self._store = Store(self._folder, self._profile)
        except UserError as error:
            self._fail(error)
            return []
        self._works = True
        self._kept.update(kept.draft.id for kept in self._store.adopted)
        return self._store.adopted

    def keeps(self, draft_id: str) -> bool:
        """Whether a draft outlives the session."""
        return draft_id in self._kept

    def keep(self, kept: Kept) -> None:
        """Store a draft."""
        if self._store is None or not self._works:
            return
        try:
            self._store.put(kept)
        except UserError as error:
            self._fail(error)
        else:
            self._kept.add(kept.draft.id)

    def hold(self, draft_id: str) -> None:
        """Mark a stored draft as one that a person must decide on."""
        if self._store is None or draft_id not in self._kept:
            return
        try:
            self._store.hold(draft_id)
        except UserError as error:
            self._fail(error)

    def forget(self, draft_id: str) -> None:
        """Remove a draft; once the disk has failed, at the end."""
        if draft_id in self._kept:
            self._kept.remove(draft_id)
            self._to_remove.add(draft_id)
            if self._works:
                self._remove()

    def close(self) -> None:
        """Leave what is kept to the next session."""
        if self._store is not None:
            self._remove()
            self._store.close()
            self._store = None
            self._works = False

    def _remove(self) -> None:
        assert self._store is not None
        try:
            for draft_id in tuple(self._to_remove):
                self._store.remove(draft_id)
                self._to_remove.remove(draft_id)
        except UserError as error:
            self._fail(error)

    def _fail(self, error: UserError) -> None:
        """Keep nothing new from now on, and say so once: with a gap in what is kept order would be lost."""
        if self._works or self._store is None:
            self._tell(OutboxUnavailable(f"{error} Messages are kept in memory only.", error.remedy))
        self._works = False

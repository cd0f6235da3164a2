"""Where the chats of tabs keep their state: a numbered folder each, which one tab has at a time.

A tab that is opened again (a reload, a connection that broke) gets its own folder again: name, region,
channel and drafts are as they were. A new tab gets the first folder that is free, as a new chat in a terminal
opens as the last one was left. So two tabs never write to the same files, and no more folders are left than
tabs were open at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Final

from globalchat.core.files import FileLock, NoLocks, ensure_folder

MOST_TABS: Final = 8
"""The most chats at a time, since each is a process of about 100 MB."""

RETURN_SECONDS: Final = 15.0
"""Seconds in which a tab that is gone may come back before a new tab gets its folder."""


@dataclass(frozen=True, slots=True)
class Slot:
    """The folder of a tab while it is open."""

    number: int
    folder: Path
    lock: FileLock | None


class Slots:
    """Gives folders to tabs. Other servers of this user have those that are locked."""

    def __init__(self, folder: Path, most: int = MOST_TABS, clock: Callable[[], float] = monotonic) -> None:
        self._folder = folder
        self._most = most
        self._clock = clock
        self._taken: set[int] = set()
        self._left_at: dict[int, float] = {}

    def take(self, wanted: int | None) -> Slot | None:
        """Return the wanted folder if it is free, else a free one; None if there is none.

        Raises:
            OSError: it cannot be locked.
            UserError: it cannot be made.
        """
        ensure_folder(self._folder)
        others = sorted(range(1, self._most + 1), key=self._is_expected_back)
        for number in others if wanted is None else [wanted, *others]:
            if number not in self._taken and 1 <= number <= self._most and (slot := self._lock(number)):
                self._taken.add(number)
                return slot
        return None

    def release(self, slot: Slot) -> None:
        """Give a folder back."""
        if slot.lock is not None:
            slot.lock.release()
        self._taken.discard(slot.number)
        self._left_at[slot.number] = self._clock()

    def _is_expected_back(self, number: int) -> bool:
        left_at = self._left_at.get(number)
        return left_at is not None and self._clock() - left_at < RETURN_SECONDS

    def _lock(self, number: int) -> Slot | None:
        folder = ensure_folder(self._folder / f"tab-{number}")
        try:
            lock = FileLock.acquire(folder / "tab.lock")
        except NoLocks:
            return Slot(number, folder, None)
        return None if lock is None else Slot(number, folder, lock)

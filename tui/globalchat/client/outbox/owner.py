"""Whose drafts are whose: each running session holds a lock that ends with it, however it ends.

A process id would tell nothing: it may be another process's by now, or one of another container.
"""

import fcntl
import os
import secrets
from contextlib import suppress
from pathlib import Path

SUFFIX = ".owner"


class Owner:
    """A session that is alive, as the others on this machine see it.

    Make and sweep owners only while holding the database's write lock: that keeps them from meeting half-way.

    Attributes:
        name: Never used before.
    """

    def __init__(self, folder: Path) -> None:
        """Take a fresh name and hold its lock.

        Raises:
            OSError: the folder is not writable, or its file system knows no locks.
        """
        self.name = secrets.token_hex(16)
        self._path = _path(folder, self.name)
        # An open file's lock (flock) is also kept from other sessions of this process, and not inherited.
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Be no longer alive: what is still this owner's may be adopted."""
        with suppress(OSError):  # a mark without its lock is nobody's: the next sweep takes it
            self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def is_alive(folder: Path, name: str) -> bool:
    """Whether a session holds this name."""
    try:
        descriptor = os.open(_path(folder, name), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def sweep(folder: Path) -> None:
    """Remove what killed sessions left."""
    for path in folder.glob(f"*{SUFFIX}"):
        if not is_alive(folder, path.name.removesuffix(SUFFIX)):
            path.unlink(missing_ok=True)


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}{SUFFIX}"

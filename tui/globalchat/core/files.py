"""Files and folders that belong to one user alone: where they are, atomic replacement, and locks."""

import errno
import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from globalchat.core.errors import UsageError, UserError
from globalchat.core.text import decode

APP: Final = "globalchat"
POLL_SECONDS: Final = 0.05
"""Seconds between two attempts to get a lock."""


_UNSUPPORTED: Final = frozenset({errno.ENOLCK, errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
"""Errors of a file system without locks, such as NFS or CIFS without its lock service."""
_MOST_LINKS: Final = 40
"""The number of links that Linux follows."""
_OTHER_HOME: Final = "or set GLOBALCHAT_HOME to a folder that you may write to."
FREE_SPACE: Final = f"Free some space, {_OTHER_HOME}"
"""The remedy for a disk that is full."""
OWN_DISK: Final = "Set GLOBALCHAT_HOME to a folder on a disk of this machine."


class NoLocks(UserError):
    """A file cannot be locked because its file system has no locks."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} cannot be locked: it is on a network file system without locks.", remedy=OWN_DISK
        )


CONTENTS = {
    "config": frozenset({"config.toml", "profiles"}),
    "state": frozenset({"chat", "history", "local-cloud", "outbox", "web"}),
    "cache": frozenset({"deploy"}),
}
"""What we write into each of the user's folders. With `GLOBALCHAT_HOME`, others may write there, too."""


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders of one user: `config` (profiles), `state` (what runs), `cache` (what may be deleted)."""

    config: Path
    state: Path
    cache: Path


def user_folders() -> Folders:
    """Return the user's folders, all below `GLOBALCHAT_HOME` if that is set. Creates nothing.

    Raises:
        UsageError: there is no home folder.
    """
    root = os.environ.get("GLOBALCHAT_HOME")
    if root:
        base = expand_home(root).absolute()
        return Folders(base / "config", base / "state", base / "cache")
    # Imported here: most runs of the test suite and of scripts set GLOBALCHAT_HOME.
    from platformdirs import PlatformDirs

    dirs = PlatformDirs(APP, appauthor=False)
    try:
        found = Folders(dirs.user_config_path, dirs.user_state_path, dirs.user_cache_path)
    except RuntimeError:  # Neither HOME nor an entry in the password database, as in many containers.
        raise _no_home() from None
    # With an empty HOME, older versions of platformdirs use the root folder, or make a folder called "~".
    empty = os.environ.get("HOME") == ""
    every = (found.config, found.state, found.cache)
    if any(each.parts[0] == "~" or (empty and each.parts[1].startswith(".")) for each in every):
        raise _no_home()
    return Folders(*(each.absolute() for each in every))


def read_text(file: Path) -> str:
    """Return the text of a file in UTF-8, with or without a byte order mark.

    Raises:
        OSError: it cannot be read.
        NotUtf8: it is in another encoding. This is a ValueError, like JSON's own errors.
    """
    return decode(file.read_bytes())


def expand_home(path: str) -> Path:
    """Return a path whose `~` or `~user` is replaced by the home folder.

    Raises:
        UsageError: there is no such folder.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise _no_home() from None


def _no_home() -> UsageError:
    return UsageError("There is no home folder: set HOME or GLOBALCHAT_HOME.")


def ensure_folder(folder: Path) -> Path:
    """Make a folder if it does not exist, restrict it to its owner, and return it.

    Mode 0700, whatever the umask, also for each parent that is made and for those that are ours: at or below
    one of the folders of `user_folders`. (`mkdir` applies its mode only to the last folder.)

    Raises:
        UserError: it cannot be made or restricted, or something other than a folder has its name.
    """
    roots = user_folders()
    ours = (roots.config, roots.state, roots.cache)
    try:
        # From the root down, so that a parent is restricted before anything in it exists.
        for each in reversed((folder, *folder.parents)):
            if not each.is_dir():
                _make_folder(each)
            elif each == folder or any(each.is_relative_to(root) for root in ours):
                _close_folder(each)
    except OSError as error:
        raise UserError(
            f"The folder {folder} cannot be used: {error.strerror}.", remedy=_remedy(error)
        ) from None
    return folder


def unwritable(path: Path, error: OSError) -> UserError:
    """Return the error for one of our files that cannot be written."""
    return UserError(f"{path} cannot be written: {error.strerror}.", remedy=_remedy(error))


def _remedy(error: OSError) -> str:
    return FREE_SPACE if error.errno in (errno.ENOSPC, errno.EDQUOT) else f"Make it writable, {_OTHER_HOME}"


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if not folder.is_dir():  # Otherwise another process was quicker.
            raise
    if stat.S_IMODE(folder.stat().st_mode) & 0o700 != 0o700:
        folder.chmod(0o700)  # The umask removed a permission of the owner.


def _close_folder(folder: Path) -> None:
    """Remove all other users' access to a folder of this user; leave another user's folder as it is."""
    found = folder.stat()
    # Root's or another user's folder is not ours to change.
    if found.st_mode & 0o077 and found.st_uid == os.getuid():
        folder.chmod(stat.S_IMODE(found.st_mode) & ~0o077)


def replace_file(file: Path, content: str | bytes, *, durable: bool = False) -> None:
    """Replace a file atomically, readable by its owner only (0600): a reader sees the old or the new content.

    With `durable` it is on the disk on return: content that cannot be recreated must survive a power cut.

    Raises:
        OSError: the folder cannot be written to.
    """
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content.encode() if isinstance(content, str) else content)
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        os.replace(temporary, file)
    # Even after Ctrl-C, no half-written file is left behind.
    except BaseException:
        os.unlink(temporary)
        raise


def open_private(path: Path, flags: int) -> int:
    """Open a file for its owner only (0600), creating it if necessary, and return its descriptor.

    If others had access to a file of this user, they lose it; a device, or a pipe of this user or root, stays
    as it is. A link is followed as `follow_links` does.

    Raises:
        OSError: it cannot be opened.
        PermissionError: it, or a link on the way to it, belongs to another user.
    """
    path, is_link = _follow(path)
    # O_NOFOLLOW: a link that another process has put here meanwhile is not followed. O_TRUNC is left out, so
    # that no foreign file is truncated.
    nofollow = 0 if is_link else os.O_NOFOLLOW
    descriptor = os.open(path, flags & ~os.O_TRUNC | os.O_CREAT | os.O_CLOEXEC | nofollow, 0o600)
    try:
        found = os.fstat(descriptor)
        _check_owner(path, found)
        if stat.S_ISREG(found.st_mode):
            if stat.S_IMODE(found.st_mode) != 0o600:
                os.fchmod(descriptor, 0o600)
            if flags & os.O_TRUNC:
                os.ftruncate(descriptor, 0)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def follow_links(path: Path) -> Path:
    """Resolve links that belong to this user or root (such as /dev/stderr) and return the path they lead to.

    Links in /proc to an open pipe or a removed file have no such path: they are returned as they are.

    Raises:
        PermissionError: a link, or the file it leads to, belongs to another user.
        OSError: the links lead in a circle.
    """
    return _follow(path)[0]


def _follow(path: Path) -> tuple[Path, bool]:
    """Follow links; return also True if the result is a link in /proc that has no path."""
    for _ in range(_MOST_LINKS):
        try:
            found = os.lstat(path)
        except FileNotFoundError:
            return path, False
        _check_owner(path, found)
        if not stat.S_ISLNK(found.st_mode):
            return path, False
        target = path.parent / path.readlink()
        # Such links name the open file (`pipe:[123]`, `file (deleted)`), not a path.
        if path.exists() and not os.path.lexists(target):
            return path, True
        path = target
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))


def _check_owner(path: Path, found: os.stat_result) -> None:
    """Refuse another user's files; refuse another user's links and pipes unless that user is root."""
    is_trusted = found.st_uid == 0 and (stat.S_ISLNK(found.st_mode) or stat.S_ISFIFO(found.st_mode))
    # Devices such as /dev/null belong to root, and opening a folder fails later with a clearer error.
    is_special = stat.S_ISCHR(found.st_mode) or stat.S_ISDIR(found.st_mode)
    if found.st_uid != os.getuid() and not (is_trusted or is_special):
        kind = "a link of" if stat.S_ISLNK(found.st_mode) else "the file of"
        raise PermissionError(errno.EPERM, f"it is {kind} another user", str(path))


class FileLock:
    """A lock on a file that is released when its process ends, however it ends; a context manager.

    The file serves only as a lock and belongs to its owner only. The lock also excludes others in the same
    process, and child processes do not inherit it. (A process id in a file would prove nothing: by now it may
    belong to another process or container.) `acquire` makes one; the constructor takes a file that is open
    and locked.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._signed = False

    @classmethod
    def acquire(cls, path: Path, *, wait: float = 0) -> Self | None:
        """Lock a file, creating it if necessary; None if another process keeps it locked for `wait` seconds.

        Raises:
            OSError: the folder cannot be written to.
            NoLocks: its file system has no locks.
        """
        give_up = time.monotonic() + wait
        while (descriptor := _open_locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB)) is None:
            # flock has no timeout; ending it with a signal would need a handler for the whole process.
            if time.monotonic() >= give_up:
                return None
            time.sleep(POLL_SECONDS)
        return cls(path, descriptor)

    def sign(self) -> None:
        """Write this process's id into the file, where `holder` finds it."""
        self._signed = True
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)

    def release(self, *, remove: bool = False) -> None:
        """Release the lock; with `remove`, also try to delete the file."""
        try:
            if remove:
                with suppress(OSError):  # A leftover file does no harm: without a lock it has no meaning.
                    self._path.unlink(missing_ok=True)
            elif self._signed:
                # Otherwise it could be read as the next holder's before that one signs.
                os.ftruncate(self._descriptor, 0)
        finally:
            os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a file's lock during the block, waiting for it without a limit: for work that takes milliseconds.

    Raises:
        OSError: the folder cannot be written to.
        NoLocks: its file system has no locks.
    """
    # None means that the holder removed the file while this process waited.
    while (descriptor := _open_locked(path, fcntl.LOCK_EX)) is None:
        pass
    with FileLock(path, descriptor):
        yield


def is_locked(path: Path) -> bool:
    """Return True if a process holds the lock of this file."""
    return _look(path) is not None


def holder(path: Path) -> int | None:
    """Return the id of the process that holds and signed the lock; None if there is none."""
    text = _look(path)
    return int(text) if text and text.isdigit() else None


def try_lock(path: Path, descriptor: int, *, shared: bool = False) -> bool:
    """Lock an open file until it is closed; False if another holds it.

    Raises:
        NoLocks: its file system has no locks.
    """
    try:
        _lock(path, descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def has_record_locks(folder: Path) -> bool:
    """Return False if files in a folder cannot be locked as SQLite does it (POSIX record locks).

    Raises:
        OSError: the folder cannot be written to.
    """
    with tempfile.TemporaryFile(dir=folder) as probe:
        try:
            fcntl.lockf(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            # No other process can hold this lock, since the file has no name.
            return error.errno not in _UNSUPPORTED
    return True


def is_file_at(path: Path, descriptor: int) -> bool:
    """Return True if a path still names this open file: it may have been moved, replaced or removed."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _open_locked(path: Path, operation: int) -> int | None:
    """Open a file and lock it; None if another holds it, or has moved the file away meanwhile."""
    descriptor = open_private(path, os.O_RDWR)
    # The lock belongs to the open file: if that has been removed, another process locks the new one.
    is_ours = False
    try:
        _lock(path, descriptor, operation)
        is_ours = is_file_at(path, descriptor)
    except BlockingIOError:
        return None
    finally:
        if not is_ours:
            os.close(descriptor)
    return descriptor if is_ours else None


def _lock(path: Path, descriptor: int, operation: int) -> None:
    try:
        fcntl.flock(descriptor, operation)
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            raise NoLocks(path) from None
        raise


def _look(path: Path) -> str | None:
    """Return the text that the holder of a lock wrote into its file; None if no process holds it."""
    try:
        # Without O_CREAT and O_TRUNC: looking at a lock must change nothing.
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        # Shared: a process that looks at the same time must not be taken for the holder.
        if try_lock(path, descriptor, shared=True):
            return None
        return os.pread(descriptor, 32, 0).decode("ascii", "replace")
    finally:
        os.close(descriptor)

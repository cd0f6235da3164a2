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
"""How often a lock that another holds is tried again."""


_UNSUPPORTED: Final = frozenset({errno.ENOLCK, errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
"""What a file system answers that has no locks, such as NFS or CIFS without its lock service."""
_MOST_LINKS: Final = 40
"""As many as Linux follows."""
_OTHER_HOME: Final = "or set GLOBALCHAT_HOME to a folder that you may write to."
FREE_SPACE: Final = f"Free some space, {_OTHER_HOME}"
"""The remedy for a disk that is full."""
OWN_DISK: Final = "Set GLOBALCHAT_HOME to a folder on a disk of this machine."


class NoLocks(UserError):
    """A file cannot be locked, as its file system has no locks."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} cannot be locked: it lies on a network file system without locks.", remedy=OWN_DISK
        )


CONTENTS = {
    "config": frozenset({"config.toml", "profiles"}),
    "state": frozenset({"chat", "local-cloud", "outbox"}),
    "cache": frozenset({"deploy"}),
}
"""What we write into each of the user's folders. With `GLOBALCHAT_HOME` others may write there, too."""


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders of one user: `config` (profiles), `state` (what runs), `cache` (what may be deleted)."""

    config: Path
    state: Path
    cache: Path


def user_folders() -> Folders:
    """Return the user's folders; all of them below `GLOBALCHAT_HOME` if that is set. Nothing is created.

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
    except RuntimeError:  # no HOME, and no entry in the password database, as in many a container
        raise _no_home() from None
    # Older versions of platformdirs take the root folder for an empty HOME, and make a folder called "~".
    empty = os.environ.get("HOME") == ""
    every = (found.config, found.state, found.cache)
    if any(each.parts[0] == "~" or (empty and each.parts[1].startswith(".")) for each in every):
        raise _no_home()
    return Folders(*(each.absolute() for each in every))


def read_text(file: Path) -> str:
    """Return the text of a file in UTF-8, with or without a byte order mark.

    Raises:
        OSError: it cannot be read.
        NotUtf8: it is in another encoding; a ValueError, as JSON's own errors are.
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
    """Make a folder unless it exists, close it to all but its owner, and return it.

    Mode 0700, whatever the umask, also for each parent that is made and for those that are ours: at or below
    one of the folders of `user_folders`. (`mkdir` gives its mode to the last folder alone.)

    Raises:
        UserError: it cannot be made or closed, or something that is not a folder has its name.
    """
    roots = user_folders()
    ours = (roots.config, roots.state, roots.cache)
    try:
        # From the root down, so that a parent is closed before what is in it exists.
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
    """Return what to raise for a file of ours that cannot be written."""
    return UserError(f"{path} cannot be written: {error.strerror}.", remedy=_remedy(error))


def _remedy(error: OSError) -> str:
    return FREE_SPACE if error.errno in (errno.ENOSPC, errno.EDQUOT) else f"Make it writable, {_OTHER_HOME}"


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if not folder.is_dir():  # else another process was quicker
            raise
    if stat.S_IMODE(folder.stat().st_mode) & 0o700 != 0o700:
        folder.chmod(0o700)  # the umask took something from its owner


def _close_folder(folder: Path) -> None:
    """Take an existing folder of this user from all others. One of another user is left as it is."""
    found = folder.stat()
    # Root's or another user's folder is not ours to change.
    if found.st_mode & 0o077 and found.st_uid == os.getuid():
        folder.chmod(stat.S_IMODE(found.st_mode) & ~0o077)


def replace_file(file: Path, content: str | bytes, *, durable: bool = False) -> None:
    """Replace a file as a whole, for its owner alone (0600): a reader sees the old one or the new one.

    `durable` waits until the disk has it: what cannot be made again must survive a power cut.

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
    # Also after Ctrl-C: no half-written file is left behind.
    except BaseException:
        os.unlink(temporary)
        raise


def open_private(path: Path, flags: int) -> int:
    """Open a file, made if need be, for its owner alone (0600), and return its descriptor.

    A file of this user that was open to others is closed to them; a device, or a pipe of this user or root,
    stays as it is. A link is followed as `follow_links` does.

    Raises:
        OSError: it cannot be opened.
        PermissionError: it, or a link on the way to it, belongs to another user.
    """
    path, is_link = _follow(path)
    # A link that another process has put there meanwhile is not followed, and nothing foreign is truncated.
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
    """Return the path to which links lead that are this user's or root's (such as /dev/stderr).

    Links in /proc that stand for an open pipe or a file that was removed have no such path: they stay.

    Raises:
        PermissionError: a link belongs to another user, who chose where it leads, or what is there does.
        OSError: the links lead in a circle.
    """
    return _follow(path)[0]


def _follow(path: Path) -> tuple[Path, bool]:
    """Follow links; True if what is left is one, in /proc."""
    for _ in range(_MOST_LINKS):
        try:
            found = os.lstat(path)
        except FileNotFoundError:
            return path, False
        _check_owner(path, found)
        if not stat.S_ISLNK(found.st_mode):
            return path, False
        target = path.parent / path.readlink()
        # Such links name what is open (`pipe:[123]`, `file (deleted)`), and no path.
        if path.exists() and not os.path.lexists(target):
            return path, True
        path = target
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))


def _check_owner(path: Path, found: os.stat_result) -> None:
    """Refuse what belongs to another user: a file of anybody, a link or a pipe of anybody but root."""
    is_trusted = found.st_uid == 0 and (stat.S_ISLNK(found.st_mode) or stat.S_ISFIFO(found.st_mode))
    is_special = stat.S_ISCHR(found.st_mode) or stat.S_ISDIR(found.st_mode)
    if found.st_uid != os.getuid() and not (is_trusted or is_special):
        kind = "a link of" if stat.S_ISLNK(found.st_mode) else "the file of"
        raise PermissionError(errno.EPERM, f"it is {kind} another user", str(path))


class FileLock:
    """A lock on a file that ends with the process that holds it, however that ends; a context manager.

    The file is made for the lock, and for its owner alone. Others in the same process are kept out, too, and
    child processes do not inherit the lock. (A process id in a file would prove nothing: it may be another
    process's by now, or one of another container.)
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        """Take over an open file that is locked: see `acquire`."""
        self._path = path
        self._descriptor = descriptor
        self._signed = False

    @classmethod
    def acquire(cls, path: Path, *, wait: float = 0) -> Self | None:
        """Lock a file, which is made if need be; None if another keeps it for `wait` seconds.

        Raises:
            OSError: the folder cannot be written to.
            NoLocks: its file system has no locks.
        """
        give_up = time.monotonic() + wait
        while (descriptor := _open_locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB)) is None:
            # flock has no time limit, and a signal handler to end it would be the process's own.
            if time.monotonic() >= give_up:
                return None
            time.sleep(POLL_SECONDS)
        return cls(path, descriptor)

    def sign(self) -> None:
        """Replace what is in the file by this process's id, where `holder` finds it."""
        self._signed = True
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)

    def release(self, *, remove: bool = False) -> None:
        """End the lock; `remove` deletes the file, too, as far as that is possible."""
        try:
            if remove:
                with suppress(OSError):  # a file without its lock means nothing
                    self._path.unlink(missing_ok=True)
            elif self._signed:
                os.ftruncate(self._descriptor, 0)  # else it would be read before the next holder signs
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
    """Hold the lock of a file during the block, waiting without a limit: for what takes milliseconds.

    Raises:
        OSError: the folder cannot be written to.
        NoLocks: its file system has no locks.
    """
    # None: the holder has removed the file while this process waited for it.
    while (descriptor := _open_locked(path, fcntl.LOCK_EX)) is None:
        pass
    with FileLock(path, descriptor):
        yield


def is_locked(path: Path) -> bool:
    """Return True if a process holds the lock of this file."""
    return _look(path) is not None


def holder(path: Path) -> int | None:
    """Return the id of the process that holds the lock and signed it; None if there is none."""
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
    """Return False if files of a folder cannot be locked the way SQLite does it (POSIX record locks).

    Raises:
        OSError: the folder cannot be written to.
    """
    with tempfile.TemporaryFile(dir=folder) as probe:
        try:
            fcntl.lockf(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            # No other process can hold it: the file has no name.
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
    # The lock is of the open file: if that has been removed, another process locks the new one.
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
    """Return what the holder of a lock wrote into its file; None if no process holds it."""
    try:
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

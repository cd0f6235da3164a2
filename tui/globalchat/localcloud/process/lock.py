"""Locks that end with their holder, however it ends (`flock`), and tell who holds them.

Two are used: `start.lock` is held while a cloud is looked for or started, so that two commands end with one
cloud; `cloud.lock` is held by the cloud as long as it lives, so that what a kill leaves is known to be stale.
"""

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

POLL_SECONDS = 0.05


class Lock:
    """A held lock; leaving the `with` block releases it. The file stays: else two could hold it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.ftruncate(self._descriptor, 0)  # nobody's id stays where another's is looked for
        os.close(self._descriptor)


def acquire(path: Path, *, wait: float = 0) -> Lock | None:
    """Take the lock and write this process's id into it; None if another keeps it for `wait` seconds."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    give_up = time.monotonic() + wait
    while not _flock(descriptor, fcntl.LOCK_EX):
        if time.monotonic() >= give_up:
            os.close(descriptor)
            return None
        time.sleep(POLL_SECONDS)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return Lock(descriptor)


def holder(path: Path) -> int | None:
    """The id of the process that holds the lock; None if nobody does (or has written its id yet)."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        # Shared: whoever looks at the same time must not be taken for the holder.
        if _flock(descriptor, fcntl.LOCK_SH):
            return None
        text = os.pread(descriptor, 32, 0).decode("ascii", "replace")
        return int(text) if text.isdigit() else None
    finally:
        os.close(descriptor)


def _flock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

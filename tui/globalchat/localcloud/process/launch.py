"""Finds the cloud that runs, or starts one in the background; ends it again."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from globalchat.core.errors import UserError
from globalchat.core.files import FileLock, holder
from globalchat.localcloud.process import control, state
from globalchat.localcloud.process.state import CloudState, DamagedState

START_LOCK = "start.lock"
CLOUD_LOCK = "cloud.lock"
"""Locks: the one is held while a cloud is looked for or started, so that two commands end with one cloud; the
other by the cloud as long as it lives, so that what a kill leaves is known to be stale."""
START_SECONDS = 30.0
END_REMEDY = "End it with: globalchat local down"
_ANSWER_SECONDS = 3.0
_END_SECONDS = 10.0
_POLL_SECONDS = 0.05

Note = Callable[[str], None]


def find(folder: Path) -> CloudState | None:
    """The cloud that runs in this folder, checked; None if there is none. Changes nothing."""
    try:
        found = state.read(folder)
    except DamagedState:
        return None
    return found if found is not None and control.is_running(found) else None


def ensure(folder: Path, *, note: Note) -> CloudState:
    """Join the cloud that runs in this folder, or start one in the background.

    `note` hears, in a sentence, of what had to be repaired.

    Raises:
        UserError: it cannot start; the message says why.
    """
    state.prepare_folder(folder)
    with hold_start_lock(folder):
        if (running := find(folder)) is not None:
            return running
        if (running := _recover(folder, note)) is not None:
            return running
        from globalchat.localcloud.process.spawn import (
            spawn,  # loads asyncio, which looking and joining do without
        )

        spawn(folder, seconds=START_SECONDS)
        if (started := find(folder)) is None:
            raise UserError(
                "The local cloud started, but does not answer.", remedy=f"See {folder / state.LOG}."
            )
        return started


def end(folder: Path) -> bool:
    """End the cloud that runs in this folder, and wait until it has; False if none runs.

    Raises:
        UserError: it does not end.
    """
    running = find(folder)
    process = holder(folder / CLOUD_LOCK)
    if process is None:
        return False
    try:
        if running is None:
            raise control.NoAnswer("not found")
        control.stop(running)
    except control.NoAnswer:
        _signal(process, signal.SIGTERM)
    if not _wait(lambda: holder(folder / CLOUD_LOCK) != process, _END_SECONDS):
        raise UserError(
            f"The local cloud (process {process}) does not end.", remedy=f"End it with: kill -9 {process}"
        )
    return True


def hold_start_lock(folder: Path) -> FileLock:
    """Be the only one that looks for or starts a cloud in this folder.

    Raises:
        UserError: another command keeps starting one.
    """
    held = FileLock.acquire(folder / START_LOCK, wait=START_SECONDS + _ANSWER_SECONDS)
    if held is None:
        raise UserError("Another command takes too long to start the local cloud.", remedy="Try again.")
    return held


def _recover(folder: Path, note: Note) -> CloudState | None:
    """Deal with what is there instead of a good state: a live cloud that lost its file, or leftovers."""
    process = holder(folder / CLOUD_LOCK)
    if process is not None:
        return _reclaim(folder, process, note)
    try:
        left = state.read(folder)
    except DamagedState:
        note("The local cloud's state file was damaged; starting a new local cloud.")
        return None
    if left is not None:
        note(f"The last local cloud (process {left.pid}) ended without cleaning up; starting a new one.")
    return None


def _reclaim(folder: Path, process: int, note: Note) -> CloudState | None:
    """Let a cloud that lives write its state file anew (or finish ending).

    Raises:
        UserError: it does neither.
    """
    _signal(process, signal.SIGUSR1)
    cloud_lock = folder / CLOUD_LOCK
    _wait(lambda: find(folder) is not None or holder(cloud_lock) is None, _ANSWER_SECONDS)
    if (running := find(folder)) is not None:
        note(f"The state file of the local cloud (process {process}) was lost; it has been written anew.")
        return running
    if holder(cloud_lock) is None:
        return None
    raise UserError(f"A local cloud (process {process}) runs but does not answer.", remedy=END_REMEDY)


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    give_up = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= give_up:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _signal(process: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, number)

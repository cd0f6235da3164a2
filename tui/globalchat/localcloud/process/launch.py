"""Finds the running cloud, starts one in the background, and ends it."""

import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from globalchat.core.errors import Unreachable, UserError
from globalchat.core.files import FileLock, holder, is_locked, unwritable
from globalchat.localcloud.process import control_client, state
from globalchat.localcloud.process.state import CloudState, DamagedState

START_LOCK = "start.lock"
CLOUD_LOCK = "cloud.lock"
"""Locks: one is held while a cloud is looked for or started, so that two commands end up with one cloud; the
other by the cloud while it runs, so that leftovers of a killed cloud are known to be stale."""
START_SECONDS = 30.0
END_REMEDY = "End it with `globalchat local down`."
_ANSWER_SECONDS = 3.0
_END_SECONDS = 10.0
_HUNG_END_SECONDS = 3.0
"""Seconds for a cloud that did not answer to end after SIGTERM, and for any cloud after SIGKILL."""
_POLL_SECONDS = 0.05

Note = Callable[[str], None]
T = TypeVar("T")


class NotAnswering(Unreachable):
    """A local cloud runs, but does not answer: it hangs or is suspended."""

    def __init__(self, process: int) -> None:
        super().__init__(
            f"The local cloud (process {process}) runs, but does not answer.", remedy=END_REMEDY, sent=False
        )


def find(folder: Path) -> CloudState | None:
    """Return the cloud that runs in this folder and answers, or None. Changes nothing."""
    found = _written(folder)
    return found if found is not None and control_client.is_running(found) else None


def look(folder: Path) -> CloudState | None:
    """Return the cloud that runs in this folder, or None. Changes nothing.

    Raises:
        NotAnswering: one runs, but does not answer.
        Unreachable: one is starting.
    """
    if (running := find(folder)) is not None:
        return running
    if (process := holding(folder)) is None:
        return None
    # It may be busy or ending.
    running = _poll(lambda: find(folder), until=lambda: holding(folder) != process, seconds=_ANSWER_SECONDS)
    if running is not None or holding(folder) != process:
        return running
    # The start lock is held until a cloud is ready, so this one need not hang.
    if not _is_written_by(process, folder) and is_locked(folder / START_LOCK):
        sentence = f"The local cloud (process {process}) is starting."
        raise Unreachable(sentence, remedy="Try again.", sent=False)
    raise NotAnswering(process)


def ensure(folder: Path, *, note: Note) -> CloudState:
    """Join the cloud that runs in this folder, or start one in the background.

    `note` gets a sentence about repairs.

    Raises:
        NotAnswering: one runs, but does not answer.
        UserError: it cannot start; the message says why.
    """
    state.prepare_folder(folder)
    with hold_start_lock(folder):  # Of two commands, the second finds the cloud that the first started.
        if (running := _join(folder)) is not None:
            return running
        if (running := _recover(folder, note)) is not None:
            return running
        from globalchat.localcloud.process.background import spawn

        spawn(folder, seconds=START_SECONDS)
        if (started := find(folder)) is None:
            raise UserError(
                "The local cloud started, but does not answer.", remedy=f"See {folder / state.LOG}."
            )
        for notice in started.notices:
            note(notice)
        return started


def end(folder: Path, *, note: Note = lambda _: None) -> bool:
    """End the cloud that runs in this folder, and wait until it has ended; return False if none runs.

    A cloud that does not answer gets a signal, and is killed if it does not react; `note` gets a sentence
    about that.

    Raises:
        UserError: it does not end.
    """
    running = find(folder)
    process = holding(folder)
    if process is None:
        return False
    seconds = _END_SECONDS
    try:
        if running is None:
            raise control_client.NoAnswer("not found")
        control_client.stop(running)
    except control_client.NoAnswer:
        seconds = _HUNG_END_SECONDS
        _signal(process, signal.SIGTERM)
        _signal(process, signal.SIGCONT)  # A suspended process handles no other signal.
    if _has_ended(folder, process, seconds):
        return True
    _signal(process, signal.SIGKILL)
    if not _has_ended(folder, process, _HUNG_END_SECONDS):
        raise UserError(
            f"The local cloud (process {process}) does not end.", remedy=f"End it with: kill -9 {process}"
        )
    # A killed process could not remove its file.
    state.remove(folder)
    note(f"The local cloud (process {process}) did not react and was killed.")
    return True


def holding(folder: Path) -> int | None:
    """Return the process of the cloud that runs in this folder, ready or not; None if there is none.

    Raises:
        UserError: the lock cannot be used.
    """
    lock = folder / CLOUD_LOCK
    try:
        return holder(lock)
    except OSError as error:
        raise unwritable(lock, error) from error


def hold_cloud_lock(folder: Path) -> FileLock:
    """Prevent clouds from running in this folder during the block.

    Raises:
        UserError: one runs, or the lock cannot be used.
    """
    lock = folder / CLOUD_LOCK
    try:
        held = FileLock.acquire(lock, wait=0)
    except OSError as error:
        raise unwritable(lock, error) from error
    if held is None:
        raise UserError(f"The local cloud (process {holding(folder)}) runs.", remedy=END_REMEDY)
    return held


def hold_start_lock(folder: Path) -> FileLock:
    """Acquire the lock under which a cloud in this folder is looked for or started.

    Raises:
        UserError: another command is still starting one, or the lock cannot be written.
    """
    lock = folder / START_LOCK
    try:
        # As long as its holder may take: to wait for an answer, then to start a cloud.
        held = FileLock.acquire(lock, wait=START_SECONDS + _ANSWER_SECONDS)
    except OSError as error:
        raise unwritable(lock, error) from error
    if held is None:
        raise UserError("Another command takes too long to start the local cloud.", remedy="Try again.")
    return held


def _join(folder: Path) -> CloudState | None:
    """Return the cloud that answers, with its idle time reset; None if there is none."""
    running = find(folder)
    if running is not None:
        try:
            control_client.use(running)
        except control_client.NoAnswer:  # It has just ended.
            return None
    return running


def _recover(folder: Path, note: Note) -> CloudState | None:
    """Recover from a bad state: a live cloud without its state file, or leftovers of a dead one."""
    process = holding(folder)
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
    """Wait until a live cloud has written its state file again, answers, or has ended.

    Raises:
        NotAnswering: it does none of these.
    """
    was_lost = not _is_written_by(process, folder)  # Checked before the signal makes it write the file.
    # A cloud reacts to this signal by writing its state file again.
    _signal(process, signal.SIGUSR1)
    running = _poll(lambda: _join(folder), until=lambda: holding(folder) is None, seconds=_ANSWER_SECONDS)
    if running is None and holding(folder) is not None:
        raise NotAnswering(process)
    if running is not None and was_lost:
        note(f"The state file of the local cloud (process {process}) was lost; it has been written again.")
    return running


def _written(folder: Path) -> CloudState | None:
    try:
        return state.read(folder)
    except DamagedState:
        return None


def _is_written_by(process: int, folder: Path) -> bool:
    """Return True if the state file is this process's, which a cloud writes once it is ready."""
    found = _written(folder)
    return found is not None and found.pid == process


def _has_ended(folder: Path, process: int, seconds: float) -> bool:
    # `or None`, because `_poll` repeats an attempt only as long as it returns None.
    return _poll(lambda: holding(folder) != process or None, until=lambda: False, seconds=seconds) is not None


def _poll(attempt: Callable[[], T | None], *, until: Callable[[], bool], seconds: float) -> T | None:
    """Retry until there is a result, the time limit has passed, or `until` says stop."""
    give_up = time.monotonic() + seconds
    while (result := attempt()) is None and not until() and time.monotonic() < give_up:
        time.sleep(_POLL_SECONDS)
    return result


def _signal(process: int, number: signal.Signals) -> None:
    """Send a signal to the cloud's process, unless it has ended.

    Raises:
        UserError: the process is another user's.
    """
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return
    except PermissionError:
        raise UserError(
            f"The local cloud (process {process}) belongs to another user.",
            remedy="Set GLOBALCHAT_HOME to a folder of your own.",
        ) from None


def regions(folder: Path) -> Mapping[str, str]:
    """Return the AWS region of each alias of the cloud that runs here, else of the packaged templates.

    Raises:
        TemplateError: the packaged templates are missing or damaged.
    """
    if (running := find(folder)) is not None:
        return {region.alias: region.region for region in running.regions}
    # Imported here: not needed to find a cloud.
    from globalchat.localcloud.provisioning.assembly import packaged_regions

    return packaged_regions()

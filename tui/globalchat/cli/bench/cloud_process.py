"""What the local cloud's process needs for a load run, and what it spends on it."""

import os
import resource
from collections.abc import Callable
from pathlib import Path

from globalchat.cli import local_cloud
from globalchat.core.errors import UserError
from globalchat.localcloud.process import launch
from globalchat.measure.load.open_files import raise_open_files

SPARE = 256
"""Open files of the cloud beside its sockets: publishers, buses, logs."""


def make_room(sockets: int) -> None:
    """Before the cloud is started: it gets this process's limit of open files.

    Raises:
        UserError: the system does not allow so many.
    """
    raise_open_files(sockets + SPARE, who="The local cloud", instead="more --per-socket")


def found(sockets: int) -> int | None:
    """The process of the local cloud, with room for so many sockets; None if it has ended.

    Raises:
        UserError: it cannot have so many.
    """
    running = launch.find(local_cloud.folder())
    if running is None:
        return None
    widen(running.pid, sockets)
    return running.pid


def widen(pid: int, sockets: int) -> None:
    """Give a cloud that runs already room for so many sockets, where the system lets one process do that.

    Raises:
        UserError: it cannot have so many.
    """
    wanted = sockets + SPARE
    if not hasattr(resource, "prlimit"):
        return
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    try:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (wanted, hard))
    except (ValueError, OSError):
        raise UserError(
            f"The local cloud that runs may open {hard:,} files, and would need {wanted:,}.",
            remedy="End it with `globalchat local down`, raise the hard limit (ulimit -Hn), and try again.",
        ) from None


def cpu_clock(pid: int) -> Callable[[], float | None]:
    """A function that tells the CPU seconds of a process so far; None where the system does not say."""
    return lambda: _cpu_seconds(Path(f"/proc/{pid}/stat"))


def _cpu_seconds(stat: Path) -> float | None:
    try:
        text = stat.read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    # The name stands in parentheses and may hold anything; user and system time are 12th and 13th after it.
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

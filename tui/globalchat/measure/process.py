"""The resource usage of a process, and its limit of open files."""

import os
import resource
from dataclasses import dataclass
from pathlib import Path

from globalchat.core.errors import UserError

SPARE_FILES = 64
"""Files that a process opens in addition to its sockets."""
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class ProcessUsage:
    """CPU seconds (user and system) so far, and resident bytes now without the kernel's socket buffers."""

    cpu: float
    resident: int


def usage_of(pid: int) -> ProcessUsage:
    """Return the usage of one of this user's processes; CPU time is in steps of 10 ms.

    Raises:
        ProcessLookupError: there is no such process.
    """
    if _PROC.is_dir():
        return _from_proc(pid)
    return _from_ps(pid)


def _from_proc(pid: int) -> ProcessUsage:
    try:
        stat = (_PROC / str(pid) / "stat").read_text(encoding="ascii", errors="replace")
        memory = (_PROC / str(pid) / "statm").read_text(encoding="ascii")
    except OSError:
        raise ProcessLookupError(pid) from None
    # The name, in parentheses, may contain anything; utime and stime are the 12th and 13th field after it.
    fields = stat.rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return ProcessUsage(ticks / os.sysconf("SC_CLK_TCK"), int(memory.split()[1]) * resource.getpagesize())


def _from_ps(pid: int) -> ProcessUsage:
    """Ask ps, where there is no /proc (macOS)."""
    import subprocess

    command = ["ps", "-o", "time=", "-o", "rss=", "-p", str(pid)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProcessLookupError(pid)
    clock, kilobytes = done.stdout.split()
    seconds = 0.0
    # macOS prints minutes:seconds.hundredths, Linux hours:minutes:seconds.
    for part in clock.split(":"):
        seconds = seconds * 60 + float(part)
    return ProcessUsage(seconds, int(kilobytes) * 1024)


def raise_open_file_limit(wanted: int, *, who: str = "A process", instead: str = "more --processes") -> None:
    """Raise the soft open-file limit of this process and its children to at least `wanted`.

    The error says that `who` needs them, and that either `instead` or fewer subscribers would help.

    Raises:
        UserError: the system does not allow it.
    """
    # A larger soft limit is kept, since child processes may need it.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (ValueError, OSError):
        allowed = "few" if hard == resource.RLIM_INFINITY else f"{hard:,}"
        raise UserError(
            f"{who} would need {wanted:,} open files; this system allows {allowed}.",
            remedy=f"Ask for fewer subscribers or {instead}, or raise the hard limit (ulimit -Hn).",
        ) from None

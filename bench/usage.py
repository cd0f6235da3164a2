"""What a process has used so far."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.servers.child import Usage


def cpu_seconds() -> float:
    """CPU time of this process, user and system."""
    return time.process_time()


def resident_bytes() -> int:
    """Memory of this process that is resident now; kernel socket buffers are not in it."""
    return of(os.getpid()).rss


def of(pid: int) -> Usage:
    """CPU time (in steps of 10 ms) and resident memory of any process of this user."""
    folder = Path("/proc", str(pid))
    if folder.exists():
        # The name, in brackets, may hold anything; utime and stime are the 12th and 13th field after it.
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        pages = int((folder / "statm").read_text().split()[1])
        return Usage(ticks / os.sysconf("SC_CLK_TCK"), pages * resource.getpagesize())
    output = subprocess.run(
        ["ps", "-o", "time=", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True
    )
    clock, kilobytes = output.stdout.split()
    seconds = 0.0
    for part in clock.split(":"):
        seconds = seconds * 60 + float(part)
    return Usage(seconds, int(kilobytes) * 1024)


def raise_open_files(wanted: int) -> None:
    """Let this process and its children open so many files.

    Raises:
        SystemExit: the system does not allow it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard not in (resource.RLIM_INFINITY,) and hard < wanted:
        sys.exit(f"This benchmark needs {wanted} open files; the hard limit is {hard} (ulimit -Hn).")
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def pin(cpu: int) -> None:
    """Keep this process on one CPU, where the system can do that and has so many."""
    if hasattr(os, "sched_setaffinity") and cpu in os.sched_getaffinity(0):
        os.sched_setaffinity(0, {cpu})


@contextmanager
def pinned(cpu: int) -> Iterator[None]:
    """Keep this process on one CPU for a while, even if it is kept on another now."""
    if not hasattr(os, "sched_setaffinity") or (os.cpu_count() or 1) <= cpu:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)

"""What a process has used so far."""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path


def cpu_seconds() -> float:
    """CPU time of this process, user and system."""
    return time.process_time()


def resident_bytes() -> int:
    """Memory of this process that is resident now; kernel socket buffers are not in it."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize()
    output = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(os.getpid())], capture_output=True, text=True, check=True
    )
    return int(output.stdout) * 1024


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

"""Which CPU a process runs on: server and load have one each, where the system can do that."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


def pin(cpu: int) -> None:
    """Keep this process on one CPU, where the system can do that and has that CPU."""
    if hasattr(os, "sched_setaffinity") and cpu in os.sched_getaffinity(0):
        os.sched_setaffinity(0, {cpu})


@contextmanager
def pinned(cpu: int) -> Iterator[None]:
    """Keep this process on one CPU for the length of the block, even if it is kept on another now."""
    if not hasattr(os, "sched_setaffinity") or (os.cpu_count() or 1) <= cpu:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)

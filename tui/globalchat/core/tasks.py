"""A task group that raises a single error, work that can be stopped, and an event that wakes one task."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")


@asynccontextmanager
async def task_group() -> AsyncIterator[asyncio.TaskGroup]:
    """Open a task group that raises the first error itself instead of an ExceptionGroup.

    The error may be a task's or the block's; either cancels all other tasks, and the block waits for them.
    """
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except ExceptionGroup as failures:
        # Callers catch UserError and the like, not groups.
        raise failures.exceptions[0] from None


async def run_unless_set(stop: asyncio.Event, work: Coroutine[object, object, T]) -> T | None:
    """Return the result of `work`; if `stop` is set first, cancel it and return None.

    Waiting for the network must not delay Ctrl-C.
    """
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        # Wait for its cleanup, so that no socket is left open.
        working.cancel()
        await asyncio.wait({working})
    return None if working.cancelled() else working.result()


class WakeEvent:
    """Wakes the one task that waits for it; a wake without a waiter is kept for the next wait."""

    def __init__(self) -> None:
        self._is_set = False
        self._waiter: asyncio.Future[None] | None = None

    def set(self) -> None:
        """Wake the waiting task, or the next one that waits."""
        self._is_set = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def race(self, *others: asyncio.Future[Any], timeout: float | None = None) -> bool:
        """Wait for a wake, the first of `others`, or the timeout (seconds); return True after a wake."""
        self._waiter = asyncio.get_running_loop().create_future()
        if not self._is_set:
            waited = {self._waiter, *others}
            await asyncio.wait(waited, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        self._waiter = None
        was_set, self._is_set = self._is_set, False
        return was_set

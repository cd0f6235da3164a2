"""Tasks that run together and fail as one, and work that ends when it is to stop."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")


@asynccontextmanager
async def task_group() -> AsyncIterator[asyncio.TaskGroup]:
    """Open a task group that raises the first error itself, where asyncio.TaskGroup raises an ExceptionGroup.

    The error may be a task's or the block's; either cancels all other tasks, and the block waits for them.
    """
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None


async def run_unless_set(stop: asyncio.Event, work: Coroutine[object, object, T]) -> T | None:
    """Return the result of some work, or None if `stop` was set first: then the work is cancelled.

    Whatever waits for the network must not delay Ctrl-C.
    """
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        working.cancel()
        await asyncio.wait({working})
    return None if working.cancelled() else working.result()

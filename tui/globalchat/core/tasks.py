"""Tasks that run together and fail as one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


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

"""The tasks that a session starts along the way: each is owned, and none outlives it."""

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")


class Chores:
    """A group of tasks that can be ended early. Start some inside `async with` only."""

    def __init__(self) -> None:
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._group.__aexit__(kind, error, trace)

    def start(self, chore: Coroutine[object, object, T], *, name: str | None = None) -> asyncio.Task[T]:
        """Do a chore beside everything else; one that raises ends the whole group."""
        task = self._group.create_task(chore, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def attempt(self, chore: Coroutine[object, object, T], *, name: str | None = None) -> asyncio.Task[T]:
        """Do a chore whose failure ends nothing else: the result of the task raises it."""
        task = asyncio.create_task(chore, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._attempted)
        return task

    def _attempted(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # counts as seen: the result may be wanted no more

    async def end(self) -> None:
        """Cancel what still runs, and wait until it has ended."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

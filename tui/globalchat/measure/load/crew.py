"""The worker processes of a run, from their start to their certain end."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from globalchat.core.errors import Reason
from globalchat.core.interpreter import module_command
from globalchat.measure.load.orders import ANSWERS, Answer, Began, Failed, Listen, Order, Publish
from globalchat.measure.load.pipe import receive, send

WAITING = 1024
"""Answers that may wait for the parent."""


@dataclass(frozen=True, slots=True)
class Said:
    """An answer, and whose: 0 is the publisher, the listeners follow."""

    worker: int
    answer: Answer


class Crew:
    """The workers, and what they say in one queue."""

    def __init__(self, processes: Sequence[asyncio.subprocess.Process]) -> None:
        self._processes = processes
        self._said: asyncio.Queue[Said] = asyncio.Queue(WAITING)

    async def order(self, worker: int, order: Order) -> None:
        """Give an order to one; one that is gone will be noticed by its silence."""
        sink = self._processes[worker].stdin
        assert sink is not None
        try:
            await send(sink, order)
        except ConnectionError:
            return

    async def order_listeners(self, order: Order) -> None:
        """Give an order to all but the publisher."""
        for worker in range(1, len(self._processes)):
            await self.order(worker, order)

    async def next(self) -> Said:
        """What was said next.

        Raises:
            UserError: a worker cannot go on, or is gone.
        """
        said = await self._said.get()
        if isinstance(failed := said.answer, Failed):
            raise failed.reason.error()
        return said

    async def hear(self, worker: int, told_at: int) -> None:
        """Queue what a worker says, until it has nothing more to say."""
        source = self._processes[worker].stdout
        assert source is not None
        while isinstance(answer := await receive(source), ANSWERS):
            if isinstance(answer, Began):
                # A worker times arrivals of what another one sent: their clocks must be one.
                if told_at <= answer.clock <= time.monotonic_ns():
                    continue
                answer = Failed(Reason("The processes of this system do not share a steady clock."))
            await self._said.put(Said(worker, answer))
        await self._said.put(Said(worker, Failed(Reason("A process of the run ended before the run did."))))


@asynccontextmanager
async def crew(assignments: Sequence[Publish | Listen]) -> AsyncIterator[Crew]:
    """Start a worker for each assignment; none of them outlives the block, whatever ends it."""
    processes: list[asyncio.subprocess.Process] = []
    hearing: list[asyncio.Task[None]] = []
    try:
        for _ in assignments:
            processes.append(await _start())
        made = Crew(processes)
        hearing = [
            asyncio.create_task(made.hear(worker, each.told_at)) for worker, each in enumerate(assignments)
        ]
        for worker, assignment in enumerate(assignments):
            await made.order(worker, assignment)
        yield made
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
        for task in hearing:
            task.cancel()
        await asyncio.gather(*(process.wait() for process in processes), *hearing, return_exceptions=True)


async def _start() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *module_command("globalchat.measure.load.worker"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # Ctrl-C reaches every process of a terminal's session: it is the parent's to say what comes of it.
        start_new_session=True,
    )

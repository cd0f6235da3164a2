"""The worker processes of a load test: the coordinator's end (`WorkerPool`), and the processes themselves.

Each worker has a pipe for orders and replies. API keys pass through it, so that they are neither on a command
line nor in an environment.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import TypeVar

from globalchat.core.errors import Reason, UserError
from globalchat.measure.load.protocol import Failed, Order, Publish, Reply, Started, Subscribe

MAX_QUEUED = 1024
"""Replies that may wait for the coordinator."""
MAX_ORDERS = 16
"""Orders that may wait for a worker."""
_SAFE_PATH = "PYTHONSAFEPATH"

T = TypeVar("T")


class WorkerPool:
    """The workers, and their replies in one queue. Worker 0 publishes, the others subscribe."""

    def __init__(self, pipes: Sequence[Connection], threads: ThreadPoolExecutor) -> None:
        self._pipes = pipes
        self._threads = threads
        self._replies: asyncio.Queue[tuple[int, Reply]] = asyncio.Queue(MAX_QUEUED)

    async def send(self, worker: int, order: Order) -> None:
        """Send an order to a worker. If the worker has ended, `next` raises."""
        try:
            # In a thread, since the pipe may be full: replies are read meanwhile.
            await _in_thread(self._threads, lambda: self._pipes[worker].send(order))
        except OSError:
            return

    async def send_to_subscribers(self, order: Order) -> None:
        """Send an order to every worker but the publisher."""
        for worker in range(1, len(self._pipes)):
            await self.send(worker, order)

    async def next(self) -> tuple[int, Reply]:
        """Return the next reply, and the number of its worker.

        Raises:
            UserError: a worker has failed or ended.
        """
        worker, reply = await self._replies.get()
        if isinstance(reply, Failed):
            raise reply.reason.error()
        return worker, reply

    async def read(self, worker: int, sent_at: int) -> None:
        """Queue the replies of a worker until it ends; `sent_at` is when it got its first order."""
        while True:
            try:
                reply: Reply = await _in_thread(self._threads, self._pipes[worker].recv)
            except (EOFError, OSError):
                break
            if isinstance(reply, Started):
                # A worker times the arrivals of another one's messages, so both must use the same clock.
                if sent_at <= reply.clock <= time.monotonic_ns():
                    continue
                reply = Failed(Reason("The processes of this system do not share a monotonic clock."))
            await self._replies.put((worker, reply))
        ended = Reason("A process of the load test ended before the load test did.")
        await self._replies.put((worker, Failed(ended)))


@asynccontextmanager
async def worker_pool(first_orders: Sequence[Publish | Subscribe]) -> AsyncIterator[WorkerPool]:
    """Start a worker for each order. No worker outlives the block, however it ends."""
    # A thread for sending and one for receiving, for each worker.
    threads = ThreadPoolExecutor(2 * len(first_orders), thread_name_prefix="load test")
    workers: list[tuple[SpawnProcess, Connection]] = []
    readers: list[asyncio.Task[None]] = []
    try:
        for _ in first_orders:
            workers.append(start_worker())
            # Starting a process blocks the event loop for a while: Ctrl-C gets its turn in between.
            await asyncio.sleep(0)
        pool = WorkerPool([pipe for _, pipe in workers], threads)
        readers = [
            asyncio.create_task(pool.read(worker, order.sent_at)) for worker, order in enumerate(first_orders)
        ]
        for worker, order in enumerate(first_orders):
            await pool.send(worker, order)
        yield pool
    finally:
        for process, _ in workers:
            process.kill()  # This closes the worker's end of the pipe, so that no thread waits any longer.
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        threads.shutdown()
        for process, pipe in workers:
            process.join()
            process.close()
            pipe.close()


async def _in_thread(threads: ThreadPoolExecutor, call: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, call)


def start_worker() -> tuple[SpawnProcess, Connection]:
    """Start a worker process, and return it with the coordinator's end of its pipe.

    The worker ends when that end is closed, so also when this process is killed.
    """
    # `fork` would copy the locks of this process's threads, and its event loop.
    context = get_context("spawn")
    pipe, worker_end = context.Pipe()
    process = context.Process(target=_main, args=(worker_end,), daemon=True)
    # Closed here, so that the pipe ends when the worker does.
    with worker_end, _spawning():
        process.start()
    return process, pipe


@contextmanager
def _spawning() -> Iterator[None]:
    """Keep the current folder off the new process's `sys.path`; block Ctrl-C until the process ignores it.

    A user's `json.py` must not be imported: `multiprocessing` passes `-P` on, but does not set it.
    """
    given = os.environ.get(_SAFE_PATH)
    os.environ[_SAFE_PATH] = "1"
    # Started first, as it unblocks signals when it starts.
    resource_tracker.ensure_running()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if given is None:
            del os.environ[_SAFE_PATH]
        else:
            os.environ[_SAFE_PATH] = given


def _main(pipe: Connection) -> None:
    """Run in the new process."""
    # Ctrl-C in a terminal reaches every process of its session, but the coordinator decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    # In a session of its own, no further signal of the terminal reaches it.
    os.setsid()
    asyncio.run(_Worker(pipe).run())


class _Worker:
    """Executes its first order, then waits until the coordinator has gone."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._orders: asyncio.Queue[Order] = asyncio.Queue(MAX_ORDERS)

    async def run(self) -> None:
        asyncio.get_running_loop().add_reader(self._pipe.fileno(), self._receive)
        order = await self._orders.get()
        await self._send(Started(time.monotonic_ns()))
        try:
            if isinstance(order, Subscribe):
                from globalchat.measure.load.subscribers import run_subscribers

                await run_subscribers(order, self._orders, self._send)
            elif isinstance(order, Publish):
                from globalchat.measure.load.publisher import run_publisher

                await run_publisher(order, self._orders, self._send)
        except UserError as error:
            await self._send(Failed(error.reason))
        await asyncio.Event().wait()

    def _receive(self) -> None:
        try:
            order: Order = self._pipe.recv()
        except (EOFError, OSError):
            # The coordinator has gone. The kernel closes thousands of sockets faster than this process would.
            os._exit(0)
        self._orders.put_nowait(order)

    async def _send(self, reply: Reply) -> None:
        try:
            self._pipe.send(reply)
        except OSError:
            os._exit(0)

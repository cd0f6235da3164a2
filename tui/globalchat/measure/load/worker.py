"""A worker process, `python -P -m globalchat.measure.load.worker`; its parent uses its input and output.

It ends when its parent does, however that ends: the pipe is closed then.
"""

import asyncio
import os
import sys
import time
from typing import NoReturn

from globalchat.core.errors import UserError
from globalchat.measure.load.orders import ORDERS, Answer, Began, Failed, Listen, Order, Publish
from globalchat.measure.load.pipe import receive, send


class Parent:
    """The other end: gives orders, takes answers."""

    def __init__(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        self._source = source
        self._sink = sink
        self.orders: asyncio.Queue[Order] = asyncio.Queue(16)

    async def listen(self) -> None:
        """Queue orders until the parent is gone."""
        while isinstance(order := await receive(self._source), ORDERS):
            await self.orders.put(order)

    async def tell(self, answer: Answer) -> None:
        """Answer; ends the process if the parent is gone."""
        try:
            await send(self._sink, answer)
        except ConnectionError:
            _end_at_once()


async def _parent() -> Parent:
    loop = asyncio.get_running_loop()
    source = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(source), sys.stdin)
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, sys.stdout)
    return Parent(source, asyncio.StreamWriter(transport, protocol, None, loop))


async def _work(parent: Parent) -> None:
    order = await parent.orders.get()
    await parent.tell(Began(time.monotonic_ns()))
    try:
        if isinstance(order, Listen):
            from globalchat.measure.load.listening import listen

            await listen(order, parent.orders, parent.tell)
        elif isinstance(order, Publish):
            from globalchat.measure.load.publishing import publish

            await publish(order, parent.orders, parent.tell)
    except UserError as error:
        await parent.tell(Failed(error.reason))


async def _run() -> None:
    parent = await _parent()
    listening = asyncio.create_task(parent.listen())
    working = asyncio.create_task(_work(parent))
    done, _ = await asyncio.wait({listening, working}, return_when=asyncio.FIRST_COMPLETED)
    if working not in done:
        _end_at_once()
    working.result()
    await listening


def _end_at_once() -> NoReturn:
    """The parent is gone. Thousands of sockets need not be closed one by one: the kernel does it."""
    os._exit(1)


def main() -> None:
    """Work until the parent has what it wants, or is gone."""
    asyncio.run(_run())


if __name__ == "__main__":
    main()

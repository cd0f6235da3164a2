"""Work that is given up once it is to stop: what waits for the network must not make Ctrl-C wait."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")


async def unless(stop: asyncio.Event, work: Coroutine[object, object, T]) -> T | None:
    """What comes of some work; None if it was given up, as `stop` was set before it was done."""
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        working.cancel()
        await asyncio.wait({working})
    return None if working.cancelled() else working.result()

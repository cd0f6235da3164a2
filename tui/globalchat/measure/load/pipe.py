"""A pipe between parent and worker: objects, each pickled behind its length."""

import asyncio
import pickle
import struct
from typing import Protocol

_LENGTH = struct.Struct("!Q")


class Sink(Protocol):
    """Takes bytes: an asyncio writer."""

    def write(self, data: bytes) -> None:
        """Take them."""

    async def drain(self) -> None:
        """Wait while too many are waiting."""


async def send(sink: Sink, thing: object) -> None:
    """Send an object.

    Raises:
        ConnectionError: the other end is gone.
    """
    body = pickle.dumps(thing)
    sink.write(_LENGTH.pack(len(body)) + body)
    await sink.drain()


async def receive(source: asyncio.StreamReader) -> object | None:
    """The next object; None if the other end is gone.

    It unpickles: only ever read from a process that this program started.
    """
    try:
        (length,) = _LENGTH.unpack(await source.readexactly(_LENGTH.size))
        body = await source.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    thing: object = pickle.loads(body)
    return thing

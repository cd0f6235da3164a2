"""Runs a server under test in its own process: `python -m MODULE KIND`.

The process prints a JSON object when it is ready, then one for each line that it reads from standard input
(`usage` is the only command), and ends with standard input. A server is started by a function that returns
what to print about it, and a function that publishes: the harness calls that for every byte that a port gets.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack

from bench.affinity import pin
from globalchat.localcloud.definition import JSON
from globalchat.measure.process import usage_of

Publish = Callable[[], None]
StartServer = Callable[[AsyncExitStack], Awaitable[tuple[dict[str, JSON], Publish]]]


class Trigger(asyncio.Protocol):
    """Publishes one message for each byte that it receives."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish

    def data_received(self, data: bytes) -> None:
        """Publish."""
        for _ in data:
            self._publish()


def main(servers: Mapping[str, StartServer]) -> None:
    """Serve one of these, as the command line says, until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=servers)
    parser.add_argument("--cpu", type=int, default=None)
    parser.add_argument("--profile", default=None, help="a file for cProfile's statistics")
    arguments = parser.parse_args()
    if arguments.cpu is not None:
        pin(arguments.cpu)
    if arguments.profile is None:
        asyncio.run(_serve(servers[arguments.kind]))
        return
    import cProfile

    with cProfile.Profile() as profile:
        asyncio.run(_serve(servers[arguments.kind]))
    profile.dump_stats(arguments.profile)


async def _serve(start: StartServer) -> None:
    async with AsyncExitStack() as stack:
        about, publish = await start(stack)
        loop = asyncio.get_running_loop()
        trigger = await loop.create_server(lambda: Trigger(publish), "127.0.0.1", 0)
        stack.callback(trigger.close)
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        _print({**about, "trigger": trigger.sockets[0].getsockname()[1]})
        while command := await reader.readline():
            _print(_answer(command.decode().strip()))


def _answer(command: str) -> dict[str, JSON]:
    if command == "usage":
        return {"cpu": time.process_time(), "resident": usage_of(os.getpid()).resident}
    raise ValueError(command)


def _print(document: dict[str, JSON]) -> None:
    print(json.dumps(document), flush=True)

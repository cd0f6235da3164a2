"""The servers under test, each a process of its own: told what to do on standard input, a JSON object a line.

`floor`: aiohttp and nothing else, one raw write per delivery. `region`: the API of one region, whose
broadcast mutation is called the way EventBridge calls it. `cloud`: the whole local cloud.
Each prints a line when it is ready, and a line per command. What only the local cloud needs is loaded by it,
so that a floor is as light as it can be.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, closing
from typing import TYPE_CHECKING, Final

from aiohttp import WSMsgType, web

from bench import usage
from bench.load.message import identity, message_from_bus
from globalchat.core.gc_tuning import freeze_gc
from globalchat.localcloud.appsync.realtime import frames
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.server.accepting import ConnectionLimit, accepting
from globalchat.localcloud.server.listening import bound, url
from globalchat.localcloud.server.websocket import text_header
from globalchat.localcloud.usage import Usage

if TYPE_CHECKING:
    from globalchat.localcloud.server.realtime import RealtimeOptions

Publish = Callable[[], None]


class Trigger(asyncio.Protocol):
    """Publishes one message per byte that comes in."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish

    def data_received(self, data: bytes) -> None:
        """Publish."""
        for _ in data:
            self._publish()


async def floor(stack: AsyncExitStack) -> tuple[dict[str, JSON], Publish]:
    """Serve WebSockets with aiohttp alone."""
    ready: list[tuple[asyncio.Transport, bytes]] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=["graphql-ws"], compress=False)
        await socket.prepare(request)
        assert request.transport is not None
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                name = json.loads(message.data)["id"]
                await socket.send_str(frames.start_ack(name).decode())
                ready.append((request.transport, frames.data_prefix(name)))
        return socket

    value: dict[str, JSON] = {"data": {"subscribe": message_from_bus(identity())}}

    def publish() -> None:
        tail = frames.data_tail(value)
        header = text_header(len(ready[0][1]) + len(tail))
        for transport, prefix in ready:
            transport.write(header + prefix + tail)

    [listener] = stack.enter_context(bound([0]))
    app = web.Application()
    app.router.add_get("/graphql", handle)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=3)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.SockSite(runner, listener).start()
    return {"url": url(listener) + "/graphql", "key": "none"}, publish


async def region(stack: AsyncExitStack) -> tuple[dict[str, JSON], Publish]:
    """Serve the first region of the packaged templates."""
    from globalchat.localcloud.appsync.service import AppSync
    from globalchat.localcloud.assembly import read
    from globalchat.localcloud.provision import provision
    from globalchat.localcloud.server.region import RegionBackend
    from globalchat.localcloud.server.wiring import LateEventSink

    assembly = read(None)
    names = list(dict.fromkeys(each.region for each in assembly.stacks))
    listeners = dict(zip(names, stack.enter_context(bound([0] * len(names))), strict=True))
    urls = {name: url(listener) for name, listener in listeners.items()}
    deployment = provision(assembly, urls=urls)
    definition = deployment.regions[0]
    base = urls[definition.region]
    backend = RegionBackend(
        definition,
        base,
        api_key="da2-bench",
        key_expires_at=time.time() + 3600,
        access_keys={},
        events=LateEventSink(),
        clock=time.time,
        options=_quiet(),
    )
    app, limit = backend.app(Usage(time.monotonic)), stack.enter_context(closing(ConnectionLimit()))
    await stack.enter_async_context(accepting(app, listeners[definition.region], limit))
    appsync = AppSync([backend.executor], deployment.roles)
    target = next(
        target for rule in definition.rules for target in rule.targets if target.graphql_operation is not None
    )
    tasks: set[asyncio.Task[object]] = set()

    def publish() -> None:
        task: asyncio.Task[object] = asyncio.get_running_loop().create_task(
            appsync.invoke(
                endpoint_arn=target.arn,
                operation=target.graphql_operation or "",
                variables=message_from_bus(identity()),
                role_arn=target.role_arn or "",
            )
        )
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    return {"url": base + "/graphql", "key": "da2-bench"}, publish


def _quiet() -> "RealtimeOptions":
    """No keep-alive among the deliveries that are counted, and no limit on how fast a load is set up."""
    from globalchat.localcloud.appsync.realtime.protocol import Limits
    from globalchat.localcloud.server.realtime import RealtimeOptions

    return RealtimeOptions(limits=Limits(keep_alive=3600), connect_rate=None)


async def cloud(stack: AsyncExitStack) -> tuple[dict[str, JSON], Publish]:
    """Serve everything."""
    from globalchat.localcloud.server.cloud import CloudOptions, LocalCloud

    options = CloudOptions(realtime=_quiet(), rng=random.SystemRandom())
    running = await stack.enter_async_context(LocalCloud.open(options=options))
    freeze_gc(server=True)  # as `local serve` does
    regions: JSON = [{"url": each.graphql_url, "key": each.api_key} for each in running.regions]

    def publish() -> None:
        raise NotImplementedError("publish over HTTP")

    return {"regions": regions}, publish


SERVERS: Final[dict[str, Callable[[AsyncExitStack], Awaitable[tuple[dict[str, JSON], Publish]]]]] = {
    "floor": floor,
    "region": region,
    "cloud": cloud,
}


async def _run(kind: str) -> None:
    async with AsyncExitStack() as stack:
        described, publish = await SERVERS[kind](stack)
        loop = asyncio.get_running_loop()
        trigger = await loop.create_server(lambda: Trigger(publish), "127.0.0.1", 0)
        stack.callback(trigger.close)
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        _say({**described, "trigger": trigger.sockets[0].getsockname()[1]})
        while command := await reader.readline():
            _say(_answer(command.decode().strip()))


def _answer(command: str) -> dict[str, JSON]:
    if command == "usage":
        return {"cpu": usage.cpu_seconds(), "rss": usage.resident_bytes()}
    raise ValueError(command)


def _say(document: dict[str, JSON]) -> None:
    print(json.dumps(document), flush=True)


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=SERVERS)
    parser.add_argument("--cpu", type=int, default=None)
    parser.add_argument("--profile", default=None, help="a file for cProfile's statistics")
    arguments = parser.parse_args()
    if arguments.cpu is not None:
        usage.pin(arguments.cpu)
    if arguments.profile is None:
        asyncio.run(_run(arguments.kind))
        return
    import cProfile

    with cProfile.Profile() as profile:
        asyncio.run(_run(arguments.kind))
    profile.dump_stats(arguments.profile)


if __name__ == "__main__":
    main()

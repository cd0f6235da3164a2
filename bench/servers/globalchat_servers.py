"""globalchat's servers under test, as processes: `python -m bench.servers.globalchat_servers KIND`.

`region`: the API of one region, whose broadcast mutation is called the way EventBridge calls it. `cloud`: the
whole local cloud; `cloud-without-history`: the same with the templates that store no messages;
`cloud-with-1000`: the same with so many stored messages.
"""

import asyncio
import random
import tempfile
import time
from contextlib import AsyncExitStack, closing
from functools import partial
from pathlib import Path
from typing import Final

from bench.load.publishers import message_from_bus, new_id
from bench.servers.harness import Publish, StartServer, main
from globalchat.client.messages import encode_id
from globalchat.core.clock import DAY
from globalchat.core.gc_tuning import freeze_gc
from globalchat.core.resources import TEMPLATES_WITHOUT_HISTORY
from globalchat.localcloud.appsync.execution.executor import AppSync
from globalchat.localcloud.appsync.realtime.protocol import SocketLimits
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.dynamodb.items import Item
from globalchat.localcloud.dynamodb.store import ItemStore
from globalchat.localcloud.dynamodb.tables import PutRequest, Tables
from globalchat.localcloud.events.event_bridge import EventBridge
from globalchat.localcloud.process import state
from globalchat.localcloud.provisioning.assembly import read
from globalchat.localcloud.provisioning.provisioner import provision
from globalchat.localcloud.server.acceptor import ConnectionLimit, Usage, serve_app
from globalchat.localcloud.server.cloud import CloudOptions, LocalCloud
from globalchat.localcloud.server.loopback import bound, url
from globalchat.localcloud.server.realtime import RealtimeOptions
from globalchat.localcloud.server.region import RegionBackend

QUIET: Final = RealtimeOptions(limits=SocketLimits(keep_alive=3600), connect_rate=None)
"""No keep-alive among the deliveries that are counted, and no limit on how fast subscribers connect."""


async def region(stack: AsyncExitStack) -> tuple[dict[str, JSON], Publish]:
    """Serve the first region of the packaged templates.

    Without history: what it is compared with stores nothing.
    """
    assembly = read(TEMPLATES_WITHOUT_HISTORY)
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
        events=EventBridge(deployment),
        clock=time.time,
        options=QUIET,
    )
    app, limit = backend.app(Usage(time.monotonic)), stack.enter_context(closing(ConnectionLimit()))
    await stack.enter_async_context(serve_app(app, listeners[definition.region], limit))
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
                variables=message_from_bus(new_id()),
                role_arn=target.role_arn or "",
            )
        )
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    return {"url": base + "/graphql", "key": "da2-bench"}, publish


async def cloud(stack: AsyncExitStack, *, templates: Path | None = None) -> tuple[dict[str, JSON], Publish]:
    """Serve the whole local cloud, with its files on disk, as `local serve` does."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    options = CloudOptions(
        realtime=QUIET,
        rng=random.SystemRandom(),
        tables_file=folder / state.TABLES,
        events_file=folder / state.EVENTS,
    )
    running = await stack.enter_async_context(LocalCloud.open(templates, options=options))
    freeze_gc(server=True)  # as `local serve` does
    regions: JSON = [{"url": each.graphql_url, "key": each.api_key} for each in running.regions]

    def publish() -> None:
        raise NotImplementedError("publish over HTTP")

    return {"regions": regions}, publish


STORED: Final = (1_000, 10_000, 100_000, 1_000_000)
"""How many stored messages there are servers with."""


def stored_kind(count: int) -> str:
    """Return the kind of the server that has so many stored messages."""
    return f"cloud-with-{count}"


def arrival_at(number: int) -> str:
    """Return the cursor of a stored message."""
    return encode_id(1_800_000_000_000 + number, 0)


async def cloud_with(count: int, stack: AsyncExitStack) -> tuple[dict[str, JSON], Publish]:
    """Serve the whole local cloud with some stored messages in one channel; report how long it opened."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    options = CloudOptions(
        realtime=QUIET,
        rng=random.SystemRandom(),
        tables_file=folder / state.TABLES,
        events_file=folder / state.EVENTS,
    )
    _store(count, folder / state.TABLES)
    started = time.perf_counter()
    running = await stack.enter_async_context(LocalCloud.open(options=options))
    opened = time.perf_counter() - started
    freeze_gc(server=True)
    regions: JSON = [{"url": each.graphql_url, "key": each.api_key} for each in running.regions]
    size = (folder / state.TABLES).stat().st_size

    def publish() -> None:
        raise NotImplementedError("publish over HTTP")

    return {"regions": regions, "opened": opened, "bytes": size}, publish


def _store(count: int, file: Path) -> None:
    """Store messages in the first region's table, as its resolver does."""
    assembly = read(None)
    names = dict.fromkeys(each.region for each in assembly.stacks)
    table = provision(assembly, urls=dict.fromkeys(names, "http://127.0.0.1:1")).regions[0].tables[0]
    kept: Item = {key: {"S": text} for key, text in message_from_bus(new_id()).items()}
    kept["expires"] = {"N": str(int(time.time()) + DAY)}
    with closing(ItemStore(file)) as store:
        tables = Tables([table], store, time.time)
        with store.transaction():
            for number in range(count):
                tables.put(table.arn, PutRequest({**kept, "arrival": {"S": arrival_at(number)}}))


SERVERS: Final[dict[str, StartServer]] = {
    "region": region,
    "cloud": cloud,
    "cloud-without-history": partial(cloud, templates=TEMPLATES_WITHOUT_HISTORY),
    **{stored_kind(count): partial(cloud_with, count) for count in STORED},
}

if __name__ == "__main__":
    main(SERVERS)

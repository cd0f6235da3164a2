"""The local cloud: all regions of a deployment, served on loopback by this process."""

import asyncio
import random
import secrets
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from globalchat.core.clock import EpochClock, MonotonicClock
from globalchat.core.errors import UserError
from globalchat.localcloud.appsync.environment import Environments
from globalchat.localcloud.appsync.execution.executor import AppSync
from globalchat.localcloud.appsync.javascript.engine import prepare
from globalchat.localcloud.appsync.javascript.parser import ScriptError
from globalchat.localcloud.appsync.model import REQUEST_SECONDS
from globalchat.localcloud.aws.endpoint import AwsEndpoint
from globalchat.localcloud.aws.services import services
from globalchat.localcloud.definition import CloudDefinition
from globalchat.localcloud.events.deliveries import DeliveryInterceptor, DeliverySettings
from globalchat.localcloud.events.event_bridge import EventBridge
from globalchat.localcloud.fault_injection import Faults, TableFaults
from globalchat.localcloud.iam import AccessKey
from globalchat.localcloud.interfaces import EventSink
from globalchat.localcloud.people import AccessKeys, IssuedKey, People
from globalchat.localcloud.problems import Defect, Invalid, Problems
from globalchat.localcloud.provisioning.assembly import read
from globalchat.localcloud.provisioning.provisioner import ACCOUNT, provision
from globalchat.localcloud.server.acceptor import ConnectionLimit, Usage, max_connections, serve_app
from globalchat.localcloud.server.http_apps import aws_app
from globalchat.localcloud.server.loopback import bound, url
from globalchat.localcloud.server.realtime import RealtimeOptions
from globalchat.localcloud.server.realtime_socket import CLOSE_SECONDS
from globalchat.localcloud.server.region import (
    KEY_LIFETIME,
    RegionBackend,
    RunningRegion,
    new_api_key,
)

if TYPE_CHECKING:
    from globalchat.localcloud.dynamodb.calls import TableCalls
    from globalchat.localcloud.dynamodb.data_source import TableDataSources
    from globalchat.localcloud.dynamodb.store import ItemStore
    from globalchat.localcloud.events.event_store import EventStore

_HISTORY_SINCE = "HistorySince"
"""The parameter that the deployer sets to since when messages are stored, and for how long before."""


@dataclass(frozen=True, slots=True)
class CloudOptions:
    """The options of a local cloud; the defaults are for normal use.

    Attributes:
        clock: Epoch seconds.
        monotonic: The clock of `usage`, in seconds.
        rng: Makes the credentials.
        realtime: Limits of sockets.
        interceptor: Disturbs deliveries instead of the cloud's `faults`.
        delivery: The limits of EventBridge's deliveries.
        tls: Serve the regions over https and wss.
        tables_file: Keeps the items of tables; None keeps them in memory.
        environment_file: Keeps the environment variables that were put; None keeps them in memory.
        events_file: Keeps what is accepted and not delivered yet, and dead letters; None keeps it in memory.
        history_since: Since when messages are stored (epoch seconds); 0 if they always were.
        request_seconds: How long a request's resolvers may take.
        max_connections: Returns the most connections.
    """

    clock: EpochClock = time.time
    monotonic: MonotonicClock = time.monotonic
    rng: random.Random = field(default_factory=secrets.SystemRandom)
    realtime: RealtimeOptions = field(default_factory=RealtimeOptions)
    interceptor: DeliveryInterceptor | None = None
    delivery: DeliverySettings | None = None
    tls: ssl.SSLContext | None = None
    tables_file: Path | None = None
    environment_file: Path | None = None
    events_file: Path | None = None
    history_since: int = 0
    request_seconds: float = REQUEST_SECONDS
    max_connections: Callable[[], int] = max_connections


@dataclass(frozen=True, slots=True)
class LocalCloud:
    """A running cloud.

    `regions` come in the order of the templates, `aws_url` is for SDKs and the AWS CLI; `people` may sign
    requests; `faults` may be set at any time. `notices` are sentences about its start that its user should
    read.
    """

    regions: tuple[RunningRegion, ...]
    aws_url: str
    people: People
    events: EventBridge
    usage: Usage
    faults: Faults
    notices: tuple[str, ...] = ()
    _tables: "_OpenTables | None" = field(default=None, repr=False)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        templates: Path | None = None,
        ports: Sequence[int] | None = None,
        *,
        options: CloudOptions | None = None,
    ) -> "AsyncIterator[LocalCloud]":
        """Start everything, serve it, and shut it down at the end.

        Args:
            templates: a folder with a cloud assembly; None means the packaged one.
            ports: one per region in the order of the templates, 0 or none for a free one.
            options: clocks, limits, disturbances.

        Raises:
            UserError: a port is taken, or there are more ports than regions.
            TemplateError: the templates cannot be used.
        """
        chosen = options or CloudOptions()
        assembly = read(templates)
        if chosen.history_since:
            assembly = assembly.with_parameter(_HISTORY_SINCE, f"[{chosen.history_since},0]")
        names = tuple(dict.fromkeys(stack.region for stack in assembly.stacks))
        async with AsyncExitStack() as stack:
            # Bound before anything is provisioned, since templates refer to the URLs of their APIs.
            *own, for_aws = stack.enter_context(bound([*_ports(names, ports), 0]))
            listeners, aws_url = dict(zip(names, own, strict=True)), url(for_aws, tls=chosen.tls is not None)
            urls = {name: url(listener, tls=chosen.tls is not None) for name, listener in listeners.items()}
            deployment = provision(assembly, urls=urls, check_code=_check_code)
            apis = [api for region in deployment.regions for api in region.apis]
            people = People(ACCOUNT, apis, AccessKeys(chosen.rng, chosen.clock))
            # Disturbances need speed and, with a seeded `rng`, repeatability; they do not need secrecy.
            rng = random.Random(chosen.rng.getrandbits(64))
            table_faults = TableFaults(rng)
            tables = _open_tables(deployment, chosen, table_faults, stack)
            store = _open_events(chosen.events_file, tables, stack)
            events = EventBridge(deployment, clock=chosen.clock, settings=chosen.delivery, store=store)
            environments = Environments(chosen.environment_file)
            backends = _backends(
                deployment, urls, people.keys.by_id, events, tables, store, chosen, environments
            )
            faults = Faults([backend.faulty for backend in backends], rng, table_faults)
            appsync = AppSync([backend.executor for backend in backends], deployment.roles)
            # EventBridge and AppSync call each other, so neither can be made with the other.
            events.connect(appsync, chosen.interceptor or faults.interceptor)
            await stack.enter_async_context(events)
            usage = Usage(chosen.monotonic)
            endpoint = AwsEndpoint(
                services(
                    events,
                    base_url=aws_url,
                    clock=chosen.clock,
                    tables=None if tables is None else tables.calls,
                    environments=environments,
                ),
                regions=names,
                access_keys=people.keys.by_id,
                clock=chosen.clock,
            )
            # One limit for all ports, because they share the descriptors of the process.
            limit = stack.enter_context(closing(ConnectionLimit(chosen.max_connections)))
            for backend in backends:
                server = serve_app(
                    backend.app(usage),
                    listeners[backend.running.region],
                    limit,
                    tls=chosen.tls,
                    # Longer than a closing handshake, so that clients can read why their sockets end.
                    shutdown_seconds=CLOSE_SECONDS + 1,
                )
                await stack.enter_async_context(server)
            server = serve_app(aws_app(endpoint, usage), for_aws, limit, tls=chosen.tls)
            await stack.enter_async_context(server)
            running = tuple(backend.running for backend in backends)
            notices = (*_notices(store), *(() if tables is None else tables.notices))
            yield cls(running, aws_url, people, events, usage, faults, notices, tables)

    @property
    def admin(self) -> IssuedKey:
        """The access key of the administrator."""
        return self.people.admin

    @property
    def failed_table_operations(self) -> Mapping[str, int]:
        """The failed operations of resolvers on tables, counted by name; a put that was lost later counts."""
        if self._tables is None:
            return {}
        failed = self._tables.sources.failed
        return {**failed, "PutItem": failed["PutItem"] + self._tables.store.lost}

    @property
    def open_sockets(self) -> int:
        """The number of realtime sockets that are open now."""
        return self.usage.open_sockets

    @property
    def metrics(self) -> Mapping[str, Mapping[str, int]]:
        """The realtime counters and gauges of every region, by alias."""
        return {region.alias: region.metrics.snapshot() for region in self.regions}

    def region(self, name: str) -> RunningRegion:
        """Find a region by alias or AWS name.

        Raises:
            KeyError: there is no such region.
        """
        for region in self.regions:
            if name in (region.alias, region.region):
                return region
        raise KeyError(name)


def _check_code(code: str, file: str) -> None:
    """Check a resolver; raise Invalid if it breaks a rule of the language."""
    try:
        prepare(code, file)
    except ScriptError as error:
        raise Invalid(Defect(f"property Code: {error}", error.is_gap)) from None


def _open_events(
    path: Path | None, tables: "_OpenTables | None", stack: AsyncExitStack
) -> "EventStore | None":
    """Open the file of events until the end of `stack`; None, with nothing loaded, if there is none.

    Raises:
        UserError: it cannot be used.
    """
    if path is None:
        return None
    from globalchat.localcloud.events.event_store import EventStore

    defer = asyncio.get_running_loop().call_soon
    # An event that was delivered is forgotten once what its delivery has stored is committed.
    store = (
        EventStore(path, defer) if tables is None else EventStore(path, defer, tables.store.commit_or_lose)
    )
    return stack.enter_context(closing(store))


def _notices(store: "EventStore | None") -> tuple[str, ...]:
    """Return what the user should know of the file of events."""
    if store is None or store.set_aside is None:
        return ()
    return (
        "The file of events was damaged; what was not delivered yet and the dead letters are lost. "
        f"It is kept as {store.set_aside}.",
    )


@dataclass(frozen=True, slots=True)
class _OpenTables:
    """The tables of a cloud, as AppSync and the AWS endpoint use them."""

    store: "ItemStore"
    sources: "TableDataSources"
    calls: "TableCalls"
    notices: tuple[str, ...]


def _open_tables(
    deployment: CloudDefinition, options: CloudOptions, faults: TableFaults, stack: AsyncExitStack
) -> _OpenTables | None:
    """Open the tables until the end of `stack`; return None, and load nothing, if there are none.

    Raises:
        UserError: their file cannot be used.
    """
    definitions = [table for region in deployment.regions for table in region.tables]
    if not definitions:
        return None
    from globalchat.localcloud.dynamodb.calls import TableCalls
    from globalchat.localcloud.dynamodb.data_source import TableDataSources
    from globalchat.localcloud.dynamodb.store import ItemStore
    from globalchat.localcloud.dynamodb.tables import Tables

    store = stack.enter_context(closing(ItemStore(options.tables_file, asyncio.get_running_loop().call_soon)))
    tables = Tables(definitions, store, options.clock)
    notices: tuple[str, ...] = ()
    if store.set_aside is not None:
        notices = (
            f"The file of the tables was damaged; they are empty now. It is kept as {store.set_aside}.",
        )
    return _OpenTables(
        store, TableDataSources(tables, deployment, interceptor=faults), TableCalls(tables), notices
    )


def _backends(
    deployment: CloudDefinition,
    urls: Mapping[str, str],
    access_keys: Mapping[str, AccessKey],
    events: EventSink,
    tables: _OpenTables | None,
    store: "EventStore | None",
    options: CloudOptions,
    environments: Environments,
) -> list[RegionBackend]:
    """Make the APIs of all regions; `urls` are by AWS region.

    Raises:
        TemplateError: some cannot be used; the problems of all of them.
    """
    backends: list[RegionBackend] = []
    problems = Problems()
    for region in deployment.regions:
        with problems.collected():
            backend = RegionBackend(
                region,
                urls[region.region],
                api_key=new_api_key(options.rng),
                key_expires_at=options.clock() + KEY_LIFETIME,
                access_keys=access_keys,
                events=events,
                environments=environments,
                tables=None if tables is None else tables.sources,
                barrier=store,
                clock=options.clock,
                options=options.realtime,
                request_seconds=options.request_seconds,
            )
            backends.append(backend)
    problems.check()
    return backends


def _ports(names: Sequence[str], ports: Sequence[int] | None) -> list[int]:
    given = list(ports or ())
    if len(given) > len(names):
        raise UserError(
            f"There are {len(names)} regions but {len(given)} ports.", remedy="Give one port per region."
        )
    return given + [0] * (len(names) - len(given))

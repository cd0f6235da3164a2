"""One region of the local cloud: its API with executor, hub, key and sockets.

Credentials are made at every start and do not outlive the process.
"""

import asyncio
import random
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aiohttp import web

from globalchat.core.clock import EpochClock
from globalchat.localcloud.appsync.access import KeyAndSignatureAuthenticator
from globalchat.localcloud.appsync.environment import Environments
from globalchat.localcloud.appsync.execution.executor import GraphQLExecutor
from globalchat.localcloud.appsync.model import REQUEST_SECONDS
from globalchat.localcloud.appsync.realtime.hub import Hub, Metrics, WriteBarrier
from globalchat.localcloud.appsync.responder import PATH, HttpPolicy, HttpRequest, HttpResponse, respond
from globalchat.localcloud.definition import Api, RegionDefinition
from globalchat.localcloud.fault_injection import FaultyRegion, RegionFaults
from globalchat.localcloud.iam import AccessKey
from globalchat.localcloud.interfaces import EventSink, RegionAddress
from globalchat.localcloud.problems import TemplateError
from globalchat.localcloud.server.acceptor import Usage
from globalchat.localcloud.server.http_apps import region_app
from globalchat.localcloud.server.realtime import RealtimeEndpoint, RealtimeOptions

if TYPE_CHECKING:
    from globalchat.localcloud.dynamodb.data_source import TableDataSources

KEY_LIFETIME: Final = 365 * 24 * 3600
"""Seconds for which an API key of the local cloud is valid: AppSync's maximum."""

NO_KEY: Final = ""
"""The `api_key` of a region whose API takes none."""


def new_api_key(rng: random.Random) -> str:
    """Make a key in AppSync's form: `da2-` and 26 of a-z, 0-9."""
    return "da2-" + "".join(rng.choices(string.ascii_lowercase + string.digits, k=26))


@dataclass(frozen=True, slots=True)
class RunningRegion(RegionAddress):
    """A region served by this process: its address, counters and faults."""

    metrics: Metrics = field(repr=False)
    faults: RegionFaults = field(repr=False)


class RegionBackend:
    """The API of one region, ready to be served.

    Args:
        definition: the region, from the templates.
        base_url: where it will be served.
        api_key: the key that its API takes, if it takes any; `key_expires_at` is epoch seconds.
        access_keys: the access keys that may sign, by id.
        events: where its data sources put events.
        environments: keeps the environment variables of the APIs; None keeps those of the templates.
        tables: runs the operations of its data sources on tables; None if there is no table.
        barrier: holds messages back until the events that led to them are on disk; None does not.
        clock: epoch seconds.
        options: limits of the realtime side.
        request_seconds: how long a request's resolvers may take.

    Raises:
        TemplateError: the region has no API or more than one, or its API cannot be used.
    """

    def __init__(
        self,
        definition: RegionDefinition,
        base_url: str,
        *,
        api_key: str,
        key_expires_at: float,
        access_keys: Mapping[str, AccessKey],
        events: EventSink,
        clock: EpochClock,
        options: RealtimeOptions,
        environments: Environments | None = None,
        tables: "TableDataSources | None" = None,
        barrier: WriteBarrier | None = None,
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        api = _only_api(definition)
        self.hub = Hub(
            max_payload=options.max_payload, defer=asyncio.get_running_loop().call_soon, barrier=barrier
        )
        self._options = options
        self.executor = GraphQLExecutor(
            api,
            events=events,
            environment=None if environments is None else environments.add(api.arn, api.environment),
            tables=tables,
            subscribers=self.hub,
            clock=clock,
            request_seconds=request_seconds,
        )
        # The authenticator and the faults share this dictionary: `expired-key` changes it in place.
        self.keys = {api_key: key_expires_at} if api.has_api_key else {}
        self.authenticator = KeyAndSignatureAuthenticator(
            api.region, self.keys, access_keys, clock, api.modes
        )
        self.running = RunningRegion(
            alias=definition.alias,
            region=definition.region,
            graphql_url=base_url + PATH,
            realtime_url="ws" + base_url.removeprefix("http") + PATH,
            api_id=api.id,
            event_bus=definition.outputs.get("eventBus", ""),
            api_key=api_key if api.has_api_key else NO_KEY,
            metrics=self.hub.metrics,
            faults=RegionFaults(),
        )
        faults = self.running.faults
        self._policy = HttpPolicy(admit=lambda: not faults.throttled)

    @property
    def faulty(self) -> FaultyRegion:
        """The parts of the region that faults may affect."""
        return FaultyRegion(self.running.alias, self.running.region, self.running.faults, self.keys)

    def app(self, usage: Usage) -> web.Application:
        """Make the application that serves the API."""
        realtime = RealtimeEndpoint(
            executor=self.executor,
            authenticator=self.authenticator,
            hub=self.hub,
            usage=usage,
            options=self._options,
            faults=self.running.faults,
        )
        return region_app(realtime, self._respond, usage)

    async def _respond(self, request: HttpRequest, authorized: Callable[[], None]) -> HttpResponse:
        return await respond(
            self.executor, self.authenticator, request, policy=self._policy, authorized=authorized
        )


def _only_api(definition: RegionDefinition) -> Api:
    if len(definition.apis) != 1:
        raise TemplateError(
            f"The region {definition.region} has {len(definition.apis)} GraphQL APIs; "
            "the local cloud serves exactly one per region."
        )
    return definition.apis[0]

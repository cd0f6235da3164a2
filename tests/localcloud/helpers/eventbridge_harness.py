"""EventBridge over the small backend of two regions, with stand-ins around it."""

import json
import random
from collections.abc import Awaitable, Callable
from typing import Any

from globalchat.localcloud.definition import JSON, CloudDefinition
from globalchat.localcloud.events.deliveries import DeliveryInterceptor, DeliverySettings, Failure
from globalchat.localcloud.events.event_bridge import EventBridge
from globalchat.localcloud.events.event_store import EventStore
from globalchat.localcloud.interfaces import EntryResult, PutEventsEntry
from tests.localcloud.helpers.eventbridge_fakes import FakeAppSync, FakeTime
from tests.localcloud.helpers.small_backend import OREGON, Backend

PARTITION = Failure("CROSS_REGION_INGESTION_FAILED", "partitioned", retryable=True)
"""What a partition between two regions does to an attempt."""


class World:
    """EventBridge over the test backend, with fakes around it."""

    def __init__(
        self,
        deployment: CloudDefinition | None = None,
        *,
        interceptor: DeliveryInterceptor | None = None,
        settings: DeliverySettings | None = None,
        sleep: Callable[[float], Awaitable[None]] | None = None,
        store: EventStore | None = None,
    ) -> None:
        self.deployment = deployment or Backend().provision()
        self.appsync = FakeAppSync()
        self.time = FakeTime()
        self.bridge = EventBridge(
            self.deployment,
            clock=self.time,
            rng=random.Random(1),
            sleep=sleep or self.time.sleep,
            settings=settings,
            store=store,
        )
        self.bridge.connect(self.appsync, interceptor)

    async def put(self, *details: JSON, region: int = 0, source: str = "chat") -> list[EntryResult]:
        definition = self.deployment.regions[region]
        role = definition.apis[0].data_sources["bus"].role_arn or ""
        entries = [PutEventsEntry(source, "message", json.dumps(detail)) for detail in details]
        return await self.bridge.put_events(bus_arn=definition.buses[0].arn, entries=entries, role_arn=role)

    async def deliver(self, *details: JSON, region: int = 0) -> list[EntryResult]:
        """Open the bridge, put events, and close it once all deliveries are over."""
        async with self.bridge:
            results = await self.put(*details, region=region)
            await self.bridge.settled()
        return results

    def count(self, rule: str, region: str = OREGON) -> dict[str, int]:
        """The counters of a region's rule that are not zero."""
        (found,) = [
            counters
            for arn, counters in self.bridge.counters.items()
            if f":{region}:" in arn and f"-{rule}-" in arn
        ]
        return {name: value for name, value in found.items() if value}

    def dead_letters(self, queue: str) -> list[tuple[Any, dict[str, str]]]:
        """Return body and attributes of the messages in the queues whose ARN holds a text."""
        return [
            (letter.event.document, dict(letter.attributes))
            for arn, letters in self.bridge.dead_letters.items()
            if queue in arn
            for letter in letters
        ]

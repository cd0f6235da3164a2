"""A cloud in this process with a control port, whose deliveries a test can hold up."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from globalchat.localcloud.process.control_server import (
    control_app,
    dead_letter_routes,
    fault_routes,
    listening,
    people_routes,
)
from globalchat.localcloud.process.state import CloudState
from globalchat.localcloud.server.cloud import CloudOptions, LocalCloud
from tests.localcloud.helpers.cloud_state import STATE
from tests.localcloud.helpers.eventbridge_fakes import FakeInterceptor
from tests.localcloud.helpers.eventbridge_harness import PARTITION

LOST = replace(PARTITION, retryable=False)


@dataclass
class ControlledCloud:
    """The cloud, how its control port is found, and the interceptor of its deliveries."""

    cloud: LocalCloud
    state: CloudState
    interceptor: FakeInterceptor


@asynccontextmanager
async def controlled_cloud() -> AsyncIterator[ControlledCloud]:
    interceptor = FakeInterceptor()
    async with LocalCloud.open(options=CloudOptions(interceptor=interceptor)) as cloud:
        app = control_app(
            nonce=STATE.nonce,
            admin_token=STATE.admin_token,
            status=dict,
            stop=lambda: None,
            used=lambda: None,
            routes=[
                *fault_routes(cloud.faults),
                *dead_letter_routes(cloud.events),
                *people_routes(cloud.people),
            ],
        )
        async with listening(app) as port:
            yield ControlledCloud(
                cloud, replace(STATE, control_port=port, regions=tuple(cloud.regions)), interceptor
            )

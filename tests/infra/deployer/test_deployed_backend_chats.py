"""From a deployment to a message in the other region: CDK, moto, profile, local cloud, chat."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

import globalchat
from globalchat.client import profiles
from globalchat.core.errors import Unreachable
from globalchat.localcloud.server.cloud import LocalCloud
from globalchat.measure.smoke_test import smoke_test
from tests.infra.helpers.assembled_deployment import Assembled, RecordingPrompter
from tests.infra.helpers.moto_account import User

pytestmark = [pytest.mark.e2e, pytest.mark.infra]


@pytest.fixture
def endpoints() -> Iterator[dict[str, tuple[str, str, str]]]:
    """The addresses that moto gives the APIs."""
    from tests.infra.helpers.moto_extension.types import ENDPOINTS

    yield ENDPOINTS
    ENDPOINTS.clear()


async def test_what_is_deployed_can_be_chatted_with(
    cloud: str, equipped: User, templates: Path, endpoints: dict[str, tuple[str, str, str]]
) -> None:
    async with LocalCloud.open() as local:
        for region in local.regions:
            endpoints[region.region] = (region.graphql_url, region.realtime_url, region.api_key)
        printed = RecordingPrompter()
        world = Assembled(equipped, templates)
        deployment = await asyncio.to_thread(world.prepare, printed)
        await asyncio.to_thread(deployment.run, printed.prompter)
        made = await asyncio.to_thread(deployment.profile, "default", print)
        profiles.save(made, equipped.home / "config")

        deployed = profiles.load("default", equipped.home / "config")
        await smoke_test(deployed, "tech", printed.append)
        assert [line.split(":")[0] for line in printed[-2:]] == [
            "oregon → oregon, sydney",
            "sydney → oregon, sydney",
        ]

        async with (
            globalchat.connect(deployed, "sydney", ["tech"]) as there,
            globalchat.connect(deployed, "oregon", ["tech"], sender="ana") as here,
        ):
            sent = await here.publish("tech", "hello")
            async for message in there:
                assert (message.id, message.text, message.region) == (sent.id, "hello", "us-west-2")
                break

        # The smoke test can fail: it does with the relay cut.
        local.faults.set("relay-partition")
        with pytest.raises(Unreachable, match="did not pass through every region"):
            await smoke_test(deployed, "tech", printed.append, timeout=1.5, retry_after=0.3)

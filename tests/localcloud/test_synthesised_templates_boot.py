"""What `cdk synth` writes for a changed context boots as it is, and three regions relay in a full mesh."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from globalchat.localcloud.server.cloud import LocalCloud
from globalchat_infra.config import load
from tests.localcloud.helpers.cloud_client import call, listening, publish

pytestmark = pytest.mark.infra


@pytest.fixture(scope="module")
def cloud_assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole `cdk.out`: tree, metadata and all."""
    from globalchat_infra.toolchain import prepare

    prepare()
    from globalchat_infra.cdk_app import add_stacks, new_app

    folder = tmp_path_factory.mktemp("cdk") / "cdk.out"
    config = load()
    changed = replace(
        config,
        prefix="mine",
        regions={**config.regions, "ireland": "eu-west-1"},
        channels=("tech", "cooking"),
        limits=replace(config.limits, message=10),
    )
    app = new_app(folder)
    add_stacks(app, changed, today=date(2026, 1, 1))
    app.synth()
    assert (folder / "tree.json").exists()
    return folder


async def test_a_changed_context_is_tried_before_it_is_deployed(cloud_assembly: Path) -> None:
    async with LocalCloud.open(cloud_assembly) as cloud:
        assert [region.alias for region in cloud.regions] == ["oregon", "sydney", "ireland"]
        ireland = cloud.region("eu-west-1")
        assert await call(ireland, "{ channels }", {}) == (200, {"data": {"channels": ["tech", "cooking"]}})
        (error,) = (await publish(ireland, "eleven long"))["errors"]
        assert error["errorType"] == "MessageTooLong"
        assert ireland.event_bus.endswith("event-bus/mine-bus")


@pytest.mark.parametrize("origin", [0, 1, 2])
async def test_three_regions_relay_in_a_full_mesh_and_deliver_once(cloud_assembly: Path, origin: int) -> None:
    async with LocalCloud.open(cloud_assembly) as cloud:
        first, second, third = cloud.regions
        async with listening(first) as one, listening(second) as two, listening(third) as three:
            await publish(cloud.regions[origin], "once")
            await cloud.events.settled()
            assert [await each.texts() for each in (one, two, three)] == [["once"]] * 3
        assert not any(cloud.events.dead_letters.values())
        hops = [counters["FailedInvocations"] for counters in cloud.events.counters.values()]
        assert not any(hops)

"""Scripted regions, and the profile of a local cloud."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from globalchat.cli.local_cloud import profile_of
from globalchat.client.profiles import Profile
from tests.client.helpers.fake_appsync import FakeAppSync

if TYPE_CHECKING:
    from globalchat.localcloud.server.cloud import LocalCloud


@pytest.fixture
async def oregon() -> AsyncIterator[FakeAppSync]:
    """A scripted region (`FakeAppSync`)."""
    async with FakeAppSync() as server:
        yield server


@pytest.fixture
async def sydney(oregon: FakeAppSync) -> AsyncIterator[FakeAppSync]:
    """The other region: each relays to the other."""
    async with FakeAppSync("sydney", "ap-southeast-2") as server:
        server.peers.append(oregon)
        oregon.peers.append(server)
        yield server


@pytest.fixture
def profile(local_cloud: "LocalCloud") -> Profile:
    """The profile of a local cloud in this process."""
    return profile_of(local_cloud.regions)

"""Scripted regions, for the tests of a session or its parts."""

from collections.abc import AsyncIterator

import pytest

from tests.client.helpers.fake_appsync import FakeAppSync


@pytest.fixture
async def oregon() -> AsyncIterator[FakeAppSync]:
    async with FakeAppSync() as server:
        yield server


@pytest.fixture
async def sydney(oregon: FakeAppSync) -> AsyncIterator[FakeAppSync]:
    """The other region: each relays to the other."""
    async with FakeAppSync("sydney", "ap-southeast-2") as server:
        server.peers.append(oregon)
        oregon.peers.append(server)
        yield server

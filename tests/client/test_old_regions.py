"""Regions from before there was a history, or authors: the client's documents fall back to what they have."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import pytest

from globalchat.cli.local_cloud import profile_of
from globalchat.client.api import RegionApi
from globalchat.client.events import BackendDescribed, GapFilled, GapRecorded, MessageReceived
from globalchat.client.messages import Draft, Message
from globalchat.client.profiles import Profile
from globalchat.client.region_connection import RegionConnection
from globalchat.client.session import Session
from globalchat.client.state import Phase
from globalchat.core.errors import Refused, Unreachable
from globalchat.core.resources import TEMPLATES_WITHOUT_HISTORY
from globalchat.localcloud.server.cloud import CloudOptions, LocalCloud
from tests.client.helpers.session_driver import QUICK, running
from tests.localcloud.helpers.edited_templates import before_authors, before_history


@pytest.fixture
async def old(tmp_path: Path) -> AsyncIterator[Profile]:
    """The profile of a local cloud from before there was a history."""
    async with LocalCloud.open(before_history(tmp_path / "templates")) as cloud:
        yield profile_of(cloud.regions)


async def test_a_session_publishes_and_receives(old: Profile) -> None:
    async with running(Session(old, "oregon", options=QUICK)) as chat:
        assert (await chat.next(BackendDescribed)).backend.history is None
        await chat.phase(Phase.LIVE)
        chat.session.send("tech", "as ever")
        message = (await chat.next(MessageReceived)).message
        assert (message.text, message.arrival) == ("as ever", None)
        assert not chat.of(GapRecorded)


@pytest.mark.parametrize("form", ["off", "before"])
async def test_a_region_that_stores_messages_from_now_on_is_noticed_at_the_next_connection(
    form: str, tmp_path: Path
) -> None:
    """Its description, the documents of its sockets and the gaps follow, in one running session."""
    templates = TEMPLATES_WITHOUT_HISTORY if form == "off" else before_history(tmp_path / "templates")
    async with AsyncExitStack() as first, AsyncExitStack() as session_stack:
        cloud = await first.enter_async_context(
            LocalCloud.open(templates, options=CloudOptions(rng=Random(1)))
        )
        session = Session(profile_of(cloud.regions), "oregon", channels=["tech"], options=QUICK)
        chat = await session_stack.enter_async_context(running(session))
        before = (await chat.next(BackendDescribed)).backend.history
        assert before is None or not before.days
        await chat.phase(Phase.LIVE)
        await first.aclose()
        await chat.phase(Phase.RETRYING)
        ports = [urlsplit(each.graphql_url).port or 0 for each in cloud.regions]
        options = CloudOptions(rng=Random(1))
        async with LocalCloud.open(ports=ports, options=options) as updated:
            after = (await chat.next(BackendDescribed)).backend.history
            assert after is not None
            assert after.days == 7
            await chat.phase(Phase.LIVE)
            session.send("tech", "stored")
            assert (await chat.text("stored")).message.arrival is not None
            for socket in session._runner._sockets.values():
                socket.abort(Unreachable("lost", remedy=None))
            await chat.phase(Phase.RETRYING)
            async with RegionApi(profile_of(updated.regions).resolve("oregon")) as api:
                await api.publish(Draft("1", "tech", "missed", None, 0))
            assert (await chat.next(GapFilled)).channel == "tech"
            await session_stack.aclose()
        assert chat.texts == ["stored", "missed"]


async def test_history_is_refused_by_name(old: Profile) -> None:
    async with RegionApi(old.resolve("oregon")) as api:
        assert (await api.describe()).history is None
        assert (await api.describe()).channels
        with pytest.raises(Refused, match="before there was a history") as caught:
            await api.history("tech")
        assert caught.value.error_type == "NoHistory"
        assert (await api.publish(Draft("1", "tech", "hi", None, 0))).arrival is None


async def test_a_socket_finds_out_what_the_region_has(old: Profile) -> None:
    received: list[Message] = []
    connection = RegionConnection(
        old.resolve("oregon"),
        on_message=received.append,
        on_unreadable=lambda _: None,
        on_revoked=lambda _: None,
        options=QUICK,
    )
    await connection.open()
    try:
        # Both are asked for in the new form before the first answer comes.
        async with asyncio.TaskGroup() as group:
            group.create_task(connection.subscribe("tech"))
            group.create_task(connection.subscribe("cars"))
        assert connection.subscribed == {"tech", "cars"}
        with pytest.raises(Refused, match="no channel"):
            await connection.subscribe("nope")
    finally:
        await connection.close()


@pytest.fixture
async def without_authors(tmp_path: Path) -> AsyncIterator[Profile]:
    """The profile of a local cloud from before messages had authors, with history."""
    async with LocalCloud.open(before_authors(tmp_path / "templates")) as cloud:
        yield profile_of(cloud.regions)


async def test_a_region_from_before_authors_keeps_its_history(without_authors: Profile) -> None:
    async with running(Session(without_authors, "oregon", options=QUICK)) as chat:
        await chat.phase(Phase.LIVE)
        chat.session.send("tech", "as ever")
        received = (await chat.next(MessageReceived)).message
        assert received.arrival is not None
    async with RegionApi(without_authors.resolve("oregon")) as api:
        (stored,) = (await api.history("tech")).messages
        assert (stored, stored.author) == (received, None)
        assert (await api.publish(Draft("1", "tech", "hi", None, 0))).author is None
        with pytest.raises(Refused, match="knows no authors") as caught:
            await api.whoami()
        assert caught.value.error_type == "NoAuthors"


async def test_an_old_region_knows_no_authors(old: Profile) -> None:
    async with RegionApi(old.resolve("oregon")) as api:
        with pytest.raises(Refused, match="knows no authors"):
            await api.whoami()


async def test_a_new_region_says_where_each_message_is_stored(profile: Profile) -> None:
    async with running(Session(profile, "oregon", options=QUICK)) as chat:
        backend = (await chat.next(BackendDescribed)).backend
        assert backend.history is not None
        assert backend.history.days == 7
        assert backend.history.since is not None
        await chat.phase(Phase.LIVE)
        chat.session.send("tech", "hi")
        received = (await chat.next(MessageReceived)).message
    async with RegionApi(profile.resolve("oregon")) as api:
        (stored,) = (await api.history("tech")).messages
    assert received.arrival is not None
    assert (stored, stored.arrival) == (received, received.arrival)
